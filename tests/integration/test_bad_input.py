"""Whatever is wrong with a file, a disk or a compiler: one clear line or a recorded outcome, and no sample lost."""

import gzip
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from judging_support import toolchain
from rusteval.judging.cache import FILE_NAME

TASK = "HumanEval/23"
RIGHT = "    strings.len() as i32\n}"
GOOD_LINE = json.dumps({"task_id": TASK, "completion": RIGHT}).encode() + b"\n"
needs_mounts = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small or read-only disk takes root")


def command(*arguments: str | Path) -> list[str]:
    options = ["--sandbox-mode", "bubblewrap", "--k", "1", "--json", "--no-enforce-policy"]
    return [sys.executable, "-m", "rusteval.cli", "score", *map(str, arguments), *options]


def environment(cache: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(cache), **more}


def score(*arguments: str | Path, cache: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment(cache, **more), check=False, timeout=300
    )  # fmt: skip


def score_with_mounts(
    mounts: str, *arguments: str | Path, cache: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command behind mounts that nobody else sees and that end with it."""
    script = f"set -e\n{mounts}\nexec {shlex.join(command(*arguments))}"
    return subprocess.run(
        ["unshare", "--mount", "bash", "-c", script],
        capture_output=True, text=True, env=environment(cache, **more), check=False, timeout=300,
    )  # fmt: skip


def error_line(done: subprocess.CompletedProcess[str], *, code: int) -> str:
    """Return the one line that says what went wrong; nothing but progress may stand before it."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    *before, last = done.stderr.splitlines()
    assert all(line.startswith(("== ", "   ")) for line in before), done.stderr
    assert last.startswith("error: ")
    return last


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache directory with the problems in it, so that full disks are full of something else."""
    directory = tmp_path_factory.mktemp("cache")
    path = directory / "samples.jsonl"
    path.write_bytes(GOOD_LINE)
    assert score(path, cache=directory).returncode == 0
    return directory


BAD_FILES = {
    "no JSON": (GOOD_LINE + b"not json\n", "line 2 is not JSON"),
    "last line cut off": (GOOD_LINE + GOOD_LINE[:40], "line 2 is not JSON"),
    "no object": (GOOD_LINE + b'["HumanEval/2", "x"]\n', "line 2 is not a JSON object"),
    "two objects on a line": (GOOD_LINE.strip() + GOOD_LINE, "line 1 is not JSON"),
    "no completion": (b'{"task_id": "HumanEval/2"}\n', "line 1: completion: field required"),
    "no task": (GOOD_LINE + b'{"completion": "x"}\n', "line 2: task_id: field required"),
    "completion of a wrong type": (b'{"task_id": "HumanEval/2", "completion": ["x"]}\n', "line 1: completion"),
    "task of a wrong type": (b'{"task_id": 2, "completion": "x"}\n', "line 1: task_id"),
    "number below zero": (b'{"task_id": "HumanEval/2", "completion": "x", "completion_id": -1}\n', "line 1: completion_id"),
    "not a number": (b'{"task_id": "HumanEval/2", "completion": "x", "score": NaN}\n', "line 1 is not JSON (NaN"),
    "a number too large": (b'{"task_id": "HumanEval/2", "completion": "x", "score": 1e999}\n', "line 1 is not JSON (the number"),
    "nested without end": (b'{"task_id": ' + b"[" * 200_000 + b"\n", "line 1 is nested too deeply"),
    "invalid UTF-8": (GOOD_LINE + b'{"task_id": "HumanEval/2", "completion": "\xff\xfe"}\n', "line 2 is not UTF-8"),
    "UTF-16": (GOOD_LINE.decode().encode("utf-16"), "line 1 is not UTF-8"),
    "binary": (bytes(range(256)) * 10, "line 1 is not"),
    "NUL bytes": (b"\0" * 1000, "line 1 is not JSON"),
    "empty": (b"", "holds no sample"),
    "blank": (b"\n \n\t\n", "holds no sample"),
    "byte order mark alone": (b"\xef\xbb\xbf", "holds no sample"),
    "the same sample twice": (
        b"".join(json.dumps({"task_id": "HumanEval/2", "completion": "x", "completion_id": n}).encode() + b"\n" for n in (0, 1, 0)),
        "line 3: completion_id 0 of HumanEval/2 is there already, in line 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_line_that_names_the_place(case: str, tmp_path: Path) -> None:
    content, message = BAD_FILES[case]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    line = error_line(score(path, cache=tmp_path / "cache"), code=2)
    assert str(path) in line
    assert message in line
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["cut off", "changed", "not packed", "checksum"])
def test_a_damaged_packed_file_is_named(damage: str, tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(GOOD_LINE[:-2] + b', "n": %d}\n' % n for n in range(5000)))
    content = {
        "cut off": packed[: len(packed) // 2],
        "changed": packed[:500] + bytes(200) + packed[700:],
        "not packed": GOOD_LINE,
        "checksum": packed[:-8] + bytes(8),
    }[damage]
    path = tmp_path / "bad.jsonl.gz"
    path.write_bytes(content)
    assert str(path) in error_line(score(path, cache=tmp_path / "cache"), code=2)
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_folder_a_missing_file_and_an_unknown_task_are_named(tmp_path: Path, cache: Path) -> None:
    assert f"{tmp_path / 'none.jsonl'}: no such file" in error_line(
        score(tmp_path / "none.jsonl", cache=cache), code=2
    )
    assert str(tmp_path) in error_line(score(tmp_path, cache=cache), code=2)
    path = tmp_path / "samples.jsonl"
    path.write_bytes(GOOD_LINE + GOOD_LINE.replace(b"HumanEval/23", b"Nowhere/\\ud800"))
    assert "1 task ids of the samples are not in suite" in error_line(score(path, cache=cache), code=2)
    assert sorted(tmp_path.iterdir()) == [path]


def test_awkward_answers_get_verdicts_and_no_line_is_lost(tmp_path: Path, cache: Path) -> None:
    answers: dict[str, object] = {
        "right": RIGHT,
        "a hundred million characters": "let x = 1;\n" * 9_000_000,
        "empty": "",
        "NUL": "\0" * 100,
        "NUL in code": RIGHT.replace("strings", "str\0ings"),
        "lone surrogate": f"    let a\ud800 = 1;\n{RIGHT}",
        "lone surrogate behind it": f"{RIGHT}\n// \udfff",
        "byte order mark": f"\ufeff{RIGHT}",
        "line separators of other systems": f"{RIGHT}\u2028\u2029\x85\x0b\x0c",
        "Windows": RIGHT.replace("\n", "\r\n"),
        "nested without end": "(" * 90_000,
        "a very long line": '    let s = "' + "x" * 90_000 + f'";\n{RIGHT}',
        "many braces": "{" * 50_000,
        "escapes": "\x1b[2J\x1b[31m\x07",
    }  # fmt: skip
    path = tmp_path / "samples.jsonl"
    lines = [
        json.dumps({"task_id": TASK, "completion": text, "name": name, "model_dump": 1, "passed": True})
        for name, text in answers.items()
    ]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\n".join(lines).encode())
    done = score(path, cache=cache)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n_samples"] == len(answers)
    judged = rows(tmp_path / "samples_results.jsonl")
    assert [row["name"] for row in judged] == list(answers)
    assert [row["completion"] for row in judged] == list(answers.values())
    assert [row["completion_id"] for row in judged] == list(range(len(answers)))
    passed = {row["name"] for row in judged if row["passed"]}
    assert passed >= {"right", "lone surrogate behind it", "byte order mark", "Windows", "a very long line"}
    assert not passed & {
        "empty",
        "NUL",
        "NUL in code",
        "lone surrogate",
        "many braces",
        "nested without end",
        "escapes",
    }
    failed = [row for row in judged if not row["passed"]]
    assert {row["outcome"] for row in failed} == {"failed"}
    assert all(row["result"] and row["error_type"] for row in failed)
    huge = judged[1]
    assert (huge["error_type"], "characters, more than" in str(huge["result"])) == ("no_code", True)


def test_samples_without_a_number_get_one_that_is_free(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "samples.jsonl"
    numbers = [None, 1, None, 0, None]
    path.write_text(
        "".join(
            json.dumps({"task_id": TASK, "completion": RIGHT} | ({} if n is None else {"completion_id": n}))
            + "\n"
            for n in numbers
        )
    )
    assert score(path, cache=cache).returncode == 0
    assert [row["completion_id"] for row in rows(tmp_path / "samples_results.jsonl")] == [2, 1, 3, 0, 4]


def test_very_many_lines_of_one_answer_are_judged_once(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(GOOD_LINE * 50_000)
    done = score(path, cache=cache)
    assert json.loads(done.stdout)["n_samples"] == 50_000
    assert "1/1 distinct programs" in done.stderr
    with (tmp_path / "samples_results.jsonl").open() as lines:
        assert sum('"passed": true' in line for line in lines) == 50_000


# Disks


@needs_mounts
@pytest.mark.parametrize(
    "options",
    ["size=64k,mode=1777", "ro"],
    ids=["a full disk for the cache", "a read-only disk for the cache"],
)
def test_a_cache_that_cannot_be_written_is_named(options: str, tmp_path: Path, cache: Path) -> None:
    path, disk = tmp_path / "samples.jsonl", tmp_path / "disk"
    path.write_bytes(GOOD_LINE)
    disk.mkdir()
    copy = f"mkdir {disk}/rusteval; mount --bind {cache}/rusteval/problems {disk}/rusteval/problems"
    mounts = f"mount -t tmpfs -o size=64k tmpfs {disk}\nmkdir -p {disk}/rusteval/problems\n{copy.partition('; ')[2]}\n"
    fill = "true" if options == "ro" else f"dd if=/dev/zero of={disk}/fill bs=1k 2>/dev/null || true"
    remount = f"mount -o remount,ro {disk}" if options == "ro" else "true"
    done = score_with_mounts(f"{mounts}{fill}\n{remount}", path, cache=disk)
    assert FILE_NAME in error_line(done, code=2)
    assert sorted(tmp_path.iterdir()) == [disk, path]


@needs_mounts
def test_results_that_cannot_be_written_are_named_and_the_old_ones_stay(tmp_path: Path, cache: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    listing = tmp_path / "listing"
    path = disk / "samples.jsonl"
    (tmp_path / "source.jsonl").write_bytes(GOOD_LINE * 20)
    mounts = f"mount -t tmpfs -o size=16k tmpfs {disk}\ncp {tmp_path}/source.jsonl {path}\necho old > {disk}/samples_results.jsonl"
    full = f"{mounts}\ndd if=/dev/zero of={disk}/fill bs=1k 2>/dev/null || true"
    inside = f"{full}\ntrap 'ls -A {disk} > {listing}; cat {disk}/samples_results.jsonl >> {listing}' EXIT\nexec() {{ \"$@\"; }}"
    line = error_line(score_with_mounts(inside, path, cache=cache), code=2)
    assert f"{disk}/samples_results.jsonl" in line
    assert listing.read_text().split() == ["fill", "samples.jsonl", "samples_results.jsonl", "old"]
    line = error_line(score_with_mounts(f"{mounts}\nmount -o remount,ro {disk}", path, cache=cache), code=2)
    assert f"{disk}/samples_results.jsonl" in line


@needs_mounts
def test_without_room_to_compile_nothing_is_called_a_wrong_answer(tmp_path: Path, cache: Path) -> None:
    path, disk = tmp_path / "samples.jsonl", tmp_path / "disk"
    path.write_bytes(GOOD_LINE)
    disk.mkdir()
    mounts = f"mount -t tmpfs -o size=1m,mode=1777 tmpfs {disk}"
    done = score_with_mounts(mounts, path, "--fresh", cache=cache, TMPDIR=str(disk))
    assert "no space left" in error_line(done, code=4)
    assert [row["outcome"] for row in rows(tmp_path / "samples_results.jsonl")] == ["infra_error"]
    done = score(path, cache=cache)
    assert [row["passed"] for row in rows(tmp_path / "samples_results.jsonl")] == [True]


# Compilers


def fake_rustc(root: Path, compiling: str) -> Path:
    """A compiler that says who it is, and then does something else than compiling."""
    rustc = root / "bin" / "rustc"
    rustc.parent.mkdir(parents=True)
    rustc.write_text(
        f'#!/bin/sh\ncase "$*" in *sysroot*) echo {root} ;; *--version*) echo "rustc 1.99.0" ;; *) {compiling} ;; esac\n'
    )
    rustc.chmod(0o755)
    return rustc


@pytest.mark.parametrize("compiling", ["exit 1", "kill -SEGV $$", "echo oops >&2; exit 101"])
def test_a_compiler_that_does_not_compile_is_no_verdict(compiling: str, tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(GOOD_LINE)
    rustc = fake_rustc(tmp_path / "fake", compiling)
    line = error_line(score(path, cache=cache, RUSTEVAL_RUSTC=str(rustc)), code=3)
    assert str(rustc) in line
    assert not (tmp_path / "samples_results.jsonl").exists()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "does not run"),
        ("exit 1", "exit code 1"),
        ("kill -SEGV $$", "SIGSEGV"),
        ("echo no >&2; exit 3", "no"),
    ],
)
def test_a_compiler_that_does_not_start_is_named(
    script: str | None, message: str, tmp_path: Path, cache: Path
) -> None:
    path, rustc = tmp_path / "samples.jsonl", tmp_path / "rustc"
    path.write_bytes(GOOD_LINE)
    if script is not None:
        rustc.write_text(f"#!/bin/sh\n{script}\n")
        rustc.chmod(0o755)
    line = error_line(score(path, cache=cache, RUSTEVAL_RUSTC=str(rustc)), code=2)
    assert f"{rustc}: " in line
    assert message in line
    assert "RUSTEVAL_RUSTC" in line


def test_without_clippy_its_verdict_is_open_and_all_else_stays(tmp_path: Path, cache: Path) -> None:
    path, sysroot = tmp_path / "samples.jsonl", tmp_path / "toolchain"
    path.write_bytes(GOOD_LINE)
    try:
        shutil.copytree(toolchain().sysroot, sysroot, symlinks=True, copy_function=os.link)
    except (OSError, shutil.Error):  # on another disk than the toolchain
        shutil.rmtree(sysroot, ignore_errors=True)
        shutil.copytree(toolchain().sysroot, sysroot, symlinks=True)
    (sysroot / "bin" / "clippy-driver").unlink()
    done = score(path, cache=cache, RUSTEVAL_RUSTC=str(sysroot / "bin" / "rustc"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["clippy_pass_rate"] is None
    row = rows(tmp_path / "samples_results.jsonl")[0]
    assert (row["passed"], row["compile_ok"], row["clippy_ok"]) == (True, True, None)
    assert done.stderr.count("Clippy is not installed") == 1


@needs_mounts
def test_without_a_linker_nothing_is_called_a_wrong_answer(tmp_path: Path, cache: Path) -> None:
    path, real, shown = tmp_path / "samples.jsonl", tmp_path / "real", tmp_path / "shown"
    path.write_bytes(GOOD_LINE)
    real.mkdir()
    shown.mkdir()
    mounts = (
        f"mount --bind /usr/bin {real}\nln -s {real}/* {shown}/\nrm {shown}/*gcc* {shown}/cc\n"
        f"mount --bind {shown} /usr/bin"
    )
    line = error_line(score_with_mounts(mounts, path, "--fresh", cache=cache), code=3)
    assert "gcc" in line
    assert not (tmp_path / "samples_results.jsonl").exists()


# The cache of verdicts


def with_cache_file(tmp_path: Path, cache: Path) -> tuple[Path, Path, Path]:
    path, own = tmp_path / "samples.jsonl", tmp_path / "cache"
    path.write_bytes(GOOD_LINE)
    shutil.copytree(cache, own)
    return path, own, own / "rusteval" / FILE_NAME


def test_a_damaged_cache_is_named_and_never_believed(tmp_path: Path, cache: Path) -> None:
    path, own, file = with_cache_file(tmp_path, cache)
    content = bytearray(file.read_bytes())
    content[100:] = os.urandom(len(content) - 100)
    file.write_bytes(content)
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    assert str(file) in error_line(score(path, cache=own), code=2)
    file.unlink()
    assert score(path, cache=own).returncode == 0


def test_a_cache_of_another_version_is_named(tmp_path: Path, cache: Path) -> None:
    path, own, file = with_cache_file(tmp_path, cache)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    line = error_line(score(path, cache=own), code=2)
    assert str(file) in line
    assert "layout 99" in line


def test_a_locked_cache_is_waited_for(tmp_path: Path, cache: Path) -> None:
    path, own, file = with_cache_file(tmp_path, cache)
    path.write_bytes(GOOD_LINE.replace(b"strings", b" strings"))
    with sqlite3.connect(file, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        running = subprocess.Popen(
            command(path), env=environment(own), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert running.stderr is not None
        for line in running.stderr:
            if "judging" in line:  # what comes next has to be written into the cache
                break
        connection.execute("ROLLBACK")
    assert running.wait(timeout=120) == 0
    running.communicate()
    assert rows(tmp_path / "samples_results.jsonl")[0]["passed"] is True


def test_two_runs_at_once_share_the_cache(tmp_path: Path, cache: Path) -> None:
    running = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(GOOD_LINE + GOOD_LINE.replace(b"strings", b"{strings}"))
        running.append(
            subprocess.Popen(command(path), env=environment(cache), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        )  # fmt: skip
    for process in running:
        _, stderr = process.communicate(timeout=240)
        assert process.returncode == 0, stderr
    for name in ("a", "b"):
        assert [row["passed"] for row in rows(tmp_path / f"{name}_results.jsonl")] == [True, True]
