"""Flags in the spellings that the old command's users write."""

import pytest

from rusteval.spellings import plain_arguments

SWITCHES = ("enforce-policy", "fresh")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["s.jsonl", "--n_workers=8"], ["s.jsonl", "--n-workers=8"]),
        (["s.jsonl", "--n_workers", "8"], ["s.jsonl", "--n-workers", "8"]),
        (["--problem_file=a_b=c.jsonl"], ["--problem-file=a_b=c.jsonl"]),
        (["a_b.jsonl", "--k", "1,5"], ["a_b.jsonl", "--k", "1,5"]),
        (["-k=1,5"], ["--k=1,5"]),
        (["-h"], ["-h"]),
        (["--enforce_policy"], ["--enforce-policy"]),
        (["--enforce_policy", "s.jsonl"], ["--enforce-policy", "s.jsonl"]),
        (["--enforce_policy=True"], ["--enforce-policy"]),
        (["--enforce_policy=False"], ["--no-enforce-policy"]),
        (["--enforce-policy", "false", "s.jsonl"], ["--no-enforce-policy", "s.jsonl"]),
        (["--enforce-policy", "0"], ["--no-enforce-policy"]),
        (["--noenforce_policy"], ["--no-enforce-policy"]),
        (["--no_enforce_policy"], ["--no-enforce-policy"]),
        (["--no-enforce-policy"], ["--no-enforce-policy"]),
        (["--no-enforce-policy=False"], ["--enforce-policy"]),
        (["--enforce_policy=maybe"], ["--enforce-policy=maybe"]),
        (["--enforce_policy="], ["--enforce-policy="]),
        (["--nothing=1"], ["--nothing=1"]),
        (["--sandbox_mode=None"], []),
        (["--sandbox_mode", "None", "s.jsonl"], ["s.jsonl"]),
        (["--sandbox-mode="], []),
        (["--sandbox_mode=none"], ["--sandbox-mode=none"]),
        (["--", "--n_workers"], ["--", "--n_workers"]),
        ([], []),
    ],
)
def test_every_spelling_becomes_one(given, read):
    assert plain_arguments(given, switches=SWITCHES, unset=("sandbox-mode",)) == read
