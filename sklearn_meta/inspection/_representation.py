"""Three lines about a fitted model, above scikit-learn's diagram of it."""

from __future__ import annotations

import html
import math

from sklearn.utils import estimator_html_repr

from sklearn_meta.inspection._plot import learner_of

# Names of learners that are listed.
MOST_LEARNERS = 4

_STYLE = "font-size:0.95em;line-height:1.5;margin:0 0 0.4em"


def representation(model) -> str:
    """Return the HTML representation of an estimator.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor

    Returns
    -------
    html : str
        scikit-learn's diagram; for a fitted estimator, below `summary_lines`.
    """
    diagram = estimator_html_repr(model)
    lines = summary_lines(model)
    if not lines:
        return diagram
    return (
        f'<div style="{_STYLE}">{"<br>".join(map(html.escape, lines))}</div>{diagram}'
    )


def summary_lines(model) -> list[str]:
    """Return three lines about a fitted model, from attributes that are at hand.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor

    Returns
    -------
    lines : list of str
        Task, table and metric; scores; final model. Empty for an unfitted estimator.
    """
    # Estimators that an earlier version has pickled have no record.
    if not (hasattr(model, "ensemble_") and hasattr(model, "_fit_record")):
        return []
    return [_task(model._fit_record), _scores(model), _final_model(model)]


def _task(record):
    """Return what is predicted from what, by which metric."""
    if record.task == "numbers":
        n = len(record.spread)
        task = "Regression" if n == 1 else f"Regression of {n} targets"
    else:
        kind = "classes" if record.task == "classes" else "labels"
        task = f"Classification into {len(record.counts)} {kind}"
    size = f"{record.n_rows:,} rows × {record.n_columns:,} columns"
    return f"{task}, {size}, {record.metric}"


def _scores(model):
    """Return the scores, in the form of the attributes."""
    parts = [f"best_score_ {_number(model.best_score_)}"]
    honest = getattr(model, "honest_score_", math.nan)
    if math.isfinite(honest):
        low, high = model.honest_interval_
        between = f" (95 % interval {_number(low)} to {_number(high)})"
        between = between if math.isfinite(low) else ""
        parts.append(f"honest_score_ {_number(honest)}{between}")
    constant = model._fit_record.constant_score
    if math.isfinite(constant):
        parts.append(f"constant guess {_number(constant)}")
    return ", ".join(parts)


def _final_model(model):
    """Return the members, the seconds, and why the search ended."""
    texts = {e.number: e.candidate.text for e in model.history_}
    weights = sorted(model.ensemble_weights_.items(), key=lambda item: -item[1])
    names = [learner_of(texts.get(number, "constant")) for number, _ in weights]
    names = list(dict.fromkeys(names))
    listed = ", ".join(names[:MOST_LEARNERS])
    listed += ", ..." if len(names) > MOST_LEARNERS else ""
    n = len(weights)
    members = "1 pipeline" if n == 1 else f"{n} pipelines"
    return (
        f"{members} ({listed}), {model.n_evaluations_} evaluations in "
        f"{model.time_report_['fit']:.1f} s: {model.stop_reason_}"
    )


def _number(score):
    """Return a score with the sign that a minus has in text."""
    return f"{score:.4g}".replace("-", "\N{MINUS SIGN}")
