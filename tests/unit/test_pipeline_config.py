"""Settings that cannot work are named before anything is read, written or loaded."""

import pytest

from rusteval.errors import InputError
from rusteval.pipeline.config import (
    EvaluationConfig,
    GenerationConfig,
    check_config,
    check_generation,
)


def config(**changes: object) -> EvaluationConfig:
    return EvaluationConfig.model_validate({"n_workers": 2, **changes})


def test_documented_defaults_are_accepted() -> None:
    defaults = config()
    check_config(defaults)
    assert (defaults.num_samples, defaults.k_values, defaults.seed) == (100, (1, 10, 100), 1234)
    assert (defaults.timeout, defaults.temperature, defaults.top_p) == (10.0, 0.2, 0.95)
    assert (defaults.batch_size, defaults.engine, defaults.prompt) == (None, "auto", "auto")
    assert defaults.base_model == "meta-llama/Meta-Llama-3.1-8B-Instruct"
    assert defaults.checkpoint_path == "Superuser666-Sigil/Llama-3.1-8B-Instruct-Rust-QLora/checkpoint-9000"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_samples": 0, "k_values": (1,)}, "--num-samples"),
        ({"num_samples": 5}, "--k-values has 10,100"),
        ({"timeout": 0}, "--timeout"),
        ({"temperature": -1}, "--temperature"),
        ({"top_p": 0}, "--top-p"),
        ({"skip_base": True, "skip_finetuned": True}, "--skip-base"),
        ({"policy_only": True, "no_policy_only": True}, "--policy-only"),
        ({"seed": -1}, "--seed"),
        ({"batch_size": 0}, "--batch-size"),
        ({"context": 0}, "--max-model-len"),
        ({"tensor_parallel_size": 0}, "--tensor-parallel-size"),
        ({"gpu_memory_utilization": 1.5}, "--gpu-memory-utilization"),
        ({"port": 70000}, "--port"),
        ({"n_workers": 0}, "--n-workers"),
    ],
)
def test_impossible_settings_are_named(changes: dict[str, object], named: str) -> None:
    with pytest.raises(InputError) as caught:
        check_config(config(**changes))
    assert named in str(caught.value)


def test_all_findings_come_at_once() -> None:
    with pytest.raises(InputError) as caught:
        check_config(config(num_samples=5, timeout=-1, top_p=2))
    assert all(name in str(caught.value) for name in ("--k-values", "--timeout", "--top-p"))


def test_modes_and_roles_follow_the_flags() -> None:
    assert config().modes == ("no-policy", "policy")
    assert config(policy_only=True).modes == ("policy",)
    assert config(no_policy_only=True).modes == ("no-policy",)
    assert config(skip_base=True).roles == ("finetuned",)
    assert config(skip_finetuned=True).roles == ("base",)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "--checkpoint"),
        ({"remote": "openai"}, "--checkpoint"),
        ({"model": "m", "base_url": "http://localhost/v1"}, "--base-url"),
        ({"remote": "replay"}, "--replay-file"),
        ({"model": "m", "replay_file": "x.jsonl"}, "--replay-file"),
        ({"model": "m", "remote": "openai", "base_model": "b"}, "--base-model"),
        ({"model": "m", "remote": "openai", "max_concurrency": 0}, "--max-concurrency"),
        ({"model": "m", "remote": "openai", "attempts": 0}, "--attempts"),
        ({"model": "m", "remote": "openai", "request_timeout": 0}, "--request-timeout"),
        ({"model": "m", "num_samples": 0}, "--num-samples"),
    ],
)
def test_what_an_engine_needs_and_what_has_no_place_with_it(settings: dict[str, object], named: str) -> None:
    with pytest.raises(InputError) as caught:
        check_generation(GenerationConfig.model_validate(settings))
    assert named in str(caught.value)


def test_settings_of_each_kind_of_engine_are_accepted() -> None:
    for settings in (
        {"model": "org/model"},
        {"model": "gpt", "remote": "openai", "base_url": "http://localhost/v1"},
        {"remote": "replay", "replay_file": "x.jsonl"},
    ):
        check_generation(GenerationConfig.model_validate(settings))
