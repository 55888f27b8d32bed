"""The transformers engine on real models: its own loop, adapters, seeds, stops, and what goes wrong."""

import json
import shutil

import pytest
import torch
from generating import PROBLEMS, requests_for
from safetensors.torch import load_file, save_file

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.adapter_preflight import check_adapter
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.demo_recipe import demo_answer
from rusteval.generation.devices import choose_device
from rusteval.generation.engine import EngineOptions, Sampling
from rusteval.generation.prompts import build_prompt, prompt_sha256, render
from rusteval.generation.tokenizing import token_ids
from rusteval.generation.transformers.engine import TransformersEngine
from rusteval.generation.transformers.peft_adapters import lora_config

pytestmark = pytest.mark.models

WARM = Sampling(temperature=1.0, max_new_tokens=120)


def drawn(engine, requests, sampling=WARM):
    samples = []
    engine.generate(requests, sampling=sampling, on_sample=samples.append)
    found = {(sample.task_id, sample.completion_id): sample for sample in samples}
    assert len(found) == len(samples) == len(requests)
    return found


def texts(samples):
    return {key: sample.completion for key, sample in sorted(samples.items())}


def loaded(folder, batch_size=8):
    return TransformersEngine.load(
        resolve_model(str(folder)), options=EngineOptions(device="cpu", batch_size=batch_size)
    )


def test_a_sample_does_not_depend_on_batch_size_order_or_neighbours(demo):
    """Holds up to rounding: a draw within a rounding error of a boundary could differ; none of these is."""
    requests = requests_for(12)
    reference = texts(drawn(loaded(demo.base, 48), requests))
    assert len(set(reference.values())) > len(PROBLEMS)
    for batch_size in (1, 3, 7, 16):
        assert texts(drawn(loaded(demo.base, batch_size), requests)) == reference
    assert texts(drawn(loaded(demo.base, 5), requests[::-1])) == reference
    mixed = sorted(requests, key=lambda request: request.seed)
    assert texts(drawn(loaded(demo.base, 6), mixed)) == reference
    some = {key: reference[key] for key in [(r.task_id, r.completion_id) for r in requests[5:20]]}
    assert texts(drawn(loaded(demo.base), requests[5:20])) == some


def test_another_seed_gives_other_samples(engine):
    assert texts(drawn(engine, requests_for(8))) != texts(drawn(engine, requests_for(8, seed=99)))


def test_greedy_answers_equal_those_of_transformers_generate(engine):
    """The engine's own loop against the library's, with prompts of different lengths in one batch."""
    found = drawn(engine, requests_for(1), Sampling(temperature=0, max_new_tokens=80, stop_at_function=False))
    tokenizer, model = engine._tokenizer, engine._model
    for (task, _), sample in found.items():
        text = render(tokenizer, build_prompt(PROBLEMS[task]))
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        output = model.generate(ids, do_sample=False, max_new_tokens=80)[0, ids.shape[1] :]
        assert sample.completion == tokenizer.decode(output, skip_special_tokens=True)


def test_a_sample_records_how_it_was_made(engine, demo):
    sample = drawn(engine, requests_for(1), Sampling(temperature=0))["HumanEval/60", 0]
    request = next(request for request in requests_for(1) if request.task_id == "HumanEval/60")
    text = render(engine._tokenizer, request.prompt)
    assert sample.model == str(demo.base)
    assert sample.seed == request.seed
    assert sample.prompt_sha256 == prompt_sha256(text)
    assert sample.prompt_tokens == len(engine._tokenizer(text, add_special_tokens=False)["input_ids"])
    assert sample.completion == demo_answer(PROBLEMS["HumanEval/60"], "right")
    assert sample.finish_reason == "function_closed"
    assert sample.generation_ms > 0


def test_the_chat_template_is_applied_once(engine):
    tokenizer = engine._tokenizer
    assert tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id  # the trap is there
    _, ids = token_ids(engine._tokenizer, build_prompt(PROBLEMS["HumanEval/2"]))
    assert ids.count(tokenizer.bos_token_id) == 1


