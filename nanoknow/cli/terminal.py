"""The terminal: notes and progress on stderr, results on stdout; how they look, not what they say.

Commands show everything through it; it makes all text ``printable``, and reads no word of it as
markup.
"""

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Self, TypeVar

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from nanoknow.errors import DataError, naming, printable
from nanoknow.system.plain import plain, to_json
from nanoknow.system.reporter import Lines, Update
from nanoknow.system.streams import open_streams, styled

PLAIN_WIDTH = 120
"""Columns of tables that go to a file or a pipe."""
LONGEST_LINE = 100_000
"""Longest line of stdin, in characters; a longer one is refused."""

T = TypeVar("T")


def shown(text: str, style: str = "", *, lines: bool = False) -> Text:
    """Return any text for the terminal: ``printable``, and on one line unless ``lines``."""
    return Text(printable(text, lines=lines), style)


class Terminal:
    """A ``Reporter`` for people; it shows colours and bars on terminals only.

    Attributes:
        as_json: whether results are printed as JSON.
    """

    def __init__(self, as_json: bool = False) -> None:
        open_streams()
        self.as_json = as_json
        self.err = Console(file=styled(sys.stderr), highlight=False, emoji=False, markup=False)
        self.out = Console(file=styled(sys.stdout), highlight=False, emoji=False, markup=False)
        if not self.out.is_terminal:
            self.out.width = PLAIN_WIDTH

    def note(self, text: str) -> None:
        """Print a note on stderr."""
        self.err.print(shown(text, "dim"), soft_wrap=not self.err.is_terminal)

    def error(self, text: str) -> None:
        """Print an error on stderr."""
        line = Text.assemble(("error:", "bold red"), " ", shown(text))
        self.err.print(line, soft_wrap=not self.err.is_terminal)

    def ask(self, prompt: str) -> str:
        """Print a prompt on stderr and return the line typed after it; empty at the end of stdin.

        Raises:
            DataError: see ``lines_read``.
        """
        self.err.print(shown(prompt), end="")
        for _, line in self.lines_read():
            return line
        self.err.print()  # Ctrl-D leaves the cursor after the prompt
        return ""

    def lines_read(self) -> Iterator[tuple[str, str]]:
        """Yield each line of stdin, stripped, after its place, such as ``stdin:1``.

        Raises:
            DataError: stdin cannot be read, or a line is longer than ``LONGEST_LINE``.
        """
        with naming("stdin", "give it a file or a pipe that can be read", DataError):
            for n in itertools.count(1):
                line = sys.stdin.readline(LONGEST_LINE + 1)
                if len(line) > LONGEST_LINE:
                    what = f"a line of over {LONGEST_LINE:,} characters"
                    raise DataError(f"stdin:{n}: {what}: write shorter lines")
                if not line:
                    return
                yield f"stdin:{n}", line.strip()

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
        title = printable(title)
        # Redirected text would be read as commands of the terminal.
        how: dict[str, Any] = {"redirect_stdout": False, "redirect_stderr": False}
        with Progress(*columns, console=self.err, speed_estimate_period=120, **how) as bar:
            task = bar.add_task("", total=total, completed=done, words=title)

            def update(now: int, words: str) -> None:
                # On a narrow terminal, drop the title first, then the last words.
                parts = [*printable(words).split("  "), title]
                while len("  ".join(parts)) > bar.console.width - 30 and len(parts) > 1:
                    parts.pop()
                bar.update(task, completed=now, words="  ".join(parts))

            yield update

    def show(self, result: T, show_table: Callable[[Self, T], None], **more: Any) -> None:  # noqa: ANN401
        """Print a result on stdout: as JSON with ``--json``, else as a table for people.

        Args:
            result: the value that the work returned.
            show_table: prints the result for people.
            more: further keys of the JSON; the path of a picture is shown to people too.
        """
        if self.as_json:
            self.write(to_json(plain(result) | more, indent=2, ensure_ascii=False) + "\n")
            return
        show_table(self, result)
        if picture := more.get("plot") or more.get("picture"):
            self.line(f"Picture: {picture}")

    def line(self, text: str = "") -> None:
        """Print exactly one line on stdout, whatever the text holds."""
        self.write(f"{printable(text)}\n")

    def write(self, text: str) -> None:
        """Write text to stdout at once; it need not end a line."""
        sys.stdout.write(text)

    @property
    def has_colors(self) -> bool:
        """Whether stdout is a terminal that shows colours, and ``NO_COLOR`` is not set."""
        return self.out.is_terminal and bool(self.out.color_system) and not self.out.no_color

    def styled(self, *parts: Text) -> None:
        """Print texts made by ``shown`` on stdout, with their styles."""
        self.out.print(Text.assemble(*parts), end="", soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print a bold heading on stdout, after an empty line."""
        self.out.print(Text.assemble("\n", shown(text, "bold")))

    def paragraph(self, text: str) -> None:
        """Print sentences on stdout, wrapped at the width of the tables."""
        self.out.print(shown(text))

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1
    ) -> None:
        """Print a table on stdout; the columns after the first ``left`` hold numbers.

        Where it cannot be made so narrow without a break in a word, the cells are in a list.
        """
        cells = [[c if isinstance(c, Text) else shown(str(c)) for c in row] for row in rows]
        widths = _widths(list(zip(map(shown, columns), *cells, strict=True)), self.out.width)
        if widths is None:
            if title:
                self.heading(title)
            for row in cells:
                for i, (column, cell) in enumerate(zip(columns, row, strict=True)):
                    text = Text.assemble(shown(f"{column}: " if column else ""), cell)
                    self.out.print(Padding(text, (0, 0, 0, 2 if i else 0)))
            self.out.print()
            return
        table = Table(
            title=shown(title) if title else None,
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD,
            show_header=any(columns),
            pad_edge=False,
            collapse_padding=True,
        )
        for i, (column, width) in enumerate(zip(columns, widths, strict=True)):
            side: Literal["left", "right"] = "left" if i < left else "right"
            table.add_column(shown(column), justify=side, width=width, overflow="fold")
        for row in cells:
            table.add_row(*map(_indented, row))
        self.out.print(table)

    def pairs(self, rows: Sequence[tuple[str, object]]) -> None:
        """Print names and their values on stdout; a pair without a value is left out."""
        self.table("", ("", ""), [row for row in rows if row[1] is not None], left=2)


def _indented(cell: Text) -> Text | Padding:
    """Indent all wrapped lines of a cell like its first."""
    n = len(cell.plain) - len(cell.plain.lstrip(" "))
    return Padding(cell[n:], (0, 0, 0, n)) if n else cell


def _widths(columns: Sequence[Sequence[Text]], room: int) -> list[int] | None:
    """Return column widths that break no word; None if there are none.

    With two columns, a word longer than half of the room, such as a path, may be broken.
    """
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
