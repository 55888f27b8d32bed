"""What a stranger does not see, why a verdict differs, and answers that nobody could judge, in a log for others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import make_suite, make_verdict
from plus_builders import with_plus
from rusteval.bundling.comparing import changes_between, differing, reason, same_message
from rusteval.bundling.inspect_sample import log_sample, summary_of
from rusteval.bundling.redaction import Redactor

ALL = dict.fromkeys(("rusteval", "judge", "rustc", "clippy", "sandbox"), ("1", "2"))


def redactor(**environ: str) -> Redactor:
    return Redactor(environ=environ, home=Path("/srv/people/bob"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/alice/models/base", "[path]/base"),
        ("/home/alice/my models/base", "[path]/base"),
        ("--model=/home/alice/base", "--model=[path]/base"),
        ("@/home/alice/tasks.txt", "@[path]/tasks.txt"),
        ("needed for /home/alice/.venvs/x, /tmp/y/z, /tmp", "needed for [path]/x, [path]/z, /tmp"),
        ("see file:///home/alice/x.html", "see [path]/x.html"),
        ("https://example.org/home/alice", "https://example.org/home/alice"),
        ("http://me:secret@example.org/v1", "http://[secret]@example.org/v1"),
        ("org/model/checkpoint-9", "org/model/checkpoint-9"),
        ("1 / 2 and a/b", "1 / 2 and a/b"),
        ("key sk-abcdefghijklmnopqrst!", "key [secret]!"),
        ("it is swordfish99", "it is [secret]"),
        ("/home/alice", "[path]"),
        ("HOME=/home/alice", "HOME=[path]"),
        ("at /srv/people/bob", "at [path]"),
        ("/scratch/bob", "[path]"),
        ("PATH=/home/alice/bin:/home/alice/.x/bin:/bin", "PATH=[path]/bin:[path]/bin:/bin"),
        ("../../home/alice/x and ~alice/y", "[path]/x and [path]/y"),
        ("HF_TOKEN=short MY_API_KEY=x", "HF_TOKEN=[secret] MY_API_KEY=[secret]"),
        ("max_tokens=512", "max_tokens=512"),
    ],
)
def test_paths_and_secrets_are_taken_out(text: str, shown: str) -> None:
    assert redactor(MY_PASSWORD="swordfish99", SHORT_TOKEN="is").text(text) == shown


@given(st.recursive(st.text(max_size=30), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_redacting_twice_changes_nothing_more(value: object) -> None:
    once = redactor().value({"a": value})
    assert redactor().value(once) == once


def test_an_answer_is_never_changed_and_a_message_names_no_home() -> None:
    text = 'let path = "/home/alice/x/y"; // hf_abcdefghijklmnopqrstuvwxyz'
    verdict = make_verdict(
        "types",
        completion=text,
        stderr="at /srv/people/bob/.rustup/a.rs and /root/.cargo/b.rs, /home/alice and src/main.rs",
        plus_result="failed: plus_1: /home/alice/x",
        plus_stderr="panicked in /home/alice/x",
    )
    clean = redactor().verdict(verdict)
    assert clean.sample.completion == text
    assert clean.stderr == "at ~/.rustup/a.rs and ~/.cargo/b.rs, ~ and src/main.rs"
    assert (clean.plus_result, clean.plus_stderr) == ("failed: plus_1: ~/x", "panicked in ~/x")
    assert not changes_between(verdict, clean)


def test_times_sizes_and_messages_are_no_differences() -> None:
    one = make_verdict("wrong", stderr="thread 'main' (123) panicked at 0xdead: left: 3", binary_size_bytes=1)
    other = make_verdict(
        "wrong", stderr="thread 'main' (77) panicked at 0xbeef: left: 3", compile_time_ms=9.0
    )
    assert not list(differing([one], [other]))
    assert same_message(one, other)
    assert not same_message(one, make_verdict("wrong", stderr="something else"))
    assert list(differing([one, one], [one, make_verdict("types")])) == [1]


@pytest.mark.parametrize(
    ("old", "new", "again", "versions", "why"),
    [
        ("passed", "infra", "infra", {}, "this machine could not judge it"),
        ("infra", "passed", "passed", {}, "the machine of the run could not judge it"),
        ("passed", "wrong", "passed", {}, "does not always behave alike"),
        ("hangs", "passed", "passed", {}, "a limit of time, memory or output"),
        ("passed", "wrong", "wrong", {}, "the stored verdict is not what this answer gets"),
        ("passed", "wrong", "wrong", {"clippy": ("1", "2")}, "the stored verdict is not what"),
        (
            "passed",
            "wrong",
            "wrong",
            ALL,
            "judge (2 here), rustc (2 here), rusteval (2 here), sandbox (2 here)",
        ),
        ("passed", "violation", "violation", {"rustc": ("1", "2")}, "the stored verdict is not what"),
        ("passed", "violation", "violation", ALL, "perhaps by another judge (2 here), rusteval (2 here)"),
    ],
)
def test_why_a_verdict_differs(
    old: str, new: str, again: str, versions: dict[str, tuple[object, object]], why: str
) -> None:
    verdicts = [make_verdict(kind, extraction="body") for kind in (old, new, again)]
    said = reason(verdicts[0], verdicts[1], again=verdicts[2], versions=versions)
    assert why in said


@pytest.mark.parametrize(
    ("old", "new", "again", "why"),
    [
        ("passed", "not judged: no jail", "passed", "could not judge its added tests (not judged: no jail)"),
        ("not judged: no jail", "passed", "passed", "the machine of the run could not judge its added tests"),
        ("passed", "timed out", "timed out", "a limit of time, memory or output"),
        ("failed: took more memory than the limit allows", "passed", "passed", "a limit of time, memory"),
        ("passed", "failed: plus_1", "passed", "does not always behave alike"),
        ("passed", "failed: plus_1", "failed: plus_1", "the stored verdict is not what this answer gets"),
    ],
)
def test_why_a_verdict_on_added_tests_differs(old: str, new: str, again: str, why: str) -> None:
    verdicts = [with_plus(make_verdict("passed"), result=result) for result in (old, new, again)]
    assert why in reason(verdicts[0], verdicts[1], again=verdicts[2], versions={})


def test_clippy_of_another_version_judges_otherwise() -> None:
    old, new = make_verdict("passed"), make_verdict("passed", clippy_ok=False)
    assert "clippy (2 here)" in reason(old, new, again=new, versions={"clippy": ("1", "2")})


def test_what_could_not_be_judged_has_no_score_and_says_why() -> None:
    problem = make_suite(1).problems[0]
    verdicts = [
        make_verdict("infra", completion="a \ud800 b"),
        make_verdict("wrong", completion="a \ud800 b"),
    ]
    sample = log_sample(verdicts, problem=problem, text=None, model="m", names=["one", "two"])
    assert list(sample["scores"]) == ["two"]
    assert "bwrap: no such device" in sample["error"]["message"]
    assert sample["input"] == problem.prompt
    assert sample["output"]["completion"] == "a ? b"
    assert summary_of(sample)["error"].startswith("could not be judged")


def test_what_the_added_tests_came_to_stands_in_the_explanation() -> None:
    weak = with_plus(make_verdict("passed"), result="failed: plus_1").model_copy(
        update={"plus_stderr": "left: 1"}
    )
    problem = make_suite(1).problems[0]
    score = log_sample([weak], problem=problem, text=None, model="m", names=["one"])["scores"]["one"]
    assert (score["value"], score["metadata"]["plus_passed"]) == ("C", False)
    assert "added tests: failed: plus_1" in score["explanation"]
    assert "left: 1" in score["explanation"]
    plain = log_sample([make_verdict("passed")], problem=problem, text=None, model="m", names=["one"])
    assert "added" not in plain["scores"]["one"]["explanation"]