def test_a_tokenizer_without_chat_template_gets_the_plain_layout(engine):
    tokenizer = engine._tokenizer
    tokenizer.chat_template = None
    text, ids = token_ids(engine._tokenizer, build_prompt(PROBLEMS["HumanEval/2"]))
    assert text == tokenizer.bos_token + build_prompt(PROBLEMS["HumanEval/2"]).text + "\n"
    assert ids.count(tokenizer.bos_token_id) == 1
    assert len(drawn(engine, requests_for(1))) == len(PROBLEMS)


def test_a_chat_template_that_refuses_is_one_line(engine):
    engine._tokenizer.chat_template = "{{ raise_exception('only system messages') }}"
    with pytest.raises(InputError, match="chat template cannot be used: only system"):
        drawn(engine, requests_for(1))


def test_stopping_at_the_function_spares_tokens_and_can_be_switched_off(engine):
    early = drawn(engine, requests_for(2), Sampling(temperature=0))
    full = drawn(engine, requests_for(2), Sampling(temperature=0, stop_at_function=False))
    assert {sample.finish_reason for sample in full.values()} == {"stop"}
    for key, sample in early.items():
        assert full[key].completion.startswith(sample.completion)
    assert sum(s.completion_tokens for s in early.values()) < sum(s.completion_tokens for s in full.values())


def test_an_answer_ends_at_the_token_limit(engine):
    found = drawn(engine, requests_for(3), Sampling(max_new_tokens=4))
    assert {(sample.finish_reason, sample.completion_tokens) for sample in found.values()} == {("length", 4)}


def test_tokens_are_reported_as_they_are_drawn(engine):
    counts, samples = [], []
    engine.generate(requests_for(5), sampling=WARM, on_sample=samples.append, on_tokens=counts.append)
    assert sum(counts) == sum(sample.completion_tokens for sample in samples)
    assert len(counts) > 10


def test_the_adapter_answers_differently_and_leaves_the_base_as_it_was(engine, demo):
    greedy = Sampling(temperature=0)
    before = texts(drawn(engine, requests_for(1), greedy))
    weights = {name: weight.clone() for name, weight in engine._model.state_dict().items()}
    for _ in range(2):
        with engine.adapter(resolve_model(str(demo.adapter))) as difference:
            assert difference > 0
            with_adapter = drawn(engine, requests_for(1), greedy)
    assert {sample.model for sample in with_adapter.values()} == {str(demo.adapter)}
    assert with_adapter["HumanEval/2", 0].completion == demo_answer(PROBLEMS["HumanEval/2"], "right")
    assert before["HumanEval/2", 0] == demo_answer(PROBLEMS["HumanEval/2"], "type_error")
    assert texts(drawn(engine, requests_for(1), greedy)) == before
    after = engine._model.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], weight) for name, weight in weights.items())


def _out_of_memory_above(engine, rows):
    """Make the model fail as a full GPU does, for batches of more than so many rows; return the sizes it saw."""
    sizes = []

    def hook(_module, _arguments, options):
        sizes.append(options["input_ids"].shape[0])
        if sizes[-1] > rows:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    return sizes, engine._model.register_forward_pre_hook(hook, with_kwargs=True)


def test_out_of_memory_halves_the_batch_and_changes_no_sample(demo):
    reference = texts(drawn(loaded(demo.base), requests_for(6)))
    engine = loaded(demo.base, 16)
    sizes, _ = _out_of_memory_above(engine, 3)
    assert texts(drawn(engine, requests_for(6))) == reference
    assert max(sizes) == 16
    assert engine.facts["batch_size"] == 2
    sizes.clear()
    drawn(engine, requests_for(2))
    assert max(sizes) == 2  # the next call starts with what fitted


def test_without_a_batch_size_a_processor_draws_32_at_a_time_and_says_so(demo):
    engine = TransformersEngine.load(resolve_model(str(demo.base)), options=EngineOptions(device="cpu"))
    sizes, _ = _out_of_memory_above(engine, 1000)
    drawn(engine, requests_for(10), Sampling(max_new_tokens=5))
    assert max(sizes) == engine.facts["batch_size"] == 32


