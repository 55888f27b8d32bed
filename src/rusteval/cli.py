"""The command `rusteval`: every command has a module of its own, `<name>_command`."""

from typing import Annotated

import typer
from typer import Option

from rusteval import __version__
from rusteval.audit_command import audit
from rusteval.bench_command import bench
from rusteval.bundle_command import bundle, export
from rusteval.command_line import CONTEXT, new_app, run
from rusteval.compare_command import compare
from rusteval.contamination_command import contamination
from rusteval.convert_command import convert
from rusteval.doctor_command import doctor
from rusteval.ecosystem_command import ecosystem
from rusteval.generate_command import generate
from rusteval.report_command import report
from rusteval.run_command import run_evaluation
from rusteval.score_command import score
from rusteval.serve_command import serve
from rusteval.verify_command import verify

app = new_app(help_text="True verdicts for Rust code models.")
for command in (
    *(score, generate, bench, compare, serve),
    *(report, bundle, verify, export),
    *(convert, contamination, ecosystem, audit, doctor),
):
    app.command(context_settings=CONTEXT)(command)
app.command("run", context_settings=CONTEXT)(run_evaluation)


@app.callback()
def _root(
    version: Annotated[bool, Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"rusteval {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
