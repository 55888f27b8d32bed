"""Training data and samples from one form into another."""

from rusteval.conversion.sigil import (
    hf_dataset_to_prompt_gen,
    prompt_gen_to_eval_format,
    prompt_gen_to_hf_dataset,
)

__all__ = ["hf_dataset_to_prompt_gen", "prompt_gen_to_eval_format", "prompt_gen_to_hf_dataset"]
