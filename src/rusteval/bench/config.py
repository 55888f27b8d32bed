"""The settings of the code-quality benchmark, checked before anything is loaded."""

from pathlib import Path

from rusteval.errors import InputError
from rusteval.pipeline.config import GenerationConfig, SandboxMode, check_generation
from rusteval.problems.suites import DEFAULT_SUITE

HUMANEVAL_MAX_TOKENS = 512


class BenchConfig(GenerationConfig):
    """Everything that a benchmark depends on.

    `n_samples` is the number over all prompts together; `checkpoints` are names or patterns of a series, in whose
    place `model` names a single one. `humaneval_samples` are drawn for each task of HumanEval-Rust beside it.
    `timeout` is processor seconds for the tests of one sample.
    """

    n_samples: int = 100
    checkpoints: tuple[str, ...] = ()
    extended: bool = False
    humaneval_samples: int = 0
    k_values: tuple[int, ...] = (1, 5, 10)
    n_workers: int
    timeout: float = 10.0
    sandbox_mode: SandboxMode = "auto"

    @property
    def for_humaneval(self) -> "BenchConfig":
        """The settings that HumanEval-Rust is asked with: longer answers, the same sampling."""
        return self.model_copy(
            update={
                "num_samples": self.humaneval_samples,
                "max_new_tokens": max(self.max_new_tokens, HUMANEVAL_MAX_TOKENS),
                "suite": DEFAULT_SUITE,
            }
        )


def check_bench(config: BenchConfig) -> Path:
    """Check what no single option can know about itself; report every finding at once.

    Returns:
        Where the result goes: a file, or for a series of checkpoints a folder.

    Raises:
        InputError: settings that are impossible or contradict each other.
    """
    series = bool(config.checkpoints)
    output = config.output or Path("benchmark_progress" if series else "benchmark_results.json")
    checks = [
        (not (series and config.model), "--checkpoint names one, --checkpoints a series: give either"),
        (not series or config.remote is None, "--checkpoints goes with local engines only"),
        (config.n_samples >= 1, "--n-samples must be 1 or more"),
        (config.humaneval_samples >= 0, "--humaneval-samples must be 0 or more"),
        (config.timeout > 0, "--timeout must be more than 0 seconds"),
        (series or output.suffix == ".json", f"--output {output}: must end in .json"),
        (not series or not output.is_file(), f"--output {output}: is a file; a series needs a folder"),
        (
            not config.humaneval_samples or config.remote != "replay",
            "a replayed file has no HumanEval samples",
        ),
    ]
    findings = [message for holds, message in checks if not holds]
    if findings:
        raise InputError("; ".join(findings))
    check_generation(config if not series else config.model_copy(update={"model": config.checkpoints[0]}))
    return output
