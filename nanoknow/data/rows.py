"""Rows of named columns: a table with a header (CSV, TSV), or JSON objects."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any, NamedTuple

from nanoknow.data.reading import composed
from nanoknow.errors import DataError, suggest
from nanoknow.system.plain import to_json

JSON = "json"
JSON_SUFFIXES, TABLE_SUFFIXES = (".jsonl", ".ndjson", ".json"), (".csv", ".tsv")
LONGEST_HEADER = 1 << 16
"""Characters of the first line in which the columns of a table are looked for."""
LONGEST_NAMES = 1000
"""Most characters of column names in a message."""
NEAR = 0.8
"""Similarity (difflib, 0 to 1) from which on a cell is taken for a column's name, misspelt."""
LINE_END = re.compile(r"\r\n?|\n")
JSON_START = re.compile(r'\s*\[?\s*\{\s*"')
NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What a JSON string can hold and no text file: NUL, half of a surrogate pair."""


class Row(NamedTuple):
    """A row of a file.

    Attributes:
        where: ``file:line`` that it begins on.
        line: the same line, from 1.
        values: by the column's name in lower case.
    """

    where: str
    line: int
    values: dict[str, Any]

    def text(self, column: str) -> str:
        """Return the single text in a column, see ``texts``; empty if there is none."""
        if isinstance(self.values.get(column), list | dict):
            what = "must be a text in quotes (got a list or object)"
            advice = "write an object for each row (pandas: orient='records')"
            raise DataError(f"{self.where}: {column}: {what}: {advice}")
        return "".join(self.texts(column))

    def texts(self, column: str) -> list[str]:
        """Return the text, or the list of texts, in a column, with blanks for line ends.

        Raises:
            DataError: the value is something else.
        """
        value = self.values.get(column)
        texts = value if isinstance(value, list) else [] if value in (None, "") else [value]
        for text in texts:
            if not isinstance(text, str) or NO_TEXT.search(text):
                # Nested values may be too deep for Python to print.
                shown = "a list or object" if isinstance(text, list | dict) else to_json(text)[:60]
                raise DataError(f"{self.where}: {column}: must be a text in quotes (got {shown})")
        return [composed(LINE_END.sub(" ", text)) for text in texts]


def form_of(head: str, name: str, column: str) -> str | None:
    """Return in which form a file holds rows, judged by its name or first line.

    Args:
        head: the first line, or more.
        name: the file's name.
        column: a column that rows would have.

    Returns:
        ``JSON``, or the delimiter of a table; None if the file is lines of text.
    """
    suffix, line = PurePath(name).suffix.lower(), head.partition("\n")[0]
    if suffix in JSON_SUFFIXES or JSON_START.match(head):
        return JSON
    is_table, header = suffix in TABLE_SUFFIXES, line[:LONGEST_HEADER]
    for delimiter in "\t,;":
        # Prose has blanks after commas and may hold the name: there, a cell must match exactly.
        blanks, cutoff = (" ", NEAR) if is_table or delimiter == "\t" else ("", 1.0)
        cells = [cell.strip(f'"{blanks}').casefold() for cell in header.split(delimiter)]
        if (is_table or len(cells) > 1) and get_close_matches(column, cells, n=1, cutoff=cutoff):
            return delimiter
    return "," if suffix == ".csv" else None


def read_rows(
    form: str, text: str, name: str, column: str, others: tuple[str, ...]
) -> Iterator[Row]:
    """Yield the rows of a file; blank lines are skipped.

    Args:
        form: see ``form_of``.
        text: the file's text, with line feeds for line ends.
        name: the file's name.
        column: the column that each row must have.
        others: columns that it may have; further ones are ignored.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    columns: Iterable[str] = ()
    for i, row in enumerate((_objects if form == JSON else _table)(text, name, form)):
        if row.values.keys() != columns:  # most rows have the columns of the one before
            columns = row.values.keys()
            _check_columns(row, column, others, "" if form == JSON else " in a header line")
        if i or form == JSON:  # else the header
            yield row


def _check_columns(row: Row, column: str, others: tuple[str, ...], place: str) -> None:
    known = (column, *others)
    odd = [each for each in row.values if each not in known]
    alike = any(get_close_matches(each, others, n=1, cutoff=NEAR) for each in odd)
    if column not in row.values or (alike and not row.values.keys() & {*others}):
        here = ", ".join(map(repr, row.values))[:LONGEST_NAMES]
        hint = next(filter(None, (suggest(each, known) for each in odd)), "")
        advice = f"Name those to read {', '.join(known)}{place}"
        raise DataError(f"{row.where}: the columns are {here}.{hint} {advice}")


def _objects(text: str, name: str, _: str) -> Iterator[Row]:
    """Yield the JSON objects of a text, one after the other or in one list."""
    begin = re.compile(r"[^\s,\[\]]" if text.lstrip().startswith("[") else r"[^\s,]")
    number, counted, end = 1, 0, 0
    outermost: list[tuple[str, Any]] = []

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        outermost[:] = pairs  # inner objects are decoded before
        return dict(pairs)

    decode = json.JSONDecoder(object_pairs_hook=kept).raw_decode
    while found := begin.search(text, end):
        start = found.start()
        number, counted = number + text.count("\n", counted, start), start
        try:
            found_object, end = decode(text, start)
            values = {key.strip().casefold(): value for key, value in found_object.items()}
        except (ValueError, RecursionError, AttributeError):  # no JSON, or no object
            advice = "write one a line, with columns"
            raise DataError(f"{name}:{number}: no JSON object: {advice}") from None
        _header([key for key, _ in outermost], f"{name}:{number}")
        yield Row(f"{name}:{number}", number, values)


def _table(text: str, name: str, delimiter: str) -> Iterator[Row]:
    """Yield the header as a row, then the rows."""
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
    number, header = 1, list[str]()
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                header = header or _header(cells, f"{name}:{number}")
                if not any(cells[len(header) :]):
                    del cells[len(header) :]
                if len(cells) != len(header):
                    what = f"{len(cells)} cells, and the header has {len(header)}"
                    advice = f"write as many, those that hold {delimiter!r} in quotes"
                    raise DataError(f"{name}:{number}: {what}: {advice}")
                yield Row(f"{name}:{number}", number, dict(zip(header, cells, strict=True)))
            number = reader.line_num + 1
    except csv.Error as error:
        advice = "a cell that begins with a quote ends with one, and those within are doubled"
        raise DataError(f"{name}:{number}: no row of a table ({error}): {advice}") from None


def _header(cells: list[str], where: str) -> list[str]:
    """Return the columns' names, which must be different unless they are empty."""
    header = [cell.strip().casefold() for cell in cells]
    for column, n in Counter(header).items():
        if column and n > 1:
            raise DataError(f"{where}: the column {column!r} is there {n} times: name each apart")
    return header
