"""Shapes of models, and how many bytes one step of decoding must read: the limit that memory sets to its speed."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DEMO = "demo"
EMBEDDINGS = "model.embed_tokens.weight"
SCORES = "lm_head.weight"
BYTES = {"float32": 4, "bfloat16": 2}

_BEGIN, _END, _PAD = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The measures of a Llama.

    Attributes:
        vocabulary: tokens.
        hidden: size of a token's state.
        intermediate: size inside the feed-forward part.
        layers: their number.
        heads: of the queries.
        key_heads: of the keys and values.
        head: size of one head.
        tied: whether the scores are computed with the table that embeds the tokens.
        context: most tokens of prompt and answer together.
    """

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_heads: int
    head: int
    tied: bool
    context: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the size of every weight by the name that transformers gives it."""
        queries, keys = self.heads * self.head, self.key_heads * self.head
        layer = {
            "self_attn.q_proj": (queries, self.hidden),
            "self_attn.k_proj": (keys, self.hidden),
            "self_attn.v_proj": (keys, self.hidden),
            "self_attn.o_proj": (self.hidden, queries),
            "mlp.gate_proj": (self.intermediate, self.hidden),
            "mlp.up_proj": (self.intermediate, self.hidden),
            "mlp.down_proj": (self.hidden, self.intermediate),
            "input_layernorm": (self.hidden,),
            "post_attention_layernorm": (self.hidden,),
        }
        sizes: dict[str, tuple[int, ...]] = {EMBEDDINGS: (self.vocabulary, self.hidden)}
        for number in range(self.layers):
            sizes |= {f"model.layers.{number}.{name}.weight": size for name, size in layer.items()}
        sizes["model.norm.weight"] = (self.hidden,)
        return sizes if self.tied else sizes | {SCORES: (self.vocabulary, self.hidden)}

    @property
    def parameters(self) -> int:
        """All weights."""
        return sum(math.prod(size) for size in self.weights().values())

    @property
    def parameters_per_step(self) -> int:
        """Weights that a step multiplies with: all but the table of embeddings, of which it looks up a few rows."""
        return self.parameters - (0 if self.tied else self.vocabulary * self.hidden)

    @property
    def numbers_per_position(self) -> int:
        """Numbers that the keys and values of one position hold, in all layers."""
        return 2 * self.layers * self.key_heads * self.head

    def config(self, *, dtype: str) -> dict[str, Any]:
        """Return the content of `config.json`, in the keys that every version of transformers and vLLM reads."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_heads,
            "head_dim": self.head,
            "hidden_act": "silu",
            "max_position_embeddings": self.context,
            "rms_norm_eps": 1e-5,
            "rope_theta": 500000.0,
            "initializer_range": 0.02,
            "tie_word_embeddings": self.tied,
            "attention_bias": False,
            "mlp_bias": False,
            "bos_token_id": _BEGIN,
            "eos_token_id": _END,
            "pad_token_id": _PAD,
            "torch_dtype": dtype,
            "use_cache": True,
        }


SHAPES = {
    "llama-8b": Shape(
        vocabulary=128_256,
        hidden=4096,
        intermediate=14_336,
        layers=32,
        heads=32,
        key_heads=8,
        head=128,
        tied=False,
        context=8192,
    ),
    "llama-1b": Shape(
        vocabulary=128_256,
        hidden=2048,
        intermediate=8192,
        layers=16,
        heads=32,
        key_heads=8,
        head=64,
        tied=True,
        context=8192,
    ),
    "tiny": Shape(
        vocabulary=4096,
        hidden=128,
        intermediate=256,
        layers=2,
        heads=2,
        key_heads=1,
        head=64,
        tied=False,
        context=4096,
    ),
}


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a Llama's `config.json` describes."""
    heads = config["num_attention_heads"]
    return Shape(
        vocabulary=config["vocab_size"],
        hidden=config["hidden_size"],
        intermediate=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        key_heads=config.get("num_key_value_heads", heads),
        head=config.get("head_dim") or config["hidden_size"] // heads,
        tied=config["tie_word_embeddings"],
        context=config["max_position_embeddings"],
    )


def bytes_read(shape: Shape, *, dtype: str, steps: int, answers: Iterable[tuple[int, int]]) -> int:
    """Return how many bytes drawing answers must read at least, in so many steps.

    Every step reads all weights once, whatever the batch, and for each row the keys and values of what came before.
    The first of n tokens comes with the p tokens of the prompt, each later one reads those and the ones drawn so far:
    (n - 1) p + n (n - 1) / 2 positions. Filling is not counted, nor the prompts, whose reading arithmetic limits.

    Args:
        shape: of the model.
        dtype: of weights, keys and values.
        steps: how often the model was run to draw one token for each row.
        answers: tokens of the prompt and tokens drawn, for each answer.
    """
    positions = sum((drawn - 1) * prompt + drawn * (drawn - 1) // 2 for prompt, drawn in answers if drawn)
    return BYTES[dtype] * (steps * shape.parameters_per_step + positions * shape.numbers_per_position)
