"""Where an answer ends, token by token."""

import pytest

from rusteval.generation.answers import AnswerReader
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.prompts import Prompt

pytestmark = pytest.mark.models

END = 0
PIECES = {END: "", 1: "```rust\nfn f() -> i32 {\n", 2: "    1\n", 3: "}\n```\nIt returns one.", 4: " Really."}


class Tokenizer:
    """Pieces of text as tokens; one of them runs past the end of the function."""

    def decode(self, tokens, **_options):
        return "".join(PIECES[token] for token in tokens)


def answer(*tokens, limit=50, **sampling):
    request = Request(
        task_id="t",
        completion_id=0,
        prompt=Prompt(kind="instruct", text="?"),
        seed=1,
        problem_prompt="fn f() -> i32 {\n",
        entry_point="f",
    )
    reader = AnswerReader(Tokenizer(), end_tokens=frozenset({END}))
    growing = reader.begin(request, sampling=Sampling(**sampling), limit=limit)
    for token in tokens:
        assert growing.finish_reason is None
        growing.take(token)
    return growing


def test_an_answer_is_cut_where_its_function_is_closed_within_a_token():
    found = answer(1, 2, 3)
    assert found.finish_reason == "function_closed"
    assert found.completion == "```rust\nfn f() -> i32 {\n    1\n}\n```"


def test_an_answer_that_need_not_stop_there_goes_on_to_its_end_token():
    found = answer(1, 2, 3, 4, END, stop_at_function=False)
    assert found.finish_reason == "stop"
    assert found.completion.endswith("It returns one. Really.")
    assert found.tokens[-1] == END


def test_an_answer_ends_at_its_limit():
    found = answer(1, 2, limit=2)
    assert found.finish_reason == "length"
    assert found.completion == "```rust\nfn f() -> i32 {\n    1\n"


def test_an_answer_without_function_goes_on():
    assert answer(4, 4, 2).finish_reason is None
