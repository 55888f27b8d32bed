"""Whether a run's `metrics.json` say what its verdicts give."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rusteval.errors import InputError
from rusteval.pipeline.rebuilding import StoredRun
from rusteval.pipeline.recorded import REMEDY
from rusteval.reports.analysis import analyse, metrics_document

_RELATIVE = 1e-9


@dataclass(frozen=True, kw_only=True)
class MetricsDifferences:
    """What differs between metrics as stored and as computed again.

    Attributes:
        different: values that both have and that differ, one line each.
        one_sided: keys that only one of them has, as metrics of another version may.
    """

    different: list[str]
    one_sided: list[str]


def metrics_differences(stored: StoredRun, directory: Path) -> MetricsDifferences:
    """Compute every mode's metrics from the stored verdicts, and compare them with the files in a folder.

    Raises:
        InputError: a `metrics.json` is missing or is no JSON.
    """
    different: list[str] = []
    one_sided: list[str] = []
    for view in analyse(stored.view):
        name = f"{view.mode}/metrics.json"
        computed = json.loads(json.dumps(metrics_document(view, stored.view)))
        for key, old, new in _differing(_read(directory / name), computed, ""):
            if _MISSING in (old, new):
                one_sided.append(f"{name}: {key} is {'no longer' if new is _MISSING else 'not yet'} there")
            else:
                different.append(f"{name}: {key}: {json.dumps(old)} -> {json.dumps(new)}")
    return MetricsDifferences(different=different, one_sided=one_sided)


class _Missing:
    """What stands for a value that is not there."""


_MISSING = _Missing()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {REMEDY}") from error


def _differing(old: Any, new: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield (key, old value, new value) of everything that differs between two JSON values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for part in dict.fromkeys((*old, *new)):
            inner = f"{key}.{part}" if key else part
            yield from _differing(old.get(part, _MISSING), new.get(part, _MISSING), inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            if any(_differing(*pair, "")):
                yield f"{key}[{number}]", *pair
    elif not _same(old, new):
        yield key, old, new


def _same(old: Any, new: Any) -> bool:
    """Whether two JSON values are the same; another processor adds up in another order."""
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=_RELATIVE, abs_tol=_RELATIVE)
    return type(old) is type(new) and bool(old == new)
