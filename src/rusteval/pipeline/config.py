"""The settings of runs, checked before anything is read, written or loaded."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rusteval.errors import InputError
from rusteval.generation.engine import EngineOptions, LocalEngineChoice, Sampling
from rusteval.generation.prompts import PromptChoice
from rusteval.problems.suites import DEFAULT_SUITE

DEFAULT_BASE_MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
DEFAULT_CHECKPOINT = "Superuser666-Sigil/Llama-3.1-8B-Instruct-Rust-QLora/checkpoint-9000"

Mode = Literal["no-policy", "policy"]
Role = Literal["base", "finetuned"]
RemoteEngine = Literal["openai", "anthropic", "google", "xai", "replay"]
SandboxMode = Literal["auto", "docker", "firejail", "bubblewrap", "none"]

MAX_TEMPERATURE = 10.0
MAX_PORT = 65535


class DrawingConfig(BaseModel):
    """Everything that samples of local models depend on, and how their engine is loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_samples: int = 100
    max_new_tokens: int = 512
    temperature: float = 0.2
    top_p: float = 0.95
    seed: int = 1234
    prompt: PromptChoice = "auto"
    stop_when_closed: bool = True
    suite: str = DEFAULT_SUITE
    problem_file: Path | None = None
    raw_problems: bool = False
    tasks: tuple[str, ...] | None = None
    engine: LocalEngineChoice = "auto"
    device: str = "auto"
    load_in_4bit: bool = False
    batch_size: int | None = None
    context: int | None = None
    tensor_parallel_size: int = 1
    data_parallel_size: int = 1
    gpu_memory_utilization: float = 0.9
    vllm_python: Path | None = None
    port: int | None = None
    fresh: bool = False

    @property
    def sampling(self) -> Sampling:
        """How answers are drawn."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_new_tokens=self.max_new_tokens,
            stop_at_function=self.stop_when_closed,
        )

    def engine_options(self, *, lora_rank: int | None = None, log_dir: Path | None = None) -> EngineOptions:
        """Return how a local engine is loaded, with room for an adapter of this rank."""
        return EngineOptions(
            device=self.device,
            load_in_4bit=self.load_in_4bit,
            batch_size=self.batch_size,
            context=self.context,
            lora_rank=lora_rank,
            tensor_parallel_size=self.tensor_parallel_size,
            data_parallel_size=self.data_parallel_size,
            gpu_memory_utilization=self.gpu_memory_utilization,
            vllm_python=self.vllm_python,
            port=self.port,
            log_dir=log_dir,
        )


class EvaluationConfig(DrawingConfig):
    """Everything that a run of the main job depends on; `timeout` is processor seconds per test run."""

    base_model: str = DEFAULT_BASE_MODEL
    checkpoint_path: str = DEFAULT_CHECKPOINT
    output_dir: Path = Path("humaneval_results")
    k_values: tuple[int, ...] = (1, 10, 100)
    skip_base: bool = False
    skip_finetuned: bool = False
    policy_only: bool = False
    no_policy_only: bool = False
    n_workers: int
    timeout: float = 10.0
    sandbox_mode: SandboxMode = "auto"
    compare_protocols: bool = True
    contamination: Path | None = None

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


class GenerationConfig(DrawingConfig):
    """Everything that a run of `rusteval generate` depends on.

    `remote` names an engine that holds no weights here; then `model` is the server's name for the model. Times are
    in seconds.
    """

    model: str | None = None
    base_model: str | None = None
    output: Path | None = None
    remote: RemoteEngine | None = None
    base_url: str | None = None
    max_concurrency: int = 16
    request_timeout: float = 600.0
    attempts: int = 6
    replay_file: Path | None = None


def check_generation(config: GenerationConfig) -> None:
    """Check what no single option can know about itself; report every finding at once.

    Raises:
        InputError: settings that are impossible or contradict each other.
    """
    findings = drawing_findings(config)
    replay = config.remote == "replay"
    api = config.remote is not None and not replay
    checks = [
        (config.model is not None or replay, "give --checkpoint, the model to ask"),
        (config.base_url is None or api, "--base-url goes with the engines of APIs only"),
        (replay == (config.replay_file is not None), "--replay-file and --engine replay go together"),
        (config.base_model is None or config.remote is None, "--base-model goes with local engines only"),
        (config.max_concurrency >= 1, "--max-concurrency must be 1 or more"),
        (config.attempts >= 1, "--attempts must be 1 or more"),
        (config.request_timeout > 0, "--request-timeout must be more than 0 seconds"),
    ]
    findings += [message for holds, message in checks if not holds]
    if findings:
        raise InputError("; ".join(findings))


def check_config(config: EvaluationConfig) -> None:
    """Check what no single option can know about itself; report every finding at once.

    Raises:
        InputError: settings that are impossible or contradict each other.
    """
    findings = drawing_findings(config)
    checks = [
        (config.n_workers >= 1, "--n-workers must be 1 or more"),
        (config.timeout > 0, "--timeout must be more than 0 seconds"),
        (bool(config.roles), "--skip-base and --skip-finetuned together leave no model to evaluate"),
        (
            not (config.policy_only and config.no_policy_only),
            "--policy-only and --no-policy-only exclude each other",
        ),
    ]
    findings += [message for holds, message in checks if not holds]
    too_large = [k for k in config.k_values if k > config.num_samples]
    if too_large:
        findings.append(_k_message(config, too_large))
    if findings:
        raise InputError("; ".join(findings))


def drawing_findings(config: DrawingConfig) -> list[str]:
    """Return what is wrong with the settings of generation, one sentence each."""
    least_one = (
        *("num_samples", "batch_size", "max_new_tokens", "context"),
        *("tensor_parallel_size", "data_parallel_size"),
    )
    values = {name: getattr(config, name) for name in least_one}
    checks = [
        (value is None or value >= 1, f"{_flag(name)} must be 1 or more") for name, value in values.items()
    ]
    checks += [
        (0 <= config.temperature <= MAX_TEMPERATURE, "--temperature must lie between 0 and 10"),
        (0 < config.top_p <= 1, "--top-p must lie above 0 and not above 1"),
        (config.seed >= 0, "--seed must be 0 or more"),
        (0 < config.gpu_memory_utilization <= 1, "--gpu-memory-utilization must lie above 0 and not above 1"),
        (config.port is None or 0 < config.port <= MAX_PORT, "--port must lie between 1 and 65535"),
    ]
    return [message for holds, message in checks if not holds]


def _flag(name: str) -> str:
    return {"context": "--max-model-len"}.get(name, "--" + name.replace("_", "-"))


def _k_message(config: EvaluationConfig, too_large: list[int]) -> str:
    listed = ",".join(str(k) for k in too_large)
    return f"--k-values has {listed}, more than the {config.num_samples} of --num-samples: raise that or drop these k"
