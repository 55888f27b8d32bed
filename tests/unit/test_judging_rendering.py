"""Messages about the first line of an answer show the answer, not the judge."""

from rusteval.judging.rendering import without_head

HEAD = "mod judge; "


def test_the_quoted_first_line_loses_the_head_and_marks_stay_under_their_text() -> None:
    rendered = (
        "error[E0308]: mismatched types\n"
        " --> answer.rs:2:5\n"
        "  |\n"
        f"1 | {HEAD}fn f() -> i32 {{\n"
        f"  | {' ' * len(HEAD)}          --- expected `i32` because of return type\n"
        '2 |     "text"\n'
        "  |     ^^^^^^ expected `i32`, found `&str`\n"
    )
    assert without_head(rendered, head=HEAD) == (
        "error[E0308]: mismatched types\n"
        " --> answer.rs:2:5\n"
        "  |\n"
        "1 | fn f() -> i32 {\n"
        "  |           --- expected `i32` because of return type\n"
        '2 |     "text"\n'
        "  |     ^^^^^^ expected `i32`, found `&str`\n"
    )


def test_columns_on_the_first_line_count_from_the_answers_own_start() -> None:
    rendered = f" --> answer.rs:1:{len(HEAD) + 4}\n  |\n1 | {HEAD}fn g()\n  | {' ' * len(HEAD)}   ^\n"
    assert without_head(rendered, head=HEAD) == " --> answer.rs:1:4\n  |\n1 | fn g()\n  |    ^\n"


def test_proposed_changes_of_the_first_line_lose_the_head_too() -> None:
    rendered = (
        f"help: a type has a similar name\n  |\n1 - {HEAD}fn f() -> f33 {{\n1 + {HEAD}fn f() -> f32 {{\n  |\n"
    )
    assert without_head(rendered, head=HEAD) == (
        "help: a type has a similar name\n  |\n1 - fn f() -> f33 {\n1 + fn f() -> f32 {\n  |\n"
    )


def test_other_messages_stay_as_they_are() -> None:
    rendered = "error: x\n --> answer.rs:12:1\n   |\n12 | fn f() {\n   | ^^^^^^^^\n   |\n   = note: y\n\n"
    assert without_head(rendered, head=HEAD) == rendered
    assert without_head("", head=HEAD) == ""
