"""Progress of long work: lines for a person, and a small JSON file that another process can read at any time."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from rusteval.files import write_json_atomic

State = Literal["running", "done", "failed", "interrupted"]

REPORT_EVERY_S = 5.0


@dataclass(kw_only=True)
class StatusReporter:
    """Says where a run stands.

    `update` may be called for every finished item: it prints and writes at most once per `REPORT_EVERY_S` seconds,
    and always for the first and the last item of a stage. `path` None writes no file.
    """

    path: Path | None = None
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    _stage: str = ""
    _model: str = ""
    _unit: str = "samples"
    _total: int = 0
    _done: int = 0
    _known: int = 0
    _started: float = 0.0
    _reported: float = 0.0

    def say(self, text: str) -> None:
        """Print one line."""
        self.stream.write(text + "\n")
        self.stream.flush()

    def begin(self, stage: str, *, total: int = 0, model: str = "", unit: str = "samples") -> None:
        """Enter a stage of `total` items of one `unit`; 0 where the number is not known."""
        self._stage, self._model, self._total, self._unit = stage, model, total, unit
        self._done = self._known = 0
        self._started = self._reported = self.clock()
        self.say(f"== {self._title()}" + (f" ({total} {unit})" if total else ""))
        self._write(rate=0.0, state="running")

    def update(self, done: int, *, tokens: int = 0) -> None:
        """Report that `done` items of the stage are finished, with `tokens` generated in it so far."""
        self._done = done
        now = self.clock()
        unfinished = not self._total or done < self._total
        if now - self._reported < REPORT_EVERY_S and unfinished:
            return
        self._reported = now
        elapsed = max(now - self._started, 1e-9)
        rate = (done - self._known) / elapsed
        share = f"{done}/{self._total}" if self._total else f"{done}"
        parts = [f"   {self._title()}: {share} {self._unit}", f"{rate:.1f}/s"]
        if tokens:
            parts.append(f"{tokens / elapsed:.0f} tokens/s")
        if rate and done < self._total:
            parts.append(f"{_clock_text((self._total - done) / rate)} left")
        self.say(", ".join(parts))
        self._write(rate=rate, token_rate=tokens / elapsed, state="running")

    def update_of(self, done: int, total: int) -> None:
        """Report like `update`, where only the work itself finds out how many items there are.

        What the first such report of a stage calls done was done by an earlier run, and is said at once.
        """
        if not self._total and done:
            self._known = done
            self.say(f"   {self._title()}: {done} of {total} {self._unit} are known from before")
        self._total = total
        self.update(done)

    def finish(self, state: State, *, exit_code: int) -> None:
        """Write how the run ended."""
        self._write(rate=0.0, state=state, exit_code=exit_code)

    def _title(self) -> str:
        return f"{self._stage}, {self._model}" if self._model else self._stage

    def _write(
        self, *, rate: float, state: State, token_rate: float = 0.0, exit_code: int | None = None
    ) -> None:
        if self.path is None:
            return
        status = {
            "state": state,
            "stage": self._stage,
            "model": self._model,
            "samples_done": self._done,
            "samples_total": self._total,
            "samples_per_second": round(rate, 2),
            "tokens_per_second": round(token_rate, 1) or None,
            "eta_s": round((self._total - self._done) / rate, 1) if rate and self._total else None,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
            "exit_code": exit_code,
        }
        write_json_atomic(self.path, status)


def _clock_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
