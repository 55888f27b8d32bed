# ruff: noqa: T201  (a command)
"""Stands in for the evaluation: notes how it was called, reports its status, and ends as RUSTEVAL_TEST_* say."""

import json
import os
import signal
import sys
import time
from pathlib import Path

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
output = Path(arguments["--output-dir"])
print("evaluation: start", flush=True)
if os.environ.get("RUSTEVAL_TEST_REFUSE"):
    sys.exit("error: the adapter is for another base model")
output.mkdir(parents=True, exist_ok=True)


def interrupted(number: int, _frame: object) -> None:
    (output / "stopped-by").write_text(str(number))
    sys.exit(130)


signal.signal(signal.SIGINT, interrupted)
signal.signal(signal.SIGTERM, interrupted)
(output / "call.json").write_text(
    json.dumps({"argv": arguments, "cwd": str(Path.cwd()), "env": dict(os.environ)})
)
code = int(os.environ.get("RUSTEVAL_TEST_EXIT", "0"))
status = {
    "stage": "generate",
    "model": "base",
    "samples_done": 3,
    "samples_total": 9,
    "samples_per_second": 1.5,
    "eta_s": 4,
}
(output / "status.json").write_text(json.dumps({**status, "state": "running", "exit_code": None}))
while os.environ.get("RUSTEVAL_TEST_HOLD") and not (output / "go-on").exists():
    time.sleep(0.05)
(output / "status.json").write_text(
    json.dumps({**status, "state": "done" if code == 0 else "failed", "exit_code": code})
)
print("evaluation: end", flush=True)
sys.exit(code)