def test_how_a_model_attends_is_recorded(engine):
    assert engine.facts["attention"].startswith("sdpa")
    assert engine.facts["attention_rejected"] == {}


def test_a_context_that_is_asked_for_bounds_prompt_and_answer(engine, demo):
    longest = max(
        len(token_ids(engine._tokenizer, build_prompt(problem))[1]) for problem in PROBLEMS.values()
    )
    options = EngineOptions(device="cpu", context=longest + 3)
    limited = TransformersEngine.load(resolve_model(str(demo.base)), options=options)
    found = drawn(limited, requests_for(1), Sampling(temperature=0))
    totals = [sample.prompt_tokens + sample.completion_tokens for sample in found.values()]
    assert max(totals) == longest + 3


def test_memory_for_not_even_one_answer_is_an_error(engine):
    _out_of_memory_above(engine, 0)
    with pytest.raises(InfrastructureError, match="memory does not suffice"):
        drawn(engine, requests_for(1))


def test_a_prompt_longer_than_the_context_is_named_before_anything_is_drawn(engine):
    engine._context = 60
    samples = []
    with pytest.raises(InputError, match=r"HumanEval/\d+: its prompt has \d+ tokens"):
        engine.generate(requests_for(1), sampling=WARM, on_sample=samples.append)
    assert samples == []


def test_an_answer_stops_at_the_end_of_the_context(engine):
    _, ids = token_ids(engine._tokenizer, build_prompt(PROBLEMS["HumanEval/48"]))
    engine._context = len(ids) + 5
    found = drawn(engine, requests_for(1, tasks=["HumanEval/48"]))
    assert found["HumanEval/48", 0].completion_tokens == 5
    assert found["HumanEval/48", 0].finish_reason == "length"


# Adapters that do not belong


def changed(folder, target, **settings):
    """Copy a model folder and change values of its config."""
    shutil.copytree(folder, target)
    path = target / ("adapter_config.json" if (target / "adapter_config.json").exists() else "config.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return target


def test_the_right_pair_passes(demo):
    facts = check_adapter(resolve_model(str(demo.adapter)), resolve_model(str(demo.base)))
    assert (facts.rank, facts.alpha, facts.base_name_agrees) == (16, 32.0, True)
    assert len(facts.target_modules) == 7


def test_a_moved_base_is_accepted_by_its_shapes(demo, tmp_path):
    shutil.copytree(demo.base, tmp_path / "moved")
    facts = check_adapter(resolve_model(str(demo.adapter)), resolve_model(str(tmp_path / "moved")))
    assert not facts.base_name_agrees


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_size": 32, "head_dim": 16}, "it is for another base"),
        ({"num_hidden_layers": 1}, r"changes the layer model\.layers\.1\..*for another base"),
        ({"intermediate_size": 64}, "it is for another base"),
        ({"model_type": "no-such-type"}, "is no causal language model"),
    ],
)
def test_an_adapter_for_a_base_of_another_shape(demo, tmp_path, settings, message):
    base = changed(demo.base, tmp_path / "other", **settings)
    with pytest.raises(InputError, match=message):
        check_adapter(resolve_model(str(demo.adapter)), resolve_model(str(base)))


def test_an_adapter_for_a_base_of_another_name(demo):
    adapter = changed(demo.adapter, demo.folder.parent / "named", base_model_name_or_path="some/other-model")
    base = resolve_model(str(demo.base))
    hub = base.__class__(**{**base.__dict__, "path": None, "repo": "meta-llama/Llama", "revision": "abc"})
    with pytest.raises(
        InputError, match="was trained on some/other-model, not on meta-llama/Llama; give --base-model"
    ):
        check_adapter(resolve_model(str(adapter)), hub)


