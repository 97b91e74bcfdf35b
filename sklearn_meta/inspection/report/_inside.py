"""Section "What is inside": members, source of the best pipeline, columns."""

from __future__ import annotations

from sklearn_meta.inspection.report._html import (
    bar,
    details,
    paragraph,
    section,
    table,
    tag,
)
from sklearn_meta.inspection.report._metric import (
    count,
    number,
    percent,
    seconds,
    short,
)

# Columns of the table that are shown at once, and at all.
SHOWN_COLUMNS, MAX_COLUMNS = 15, 1_000


def render(facts):
    """Return the section as HTML."""
    inside = facts.inside
    parts = [paragraph(f"The final model is {inside.words}.", _decision(inside))]
    if inside.kind != "constant":
        parts.append(_members(facts))
        parts.append(_source(inside))
    parts += _columns(facts.columns)
    return section("what-is-inside", "What is inside", *parts)


def _decision(inside):
    """Describe a tuned decision."""
    if not inside.is_tuned:
        return ""
    if inside.threshold is None:
        return " Decisions between the classes are tuned, see decision_threshold_."
    return (
        " The second class is predicted where its probability exceeds "
        f"{number(inside.threshold)}, which was tuned."
    )


def _members(facts):
    """Return the table of the members."""
    shown = facts.scores.metric.shown
    rows = [
        (
            bar(member.share, percent(member.share)),
            number(shown(member.score)),
            number(member.standard_error, 2),
            seconds(member.fit_seconds),
            tag("code", member.pipeline),
        )
        for member in facts.inside.members
    ]
    header = ("share", "score", "standard error", "one fit", "pipeline")
    return table(header, rows, numbers={0, 1, 2, 3}, caption="Members and their shares")


def _source(inside):
    """Return the source of the best pipeline."""
    if not inside.source:
        return ""
    note = (
        "The first step, which encodes the columns, is left out here because it lists "
        "the levels of categories: to_source() has it."
        if inside.has_encoder
        else "As returned by to_source()."
    )
    code = tag("pre", tag("code", inside.source))
    return details("Python source of the best single pipeline", paragraph(note), code)


def _columns(columns):
    """Return how the columns were read."""
    rows = [
        (
            short(column.name, 60),
            column.kind,
            column.encoded_as,
            "–" if column.levels is None else f"{column.levels:,}",
            "–" if column.missing is None else f"{column.missing:,}",
            column.reason,
        )
        for column in columns
    ]
    header = ("column", "read as", "encoded as", "levels", "missing", "because")
    n, numbers = len(rows), {3, 4}
    caption = "How the columns were read"
    if n <= SHOWN_COLUMNS:
        return [table(header, rows, numbers, caption)]
    kinds: dict[str, int] = {}
    for column in columns:
        kinds[column.kind] = kinds.get(column.kind, 0) + 1
    found = ", ".join(f"{k} as {kind}" for kind, k in kinds.items())
    parts = [paragraph(f"{count(n, 'column')} were read: {found}.")]
    inner = [table(header, rows[:MAX_COLUMNS], numbers, caption)]
    if n > MAX_COLUMNS:
        inner.append(
            paragraph(f"{n - MAX_COLUMNS:,} more: column_report_ has all of them.")
        )
    return [*parts, details("All columns", *inner)]
