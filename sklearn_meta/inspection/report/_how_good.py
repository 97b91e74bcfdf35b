"""Section "How good": scores, confusion, calibration and errors."""

from __future__ import annotations

import math

import numpy as np

from sklearn_meta.inspection.report._figures import (
    draw_confusion,
    draw_errors,
    draw_reliability,
    draw_roc,
)
from sklearn_meta.inspection.report._html import (
    bar,
    details,
    figure,
    paragraph,
    section,
    table,
    tag,
)
from sklearn_meta.inspection.report._metric import count, fixed, number, percent, short

# Rows of tables that are shown at once, and figures of several targets.
SHOWN_CLASSES, SHOWN_PAIRS, SHOWN_FIGURES = 12, 8, 4


def render(facts):
    """Return the section as HTML."""
    parts = [_scores(facts)]
    quality = facts.quality
    if quality is None:
        parts.append(
            paragraph(
                "There are no predictions of rows that the model was not fitted on, so "
                "no confusion, calibration or errors are shown. Pass X_test and y_test "
                "to see them."
            )
        )
    else:
        parts.append(paragraph(_rows(quality)))
        if quality.of_classes is not None:
            parts += _classes(quality.of_classes)
        if quality.of_labels:
            parts.append(_labels(quality.of_labels))
        if quality.of_numbers:
            parts += _numbers(quality.of_numbers)
    return section("how-good", "How good", *parts)


def _scores(facts):
    """Return the table of all scores."""
    scores, metric = facts.scores, facts.scores.metric
    shown = metric.shown
    rows = []

    def add(name, value, interval, meaning):
        low, high = sorted(map(shown, interval))
        is_known = math.isfinite(low) and low < high
        between = f"{number(low)} to {number(high)}" if is_known else "–"
        rows.append((name, number(shown(value)), between, meaning))

    nothing = (math.nan, math.nan)
    if math.isfinite(scores.honest) or scores.note:
        add(
            "honest score", scores.honest, scores.interval,
            scores.note or "of the final model, corrected for the choice among many",
        )  # fmt: skip
    if facts.search.is_search:
        add(
            "best score", scores.best, nothing,
            "cross-validated, of the best single pipeline; a little optimistic",
        )  # fmt: skip
    if scores.test is not None:
        left = f", {scores.test.n_unseen} left out" if scores.test.n_unseen else ""
        add(
            "test score", scores.test.score, scores.test.interval,
            f"of the final model on {count(scores.test.n_rows, 'row')} of X_test{left}",
        )  # fmt: skip
    if math.isfinite(scores.constant):
        add(
            "constant guess",
            scores.constant,
            nothing,
            "of a model that knows no column",
        )
    caption = f"{metric.words[0].upper()}{metric.words[1:]}; {metric.direction}"
    header = ("", "value", "95 % interval", "what it is")
    return table(header, rows, numbers={1, 2}, caption=caption)


def _rows(quality):
    """Say which rows tables and figures are about."""
    rows = count(quality.n_rows, "row")
    if quality.rows == "test":
        return f"What follows is about the {rows} of X_test."
    return (
        f"What follows is about {rows} of fit. Each was predicted by models that were "
        "not fitted on it (out-of-fold)."
    )


def _classes(of):
    """Return confusion, curves and the table of classes."""
    k = len(of.names)
    of_what = f"“{short(of.names[1], 20)}”" if k == 2 else "the most probable class"
    figures = [
        figure(
            draw_confusion(of),
            "Confusion matrix",
            "Rows of each true class by the predicted class; darker is a larger share "
            "of the row."
            + ("" if k <= 12 else " Classes in the order of the table below."),
            is_large=k > 7,
        ),
        figure(
            draw_roc(of.curves),
            "ROC curve",
            "How many rows of a class are found while how many others are selected; "
            "the dashed line is chance.",
        ),
        figure(
            draw_reliability(of.reliability, of_what),
            "Calibration",
            "Observed shares against predicted probabilities; on the dashed line, "
            "probabilities can be taken literally"
            + (
                f" (mean difference {percent(of.reliability.error)})."
                if of.reliability is not None
                else "."
            ),
        ),
    ]
    found = [tag("div", *figures, class_="figures")] if any(figures) else []
    rows = [
        (
            tag("span", short(name, 60), class_="name"),
            f"{int(size):,}".replace(",", "\u202f"),
            bar(recall, percent(recall)) if size else "–",
            percent(precision),
        )
        for name, size, recall, precision in zip(
            of.names, of.confusion.sum(axis=1), of.recall, of.precision, strict=True
        )
    ]
    header = ("class", "rows", "found (recall)", "right when predicted (precision)")
    shown = table(header, rows[:SHOWN_CLASSES], numbers={1, 2, 3})
    found.append(shown)
    if k > SHOWN_CLASSES:
        rest = table(header, rows[SHOWN_CLASSES:], numbers={1, 2, 3})
        found.append(details(f"The other {k - SHOWN_CLASSES} classes", rest))
    if k > 2:
        found.append(_confused(of))
    return found


def _confused(of):
    """Return the table of the most frequent confusions."""
    wrong = of.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:SHOWN_PAIRS]
    pairs = [np.unravel_index(i, wrong.shape) for i in order]
    rows = [
        (
            short(of.names[i], 40),
            short(of.names[j], 40),
            str(int(wrong[i, j])),
            percent(wrong[i, j] / of.confusion[i].sum()),
        )
        for i, j in pairs
        if wrong[i, j]
    ]
    if not rows:
        return paragraph("No row gets a wrong class.")
    header = ("true class", "predicted as", "rows", "of the class")
    return table(header, rows, numbers={2, 3}, caption="Most frequent confusions")


def _labels(of):
    """Return the table of several labels."""
    rows = [
        (short(label.name, 60), percent(label.share), percent(label.accuracy),
         number(label.area))
        for label in of
    ]  # fmt: skip
    header = ("label", "rows with it", "right", "area under the ROC curve")
    return table(header, rows, numbers={1, 2, 3})


def _numbers(of):
    """Return the table of errors and the figures of predictions."""
    several = len(of) > 1
    figures = [
        figure(
            draw_errors(quality, short(quality.name, 40) if several else ""),
            "True against predicted numbers",
            "Each point is a row; on the dashed line, the prediction is right."
            if not several
            else f"{short(quality.name, 60)}: each point is a row.",
        )
        for quality in of[:SHOWN_FIGURES]
    ]
    rows = [
        (
            *((short(q.name, 60),) if several else ()),
            number(q.rmse),
            number(q.mae),
            number(q.median_error),
            fixed(q.r2),
            f"{number(q.within[0])} to {number(q.within[1])}",
            number(q.spread),
        )
        for q in of
    ]
    header = (
        *(("target",) if several else ()),
        "RMSE", "MAE", "median error", "R²", "90 % of true − predicted",
        "standard deviation of the target",
    )  # fmt: skip
    first = 1 if several else 0
    errors = table(header, rows, numbers=set(range(first, first + 6)))
    drawn = [tag("div", *figures, class_="figures")] if any(figures) else []
    return [*drawn, errors]
