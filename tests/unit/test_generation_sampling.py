"""Drawing tokens: the right distribution, each row from its own numbers alone."""

import math
from collections import Counter

import pytest
import torch

from rusteval.generation.engine import sample_seed
from rusteval.generation.transformers.sampling import SampleStream, next_tokens

pytestmark = pytest.mark.models

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, 1.5])


def draw(logits, count, **options):
    streams = [SampleStream(sample_seed(1, "t", index)) for index in range(count)]
    uniforms = [stream.next() for stream in streams]
    return next_tokens(logits.expand(count, -1), uniforms=uniforms, **options).tolist()


@pytest.mark.parametrize(
    ("temperature", "top_p"), [(1.0, 1.0), (0.7, 1.0), (1.0, 0.8), (0.5, 0.95), (3.0, 0.5)]
)
def test_tokens_follow_the_nucleus_distribution(temperature, top_p):
    count = 20_000
    found = Counter(draw(LOGITS, count, temperature=temperature, top_p=top_p))
    weights = {token: math.exp(score / temperature) for token, score in enumerate(LOGITS.tolist())}
    total = sum(weights.values())
    nucleus, mass = {}, 0.0
    for token in sorted(weights, key=weights.get, reverse=True):
        if mass >= top_p:
            break
        nucleus[token] = weights[token] / total
        mass += nucleus[token]
    expected = {token: share / mass for token, share in nucleus.items()}
    assert set(found) == set(expected)
    for token, share in expected.items():
        assert abs(found[token] / count - share) < 4 * math.sqrt(share * (1 - share) / count)


def test_temperature_zero_takes_the_most_likely():
    assert set(draw(LOGITS, 50, temperature=0, top_p=0.1)) == {0}


def test_a_tiny_nucleus_still_holds_one_token():
    assert set(draw(LOGITS, 50, temperature=1.0, top_p=1e-9)) == {0}


def test_a_row_does_not_depend_on_its_neighbours_or_place():
    torch.manual_seed(0)
    logits = torch.randn(64, 300)
    uniforms = [SampleStream(index).next() for index in range(64)]
    options = {"temperature": 0.8, "top_p": 0.9}
    together = next_tokens(logits, uniforms=uniforms, **options).tolist()
    backwards = next_tokens(logits.flip(0), uniforms=uniforms[::-1], **options).tolist()[::-1]
    alone = [int(next_tokens(logits[i : i + 1], uniforms=uniforms[i : i + 1], **options)) for i in range(64)]
    assert together == backwards == alone


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_the_ends_of_the_interval_give_tokens_of_the_nucleus(uniform):
    logits = torch.cat([torch.full((500,), -1e4), torch.zeros(3), torch.full((500,), -1e4)])[None]
    token = int(next_tokens(logits, temperature=1.0, top_p=1.0, uniforms=[uniform]))
    assert token == (500 if uniform == 0 else 502)


def test_equal_tokens_that_swap_ranks_by_rounding_change_no_draw():
    noise = torch.tensor([1e-7, -1e-7, 1e-7, -1e-7])
    uniforms = [SampleStream(seed).next() for seed in range(500)]
    drawn = [
        next_tokens(
            (torch.zeros(4) + change).expand(500, -1), temperature=0.2, top_p=0.95, uniforms=uniforms
        ).tolist()
        for change in (noise, -noise)
    ]
    assert drawn[0] == drawn[1]


def test_a_stream_is_fixed_for_ever():
    stream = SampleStream(6309724659925046)
    assert [stream.next() for _ in range(2)] == [0.06721751022682476, 0.4739794838387943]
