"""Asks the real human-eval-rust; started by the tests in a process that has that package on its path.

usage: human_eval_rust_referee.py text < CASES > ANSWERS
       human_eval_rust_referee.py score SAMPLES PROBLEMS TIMEOUT ENFORCE_POLICY K,K... WORKERS > METRICS

`text`: each case is a problem with a completion; the answer says, without and with policy, which bytes the package
would have had compiled, and what it decided beforehand. Its own code does all of it but call the compiler.
"""

import contextlib
import json
import subprocess
import sys
import types
from pathlib import Path

# the package imports a progress bar that it does not need here
sys.modules["tqdm"] = types.SimpleNamespace(tqdm=lambda items, **_: items)

from human_eval import evaluation, rust_execution  # noqa: E402 - only after that


def answer(case, *, enforce_policy):
    written = []

    def compiler(source_path, *_):
        written.append(Path(source_path).read_bytes().decode("utf-8"))
        return subprocess.CompletedProcess([], 1, stdout="", stderr="not compiled"), 0.0

    rust_execution._compile_rust_code = compiler
    rust_execution._check_rustc_available = lambda _: (True, None)
    results = []
    rust_execution._rust_unsafe_execute(
        case, case["completion"], 1.0, results, sandbox_mode="none", enforce_policy=enforce_policy
    )
    kept = {key: results[0][key] for key in ("main_free", "error_type", "result", "stderr", "compile_ok")}
    return {"source": written[0] if written else None, **kept}


def text():
    for line in sys.stdin:
        case = json.loads(line)
        both = {"plain": answer(case, enforce_policy=False), "policy": answer(case, enforce_policy=True)}
        sys.stdout.write(json.dumps(both) + "\n")


def score(samples, problems, timeout, enforce_policy, k_values, workers):
    with contextlib.redirect_stdout(sys.stderr):
        metrics = evaluation.evaluate_functional_correctness(
            samples,
            k=[int(k) for k in k_values.split(",")],
            n_workers=int(workers),
            timeout=float(timeout),
            problem_file=problems,
            sandbox_mode="none",
            enforce_policy=enforce_policy == "yes",
        )
    plain = {key: value if isinstance(value, str) else float(value) for key, value in metrics.items()}
    sys.stdout.write(json.dumps(plain) + "\n")


if __name__ == "__main__":
    {"text": text, "score": score}[sys.argv[1]](*sys.argv[2:])
