"""HTML in which all text is escaped, unless it is markup that was made here."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

# Elements that have no end tag.
_VOID = frozenset({"br", "hr", "img", "meta"})


class Markup(str):
    """Text that is HTML already; any other text is escaped where it is put in."""

    __slots__ = ()


def escape(text) -> Markup:
    """Return text as HTML; markup is returned unchanged.

    Control characters, which HTML does not allow, are replaced.
    """
    if isinstance(text, Markup):
        return text
    clean = "".join(
        c if c.isprintable() or c in "\n\t" else "\ufffd" for c in str(text)
    )
    return Markup(html.escape(clean))


def tag(name, *children, **attributes) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
    *children : str
        Escaped, unless they are markup.
    **attributes : str or None
        Escaped in any case. A trailing underscore is dropped (``class_``), other
        underscores become hyphens; those that are None are left out.
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{pairs}>")
    return Markup(f"<{name}{pairs}>{join(children)}</{name}>")


def join(parts: Iterable, separator="") -> Markup:
    """Return the parts after each other; those that are no markup are escaped."""
    return Markup(separator.join(escape(part) for part in parts))


def section(identifier, title, *children) -> Markup:
    """Return a section with its heading."""
    heading = tag("h2", title)
    return tag("section", heading, *children, id=identifier)


def paragraph(*children, **attributes) -> Markup:
    """Return a paragraph."""
    return tag("p", *children, **attributes)


def items(children) -> Markup:
    """Return a list."""
    return tag("ul", *(tag("li", child) for child in children))


def table(header: Sequence, rows: Iterable[Sequence], numbers=(), caption=None):
    """Return a table that scrolls sideways where it is too wide.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequence of str
    numbers : collection of int, default=()
        Positions of columns of numbers, which are aligned to the right.
    caption : str, default=None
    """

    def cell(name, i, content, **attributes):
        return tag(name, content, class_="n" if i in numbers else None, **attributes)

    head = tag("tr", *(cell("th", i, c, scope="col") for i, c in enumerate(header)))
    body = [tag("tr", *(cell("td", i, c) for i, c in enumerate(row))) for row in rows]
    parts = [] if caption is None else [tag("caption", caption)]
    parts += [tag("thead", head), tag("tbody", *body)]
    return tag("div", tag("table", *parts), class_="wide", tabindex="0")


def details(summary, *children) -> Markup:
    """Return what is shown after a click."""
    return tag("details", tag("summary", summary), *children)


def definitions(pairs) -> Markup:
    """Return a list of terms and what they mean."""
    parts = []
    for term, meaning in pairs:
        parts += [tag("dt", term), tag("dd", meaning)]
    return tag("dl", *parts)


def figure(svg: str | None, alt, caption, is_large=False) -> Markup:
    """Return a figure as an image within the page; empty without an image."""
    if svg is None:
        return Markup("")
    data = base64.b64encode(svg.encode()).decode()
    image = tag("img", src=f"data:image/svg+xml;base64,{data}", alt=alt)
    return tag(
        "figure",
        image,
        tag("figcaption", caption),
        class_="large" if is_large else None,
    )


def bar(share, text) -> Markup:
    """Return a bar whose length is a share, and the share as text."""
    width = f"{100 * min(max(share, 0.0), 1.0):.1f}%"
    inner = tag("span", style=f"width:{width}")
    return join(
        [tag("span", inner, class_="bar", aria_hidden="true"), tag("span", text)]
    )
