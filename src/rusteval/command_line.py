"""What every command shares: one-line errors, documented exit codes, and the parsing of list-like options."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

from rusteval.errors import INTERRUPTED, USER_ERRNOS, InputError, RustevalError

# Every option can also be set as RUSTEVAL_<OPTION>, in every command.
CONTEXT = {"auto_envvar_prefix": "RUSTEVAL", "help_option_names": ["-h", "--help"]}

_AGAIN_AFTER_S = 0.05
_INTERRUPTED_TEXT = "interrupted; run the same command again to go on"


def _usage_error() -> type[Any]:
    """Return the base class of usage errors; newer versions of typer carry a click of their own inside."""
    return next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


_USAGE_ERROR = _usage_error()


def new_app(*, help_text: str | None = None) -> typer.Typer:
    """Return an application whose errors and help are plain text."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help=help_text,
        context_settings=CONTEXT,
        no_args_is_help=False,
    )


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run an application and leave the process with a documented exit code.

    0 done, 1 internal error (with its traceback), 2 bad usage or input, 3 no acceptable sandbox, 4 too many
    infrastructure failures, 130 interrupted.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _no_interruption_lost():
            code = typer.main.get_command(app).main(args=arguments, standalone_mode=False)
    except _USAGE_ERROR as error:
        _fail(f"{_one_line(error.format_message())} (see --help)", code=InputError.exit_code)
    except RustevalError as error:
        _fail(*error.lines, code=error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail(_INTERRUPTED_TEXT, code=INTERRUPTED)
    except OSError as error:
        if error.errno not in USER_ERRNOS:
            raise
        _fail(
            f"{error.filename or 'a file'}: {error.strerror}; mend that and run the same command again",
            code=2,
        )
    if code == INTERRUPTED:  # what typer returns for an interruption
        _fail(_INTERRUPTED_TEXT, code=INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(_signal: int, _frame: object) -> None:
    """Let a termination signal clean up like Ctrl-C does."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def _no_interruption_lost() -> Iterator[None]:
    """Interrupt again where Python had to ignore it, as in a callback of a weak reference while charts are drawn."""
    before = sys.unraisablehook

    def hook(ignored: Any) -> None:
        if isinstance(ignored.exc_value, KeyboardInterrupt):
            main = threading.main_thread().ident
            threading.Timer(_AGAIN_AFTER_S, signal.pthread_kill, (main, signal.SIGTERM)).start()
        else:
            before(ignored)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fail(*messages: str, code: int) -> NoReturn:
    sys.stderr.writelines(f"error: {message}\n" for message in messages)
    sys.exit(code)


def parse_k_values(text: str) -> tuple[int, ...]:
    """Return the k of pass@k from `1,10,100`, ascending and without repeats.

    Raises:
        InputError: a part is not a whole number of 1 or more.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise InputError(f"k values {text!r} are not whole numbers of 1 or more, like 1,10,100")
    return tuple(sorted({int(part) for part in parts}))


def parse_tasks(text: str | None) -> tuple[str, ...] | None:
    """Return task ids from `A,B` or, after an `@`, from a file with one id per line; None where none are named.

    Raises:
        InputError: the file cannot be read.
    """
    if text is None:
        return None
    if text.startswith("@"):
        path = Path(text[1:])
        try:
            text = ",".join(path.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as a list of tasks: {error}") from error
    return tuple(part.strip() for part in text.split(",") if part.strip())
