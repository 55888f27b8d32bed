"""What the log of a vLLM server says about its end, in one line with a remedy."""

import re
from pathlib import Path

from rusteval.errors import InfrastructureError, InputError

_QUOTED = 300
_TAIL_BYTES = 8192
_KILLED = 128 + 9  # how a shell tells of a process that was killed

# vLLM puts the process, the level, the time and the place before its lines.
_PREFIX = re.compile(r"^(?:\([\w -]+pid=\d+\) )?(?:(?:ERROR|INFO|WARNING) [\d-]+ [\d:]+ \[[^\]]*\] )?")
_EXCEPTION = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception)(?:: (?P<message>.*))?$")
_NOISE = re.compile(r"\s*\[type=\w+, input_value=.*$")
_CONSEQUENCES = (
    "See root cause above",
    "See stack trace",
    "initialization failed",
    "Failed core proc",
    "unexpectedly",
)

# What stands in a log, what kind of error it is, what it means, and what to do; the first that fits holds.
_MEANINGS: tuple[tuple[tuple[str, ...], type[InputError | InfrastructureError], str, str], ...] = (
    (
        (
            "CUDA out of memory",
            "OutOfMemoryError",
            "less than desired GPU memory utilization",
            "No available memory for the cache blocks",
        ),
        InfrastructureError,
        "the GPU's memory does not suffice",
        "; free the GPU, give a smaller --batch-size or --context, or change --gpu-memory-utilization",
    ),
    (
        ("To serve at least one request", "stored in KV cache"),
        InfrastructureError,
        "the context does not fit into memory",
        "; give a smaller --context",
    ),
    (
        ("Cannot allocate memory", "MemoryError", "std::bad_alloc", "can't allocate memory"),
        InfrastructureError,
        "the machine's memory does not suffice",
        "; free some, or take a smaller model",
    ),
    (
        ("address already in use", "Address already in use"),
        InputError,
        "its port was taken by another program",
        "; give another --port, or none",
    ),
    (
        ("unrecognized arguments", "error: argument", "invalid choice"),
        InputError,
        "this version refuses an option",
        "; install a version that has it",
    ),
    (
        (
            "Error parsing config",
            "validation error for ModelConfig",
            "validation error for VllmConfig",
            "not a valid model identifier",
            "Invalid repository ID",
            "does not appear to have a file",
            "RepositoryNotFoundError",
            "GatedRepoError",
            "LocalEntryNotFoundError",
            "not supported for now",
            "Cannot find any model weights",
            "SafetensorError",
            "Error while deserializing header",
            "must be divisible",
            "Failed to infer device type",
        ),
        InputError,
        "cannot serve this model with these options",
        "",
    ),
    (
        ("exited unexpectedly", "died unexpectedly"),
        InfrastructureError,
        "one of its processes was ended, as the system does when memory runs out",
        "; see that there is enough",
    ),
)


def explain_end(text: str, *, code: int | None, log: Path) -> InputError | InfrastructureError:
    """Return the error that tells why a server ended.

    Args:
        text: what it wrote since it was started.
        code: its exit status as a shell gives it, None while it lives.
        log: the file that holds the text, named in the error.
    """
    reason = f"{_root_cause(text)!r}; see {log}"

    def says(*needles: str) -> bool:
        return any(needle in text for needle in needles)

    for needles, kind, meaning, remedy in _MEANINGS:
        if says(*needles):
            return kind(f"vLLM server: {meaning}: {reason}{remedy}")
    if code is None:
        return InfrastructureError(f"vLLM server: does not answer any more: {reason}")
    if code == _KILLED:
        return InfrastructureError(
            f"vLLM server: was killed, as the system does when memory runs out: {reason}; free some, and go on"
        )
    return InfrastructureError(f"vLLM server: ended with status {code}: {reason}")


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty, without what stands before its message, and shortened."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    messages = [message for line in lines if (message := _PREFIX.sub("", line).strip())]
    return messages[-1][:_QUOTED] if messages else "nothing written yet"


def _root_cause(text: str) -> str:
    """Return the first exception that is no consequence of another, else the first consequence, else the last line."""
    lines = [_PREFIX.sub("", line).rstrip() for line in text.splitlines()]
    consequence = ""
    for number, line in enumerate(lines):
        if any(word in line for word in _CONSEQUENCES):
            consequence = consequence or line
        elif _EXCEPTION.match(line):
            more = lines[number + 1].strip() if "validation error" in line and number + 1 < len(lines) else ""
            return _NOISE.sub("", f"{line} {more}".strip())[:_QUOTED]
    said = [line for line in lines if line]
    return (consequence or (said[-1] if said else "nothing written"))[:_QUOTED]
