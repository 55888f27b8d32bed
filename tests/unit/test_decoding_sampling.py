"""The nucleus from the most likely tokens alone is the one that sorting all tokens gives, and so is each draw."""

from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rusteval.generation.transformers import sampling
from rusteval.generation.transformers.sampling import next_tokens

pytestmark = pytest.mark.models

VOCABULARY = 300


def by_sorting_everything(logits, *, temperature, top_p, uniforms):
    """Return the tokens by the definition, row by row: all tokens in order of probability, then of ids."""
    tokens = []
    for scores, uniform in zip(logits, uniforms, strict=True):
        shares = torch.softmax(scores.float() / temperature, dim=-1).tolist()
        nucleus, mass = set(), 0.0
        for token in sorted(range(len(shares)), key=lambda token: (-shares[token], token)):
            if mass >= top_p:
                break
            nucleus.add(token)
            mass += shares[token]
        ids = sorted(token for token in nucleus if shares[token] > 0)
        running = list(accumulate(shares[token] for token in ids))
        reached = (token for token, sum_ in zip(ids, running, strict=True) if sum_ > uniform * running[-1])
        tokens.append(next(reached, ids[-1]))
    return tokens


@st.composite
def scores(draw):
    """Return logits of a few rows, from very sharp to flat, rounded so that many tokens are equally likely or none."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        width = draw(st.sampled_from([0.0, 0.01, 1.0, 5.0, 30.0]))
        row = torch.randn(VOCABULARY, generator=generator) * width
        step = draw(st.sampled_from([None, 0.5, 4.0]))
        row = row if step is None else (row / step).round() * step
        rows.append(row)
    return torch.stack(rows).to(draw(st.sampled_from([torch.float32, torch.bfloat16])))


@pytest.mark.parametrize("candidates", [1, 7, 100])
@settings(deadline=None)
@given(
    logits=scores(),
    temperature=st.sampled_from([0.2, 1.0, 2.5]),
    top_p=st.sampled_from([1e-9, 0.3, 0.5, 0.95, 1 - 2**-20]),
    data=st.data(),
)
def test_a_draw_is_the_one_that_sorting_everything_gives(candidates, logits, temperature, top_p, data):
    ends = [0.0, 1 - 2**-53]
    uniforms = [
        data.draw(st.one_of(st.sampled_from(ends), st.floats(0, 1, exclude_max=True))) for _ in logits
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "CANDIDATES", candidates)
        found = next_tokens(logits, temperature=temperature, top_p=top_p, uniforms=uniforms)
    expected = by_sorting_everything(logits, temperature=temperature, top_p=top_p, uniforms=uniforms)
    assert found.tolist() == expected


def test_equally_likely_tokens_beyond_the_candidates_are_kept_by_their_ids():
    """A flat distribution: the nucleus is the first half of the vocabulary, which no list of candidates tells."""
    count = 500
    uniforms = [(place + 0.5) / count for place in range(count)]
    found = next_tokens(torch.zeros(count, 4096), temperature=1.0, top_p=0.5, uniforms=uniforms)
    assert found.tolist() == [int(uniform * 2048) for uniform in uniforms]


def test_one_flat_row_changes_nothing_for_its_sharp_neighbours():
    sharp = torch.randn(3, 3000, generator=torch.Generator().manual_seed(1)) * 8
    flat = torch.zeros(1, 3000)
    options = {"temperature": 1.0, "top_p": 0.9}
    alone = next_tokens(sharp, uniforms=[0.2, 0.5, 0.8], **options).tolist()
    mixed = next_tokens(
        torch.cat([sharp[:1], flat, sharp[1:]]), uniforms=[0.2, 0.99, 0.5, 0.8], **options
    ).tolist()
    assert [mixed[0], *mixed[2:]] == alone
    assert mixed[1] == int(0.99 * 2700)


def test_temperature_zero_takes_the_largest_score_whatever_the_number():
    logits = torch.randn(5, VOCABULARY, generator=torch.Generator().manual_seed(2))
    found = next_tokens(logits, temperature=0, top_p=0.5, uniforms=[0.99] * 5)
    assert found.tolist() == logits.argmax(dim=-1).tolist()
