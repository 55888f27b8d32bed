"""The settings of the main job, checked before anything is read, written or loaded."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rusteval.errors import InputError
from rusteval.problems.suites import DEFAULT_SUITE

DEFAULT_BASE_MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
DEFAULT_CHECKPOINT = "Superuser666-Sigil/Llama-3.1-8B-Instruct-Rust-QLora/checkpoint-9000"

Mode = Literal["no-policy", "policy"]
Role = Literal["base", "finetuned"]
SandboxMode = Literal["auto", "docker", "firejail", "bubblewrap", "none"]

MAX_TEMPERATURE = 10.0


class EvaluationConfig(BaseModel):
    """Everything that a run of the main job depends on; `timeout` is processor seconds per test run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_model: str = DEFAULT_BASE_MODEL
    checkpoint_path: str = DEFAULT_CHECKPOINT
    output_dir: Path = Path("humaneval_results")
    num_samples: int = 100
    k_values: tuple[int, ...] = (1, 10, 100)
    skip_base: bool = False
    skip_finetuned: bool = False
    policy_only: bool = False
    no_policy_only: bool = False
    batch_size: int = 32
    n_workers: int
    timeout: float = 10.0
    max_new_tokens: int = 512
    temperature: float = 0.2
    top_p: float = 0.95
    device: str = "auto"
    seed: int = 1234
    sandbox_mode: SandboxMode = "auto"
    load_in_4bit: bool = False
    stop_when_closed: bool = True
    suite: str = DEFAULT_SUITE
    problem_file: Path | None = None
    raw_problems: bool = False
    tasks: tuple[str, ...] | None = None
    compare_protocols: bool = True
    fresh: bool = False

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The policy modes that are reported, in their order."""
        if self.policy_only:
            return ("policy",)
        return ("no-policy",) if self.no_policy_only else ("no-policy", "policy")

    @property
    def roles(self) -> tuple[Role, ...]:
        """The models that are evaluated, in their order."""
        kept: list[Role] = []
        if not self.skip_base:
            kept.append("base")
        if not self.skip_finetuned:
            kept.append("finetuned")
        return tuple(kept)


def check_config(config: EvaluationConfig) -> None:
    """Check what no single option can know about itself; report every finding at once.

    Raises:
        InputError: settings that are impossible or contradict each other.
    """
    least_one = ("num_samples", "batch_size", "n_workers", "max_new_tokens")
    checks = [(getattr(config, name) >= 1, f"{_flag(name)} must be 1 or more") for name in least_one]
    checks += [
        (config.timeout > 0, "--timeout must be more than 0 seconds"),
        (0 <= config.temperature <= MAX_TEMPERATURE, "--temperature must lie between 0 and 10"),
        (0 < config.top_p <= 1, "--top-p must lie above 0 and not above 1"),
        (config.seed >= 0, "--seed must be 0 or more"),
        (bool(config.roles), "--skip-base and --skip-finetuned together leave no model to evaluate"),
        (
            not (config.policy_only and config.no_policy_only),
            "--policy-only and --no-policy-only exclude each other",
        ),
    ]
    too_large = [k for k in config.k_values if k > config.num_samples]
    if too_large:
        checks.append((False, _k_message(config, too_large)))
    findings = [message for holds, message in checks if not holds]
    if findings:
        raise InputError("; ".join(findings))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _k_message(config: EvaluationConfig, too_large: list[int]) -> str:
    listed = ",".join(str(k) for k in too_large)
    return f"--k-values has {listed}, more than the {config.num_samples} of --num-samples: raise that or drop these k"
