"""Temperature and top_p as far as a model takes them: some take one of the two, some neither."""

from collections.abc import Mapping

from rusteval.generation.api.replies import Complaint
from rusteval.generation.engine import Sampling

_NAMES = ("temperature", "top_p")


class SamplingParameters:
    """Begins with both and learns from refusals.

    Args:
        model: the model's name, for what is told.
        exact: a refused value stays, so that the run ends with the refusal; else it is left out, and answers are
            drawn with the service's own.
        default: the value that leaving out stands for, if there is one.
    """

    def __init__(self, model: str, *, exact: bool, default: float | None = 1.0) -> None:
        self._model = model
        self._exact = exact
        self._default = default
        self._needless: set[str] = set()
        self._refused: dict[str, float] = {}

    @property
    def facts(self) -> dict[str, object]:
        """What was learnt: what is left out without any other meaning, and what was asked in vain."""
        return {"left_out_where_1": sorted(self._needless), "sampling_refused": dict(self._refused)}

    def values(self, sampling: Sampling) -> dict[str, float]:
        """Return what is sent of `temperature` and `top_p`."""
        asked = {"temperature": sampling.temperature, "top_p": sampling.top_p}
        return {name: value for name, value in asked.items() if not self._left_out(name, value)}

    def learn(self, sent: Mapping[str, object], complaint: Complaint) -> str | None:
        """Leave out what a refusal is about; see `Provider.learn`.

        Args:
            sent: may hold `temperature` and `top_p`.
            complaint: the service's.
        """
        named = {
            name: value
            for name in _NAMES
            if isinstance(value := sent.get(name), int | float) and complaint.names(name)
        }
        needless = [name for name, value in named.items() if value == self._default]
        self._needless.update(needless)
        if needless or not named or self._exact:
            return None
        # Where both are refused together one may stay: the temperature, which decides more.
        name, value = list(named.items())[-1]
        if name in self._refused:
            return None
        self._refused[name] = value
        return (
            f"{self._model} refuses {name} {value:g}: it is left out, "
            "and the answers are drawn with the service's own"
        )

    def _left_out(self, name: str, value: float) -> bool:
        return name in self._refused or (name in self._needless and value == self._default)
