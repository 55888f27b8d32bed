"""Several programs as one crate: whose message it is, and what a program's writer reads of it."""

from rusteval.judging.compiling import attribute
from rusteval.judging.crate import index_of, is_answer, module_name, names_only_own, root_text
from rusteval.judging.diagnostics import Diagnostic

RENDERED = """error[E0277]: the trait bound `rusteval_s0002::answer::Item: Ord` is not satisfied
 --> rusteval_s0002/answer.rs:3:5
  |
3 |     sort(items)
  |     ^^^^ the trait `Ord` is not implemented for `rusteval_s0002::answer::Item`
  |
  = help: the following other types implement trait `Ord`:
            rusteval_s0007::answer::Secret
            u8
note: required by a bound in `sort`
 --> rusteval_s0002/answer.rs:1:9
help: consider importing this function
  |
1 + use crate::rusteval_s0007::answer::helper;
  |
"""
READ = """error[E0277]: the trait bound `Item: Ord` is not satisfied
 --> answer.rs:3:5
  |
3 |     sort(items)
  |     ^^^^ the trait `Ord` is not implemented for `Item`
  |
note: required by a bound in `sort`
 --> answer.rs:1:9
"""


def found(*files: str, labelled: tuple[str, ...] = ()) -> Diagnostic:
    return Diagnostic(
        level="error",
        code=None,
        message="m",
        rendered="r",
        files=frozenset(files),
        labelled=frozenset(labelled),
    )


def test_a_message_names_no_neighbour_and_nothing_of_the_judge():
    assert names_only_own(RENDERED, index=2) == READ


def test_files_belong_to_their_program():
    assert [index_of(f) for f in ("rusteval_s0012/answer.rs", "main.rs", "rusteval_s12/x.rs", "/rustc/core.rs")] == [12, None, None, None]  # fmt: skip
    assert is_answer(f"{module_name(3)}/answer.rs")
    assert not is_answer(f"{module_name(3)}/checks.rs")
    assert not is_answer("answer.rs")


def test_the_root_declares_each_program_and_lists_its_tests():
    text = root_text([0, 7])
    assert '#[path = "rusteval_s0007/problem.rs"]\nmod rusteval_s0007;\n' in text
    assert "(7, rusteval_s0007::answer::rusteval_checks::RUSTEVAL_TESTS)," in text


def test_an_error_is_its_programs_and_what_involves_two_is_nobodys():
    own, other = (
        found("rusteval_s0001/checks.rs"),
        found("rusteval_s0002/answer.rs", "/rustc/library/core.rs"),
    )
    both = found("rusteval_s0003/answer.rs", labelled=("rusteval_s0004/answer.rs",))
    placeless, root = found(), found("main.rs")
    assert attribute([own, other, both, placeless, root]) == ({1: [own], 2: [other]}, {3, 4})
    assert attribute([placeless, root]) == ({}, set())


def test_a_program_that_is_entangled_once_is_not_blamed_elsewhere():
    both = found("rusteval_s0003/answer.rs", labelled=("rusteval_s0004/answer.rs",))
    assert attribute([found("rusteval_s0003/answer.rs"), both]) == ({}, {3, 4})
