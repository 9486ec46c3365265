"""Rows of named columns: a table with a header (CSV, TSV), or a JSON object a line (JSONL)."""

import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any, NamedTuple

from nanoknow.errors import DataError, suggest

JSON = "json"
JSON_SUFFIXES, TABLE_SUFFIXES = (".jsonl", ".ndjson", ".json"), (".csv", ".tsv")
DELIMITERS = "\t,;"
LONGEST_CELL = 2**31 - 1
NEAR = 0.8
"""How alike a cell of a first line and a column's name are for the line to be a header."""
LINE_END = re.compile(r"\r\n|\r|\n")
NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What a JSON string can hold and no text file: NUL, half of a surrogate pair."""


class Row(NamedTuple):
    """A row of a file.

    Attributes:
        where: ``file:line`` of its beginning.
        line: the same line, from 1.
        values: by column, its name in lower case.
    """

    where: str
    line: int
    values: dict[str, Any]

    def text(self, column: str) -> str:
        """Return the text in a column, line ends as blanks; empty where there is none.

        Raises:
            DataError: the value is something else.
        """
        return as_text(self.values.get(column), f"{self.where}: {column}")


def form_of(head: str, name: str, column: str) -> str | None:
    """Return how the rows of a file are written, by its name or its first line.

    Args:
        head: the first line, or more.
        name: of the file.
        column: that its rows would have.

    Returns:
        ``JSON``, or the delimiter of a table; None where the file is lines of text.
    """
    suffix, line = PurePath(name).suffix.lower(), head.partition("\n")[0]
    if suffix in JSON_SUFFIXES or (line[:1] in ("{", "[") and _holds_object(line)):
        return JSON
    is_table = suffix in TABLE_SUFFIXES
    for delimiter in DELIMITERS:
        # In prose a blank follows a comma, and the column's name may be a word like others.
        blanks, cutoff = (" ", NEAR) if is_table or delimiter == "\t" else ("", 1.0)
        cells = [cell.strip(f'"{blanks}').casefold() for cell in line.split(delimiter)]
        if (is_table or len(cells) > 1) and get_close_matches(column, cells, n=1, cutoff=cutoff):
            return delimiter
    return "," if suffix == ".csv" else None


def read_rows(
    form: str, lines: Iterable[str], name: str, column: str, others: tuple[str, ...]
) -> Iterator[Row]:
    """Yield the rows of a file; blank lines are none.

    Args:
        form: see ``form_of``.
        lines: with their line ends.
        name: of the file.
        column: that each row must have.
        others: that it may have; more than these are passed over.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """

    def check_columns(found: Collection[str], where: str) -> None:
        known = (column, *others)
        unknown = [each for each in found if each not in known]
        if column not in found:
            hint = next(filter(None, (suggest(each, known) for each in unknown)), "")
            raise DataError(
                f"{where}: no column {column!r} (here: {', '.join(map(repr, found))}).{hint} "
                f"Columns that are read: {', '.join(known)}"
            )
        for each in unknown if not set(others) & set(found) else ():
            if near := get_close_matches(each, others, n=1, cutoff=NEAR):
                raise DataError(f"{where}: column {each!r}: is {near[0]!r} meant? Name it so")

    if form == JSON:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                where = f"{name}:{number}"
                values = _object(line, where, column)
                check_columns(values, where)
                yield Row(where, number, values)
        return
    rows = _cells(lines, name, form)
    number, cells = next(rows, (1, []))
    header = [cell.strip().casefold() for cell in cells]
    check_columns(header, f"{name}:{number}")
    for number, cells in rows:
        where = f"{name}:{number}"
        if len(cells) != len(header):
            raise DataError(
                f"{where}: {len(cells)} cells, and the header has {len(header)}: put a cell that "
                f"holds {form!r} in quotes"
            )
        yield Row(where, number, dict(zip(header, cells, strict=True)))


def as_text(value: object, where: str) -> str:
    """Return a value that must be a text, line ends as blanks (see ``Row.text``)."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: must be a text in quotes (got {json.dumps(value)[:60]})")
    if odd := NO_TEXT.search(value):
        raise DataError(f"{where}: holds U+{ord(odd[0]):04X}, which is no character: take it out")
    return LINE_END.sub(" ", value)


def _holds_object(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value[0] if isinstance(value, list) and value else value, dict)


def _object(line: str, where: str, column: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError(f'{where}: no JSON object: write one a line: {{"{column}": "…", …}}')
    return {key.strip().casefold(): each for key, each in value.items()}


def _cells(lines: Iterable[str], name: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each row of a table begins on, from 1, and its cells."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DataError(
                f"{name}:{number}: no row of a table ({error}): a cell that begins with a quote "
                f"ends with one, and those within are doubled"
            ) from None
        if cells is None:
            return
        if cells:
            yield number, cells
