"""Help under headings, as plain text: nothing that it quotes is read as markup."""

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

LEARN, ASK, STUDY, SHARE = "Learn", "Ask", "Study", "Keep and share"
"""Headings of the commands, in the order of ``--help``."""


class Command(TyperCommand):
    """A command whose help has its options under headings."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's own
        """Write arguments and options."""
        _write(formatter, [(p, r) for p in self.get_params(ctx) if (r := p.get_help_record(ctx))])


class Group(TyperGroup):
    """A group whose help has its commands under headings."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write the commands, each with its first sentence."""
        room = formatter.width - 6 - max(map(len, self.commands))
        _write(formatter, [(c, (n, c.get_short_help_str(room))) for n, c in self.commands.items()])


def _write(formatter: Any, entries: Iterable[tuple[Any, tuple[str, str]]]) -> None:  # noqa: ANN401
    """Write entries under their own headings, else under the name of their kind."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for each, record in entries:
        kind = f"{getattr(each, 'param_type_name', 'command').capitalize()}s"
        panels.setdefault(getattr(each, "rich_help_panel", None) or kind, []).append(record)
    for heading in sorted(panels, key=lambda heading: heading == "Options"):
        with formatter.section(heading):
            formatter.write_dl(panels[heading])
