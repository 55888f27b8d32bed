"""Training data and samples from one form into another: nothing lost, nothing invented."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rusteval.conversion import hf_dataset_to_prompt_gen, prompt_gen_to_eval_format, prompt_gen_to_hf_dataset
from rusteval.conversion.convert import Wanted, convert
from rusteval.conversion.pairs import read_pair
from rusteval.conversion.parquet import read_exact, write_exact
from rusteval.conversion.rows import RowError
from rusteval.errors import InputError
from rusteval.generation.sample_files import read_samples
from rusteval.problems.suites import load_problem_file, load_suite

NOTES = {"_source_crate": "demo", "_task_type": "code_generation"}
ROWS: list[dict[str, Any]] = [
    {"prompt": "Write an adder.", "gen": "pub fn add(a: i32, b: i32) -> i32 { a + b }", **NOTES},
    {"prompt": "Write an adder.", "gen": ""},
    {
        "prompt": "// Doubles.\nfn twice(n: i32) -> i32 {\n",
        "gen": "    2 * n\n}",
        "_meta": {"a": [1, 2.5, None]},
    },
    {"prompt": "Ünï \u2028 \U0001f980", "gen": "fn f() {}\r\nfn g() {}"},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(source: Path, output: Path, form: Any, **more: Any) -> list[dict[str, Any]]:
    convert(Wanted(source=source, output=output, form=form, **more))
    return read(output)


def test_samples_have_ids_that_depend_on_the_prompt_alone(tmp_path: Path) -> None:
    samples = run(write(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl", "eval")
    assert [(s["task_id"], s["completion_id"]) for s in samples] == [
        ("task_ece3db2bc8bbb541", 0),
        ("task_ece3db2bc8bbb541", 1),
        ("task_278de2e0b13b01e2", 0),
        ("task_db1cc957915affb5", 0),
    ]
    assert [s["completion"] for s in samples] == [row["gen"] for row in ROWS]
    assert samples[0].items() >= NOTES.items()
    assert [(s.task_id, s.completion_id) for s in read_samples(tmp_path / "out.jsonl")] == [
        (s["task_id"], s["completion_id"]) for s in samples
    ]


def test_samples_and_problems_give_the_training_data_back(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", ROWS)
    problems = tmp_path / "problems.jsonl"
    run(source, tmp_path / "samples.jsonl", "eval", problems=problems)
    suite = load_problem_file(problems)
    assert run(tmp_path / "samples.jsonl", tmp_path / "back.jsonl", "pipeline", suites=(suite,)) == ROWS
    first, doubles, last = suite.problems
    assert (first.entry_point, first.canonical_solution, first.test) == ("add", ROWS[0]["gen"], "")
    assert (doubles.entry_point, doubles.canonical_solution) == ("twice", "")  # perhaps a model's answer
    assert last.entry_point == ""  # two functions, and nothing says which one


def test_samples_of_a_suites_prompts_get_its_task_ids(tmp_path: Path) -> None:
    raw, mended = load_suite(raw=True), load_suite()
    changed = next(p for p in mended.problems if any(r.field == "prompt" for r in p.repairs))
    rows = [
        {"prompt": raw.by_id[changed.task_id].prompt, "gen": "x"},
        {"prompt": changed.prompt + "\n", "gen": "y"},
        {"prompt": "mine", "gen": "z"},
        {"task_id": "own/1", "prompt": "mine", "gen": "z"},
    ]
    problems = tmp_path / "problems.jsonl"
    source = write(tmp_path / "in.jsonl", rows)
    samples = run(source, tmp_path / "out.jsonl", "eval", suites=(mended, raw), problems=problems)
    assert [s["task_id"] for s in samples] == [
        changed.task_id,
        changed.task_id,
        samples[2]["task_id"],
        "own/1",
    ]
    assert samples[2]["task_id"].startswith("task_")
    written = load_problem_file(problems).by_id[changed.task_id]
    assert (written.test, written.prompt) == (changed.test, changed.prompt)


@pytest.mark.parametrize(
    ("row", "prompt", "answer"),
    [
        ({"input_data": {"prompt": "P", "code": "C"}, "output_data": {"fixed_code": "F", "docstring": "D"}}, "P\n\nC", "F"),
        ({"input_data": {"prompt": "P: C", "code": "C"}, "output_data": {"explanation": "E"}}, "P: C", "E"),
        ({"input_data": {"code": "C"}, "output_data": {"docstring": "D"}}, "C", "D"),
        ({"input_data": {"prompt": "P"}, "output_data": {"other": "O"}}, "P", "O"),
        ({"input_data": {"prompt": "P"}, "output_data": {"a": 1, "b": 2}}, "P", '{"a": 1, "b": 2}'),
        ({"instruction": "I", "input": "N", "output": "O"}, "I\n\nN", "O"),
        ({"instruction": "I", "input": "", "response": "R"}, "I", "R"),
        ({"question": "Q", "answer": "A"}, "Q", "A"),
        ({"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]}, "U", "A"),
        ({"task_id": 7, "completion": "C"}, None, "C"),
        ({"prompt": "P", "gen": "G", "completion": None, "messages": None, "input_data": None}, "P", "G"),
    ],
)  # fmt: skip
def test_every_form_of_row_is_read(row: dict[str, Any], prompt: str | None, answer: str) -> None:
    pair = read_pair(row)
    assert (pair.prompt, pair.answer) == (prompt, answer)


@pytest.mark.parametrize(
    "row",
    [
        {"text": "both"},
        {"prompt": "P"},
        {"prompt": "P", "gen": None},
        {"prompt": 1, "gen": "x"},
        {"input_data": {"prompt": "P"}, "output_data": {}},
        {"messages": [{"role": "user", "content": "U"}]},
        {"task_id": ["x"], "completion": "C"},
        {"task_id": "x", "completion": "C", "completion_id": -1},
    ],
)
def test_a_row_that_says_nothing_certain_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(RowError):
        read_pair(row)


texts = st.text(st.characters(), max_size=6)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.integers(-3, 3), texts,
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
values = st.recursive(
    scalars, lambda c: st.lists(c, max_size=3) | st.dictionaries(texts, c, max_size=3), max_leaves=8
)
whole = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
keys = st.sampled_from(["a", "b", "__keys", ""]) | whole


@settings(max_examples=120, deadline=None)
@example(rows=[{"a": 1, "b": 2}, {"b": 2, "a": 1}])
@example(rows=[{"a": None}, {}])
@example(rows=[{"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}])
@given(rows=st.lists(st.dictionaries(keys, values, max_size=4), max_size=5))
def test_any_rows_come_back_from_parquet_as_they_were(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "x.parquet"
    assert write_exact(path, rows) == len(rows)
    # As text, because 1 and 1.0 and True are equal, and so are objects in another order.
    assert json.dumps([row for _, row in read_exact(path)]) == json.dumps(rows)


def test_rows_nested_as_deep_as_json_may_be_come_back_from_parquet(tmp_path: Path) -> None:
    row = {"prompt": "p", "_deep": json.loads("[" * 700 + "]" * 700)}
    write_exact(tmp_path / "x.parquet", [row])
    assert json.dumps([row]) == json.dumps([row for _, row in read_exact(tmp_path / "x.parquet")])


def test_a_table_that_another_program_changed_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_exact(path, [{"a": 1, "b": 2, "mixed": 1}, {"b": 3, "mixed": "x", "a": 4}])
    table = pq.read_table(path).drop_columns(["a"]).append_column("new", pa.array([7, 8]))
    pq.write_table(table, path)  # keeps the mark of the first table
    rows = [{"b": 2, "mixed": 1, "new": 7}, {"b": 3, "mixed": "x", "new": 8}]
    assert [row for _, row in read_exact(path)] == rows
    index = table.column_names.index("mixed")
    pq.write_table(table.set_column(index, "mixed", pa.array(["NaN", "4"])), path)
    bad: list[InputError] = []
    assert [row["mixed"] for _, row in read_exact(path, on_bad=bad.append)] == [4]
    assert "row 1: column mixed was marked as JSON and holds none any more" in str(bad[0])


def test_columns_have_the_types_that_trainers_expect(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "fn f() {}"}]
    rows = [{"messages": messages, "n": 1, "score": 0.5, "mixed": 1}, {"messages": [], "n": None, "score": 1.0, "mixed": "x"}]  # fmt: skip
    write_exact(tmp_path / "x.parquet", rows)
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "x.parquet")}
    assert types["messages"].startswith("list<")
    assert "struct<role: string, content: string>" in types["messages"]
    assert (types["n"], types["score"], types["mixed"]) == ("int64", "double", "string")


def test_a_foreign_table_is_read_and_what_json_cannot_say_is_named(tmp_path: Path) -> None:
    path = tmp_path / "foreign.parquet"
    table = pa.table(
        {
            "prompt": ["p", "q"],
            "gen": ["g", "h"],
            "when": pa.array([None, {"at": [0]}], pa.struct([("at", pa.list_(pa.timestamp("s")))])),
        }
    )
    pq.write_table(table, path)
    with pytest.raises(InputError, match=r"foreign.parquet: row 2: column when holds a datetime"):
        convert(Wanted(source=path, output=tmp_path / "out.jsonl", form="same"))
    assert run(path, tmp_path / "out.jsonl", "same", skip_invalid=True) == [
        {"prompt": "p", "gen": "g", "when": None}
    ]


def test_packed_listed_and_tabled_rows_are_the_same_rows(tmp_path: Path) -> None:
    plain = write(tmp_path / "in.jsonl", ROWS)
    listed, packed, table = tmp_path / "list.json", tmp_path / "out.jsonl.gz", tmp_path / "out.parquet"
    listed.write_text(json.dumps(ROWS, indent=1))
    for source, target in ((listed, packed), (packed, table)):
        convert(Wanted(source=source, output=target, form="same"))
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert run(table, tmp_path / "back.jsonl", "same") == ROWS
    assert run(table, tmp_path / "text.jsonl", "text")[0]["text"] == f"Write an adder.\n\n{ROWS[0]['gen']}"


def test_numbers_of_one_task_must_agree(tmp_path: Path) -> None:
    own = [{"task_id": "a", "completion": "x", "completion_id": 3}, {"task_id": "a", "completion": "y", "completion_id": 1}]  # fmt: skip
    assert [
        s["completion_id"] for s in run(write(tmp_path / "in.jsonl", own), tmp_path / "o.jsonl", "eval")
    ] == [3, 1]
    for second in ({"completion_id": 3}, {}):
        write(tmp_path / "in.jsonl", [own[0], {"task_id": "a", "completion": "y", **second}])
        with pytest.raises(InputError, match=r"line 2 .*completion_id"):
            convert(Wanted(source=tmp_path / "in.jsonl", output=tmp_path / "o2.jsonl", form="eval"))
    assert not (tmp_path / "o2.jsonl").exists()


def test_the_old_functions_do_what_they_were_documented_to_do(tmp_path: Path) -> None:
    source = tmp_path / "samples.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in ROWS) + "not json\n")
    code = (
        "import sys; from rusteval.conversion import prompt_gen_to_eval_format as f; "
        "print(f(jsonl_path=sys.argv[1], output_path=sys.argv[2], task_id_prefix='rust_task'))"
    )
    written = []
    for seed in ("1", "2"):  # where Python's own hashes differ
        target = tmp_path / "new" / f"{seed}.jsonl"
        done = subprocess.run(
            [sys.executable, "-c", code, source, target], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert (done.stdout, "line 5 is not JSON" in done.stderr) == ("4\n", True)
        written.append(target.read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(b'{"task_id": "rust_task_ece3db2bc8bbb541"')
    with pytest.warns(UserWarning, match="line 5"):
        assert prompt_gen_to_eval_format(source, tmp_path / "few.jsonl") == 4
    assert prompt_gen_to_eval_format(source, tmp_path / "few.jsonl", max_samples=2) == 2
    with pytest.raises(FileNotFoundError):
        prompt_gen_to_eval_format(tmp_path / "none.jsonl", tmp_path / "x.jsonl")

    plain, table = write(tmp_path / "plain.jsonl", ROWS), tmp_path / "t.parquet"
    facts = prompt_gen_to_hf_dataset(plain, table, variant="provenance")
    assert (facts["rows"], facts["columns"]) == (4, ["prompt", "gen", "_source_crate", "_task_type", "_meta"])
    assert hf_dataset_to_prompt_gen(table, tmp_path / "back.jsonl") == 4
    assert read(tmp_path / "back.jsonl") == ROWS
    assert prompt_gen_to_hf_dataset(plain)["columns"] == ["prompt", "gen"]
    for overwrites in (prompt_gen_to_hf_dataset, hf_dataset_to_prompt_gen):
        with pytest.raises(InputError, match="is the input too"):
            overwrites(table, table)
    assert hf_dataset_to_prompt_gen(table, tmp_path / "back.jsonl") == 4


def test_a_listed_row_that_is_no_json_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source, target = tmp_path / "list.json", tmp_path / "out.jsonl"
    for text, told in (
        ('[{"prompt": "p", "gen": "g", "_score": NaN}]', "list.json: is no JSON that can be read .NaN"),
        ('[\n{"prompt": "p", "gen": "g"},\n\n3]', "list.json: row 2 is not a JSON object"),
    ):
        source.write_text(text)
        with pytest.raises(InputError, match=told):
            convert(Wanted(source=source, output=target, form="same"))
        assert not target.exists()
