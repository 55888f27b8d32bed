"""Errors that a user can cause or must be told of, each with the exit code that a command ends with.

Every message is one line: what went wrong, where, and what to do about it. Commands print it without a
traceback. Anything else that escapes is a bug of this project and ends with exit code 1.
"""

import errno

INTERRUPTED = 130

# Errors of the operating system that a user can mend: room, permission, a read-only place.
USER_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS})


class RustevalError(Exception):
    """Base of all errors that a command reports in one line."""

    exit_code = 1

    @property
    def lines(self) -> list[str]:
        """The message as it is told; one line, unless several things are wrong at once."""
        return [" ".join(str(self).split())]


class InputError(RustevalError):
    """Bad usage or bad input: a flag, a file, a model name, a missing permission."""

    exit_code = 2


class SandboxUnavailableError(RustevalError):
    """No sandbox passed its self-test, or the one asked for is not usable."""

    exit_code = 3


class InfrastructureError(RustevalError):
    """The machinery failed (not the answers), too often for the results to count."""

    exit_code = 4


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that a command ends with when this error escapes it."""
    if isinstance(error, RustevalError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return InputError.exit_code if isinstance(error, OSError) and error.errno in USER_ERRNOS else 1
