"""The command `rusteval ecosystem`."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Option

from rusteval.command_line import parse_k_values, parse_tasks
from rusteval.options import DeviceOption, TasksOption

_DOCUMENTED_K = (1, 10, 100)


def ecosystem(
    *,
    crate_list: Annotated[
        Path | None, Option(help="File with the crates to make a dataset of, one per line.")
    ] = None,
    dataset_path: Annotated[Path, Option(help="The dataset that is made.")] = Path(
        "datasets/phase2_full.jsonl"
    ),
    config_path: Annotated[Path, Option(help="Settings of the fine-tuner, YAML.")] = Path(
        "configs/llama8b-phase2.yml"
    ),
    checkpoint_path: Annotated[
        str | None,
        Option(
            help="Evaluate this: hub path, hub path/checkpoint-N, or local folder. "
            "[default: the latest checkpoint in --output-dir]",
            show_default=False,
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        Option(
            help="Folder of the checkpoints. [default: misc.output_dir of the fine-tuner's settings]",
            show_default=False,
        ),
    ] = None,
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Option(help="How much sigil-pipeline says.")
    ] = "INFO",
    generate_dataset: Annotated[
        bool, Option("--generate-dataset/--no-generate-dataset", help="Make the dataset by sigil-pipeline.")
    ] = True,
    fine_tune: Annotated[
        bool, Option("--fine-tune/--no-fine-tune", help="Train by sigilderg-finetuner.")
    ] = True,
    evaluate: Annotated[
        bool, Option("--evaluate/--no-evaluate", help="Draw samples of both models and judge them.")
    ] = True,
    base_model: Annotated[
        str | None,
        Option(
            help="Base model of the evaluation. [default: model_name of the fine-tuner's settings]",
            show_default=False,
        ),
    ] = None,
    results_dir: Annotated[Path, Option(help="Where the results of the evaluation go.")] = Path(
        "humaneval_results"
    ),
    num_samples: Annotated[int, Option(help="Samples per task.")] = 100,
    k_values: Annotated[
        str | None,
        Option(
            help="The k of pass@k, separated by commas. [default: those of 1,10,100 up to --num-samples]",
            show_default=False,
        ),
    ] = None,
    tasks: TasksOption = None,
    sandbox_mode: Annotated[
        Literal["auto", "docker", "firejail", "bubblewrap", "none"], Option(help="Where untrusted Rust runs.")
    ] = "auto",
    device: DeviceOption = "auto",
    dry_run: Annotated[
        bool, Option("--dry-run", "--plan", help="Check everything and print the commands; run none.")
    ] = False,
) -> None:
    """Dataset, fine-tune and evaluation in one go; each stage can be left out.

    The dataset is made by the installed sigil-pipeline, the fine-tune by the installed sigilderg-finetuner, the rest
    by this project.
    """
    from rusteval.ecosystem.running import plan, run_workflow
    from rusteval.ecosystem.workflow import Workflow
    from rusteval.judging.judge import default_workers

    workflow = Workflow(
        generate_dataset=generate_dataset,
        fine_tune=fine_tune,
        evaluate=evaluate,
        crate_list=crate_list,
        dataset_path=dataset_path,
        config_path=config_path,
        checkpoint_path=checkpoint_path,
        output_dir=output_dir,
        log_level=log_level,
        base_model=base_model,
        evaluation={
            "output_dir": results_dir,
            "num_samples": num_samples,
            "k_values": parse_k_values(k_values)
            if k_values is not None
            else tuple(k for k in _DOCUMENTED_K if k <= num_samples),
            "tasks": parse_tasks(tasks),
            "sandbox_mode": sandbox_mode,
            "device": device,
            "n_workers": default_workers(),
        },
    )
    if dry_run:
        typer.echo("\n".join(plan(workflow)))
    else:
        run_workflow(workflow)
