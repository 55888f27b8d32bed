"""Copies are found whatever form the training data have; what is only alike is not."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contamination_support import HONEST, reformatted, renamed, whole
from rusteval.contamination.documents import TrainingText, code_in, find_files, read_documents
from rusteval.contamination.grams import GramIndex
from rusteval.contamination.matching import Matcher
from rusteval.contamination.search import search
from rusteval.contamination.targets import targets_of
from rusteval.conversion.parquet import write_exact
from rusteval.conversion.rows import BadRows
from rusteval.errors import InputError
from rusteval.problems.suites import load_suite
from rusteval.status import StatusReporter

SUITE = load_suite()
SPACES = SUITE.by_id["HumanEval/140"]
SEARCH = SUITE.by_id["HumanEval/69"]
SEARCH_NAMES = {
    "search": "mode",
    "lst": "xs",
    "freq": "seen",
    "max": "best",
    "has": "known",
    "i": "a",
    "j": "b",
}


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(targets_of([SUITE]))


def matches(matcher: Matcher, *texts: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for match in matcher.match([TrainingText(file="f", line=1, texts=texts)]):
        if match.suspicious:
            found.setdefault(match.task_id, set()).add(match.kind)
    return found


def test_a_verbatim_copy_of_any_task_is_found_and_no_unrelated_task_with_it(matcher: Matcher) -> None:
    missed, alike = set(), set()
    for problem in SUITE.problems:
        found = matches(matcher, problem.prompt, problem.canonical_solution)
        missed |= {problem.task_id} - found.keys()
        alike |= {frozenset((problem.task_id, other)) for other in found.keys() - {problem.task_id}}
    assert missed == {"HumanEval/23"}  # `strlen`: three words and a call
    # Two tasks of the suite that say and do the same with other brackets.
    assert alike == {frozenset(("HumanEval/56", "HumanEval/61"))}


def test_names_layout_and_comments_hide_no_copy(matcher: Matcher) -> None:
    code = renamed(SEARCH, SEARCH_NAMES)
    assert "lst" not in code
    assert matches(matcher, code) == {SEARCH.task_id: {"same function"}}
    assert matches(matcher, f"Here it is:\n```rust\n{reformatted(SEARCH)}\n```\nIt's done.") == {
        SEARCH.task_id: {"same function"}
    }
    edited = code.replace("- 1", "- 2", 1)
    assert matches(matcher, edited) == {SEARCH.task_id: {"similar function"}}
    prose = " ".join(SPACES.prompt.replace("//", "").split("fn ")[0].split()).upper()
    assert matches(matcher, f"Please solve: {prose} Thank you.") == {SPACES.task_id: {"prompt text"}}


def test_what_is_only_alike_is_not_suspicious(matcher: Matcher) -> None:
    for prompt, answer in HONEST:
        assert matches(matcher, prompt, answer) == {}
    signature = "fn search(lst: Vec<i32>) -> i32"
    assert (
        matches(matcher, f"/// Finds something else altogether in it.\n{signature} {{ lst.len() as i32 }}")
        == {}
    )
    trivial = SUITE.by_id["HumanEval/53"]  # `return x + y;`
    assert matches(matcher, f"fn sum(x: i32, y: i32) -> i32 {{{trivial.canonical_solution}") == {}


def shapes_of(prompt: str, answer: str) -> dict[str, list[dict[str, Any]]]:
    return {
        "pipeline.jsonl": [{"prompt": prompt, "gen": answer, "_source_crate": "demo"}],
        "legacy.jsonl": [{"input_data": {"prompt": prompt}, "output_data": {"code": answer}}],
        "text.jsonl": [{"text": f"{prompt}\n\n{answer}"}],
        "chat.json": [{"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}],
        "alpaca.ndjson": [{"instruction": prompt, "input": "", "output": answer}],
        "table.parquet": [{"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}],
    }  # fmt: skip


def test_every_form_of_training_data_is_read_at_its_place(matcher: Matcher, tmp_path: Path) -> None:
    signature = "fn " + SPACES.prompt.split("fn ")[1]
    for name, rows in shapes_of(f"Complete:\n{signature}", SPACES.canonical_solution).items():
        if name.endswith(".parquet"):
            write_exact(tmp_path / name, rows)
        elif name.endswith(".json"):
            (tmp_path / name).write_text(json.dumps(rows, indent=2))
        else:
            before = '{"prompt": "nothing", "gen": "of it"}\n' if name == "pipeline.jsonl" else ""
            (tmp_path / name).write_text(before + "".join(json.dumps(row) + "\n" for row in rows))
    above = "// A file of its own.\n" * 40
    (tmp_path / "crate").mkdir()
    (tmp_path / "crate" / "lib.rs").write_text(f"{above}{whole(SPACES)}")
    (tmp_path / "crate" / "readme.md").write_text(f"{above}\n```rust\n{whole(SPACES)}\n```\n")
    (tmp_path / "crate" / "picture.png").write_bytes(b"\0")
    source = find_files(tmp_path)
    assert source.left_out == 1
    found: dict[str, int] = {}
    for file in source.files:
        for match in matcher.match(list(read_documents(file, bad=BadRows()))):
            if match.suspicious and match.kind == "same function":
                assert match.task_id == SPACES.task_id
                found[Path(match.file).name] = match.line
    comments = SPACES.prompt.split("fn ")[0].count("\n")
    assert found == dict.fromkeys(shapes_of("", ""), 1) | {
        "pipeline.jsonl": 2, "lib.rs": 41 + comments, "readme.md": 43 + comments,
    }  # fmt: skip


def test_a_text_of_any_size_is_read_in_pieces_and_nothing_falls_between(
    matcher: Matcher, tmp_path: Path
) -> None:
    filler = "a line of text without meaning, as there are so many\n"
    path = tmp_path / "corpus.txt"
    path.write_text(filler * (256 * 1024 // len(filler) - 4) + whole(SPACES) + filler * 1000)
    pieces = list(read_documents(path, bad=BadRows()))
    assert len(pieces) == 2
    assert max(piece.characters for piece in pieces) < 300 * 1024
    found = {match.kind for match in matcher.match(pieces) if match.suspicious}
    assert {"prompt text", "reference text", "same function"} <= found


def test_a_folder_without_training_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0")
    with pytest.raises(InputError, match="holds no training data"):
        find_files(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        find_files(tmp_path / "none")


def test_a_table_with_dates_and_bytes_is_searched_for_its_texts(matcher: Matcher, tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    other = {"when": pa.array([0], pa.timestamp("s")), "raw": [b"ab"], "tags": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))}  # fmt: skip
    pq.write_table(pa.table({"content": [whole(SPACES)], **other}), path)
    bad = BadRows()
    found = matcher.match(list(read_documents(path, bad=bad)))
    assert ({match.task_id for match in found if match.suspicious}, bad.total) == ({SPACES.task_id}, 0)


def test_data_without_any_text_are_not_called_clear(tmp_path: Path) -> None:
    tokenised = tmp_path / "tokens.jsonl"
    tokenised.write_text('{"input_ids": [1, 2, 3]}\n')
    (tmp_path / "empty.jsonl").write_text("\n")
    for name in ("tokens.jsonl", "empty.jsonl"):
        with pytest.raises(InputError, match=rf"{name}: holds no text that could be searched"):
            search(
                [tmp_path / name],
                versions=[SUITE],
                skip_invalid=False,
                n_workers=1,
                reporter=StatusReporter(stream=io.StringIO()),
            )


def test_code_is_what_stands_in_fences_or_continues_an_open_function() -> None:
    assert list(code_in(["Do it.", "```rust\nfn f() {}\n```\ntext"])) == ["fn f() {}\n"]
    assert list(code_in(["fn f() {", "    1 }"])) == ["fn f() {\n    1 }", "fn f() {"]
    assert list(code_in(["plain words"])) == []


tokens = st.lists(st.sampled_from("abcdef"), max_size=30)


@given(target=tokens, documents=st.lists(tokens, max_size=5))
def test_shares_are_those_that_counting_gives(target: list[str], documents: list[list[str]]) -> None:
    length = 3

    def runs(text: Sequence[str]) -> set[tuple[str, ...]]:
        return {tuple(text[i : i + length]) for i in range(len(text) - length + 1)}

    index = GramIndex({"t": target}, owners={"t": "t"}, length=length, least=1)
    found = {one.document: one for one in index.search([index.numbers(text) for text in documents])}
    for number, text in enumerate(documents):
        common = runs(target) & runs(text)
        assert (number in found) == bool(common)
        if common:
            assert found[number].share == len(common) / len(runs(target))
            assert tuple(text[found[number].position :][:length]) in common


def test_runs_that_many_tasks_have_in_common_count_for_none() -> None:
    common = ["write", "a", "function", "that", "takes", "a", "list", "of", "numbers"]
    targets = {name: [*common, *f"{name} 1 2 3 4 5 6 7".split()] for name in ("x", "y", "z")}
    index = GramIndex(targets, owners={name: name for name in targets}, length=8, least=1)
    assert index.sizes == dict.fromkeys(targets, 8)
    assert list(index.search([index.numbers(common)])) == []


def test_a_file_of_an_unknown_kind_is_told_which_kinds_there_are(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,gen\n")
    with pytest.raises(InputError, match=r"pairs\.csv: is none of \.jsonl.*\.parquet.*convert it first"):
        find_files(path)
