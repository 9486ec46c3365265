"""The terminal: notes and progress on stderr, results on stdout, and nothing of what they say."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from nanoknow.system.plain import to_json
from nanoknow.system.reporter import Lines, Update

PLAIN_WIDTH = 120
"""Width of tables that go to a file or a pipe."""


class Terminal:
    """A ``Reporter`` for people; colours and bars only where they can be seen."""

    def __init__(self) -> None:
        self.err = Console(stderr=True, highlight=False, emoji=False)
        self.out = Console(highlight=False, emoji=False)
        if not self.out.is_terminal:
            self.out.width = PLAIN_WIDTH

    def note(self, text: str) -> None:
        """Print a note on stderr."""
        self.err.print(Text(text, "dim"), soft_wrap=not self.err.is_terminal)

    def error(self, text: str) -> None:
        """Print an error on stderr."""
        line = Text.assemble(("error:", "bold red"), f" {text}")
        self.err.print(line, soft_wrap=not self.err.is_terminal)

    @contextmanager
    def progress(self, title: str, total: int, done: int = 0) -> Iterator[Update]:
        """Show a bar on a terminal, and a line every few seconds elsewhere."""
        if not self.err.is_terminal:
            with Lines(self.err.file).progress(title, total, done) as lines:
                yield lines
            return
        columns = (
            MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=11)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True, min_width=6)),
            TextColumn("{task.fields[words]}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None),
        )
        with Progress(*columns, console=self.err, speed_estimate_period=120) as bar:
            task = bar.add_task(title, total=total, completed=done, words=title)

            def update(now: int, words: str) -> None:
                parts = [*words.split("  "), title]  # the first ones are kept where it is narrow
                while len("  ".join(parts)) > bar.console.width - 30 and len(parts) > 1:
                    parts.pop()
                bar.update(task, completed=now, words="  ".join(parts))

            yield update

    def result(self, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Print a result as JSON on stdout."""
        self.write(to_json(value, indent=2, ensure_ascii=False) + "\n")

    def write(self, text: str) -> None:
        """Print text on stdout as it is, at once."""
        sys.stdout.write(text)
        sys.stdout.flush()

    @property
    def has_colors(self) -> bool:
        """Whether stdout is a terminal that shows colours and is asked to."""
        return self.out.is_terminal and bool(self.out.color_system) and not self.out.no_color

    def styled(self, *parts: str | Text | tuple[str, str]) -> None:
        """Print texts on stdout as they are, but for the styles of rich's that some have."""
        self.out.print(Text.assemble(*parts), end="", soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print the heading of a part of a result on stdout."""
        self.out.print(f"\n{text}", style="bold", markup=False)

    def paragraph(self, text: str) -> None:
        """Print sentences of a result on stdout, at the width of its tables."""
        self.out.print(text, markup=False)

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str | Text]],
        left: int = 1,
    ) -> None:
        """Print a table on stdout; the columns after the first ``left`` hold numbers.

        Where it cannot be made so narrow without a break in a word, the cells are in a list.
        """
        cells = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        widths = _widths(list(zip(map(Text, columns), *cells, strict=True)), self.out.width)
        if widths is None:
            if title:
                self.heading(title)
            for first, *others in cells:
                self.out.print(first)
                for column, cell in zip(columns[1:], others, strict=True):
                    label = f"{column}: " if column else ""
                    self.out.print(Padding(Text.assemble(label, cell), (0, 0, 0, 2)))
            return
        table = Table(
            title=Text(title) if title else None,
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD,
            show_header=any(columns),
            pad_edge=False,
            collapse_padding=True,
        )
        for i, (column, width) in enumerate(zip(columns, widths, strict=True)):
            side: Literal["left", "right"] = "left" if i < left else "right"
            table.add_column(Text(column), justify=side, width=width, overflow="fold")
        for row in cells:
            table.add_row(*row)
        self.out.print(table)

    def pairs(self, rows: Sequence[tuple[str, str | Text]]) -> None:
        """Print names and their values on stdout."""
        self.table("", ("", ""), rows, left=2)


def _widths(columns: Sequence[Sequence[Text]], room: int) -> list[int] | None:
    """Return widths that break no word, of two columns none but long paths; None without any."""
    longest = room // 2 if len(columns) == 2 else room
    widths = [max(cell.cell_len for cell in column) for column in columns]
    words = [[cell_len(w) for cell in column for w in cell.plain.split()] for column in columns]
    spare = [w - min(longest, max(each, default=0)) for w, each in zip(widths, words, strict=True)]
    for _ in range(sum(widths) + 2 * len(widths) - room):
        widest = spare.index(max(spare))
        if spare[widest] <= 0:
            return None
        widths[widest] -= 1
        spare[widest] -= 1
    return widths
