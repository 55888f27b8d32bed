"""What is drawn: the same requests, with the same lengths of answers, for everything that is measured."""

import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

from rusteval.generation.engine import Request, Sampling, make_requests
from rusteval.generation.prompts import Prompt
from rusteval.problems.models import Problem

TEMPERATURE = 0.2
TOP_P = 0.95

# Lengths of answers in tokens. The references of humaneval-rust, each as a whole function in a fence, have 306
# characters in the median, with a standard deviation of the logarithm of 0.65; split as the tokenizer of Llama 3
# splits text before it merges, 96 pieces and 0.60. A few pieces are more than one token.
MEDIAN_TOKENS = 110
SIGMA_TASK = 0.55
SIGMA_SAMPLE = 0.25


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is drawn, and how.

    Attributes:
        requests: the answers to draw; those of one task stand side by side.
        sampling: temperature, nucleus and most tokens; its `stop_at_function` is off where lengths are drawn.
        drawn_lengths: whether answers end where their `limit` says, because random weights end none.
    """

    requests: tuple[Request, ...]
    sampling: Sampling
    drawn_lengths: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Work":
        """Return what `to_dict` gave."""
        return cls(
            requests=tuple(
                Request(**{**row, "prompt": Prompt(**row["prompt"])}) for row in value["requests"]
            ),
            sampling=Sampling(**value["sampling"]),
            drawn_lengths=value["drawn_lengths"],
        )

    def shortened(self, *, samples: int, tokens: int) -> "Work":
        """Return the first samples alone, with at most so many tokens each."""
        return replace(
            self,
            sampling=replace(self.sampling, max_new_tokens=tokens),
            requests=tuple(
                replace(request, limit=min(tokens, request.limit or tokens))
                for request in self.requests[:samples]
            ),
        )

    def to_facts(self) -> dict[str, Any]:
        """Return what is worth recording of it."""
        limits = [request.limit for request in self.requests if request.limit is not None]
        lengths: dict[str, Any] = {"from": "the model's own end of each answer"}
        if self.drawn_lengths:
            lengths = {
                "from": "log-normal distribution, a part for the task and one for the sample",
                "median": MEDIAN_TOKENS,
                "sigma_task": SIGMA_TASK,
                "sigma_sample": SIGMA_SAMPLE,
                "at_most": self.sampling.max_new_tokens,
                "drawn": {
                    "total": sum(limits),
                    "mean": round(statistics.mean(limits), 1),
                    "median": statistics.median(limits),
                    "least": min(limits),
                    "most": max(limits),
                    "at_the_limit": sum(limit == self.sampling.max_new_tokens for limit in limits),
                },
            }
        return {
            "samples": len(self.requests),
            "tasks": len({request.task_id for request in self.requests}),
            "sampling": asdict(self.sampling),
            "lengths": lengths,
        }


def make_work(
    problems: Sequence[Problem], *, samples_per_task: int, max_new_tokens: int, seed: int, drawn_lengths: bool
) -> Work:
    """Return the requests for all samples of the problems.

    Args:
        problems: one prompt each.
        samples_per_task: answers to each prompt.
        max_new_tokens: most tokens of an answer.
        seed: of the samples and of the lengths.
        drawn_lengths: draw the length of every answer beforehand, for models that end none.
    """
    missing = [(problem.task_id, index) for problem in problems for index in range(samples_per_task)]
    requests = make_requests({problem.task_id: problem for problem in problems}, missing, seed=seed)
    if drawn_lengths:
        lengths = _lengths([problem.task_id for problem in problems], samples_per_task, seed=seed)
        requests = [
            replace(request, limit=min(max_new_tokens, lengths[request.task_id, request.completion_id]))
            for request in requests
        ]
    sampling = Sampling(
        temperature=TEMPERATURE,
        top_p=TOP_P,
        max_new_tokens=max_new_tokens,
        stop_at_function=not drawn_lengths,
    )
    return Work(requests=tuple(requests), sampling=sampling, drawn_lengths=drawn_lengths)


def _lengths(task_ids: Sequence[str], samples_per_task: int, *, seed: int) -> dict[tuple[str, int], int]:
    """Return the tokens of every answer.

    The tasks' parts are the middles of equally likely slices of their distribution, so that few tasks have the mean
    of many; which task gets which is by chance, as is all else.
    """
    chance = random.Random(seed)
    tasks = NormalDist(math.log(MEDIAN_TOKENS), SIGMA_TASK)
    middles = [tasks.inv_cdf((place + 0.5) / len(task_ids)) for place in range(len(task_ids))]
    chance.shuffle(middles)
    return {
        (task_id, index): max(1, round(math.exp(middle + chance.gauss(0, SIGMA_SAMPLE))))
        for task_id, middle in zip(task_ids, middles, strict=True)
        for index in range(samples_per_task)
    }
