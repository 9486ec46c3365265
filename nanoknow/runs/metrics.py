"""``metrics.jsonl``: what is recorded while a run trains, a JSON object a line."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from nanoknow.config.messages import explain
from nanoknow.config.values import Count, CountOrZero, NonNegative, Number, Portion
from nanoknow.errors import CheckpointError, naming
from nanoknow.system.files import read_regular

METRICS_BYTES = 1 << 28
"""Most bytes of ``metrics.jsonl``, about two million lines."""
LONGEST_LINE = 1_000_000
"""Most characters of a line; a longer one is refused."""
Measured = Annotated[Number, Field(ge=-1e38, le=1e38)]
"""A number in the range of float32."""


class Checked(BaseModel):
    """Base of what is checked in a line; other keys are kept, if they do not nest too deeply."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")
    __pydantic_extra__: dict[str, JsonValue]


class Share(Checked):
    """The accuracy on some questions."""

    accuracy: Portion


class Shared(Checked):
    """How many evaluation questions are training questions too, and the accuracy on the others."""

    n: CountOrZero
    others: Share | None


class Event(Checked):
    """A line; keys with a default may be missing."""

    kind: str
    step: CountOrZero = 0
    epoch: CountOrZero = 0
    seconds: NonNegative = 0.0
    loss: Measured = 0.0
    grad_norm: NonNegative = 0.0
    learning_rate: Annotated[Measured, Field(ge=0.0)] = 0.0
    accuracy: Portion = 0.0
    n_right: CountOrZero = 0
    n: Count = 1
    overlap: Shared = Shared(n=0, others=None)

    @model_validator(mode="after")
    def _are_no_more_right_than_asked(self) -> Self:
        if self.n_right > self.n:
            raise ValueError(f"n_right: {self.n_right} of {self.n} cannot be")
        return self


def read_metrics(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines, oldest first; a last one that was cut short is left out.

    Raises:
        CheckpointError: a line is damaged; the error names the first.
    """
    text = ""
    with naming(file, "make it readable"), suppress(FileNotFoundError):
        text = read_regular(file, METRICS_BYTES).decode(errors="replace")
    # Not splitlines: a damaged byte may be another kind of line end.
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        values: Any = None
        with suppress(ValueError, RecursionError):
            values = json.loads(line[:LONGEST_LINE])
        try:
            Event.model_validate(values)
        except ValidationError as error:
            why = explain(error.errors()[0], f"{file}:{number}", {}, {}, Event)
            raise CheckpointError(f"{why}: correct the line, or put a copy back") from None
        yield values
