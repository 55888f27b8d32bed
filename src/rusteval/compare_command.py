"""The command `rusteval compare`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from rusteval.command_line import parse_k_values
from rusteval.options import ProblemFileOption


def compare(
    results: Annotated[
        list[str],
        Argument(
            help="Two or more of one kind: results folders (FOLDER:base, FOLDER:finetuned), *_results.jsonl, models' "
            "folders of run_evaluation.py; or JSON files of rusteval bench.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None, Option(help="Write text, page, JSON and charts into this folder.", show_default=False)
    ] = None,
    mode: Annotated[
        Literal["no-policy", "policy"] | None,
        Option(help="Policy mode of verdicts. [default: no-policy where it is there]", show_default=False),
    ] = None,
    k: Annotated[
        str | None,
        Option(help="The k of pass@k, separated by commas. [default: as asked before]", show_default=False),
    ] = None,
    problem_file: ProblemFileOption = None,
    force: Annotated[
        bool, Option("--force", help="Compare also what is about different problems or prompts.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Compare results that are there already: which is better, by how much, and how sure that is.

    Everything is held against the first. Nothing is generated or judged.
    """
    # Imported late, so that help and usage errors answer at once.
    from rusteval.comparing.compare import CompareSettings, compare_results
    from rusteval.comparing.writing import to_document, to_paper, write_comparison
    from rusteval.files import require_writable

    if output is not None:
        require_writable(output / "comparison.json")
    settings = CompareSettings(
        mode=mode,
        k_values=None if k is None else parse_k_values(k),
        problem_file=problem_file,
        force=force,
    )
    found = compare_results(results, settings=settings)
    written = [] if output is None else write_comparison(found, folder=output)
    if as_json:
        typer.echo(json.dumps(to_document(found)))
    elif output is None:
        typer.echo(to_paper(found).to_markdown(), nl=False)
    else:
        typer.echo("\n".join([*to_paper(found).lead, *(f"== {path}" for path in written)]))