def test_an_adapter_with_another_vocabulary(demo, tmp_path):
    adapter = changed(demo.adapter, tmp_path / "adapter")
    tokenizer = json.loads((adapter / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    words["a"], words["b"] = words["b"], words["a"]
    (adapter / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(InputError, match="another vocabulary"):
        check_adapter(resolve_model(str(adapter)), resolve_model(str(demo.base)))


def test_an_adapter_with_another_chat_template(demo, tmp_path):
    adapter = changed(demo.adapter, tmp_path / "adapter")
    path = adapter / "tokenizer_config.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "chat_template": "{{ messages[0]['content'] }}"})
    )
    with pytest.raises(InputError, match="another chat template"):
        check_adapter(resolve_model(str(adapter)), resolve_model(str(demo.base)))


@pytest.mark.parametrize("settings", [{"peft_type": "PROMPT_TUNING"}, {"r": 0}, {"r": None}])
def test_an_adapter_that_is_no_lora(demo, tmp_path, settings):
    adapter = changed(demo.adapter, tmp_path / "adapter", **settings)
    with pytest.raises(InputError, match="not a LoRA adapter"):
        check_adapter(resolve_model(str(adapter)), resolve_model(str(demo.base)))


def test_base_and_adapter_given_the_wrong_way_round(demo):
    adapter, base = resolve_model(str(demo.adapter)), resolve_model(str(demo.base))
    with pytest.raises(InputError, match="is an adapter, not a base model"):
        check_adapter(base, adapter)
    with pytest.raises(InputError, match="is a whole model"):
        check_adapter(base, base)
    with pytest.raises(InputError, match="is an adapter, not a base model"):
        TransformersEngine.load(adapter, options=EngineOptions(device="cpu"))


def test_an_adapter_that_changes_nothing(engine, demo, tmp_path):
    adapter = changed(demo.adapter, tmp_path / "adapter")
    weights = load_file(adapter / "adapter_model.safetensors")
    zeroed = {name: weight * 0 if ".lora_B." in name else weight for name, weight in weights.items()}
    save_file(zeroed, adapter / "adapter_model.safetensors")
    with pytest.raises(InputError, match="changes nothing"), engine.adapter(resolve_model(str(adapter))):
        pass
    assert drawn(engine, requests_for(1))["HumanEval/60", 0].model == str(demo.base)


@pytest.mark.parametrize(
    ("content", "message"), [(None, r"has no adapter_model\.safetensors"), (b"x" * 50, "is damaged")]
)
def test_adapter_weights_that_are_missing_or_damaged(demo, tmp_path, content, message):
    adapter = changed(demo.adapter, tmp_path / "adapter")
    (adapter / "adapter_model.safetensors").unlink()
    if content is not None:
        (adapter / "adapter_model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=message):
        check_adapter(resolve_model(str(adapter)), resolve_model(str(demo.base)))


def test_settings_of_a_newer_peft_pass_at_rest_and_are_refused_in_use(engine, demo, tmp_path):
    resting = changed(
        demo.adapter, tmp_path / "resting", future_config=None, use_future=False, future_size=16
    )
    with engine.adapter(resolve_model(str(resting))) as difference:
        assert difference > 0
    used = changed(demo.adapter, tmp_path / "used", use_future=True)
    with pytest.raises(InputError, match=r"\(use_future\); install a newer peft"):
        lora_config(resolve_model(str(used)))


# Models and devices that cannot be used


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_base_without_usable_weights_is_one_line(demo, tmp_path, damage):
    base = changed(demo.base, tmp_path / "base")
    weights = (base / "model.safetensors").read_bytes()
    (base / "model.safetensors").unlink()
    if damage == "cut":
        (base / "model.safetensors").write_bytes(weights[:1000])
    with pytest.raises(InputError, match="cannot be loaded") as caught:
        loaded(base)
    assert "\n" not in str(caught.value)


def test_a_base_without_tokenizer_is_one_line(demo, tmp_path):
    base = changed(demo.base, tmp_path / "base")
    (base / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="tokenizer cannot be loaded"):
        loaded(base)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "mps", "meta"])
def test_a_device_that_is_not_there(name):
    with pytest.raises(InputError, match=f"--device {name}"):
        choose_device(name)


def test_four_bits_without_a_gpu(demo):
    with pytest.raises(InputError, match="--load-in-4bit"):
        TransformersEngine.load(
            resolve_model(str(demo.base)), options=EngineOptions(device="cpu", load_in_4bit=True)
        )
