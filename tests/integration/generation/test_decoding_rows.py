"""Rows in slots: the tokens are those of a loop without any cache, whatever is beside a row and wherever it lies."""

import random
from collections import Counter

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from rusteval.errors import InfrastructureError
from rusteval.generation.answers import GrowingAnswer
from rusteval.generation.engine import Sampling
from rusteval.generation.transformers.attention_choice import choose_attention
from rusteval.generation.transformers.decoding import Decoder, Row
from rusteval.generation.transformers.sampling import SampleStream, next_tokens

pytestmark = pytest.mark.models

VOCABULARY = 97
END = 7
WARM = Sampling(temperature=1.0, top_p=0.95)


class Reader:
    """Ends answers at one token, and knows no text."""

    end_tokens = frozenset({END})


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def attention(model):
    return choose_attention(model, [1, 2, 3], name="tiny").attention


def rows_of(*, prompts=5, each=6, seed=0):
    """Return rows of several prompts of different lengths, shuffled, with limits of their own."""
    chance = random.Random(seed)
    rows = []
    for prompt in range(prompts):
        ids = tuple(chance.randrange(VOCABULARY) for _ in range(3 + 13 * prompt))
        for index in range(each):
            limit = chance.choice([1, 5, 9, 20, 33, 70])
            rows.append(
                Row(
                    prompt=ids,
                    seed=100 * prompt + index,
                    limit=limit,
                    begin=lambda limit=limit: GrowingAnswer(Reader(), scan=None, limit=limit),
                )
            )
    chance.shuffle(rows)
    return rows


def alone(model, row, sampling=WARM):
    """Draw a row by itself, computing everything anew for each token."""
    stream, tokens = SampleStream(row.seed), []
    while len(tokens) < row.limit and tokens[-1:] != [END]:
        with torch.inference_mode():
            logits = model(torch.tensor([[*row.prompt, *tokens]]), use_cache=False).logits[:, -1]
        drawn = next_tokens(
            logits, temperature=sampling.temperature, top_p=sampling.top_p, uniforms=[stream.next()]
        )
        tokens.append(int(drawn))
    return tokens


def drawn(model, attention, rows, *, batch_size, sampling=WARM, shrunk=None):
    finished = []
    decoder = Decoder(
        model,
        attention=attention,
        batch_size=batch_size,
        on_shrink=(shrunk if shrunk is not None else []).append,
    )
    decoder.run(rows, sampling=sampling, on_row=finished.append)
    assert Counter(map(id, finished)) == Counter(map(id, rows))
    return {(row.prompt, row.seed): row.answer.tokens for row in finished}


@pytest.fixture(scope="module")
def expected(model):
    found = {(row.prompt, row.seed): alone(model, row) for row in rows_of()}
    lengths = {len(tokens) for tokens in found.values()}
    assert len(lengths) > 8  # rows end here and there, so that slots change hands
    return found


@pytest.fixture
def seen(model):
    """The shapes of tokens that the model is asked for: (rows, tokens)."""
    shapes = []
    handle = model.register_forward_pre_hook(
        lambda _module, _arguments, options: shapes.append(tuple(options["input_ids"].shape)),
        with_kwargs=True,
    )
    yield shapes
    handle.remove()


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8, 30, 100])
def test_rows_are_those_of_a_loop_without_cache(model, attention, expected, batch_size):
    assert drawn(model, attention, rows_of(), batch_size=batch_size) == expected


def test_greedy_rows_are_those_of_a_loop_without_cache(model, attention):
    greedy = Sampling(temperature=0)
    expected = {(row.prompt, row.seed): alone(model, row, greedy) for row in rows_of(each=1)}
    assert drawn(model, attention, rows_of(each=1), batch_size=3, sampling=greedy) == expected


@pytest.mark.parametrize("batch_size", [2, 8])
def test_a_prompt_is_computed_once_and_the_longest_first(model, attention, seen, batch_size):
    drawn(model, attention, rows_of(), batch_size=batch_size)
    prompts = [tokens for rows, tokens in seen if tokens > 1]
    assert prompts == sorted((3 + 13 * prompt for prompt in range(5)), reverse=True)


def test_the_batch_is_full_while_rows_wait(model, attention, expected, seen):
    drawn(model, attention, rows_of(), batch_size=4)
    steps = [rows for rows, tokens in seen if tokens == 1]
    full = steps.count(4)
    assert steps == [4] * full + sorted(steps[full:], reverse=True)
    assert sum(steps) == sum(len(tokens) - 1 for tokens in expected.values())  # no row idles along


def _failing(model, fails):
    """Let the model run out of memory where `fails` says so of (call's number, rows)."""
    calls = []

    def hook(_module, _arguments, options):
        calls.append(options["input_ids"].shape[0])
        if fails(len(calls), calls[-1]):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    return model.register_forward_pre_hook(hook, with_kwargs=True)


@pytest.mark.parametrize("call", [1, 2, 9, 40])
def test_out_of_memory_at_any_time_loses_and_changes_no_row(model, attention, expected, call):
    shrunk = []
    handle = _failing(model, lambda number, _: number == call)
    try:
        assert drawn(model, attention, rows_of(), batch_size=8, shrunk=shrunk) == expected
    finally:
        handle.remove()
    assert shrunk == [4]


def test_rows_finished_before_the_memory_ends_are_handed_over(model, attention):
    handle = _failing(model, lambda number, _: number > 30)
    finished = []
    decoder = Decoder(model, attention=attention, batch_size=4, on_shrink=lambda _: None)
    try:
        with pytest.raises(InfrastructureError, match="does not suffice for one answer"):
            decoder.run(rows_of(), sampling=WARM, on_row=finished.append)
    finally:
        handle.remove()
    assert finished
    assert all(row.finished for row in finished)


def test_nothing_to_draw_is_no_work(model, attention, seen):
    assert drawn(model, attention, [], batch_size=4) == {}
    assert seen == []
