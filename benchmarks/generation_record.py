"""The file that a measurement goes to: written after every contestant, so that one that was cut off goes on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from generation_report import goal, median_round, ratios, speeds
from generation_shapes import Shape
from rusteval.errors import InputError
from rusteval.files import sha256_text, write_json_atomic


@dataclass(kw_only=True)
class Record:
    """What was measured so far.

    Attributes:
        path: of the file.
        facts: what holds for all contestants: options, machine, versions, work.
        identity: hash of what decides the numbers; runs of another are not mixed with these.
        runs: by contestant, in the order in which they were measured.
    """

    path: Path
    facts: dict[str, Any]
    identity: str
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, *, facts: dict[str, Any], deciding: Mapping[str, Any], fresh: bool) -> "Record":
        """Return what a file holds already, or an empty record.

        Args:
            path: of the file; it need not be there.
            facts: to be written into it.
            deciding: those facts that decide the numbers.
            fresh: forget what it holds.

        Raises:
            InputError: it holds something else.
        """
        identity = sha256_text(json.dumps(deciding, sort_keys=True))
        if fresh or not path.exists():
            return cls(path=path, facts=facts, identity=identity)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            same = found["identity"] == identity
            kept = {name: found[name] for name in ("bandwidth", "model") if name in found}
            runs = found["runs"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: is no measurement of this benchmark; give another --output") from error
        if not same:
            raise InputError(
                f"{path}: holds a measurement with other options, versions or on another machine; give another "
                "--output, or --fresh to replace it"
            )
        # A copy is measured anew at every start; what the finished runs were compared with stays.
        return cls(path=path, facts=facts | kept, identity=identity, runs=runs)

    def add(self, name: str, measured: Mapping[str, Any], *, shape: Shape) -> None:
        """Take in the rounds that a contestant drew with a model of this shape, and write the file."""
        bandwidth_gb_s = self.facts["bandwidth"]["gb_s"]
        rounds = speeds(name, measured, shape=shape, bandwidth_gb_s=bandwidth_gb_s)
        self.runs[name] = {**measured, "rounds": rounds, "median": median_round(rounds)}
        self.write()

    def write(self) -> None:
        """Write everything."""
        write_json_atomic(
            self.path,
            {
                "benchmark": "generation",
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "identity": self.identity,
                **self.facts,
                "order": list(self.runs),
                "runs": self.runs,
                "ratios": ratios(self.runs),
                "goal": goal(self.runs, applies=self._is_goals()),
            },
        )

    def _is_goals(self) -> bool:
        """Whether the goal speaks of what is measured here: an 8B model on a GPU."""
        return bool(
            self.facts["options"]["shape"] == "llama-8b" and self.facts["machine"]["device"] == "cuda"
        )
