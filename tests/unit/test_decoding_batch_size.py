"""How many rows fit into a GPU's memory."""

import pytest

from rusteval.generation.transformers.batch_size import MOST, rows_that_fit

pytestmark = pytest.mark.models

GIB = 1 << 30
LLAMA_8B = {"position_bytes": 131_072, "vocabulary": 128_256}  # 32 layers, 8 heads of 128, 16 bits


@pytest.mark.parametrize("longest", [300, 900, 4000, 100_000])
@pytest.mark.parametrize("free", [2, 6, 20, 60])
def test_what_is_chosen_fits_and_one_more_would_not(free, longest):
    rows = rows_that_fit(free=free * GIB, longest=longest, **LLAMA_8B)
    needed = longest * LLAMA_8B["position_bytes"]
    assert rows == 1 or (rows + 1) * needed < 0.9 * free * GIB - GIB
    if rows < MOST:
        assert (rows + 3) * (needed + 16 * LLAMA_8B["vocabulary"]) > 0.9 * free * GIB - GIB


def test_an_80_gb_gpu_takes_the_most_rows_of_an_8b_model():
    assert rows_that_fit(free=62 * GIB, longest=1024, **LLAMA_8B) == MOST


def test_a_gpu_that_is_full_still_tries_one_row():
    assert rows_that_fit(free=0, longest=1024, **LLAMA_8B) == 1
