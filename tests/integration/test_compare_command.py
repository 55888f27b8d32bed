"""`rusteval compare` as somebody with two results uses it."""

import json
import re
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench_documents import bench_document
from builders import HOSTILE, make_model, make_suite, make_verdict
from markdown_tables import MARKDOWN, row_of, table_with, tables_of
from run_folders import write_problems, write_run
from rusteval.files import write_jsonl_atomic

PICTURES = ("comparison_values", "comparison_differences", "comparison_changes")


def compare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rusteval.cli", "compare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


class Page(HTMLParser):
    """The elements of a page, its pictures, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.pictures: list[dict[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "img":
            self.pictures.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, the second better; their problems; and what comparing them wrote."""
    place, suite = tmp_path_factory.mktemp("compare"), make_suite(40)
    for name, skill in (("first", 0.2), ("second", 0.7)):
        verdicts = {"finetuned": make_model(suite, samples=4, skill=skill, seed=len(name))}
        write_run(place / name, verdicts, suite=suite)
    write_problems(place / "problems.jsonl", suite)
    return place


def test_two_runs_as_text_files_and_json(place: Path) -> None:
    problems = ("--problem-file", place / "problems.jsonl")
    shown = compare(place / "first", place / "second", *problems)
    assert shown.returncode == 0, shown.stderr
    assert "second:finetuned is better than first:finetuned at pass@1" in shown.stdout
    values = table_with(shown.stdout, ["", "first:finetuned", "second:finetuned"])
    differences = table_with(shown.stdout, ["", "points"])
    assert row_of(differences, "pass@1")[-1] == "yes"
    assert "comparison.md" not in {path.name for path in place.iterdir()}

    done = compare(place / "first", place / "second", *problems, "--output", place / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    document = json.loads(done.stdout)
    assert document == json.loads((place / "out/comparison.json").read_text())
    first, second = document["measures"]["pass@1"]["values"]
    assert row_of(values, "pass@1")[1].startswith(f"{first * 100:.1f} %")
    assert row_of(differences, "pass@1")[1] == f"{(second - first) * 100:+.1f}"
    units = document["units"]
    for index, value in enumerate((first, second)):
        assert sum(
            unit["counts"][index][0] / unit["counts"][index][1] for unit in units
        ) / 40 == pytest.approx(value)
    files = {"comparison.md", "comparison.html", "comparison.json"}
    files |= {f"{name}.{form}" for name in PICTURES for form in ("png", "svg")}
    assert {path.name for path in (place / "out").iterdir()} == files
    for name in PICTURES:
        data = (place / "out" / f"{name}.png").read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        assert data.startswith(b"\x89PNG")
        assert 1000 < width < 2500
        assert 300 < height < 2500
    page = Page((place / "out/comparison.html").read_text())
    assert len(page.pictures) == 3
    assert all((picture["src"] or "").startswith("data:image/svg+xml;base64,") for picture in page.pictures)
    assert not page.tags & {"script", "link", "iframe"}


def test_bench_documents_and_the_errors_of_users(tmp_path: Path) -> None:
    for name, compiled in (("a", [1] * 16), ("b", [3] * 16)):
        (tmp_path / f"{name}.json").write_text(json.dumps(bench_document(compiled)))
    (tmp_path / "file").write_text("")
    shown = compare(tmp_path / "a.json", tmp_path / "b.json")
    assert shown.returncode == 0, shown.stderr
    assert (
        "b.json is better than a.json in samples that compile: 75.0 % against 25.0 %, +50.0 points"
        in shown.stdout
    )
    for arguments in (
        (tmp_path / "a.json",),
        (tmp_path / "a.json", tmp_path / "b.json", "--output", tmp_path / "file"),
    ):
        refused = compare(*arguments)
        assert refused.returncode == 2
        assert refused.stdout == ""
        assert len(refused.stderr.splitlines()) == 1
        assert refused.stderr.startswith("error: ")


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    for name, kind in (("a<b>", "passed"), ("b`|*", "types")):
        verdicts = [
            make_verdict(kind, task_id=text, error_code=text if kind == "types" else None) for text in HOSTILE
        ]
        write_jsonl_atomic(tmp_path / f"{name}.jsonl", (verdict.to_row() for verdict in verdicts))
    done = compare(tmp_path / "a<b>.jsonl", tmp_path / "b`|*.jsonl", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out/comparison.md").read_bytes().decode()
    for table in tables_of(text):
        assert {len(row) for row in table} == {len(table[0])}
    tokens = MARKDOWN.parse(text)
    assert not [token for token in tokens if token.type == "html_block"]
    inline = [child for token in tokens for child in token.children or []]
    assert not [child for child in inline if child.type == "html_inline"]
    page = Page((tmp_path / "out/comparison.html").read_bytes().decode())
    assert not page.tags & {"script", "b", "iframe"}
    assert sum("<script>window.pwned = 1</script>" in shown for shown in page.texts) >= 2
    assert all(re.match("data:image", picture["src"] or "") for picture in page.pictures)
