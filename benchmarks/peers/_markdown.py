"""Tables as Markdown, readable as text as well."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table with a name for its file and a title.

    Parameters
    ----------
    name, title : str
    header : list of str
    rows : list of list of str
    """

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]

    def markdown(self):
        """Return the table without its title."""
        widths = [max(map(len, cells)) for cells in zip(self.header, *self.rows)]  # noqa: B905
        rule = ["-" * width for width in widths]
        return "\n".join(
            "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |"  # noqa: B905
            for row in (self.header, rule, *self.rows)
        )

    def write(self, folder):
        """Write the table into ``folder/name.md``; the folder is made."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.md"
        path.write_text(f"{self.markdown()}\n", encoding="utf-8")


def number(value, digits=4):
    """Return a number with some significant digits, a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"
