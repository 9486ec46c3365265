"""What configs are made of: types of values with their bounds, and the frozen base class."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict


def _is_a_name(path: Path) -> Path:
    if b"\0" in str(path).encode(errors="surrogateescape"):  # encoding refuses lone surrogates
        raise ValueError(f"must be the name of a file (got {str(path)!r})")
    return path


Tokens = Annotated[int, Strict(), Field(ge=1, lt=2**63)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
CountOrZero = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
Thousand = Annotated[int, Strict(), Field(ge=1, le=1_000)]
Width = Annotated[int, Strict(), Field(ge=1, le=2**16)]
"""Largest model width; beyond it a single matrix would have billions of weights."""
Fraction = Annotated[float, Strict(), Field(ge=0.0, lt=1.0)]
Portion = Annotated[float, Strict(), Field(ge=0.0, le=1.0)]
Share = Annotated[float, Strict(), Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Strict(), Field(gt=0.0)]
NonNegative = Annotated[float, Strict(), Field(ge=0.0)]
Rate = Annotated[float, Strict(), Field(gt=0.0, le=1e38)]
"""A learning rate; beyond this bound a step would overflow float32."""
PerDocument = Annotated[float, Strict(), Field(ge=0.0, le=1_000.0)]
Number = Annotated[float, Strict()]
Switch = Annotated[bool, Strict()]
FileName = Annotated[Path, AfterValidator(_is_a_name)]


class Frozen(BaseModel):
    """Base of every config: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )
