"""Section "What it looks at": importance of the columns on held-back rows."""

from __future__ import annotations

from sklearn_meta.inspection.report._figures import draw_importance
from sklearn_meta.inspection.report._html import (
    details,
    figure,
    paragraph,
    section,
    table,
    tag,
)
from sklearn_meta.inspection.report._metric import count, number, short

# Columns of the table.
SHOWN = 15


def render(facts):
    """Return the section as HTML."""
    found = facts.importance
    if found is None:
        return section("what-it-looks-at", "What it looks at", _how_to_get_it())
    text = (
        f"Each column was permuted among {count(found.n_rows, 'row')} of X_test, "
        f"{count(found.n_repeats, 'time')}, and the score ({found.metric}) compared "
        "with that of the unchanged table. Columns that say the same as another one "
        "seem unimportant, because the model can use the other."
    )
    rows = [
        # Differences of equal scores are not quite zero.
        (short(name, 60), number(round(mean, 12)), number(deviation))
        for name, mean, deviation in zip(
            found.names[:SHOWN],
            found.means[:SHOWN],
            found.deviations[:SHOWN],
            strict=True,
        )
    ]
    header = ("column", "loss of score", "standard deviation")
    numbers = table(header, rows, numbers={1, 2})
    drawn = figure(
        draw_importance(found),
        "Permutation importance",
        "Loss of score when a column is permuted, with its standard deviation over the "
        "repetitions.",
    )
    more = len(found.names) - SHOWN
    return section(
        "what-it-looks-at",
        "What it looks at",
        paragraph(text),
        drawn,
        details("The same as numbers", numbers) if drawn else numbers,
        paragraph(f"{count(more, 'further column')} matter less.") if more > 0 else "",
    )


def _how_to_get_it():
    return paragraph(
        "Importance of columns is measured on rows that the model has not seen, by "
        "permuting one column at a time. Pass such rows to get it: ",
        tag("code", "model.report(path, X_test, y_test)"),
        ". fit itself never permutes columns.",
    )
