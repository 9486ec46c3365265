"""A law as data: a published finding, the runs that test it, and what they must show."""

from typing import Any, Self

from pydantic import Field, model_validator

from nanoknow.config.sweep import RowName, RowsConfig, load_file
from nanoknow.config.values import Frozen, Number, Switch
from nanoknow.errors import ConfigError


class Bound(Frozen):
    """A measured value of a row, and the bound that it is compared with.

    Attributes:
        measure: name of the value.
        at_least, at_most: the bound; exactly one of them is given.
    """

    measure: str
    at_least: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give one of at_least and at_most")
        return self

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}"


class Requirement(Bound):
    """What every run of some rows must reach; otherwise the law counts as not tested.

    Attributes:
        rows: their names; empty for all rows of the law.
    """

    rows: tuple[RowName, ...] = ()


class Claim(Bound):
    """What the finding says about a row, judged by the 95 % interval over the seeds.

    Attributes:
        says: the claim in words.
        row: the row whose value is compared.
        minus: a row whose value is subtracted, seed by seed.
        minus_measure: the value to subtract if it is not ``measure``; without ``minus``, the
            row's own.
    """

    says: str
    row: RowName
    minus: RowName | None = None
    minus_measure: str | None = None


class LawConfig(RowsConfig):
    """What a law file holds: rows, and what they must show.

    Attributes:
        paper: the source: authors, title, year.
        finding: the law in a sentence.
        measure: how every run is measured: one of ``laws.measures``.
        finetunes: whether runs are finetuned on the training questions.
        published: the paper's values, by row and name.
        require: what the runs must reach for the law to count as tested.
        claims: the law holds if all of them do.
        quick: values that ``--quick`` changes in every row, by dotted key.
    """

    paper: str
    finding: str
    measure: str
    finetunes: Switch = True
    published: dict[RowName, dict[str, Number]] = Field(default_factory=dict)
    require: tuple[Requirement, ...] = ()
    claims: tuple[Claim, ...] = Field(min_length=1)
    quick: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_rows_that_exist(self) -> Self:
        named = {*self.published, *(row for each in self.require for row in each.rows)}
        named |= {row for claim in self.claims for row in (claim.row, claim.minus) if row}
        if unknown := named - {*self.rows}:
            raise ValueError(f"no such row: {', '.join(sorted(unknown))}")
        return self

    def in_short(self) -> Self:
        """Return the law with the smaller runs of ``quick``.

        Raises:
            ConfigError: its file has no ``quick`` values.
        """
        if not self.quick:
            raise ConfigError("--quick: this law has no 'quick' values: run it in full")
        return self.model_copy(update={"common": {**self.common, **self.quick}})


def load_law(name_or_path: str) -> LawConfig:
    """Read a law, by the name of a shipped one or from a YAML file.

    Raises:
        ConfigError: one line with the file and the key.
    """
    return load_file(name_or_path, LawConfig, "law")
