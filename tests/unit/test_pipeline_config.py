"""Settings that cannot work are named before anything is read, written or loaded."""

import pytest

from rusteval.errors import InputError
from rusteval.pipeline.config import EvaluationConfig, check_config


def config(**changes: object) -> EvaluationConfig:
    return EvaluationConfig.model_validate({"n_workers": 2, **changes})


def test_documented_defaults_are_accepted() -> None:
    defaults = config()
    check_config(defaults)
    assert (defaults.num_samples, defaults.k_values, defaults.seed) == (100, (1, 10, 100), 1234)
    assert (defaults.batch_size, defaults.timeout, defaults.temperature, defaults.top_p) == (
        32,
        10.0,
        0.2,
        0.95,
    )
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
