"""What a sample is: one raw answer of a model to one problem."""

from pydantic import BaseModel, ConfigDict, Field


class Sample(BaseModel):
    """One line of a sample file.

    Only `task_id` and `completion` must be there; files made elsewhere may carry further keys, which are kept.
    `completion` is the model's raw text and is never cleaned. Times are in milliseconds.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    task_id: str
    completion: str
    completion_id: int | None = Field(default=None, ge=0)
    model: str | None = None
    prompt_sha256: str | None = None
    seed: int | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    generation_ms: float | None = None
