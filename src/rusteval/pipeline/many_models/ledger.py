"""What requests to providers cost: every one recorded, none after the budget is used up."""

import json
from pathlib import Path
from typing import IO, Self

from rusteval.errors import InfrastructureError
from rusteval.files import read_jsonl
from rusteval.generation.api.api_calls import ApiCall
from rusteval.pipeline.many_models.settings import Price

_TOKENS = 1_000_000  # prices are for so many


class BudgetUsedUpError(InfrastructureError):
    """The run has cost what it may; everything that was answered is kept."""


class Ledger:
    """The costs of one run over all its models, earlier runs into the same folders included.

    Args:
        budget_usd: most that may be spent, in US dollars; None for no limit.

    Attributes:
        spent_usd: what was spent so far, as far as prices and token counts are known.
    """

    def __init__(self, budget_usd: float | None) -> None:
        self.budget_usd = budget_usd
        self.spent_usd = 0.0

    def recall(self, path: Path) -> None:
        """Count what earlier runs spent, by their record; a torn last line of it counts nothing."""
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            path.write_bytes(whole)
        self.spent_usd += sum(float(row.get("cost_usd") or 0.0) for _, row in read_jsonl(path))

    def require_room(self) -> None:
        """Refuse to ask for anything more.

        Raises:
            BudgetUsedUpError: the budget is used up.
        """
        if self.budget_usd is not None and self.spent_usd >= self.budget_usd:
            raise BudgetUsedUpError(
                f"the budget of {self.budget_usd:g} USD is used up ({self.spent_usd:.4f} spent); raise budget_usd "
                "and run the same command again to go on"
            )

    def open(self, path: Path, *, price: Price | None) -> "CallLog":
        """Open one model's record of requests."""
        return CallLog(path, ledger=self, price=price)


class CallLog:
    """One model's `api_calls.jsonl`: a line for each request, written as soon as it has ended."""

    def __init__(self, path: Path, *, ledger: Ledger, price: Price | None) -> None:
        self._ledger = ledger
        self._price = price
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[str] = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, call: ApiCall) -> None:
        """Record a request and count what it cost."""
        cost = cost_usd(self._price, prompt=call.prompt_tokens, completion=call.completion_tokens)
        self._stream.write(json.dumps({**call.model_dump(), "cost_usd": cost}) + "\n")
        self._stream.flush()
        self._ledger.spent_usd += cost or 0.0


def cost_usd(price: Price | None, *, prompt: int | None, completion: int | None) -> float | None:
    """Return what so many tokens cost, in US dollars; None where a price or a count is not known."""
    if price is None or prompt is None or completion is None:
        return None
    return (price.input * prompt + price.output * completion) / _TOKENS
