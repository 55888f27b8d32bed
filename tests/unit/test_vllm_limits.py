"""What vLLM can do with an adapter, and what its failures to load are told as."""

import os
import sys
import warnings
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.checkpoints import ModelSource
from rusteval.generation.vllm.limits import check_adapter_limits, lora_rank_step
from rusteval.generation.vllm.log import VllmLog
from rusteval.generation.vllm.setup import load_error

pytestmark = pytest.mark.models

# As PEFT 0.17 writes it for an ordinary QLoRA.
ORDINARY = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": "some/model",
    "r": 16,
    "lora_alpha": 32,
    "lora_dropout": 0.05,
    "bias": "none",
    "target_modules": ["q_proj", "v_proj"],
    "exclude_modules": None,
    "modules_to_save": None,
    "init_lora_weights": True,
    "inference_mode": True,
    "use_rslora": False,
    "use_dora": False,
    "lora_bias": False,
    "rank_pattern": {},
    "alpha_pattern": {},
    "loftq_config": {},
    "eva_config": None,
    "megatron_core": "megatron.core",
    "qalora_group_size": 16,
    "trainable_token_indices": None,
}


def adapter(**settings) -> ModelSource:
    return ModelSource(
        name="ours",
        path=Path("/ours"),
        repo=None,
        revision=None,
        subfolder="",
        is_adapter=True,
        config={**ORDINARY, **settings},
    )


@pytest.mark.parametrize(
    ("rank", "step"), [(1, 8), (8, 8), (9, 16), (16, 16), (48, 64), (257, 320), (400, 512), (512, 512)]
)
def test_a_rank_is_rounded_up_to_what_vllm_takes(rank, step):
    assert lora_rank_step(rank) == step


def test_a_rank_that_no_vllm_takes():
    with pytest.raises(InputError, match=r"rank 513 .*--engine transformers"):
        lora_rank_step(513)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True},
        {"r": 512},
        {"target_modules": "all-linear"},
        {"layers_to_transform": [0, 1]},
        {"init_lora_weights": "gaussian"},
        {"init_lora_weights": False},
        {"fan_in_fan_out": True},
        {"setting_of_tomorrow": None, "size_of_tomorrow": 3},
    ],
)
def test_adapters_that_vllm_can_use(settings):
    check_adapter_limits(adapter(**settings))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"use_dora": True}, "DoRA"),
        ({"bias": "lora_only"}, "bias lora_only"),
        ({"lora_bias": True}, "lora_bias"),
        ({"rank_pattern": {"q_proj": 8}}, "rank_pattern"),
        ({"alpha_pattern": {"q_proj": 8}}, "alpha_pattern"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"layer_replication": [[0, 4], [2, 5]]}, "layer_replication"),
        ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights pissa_niter_4"),
        ({"r": 1024}, "rank 1024"),
        ({"use_tomorrow": True}, "use_tomorrow"),
    ],
)
def test_adapters_that_it_would_serve_as_something_else(settings, named):
    with pytest.raises(InputError, match=rf"ours: vLLM cannot use .*{named}.*--engine transformers"):
        check_adapter_limits(adapter(**settings))


def test_all_that_is_wrong_with_an_adapter_is_said_at_once():
    with pytest.raises(
        InputError, match=r"modules_to_save\), DoRA \(use_dora\), trained biases \(bias all\)"
    ):
        check_adapter_limits(adapter(modules_to_save=["lm_head"], use_dora=True, bias="all"))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("ValueError: Free memory on device (3/79 GiB) is less than desired", InfrastructureError),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", InfrastructureError),
        ("ValueError: No available memory for the cache blocks.", InfrastructureError),
        ("ValueError: No supported architecture", InputError),
    ],
)
def test_the_cause_of_a_failed_start_is_found_in_the_log_of_vllms_processes(tmp_path, line, kind):
    """Of a process behind it the one in front only says that it failed."""
    path = tmp_path / "vllm.log"
    path.write_text("(EngineCore pid=1) ERROR [core.py:1] KeyError: 'of an earlier start'\n")
    log = VllmLog(tmp_path)
    with path.open("a") as lines:
        lines.write(f"(EngineCore pid=7) INFO fine\n(EngineCore pid=7) ERROR [core.py:9] {line}\n")
        lines.write("RuntimeError: Engine core initialization failed. See root cause above.\n")
    cause = log.cause_of(RuntimeError("Engine core initialization failed. See root cause above."))
    assert cause == line.removeprefix("torch.")
    told = load_error(adapter(), cause=cause, log=path)
    assert type(told) is kind
    assert str(told).startswith("ours: ")
    assert cause in str(told)
    assert str(path) in str(told)
    assert "\n" not in str(told)


def test_an_error_of_this_process_speaks_for_itself(tmp_path):
    path = tmp_path / "vllm.log"
    log = VllmLog(tmp_path)
    path.write_text("ValueError: said before and mended\n")
    assert log.cause_of(ValueError("no such layer\nand more")) == "ValueError: no such layer"
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("x")
    assert log.cause_of(caught.value).startswith("Input should be a valid integer")
    assert len(log.cause_of(RuntimeError("model " * 1000))) < 400


def test_while_vllm_writes_into_its_log_our_own_messages_reach_the_terminal(tmp_path, capfd):
    log = VllmLog(tmp_path)
    with warnings.catch_warnings(record=True) as shown, log.capturing():
        os.write(1, b"from a library\n")
        sys.stderr.write("from ours\n")
        warnings.warn_explicit("old ways", FutureWarning, "layers.py", 7, module="vllm.lora.layers")
    sys.stdout.write("afterwards\n")
    captured = capfd.readouterr()
    assert shown == []
    assert captured.err == "from ours\n"
    assert captured.out == "afterwards\n"
    assert (tmp_path / "vllm.log").read_text() == "from a library\n"
