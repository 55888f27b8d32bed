"""Progress that a person reads on the screen and another process in a file."""

import io
import json
from pathlib import Path

import pytest

from rusteval.status import StatusReporter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_file_says_stage_count_rate_and_time_left(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "status.json"
    reporter = StatusReporter(path=path, stream=io.StringIO(), clock=clock)
    reporter.begin("judging", total=100, model="base")
    clock.now += 10
    reporter.update(20)
    status = json.loads(path.read_text())
    assert (status["stage"], status["model"], status["samples_done"], status["samples_total"]) == (
        "judging",
        "base",
        20,
        100,
    )
    assert (status["samples_per_second"], status["eta_s"]) == (2.0, 40.0)
    assert status["tokens_per_second"] is None
    assert (status["state"], status["exit_code"]) == ("running", None)
    clock.now += 10
    reporter.update(30, tokens=5000)
    assert json.loads(path.read_text())["tokens_per_second"] == 250.0
    reporter.finish("failed", exit_code=4)
    status = json.loads(path.read_text())
    assert (status["state"], status["exit_code"]) == ("failed", 4)


def test_a_failed_stage_does_not_claim_all_of_its_items(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "status.json"
    reporter = StatusReporter(path=path, stream=io.StringIO(), clock=clock)
    reporter.begin("judging", total=100)
    reporter.update(3)
    reporter.finish("interrupted", exit_code=130)
    assert json.loads(path.read_text())["samples_done"] == 3


def test_lines_are_throttled_but_the_last_is_never_missing(clock: Clock) -> None:
    stream = io.StringIO()
    reporter = StatusReporter(stream=stream, clock=clock)
    reporter.begin("judging", total=1000)
    for done in range(1, 1001):
        clock.now += 0.01
        reporter.update(done)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert "1000/1000" in lines[-1]


def test_lines_name_tokens_and_time_left(clock: Clock) -> None:
    stream = io.StringIO()
    reporter = StatusReporter(stream=stream, clock=clock)
    reporter.begin("generating", total=10, model="m")
    clock.now += 10
    reporter.update(1, tokens=500)
    assert "generating, m: 1/10 samples, 0.1/s, 50 tokens/s, 1:30 left" in stream.getvalue()


def test_what_an_earlier_run_did_is_said_and_does_not_count_for_the_rate():
    now = [0.0]
    stream = io.StringIO()
    reporter = StatusReporter(stream=stream, clock=lambda: now[0])
    reporter.begin("judging", unit="programs")
    reporter.update_of(90, 100)
    now[0] = 10.0
    reporter.update_of(95, 100)
    assert stream.getvalue().splitlines() == [
        "== judging",
        "   judging: 90 of 100 programs are known from before",
        "   judging: 95/100 programs, 0.5/s, 0:10 left",
    ]
