"""`rusteval score` interrupted, terminated and killed, or robbed of its workers: nothing stays, nothing is lost."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from rusteval.judging.cache import FILE_NAME
from rusteval.judging.workplace import PREFIX

TASK = "HumanEval/23"
PATIENCE_S = 120.0
FAST = 12


def samples(path: Path, *, slow: int, seconds: int) -> list[bool]:
    """Write right and wrong answers, the last `slow` of which sleep; return which of them are right."""
    texts = [f"    let v{n} = strings.len() as i32 + {n % 2}; v{n}\n}}" for n in range(FAST)]
    texts += [
        f"    std::thread::sleep(std::time::Duration::from_millis({seconds * 1000 + n}));\n"
        f"    strings.len() as i32 + {n % 2}\n}}"
        for n in range(slow)
    ]
    path.write_text("".join(json.dumps({"task_id": TASK, "completion": text}) + "\n" for text in texts))
    return [n % 2 == 0 for n in range(FAST)] + [n % 2 == 0 for n in range(slow)]


class Run:
    """One run of the command, with caches and scratch space of its own."""

    def __init__(self, path: Path, home: Path) -> None:
        self.results = path.with_name(f"{path.stem}_results.jsonl")
        self.scratch = home / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.scratch.chmod(0o777)
        self.cache = home / "cache" / "rusteval" / FILE_NAME
        command = [sys.executable, "-m", "rusteval.cli", "score", str(path), "--sandbox-mode", "bubblewrap"]
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(self.scratch),
            "RUSTEVAL_SCORE_TEST": str(home),
        }
        self.process = subprocess.Popen(
            [*command, "--no-enforce-policy", "--k", "1", "--json", "--n-workers", "2"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def descendants(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline, f"{what} never came"
            time.sleep(0.05)

    def judged(self) -> int:
        """Return how many verdicts the cache holds."""
        if not self.cache.exists():
            return 0
        with sqlite3.connect(f"file:{self.cache}?mode=ro", uri=True) as connection:
            try:
                return connection.execute("SELECT count(*) FROM judgements").fetchone()[0]
            except sqlite3.OperationalError:  # not made yet
                return 0

    def finish(self) -> tuple[int, str, str]:
        stdout, stderr = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, stdout, stderr

    def passed(self) -> list[bool]:
        return [json.loads(line)["passed"] for line in self.results.read_text().splitlines()]

    def left_over(self) -> list[Path]:
        return list(self.scratch.glob(f"{PREFIX}*"))


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What a run remembers of having passed the trust gate; its verdicts are not among it."""
    home = tmp_path_factory.mktemp("proofs")
    samples(home / "samples.jsonl", slow=0, seconds=0)
    code, _, stderr = Run(home / "samples.jsonl", home).finish()
    assert code == 0, stderr
    found = list((home / "cache" / "rusteval").glob("trusted-*.json"))
    assert len(found) == 1
    return found


@pytest.fixture
def start(tmp_path: Path, proofs: list[Path]) -> Iterator[Callable[[Path], Run]]:
    runs: list[Run] = []
    cache = tmp_path / "cache" / "rusteval"
    cache.mkdir(parents=True)
    for proof in proofs:
        shutil.copy(proof, cache)

    def begin(path: Path) -> Run:
        runs.append(Run(path, tmp_path))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


def all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=15)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_a_run_that_was_stopped_leaves_nothing_and_goes_on_where_it_was(
    how: signal.Signals, tmp_path: Path, start: Callable[[Path], Run]
) -> None:
    path = tmp_path / "samples.jsonl"
    right = samples(path, slow=4, seconds=30)
    first = start(path)
    first.wait_for(first.judged, "the first verdict")
    processes = first.descendants()
    assert processes
    first.process.send_signal(how)
    code, stdout, stderr = first.finish()
    assert stdout == ""
    if how == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == 130
        assert stderr.splitlines()[-1] == "error: interrupted; run the same command again to go on"
        assert first.left_over() == []
    assert all_gone(processes)
    assert sorted(path.parent.glob("*.jsonl")) == [path]

    known = first.judged()
    assert 0 < known < len(right)
    samples(path, slow=4, seconds=0)  # as if the rest had been quicker
    second = start(path)
    code, stdout, stderr = second.finish()
    assert code == 0, stderr
    assert f"{known} of {len(right)} distinct programs are known from before" in stderr
    assert second.passed() == right
    assert json.loads(stdout)["infra_errors"] == 0
    assert second.left_over() == []


def is_running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def outermost_jail(run: Run) -> list[psutil.Process]:
    """Return the tool that holds a jail, where a program of the samples is running in it."""
    return [
        child
        for child in (psutil.Process(run.process.pid).children() if run.process.poll() is None else [])
        if is_running(child) and len(child.children(recursive=True)) >= 2
    ]


def compilers(run: Run) -> list[psutil.Process]:
    return [
        child
        for child in run.descendants()
        if is_running(child) and child.name() in {"rustc", "clippy-driver"}
    ]


def kill_first(victims: Callable[[Run], list[psutil.Process]], run: Run) -> bool:
    """Kill the first victim; say whether there was one that had not ended by itself meanwhile."""
    try:
        victims(run)[0].kill()
    except (IndexError, psutil.NoSuchProcess):
        return False
    return True


@pytest.mark.parametrize(
    ("victims", "when"),
    [(outermost_jail, "running"), (compilers, "compiling")],
    ids=["jail", "compiler"],
)
def test_a_killed_worker_costs_no_verdict(
    victims: Callable[[Run], list[psutil.Process]], when: str, tmp_path: Path, start: Callable[[Path], Run]
) -> None:
    path = tmp_path / "samples.jsonl"
    right = samples(path, slow=4, seconds=1)
    run = start(path)
    assert run.process.stderr is not None
    while "judging" not in run.process.stderr.readline():  # until then, the sandbox is put to the test
        assert run.process.poll() is None
    if when == "running":
        run.wait_for(run.judged, "the first verdict")
    run.wait_for(lambda: kill_first(victims, run), "a victim")
    code, stdout, stderr = run.finish()
    assert code == 0, stderr
    assert json.loads(stdout)["infra_errors"] == 0
    assert run.passed() == right
    assert run.left_over() == []
