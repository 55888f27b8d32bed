"""How results were made, as far as it is recorded beside them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from rusteval.errors import InputError
from rusteval.judging.assembly import Protocol
from rusteval.reports.bench_rates import look_up, prompts_of
from rusteval.reports.wording import amount, number

METADATA = "eval_metadata.json"
_HASH_SHOWN = 12


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        InputError: the file is missing, or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); make it again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: is not a JSON object; give a file that rusteval bench wrote")
    return value


def facts_of_run(metadata: Mapping[str, Any], role: str, protocol: Protocol) -> dict[str, str]:
    """Return what `eval_metadata.json` says of one model's results under one protocol."""
    judging = metadata.get("judging")
    known = judging if isinstance(judging, Mapping) else {}
    repaired = look_up(metadata, "suite.repaired_tasks")
    found = {
        "suite": suite_text(look_up(metadata, "suite.name"), look_up(metadata, "suite.sha256")),
        "repairs": amount(len(repaired), "task") if isinstance(repaired, list) else None,
    }
    for other in known.get("compared_with") or ():  # another protocol judges by problems of its own
        if other.get("protocol") == protocol:
            found["suite"] = suite_text(None, other.get("suite_sha256"))
            found["repairs"] = "none" if other.get("suite_raw") else found["repairs"]
    facts = facts_of_identity(look_up(metadata, f"sample_identity.{role}")) | facts_of_judging(known)
    return facts | {key: value for key, value in found.items() if value is not None}


def facts_of_judging(judging: Mapping[str, Any]) -> dict[str, str]:
    """Return what is recorded of compiler, sandbox and limits."""
    timeout = judging.get("timeout_s")
    found = {
        "rustc": judging.get("rustc") or judging.get("rustc_version"),
        "sandbox": judging.get("sandbox"),
        "timeout": None if timeout is None else f"{timeout:g} s",
    }
    return {key: str(value) for key, value in found.items() if value is not None}


def facts_of_identity(identity: object) -> dict[str, str]:
    """Return what the identity of a sample file says: problems, prompts and sampling."""
    if not isinstance(identity, Mapping):
        return {}
    found = {
        "suite": suite_text(None, identity.get("suite_sha256")),
        "prompt": identity.get("prompt_template"),
        "temperature": identity.get("temperature"),
        "top_p": identity.get("top_p"),
        "max_tokens": identity.get("max_new_tokens"),
        "stopping": _yes_or_no(identity.get("stop_at_function")),
    }
    return {key: _plain(value) for key, value in found.items() if value is not None}


def facts_of_bench(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what a bench document says of how it was made."""
    found = {
        "prompt": look_up(document, "sampling.prompt"),
        "temperature": look_up(document, "sampling.temperature"),
        "top_p": look_up(document, "sampling.top_p"),
        "max_tokens": look_up(document, "sampling.max_tokens"),
        "stopping": _yes_or_no(look_up(document, "sampling.stop_when_closed")),
        "suite": suite_text(look_up(document, "suite.name"), look_up(document, "suite.sha256")),
        "rustc": look_up(document, "environment.rustc"),
        "sandbox": look_up(document, "environment.sandbox"),
    }
    sizes = sorted({int(size) for e in prompts_of(document).values() if (size := number(e.get("n_samples")))})
    found["samples_per_task"] = (
        "-".join(str(size) for size in dict.fromkeys((*sizes[:1], *sizes[-1:]))) or None
    )
    return {key: _plain(value) for key, value in found.items() if value is not None}


def suite_text(name: object, sha256: object) -> str | None:
    """Return the problems as they are told apart: by their hash, or by their name where that is all there is."""
    if isinstance(sha256, str) and sha256:
        return sha256[:_HASH_SHOWN]
    return None if name is None else str(name)


def model_of_identity(identity: object) -> str | None:
    """Return which model drew the samples: the adapter where there is one."""
    if not isinstance(identity, Mapping):
        return None
    found = identity.get("adapter") or identity.get("model")
    return None if found is None else str(found)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _yes_or_no(value: object) -> str | None:
    return None if not isinstance(value, bool) else "yes" if value else "no"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
