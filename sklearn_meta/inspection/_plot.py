"""What the displays share: matplotlib on demand, axes, colors, and short names."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from sklearn.base import is_classifier

from sklearn_meta._sklearn_compat import metric_of_scorer
from sklearn_meta.pipelines.catalog._wrappers import WRAPPERS

# Colors that people with any kind of color vision can tell apart (M. Okabe, K. Ito,
# "Color Universal Design", 2008), and grays.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY = "#CC79A7", "#56B4E9"
INK, GRAY, LIGHT = "#333333", "#8c8c8c", "#d4d4d4"

_WRAPPER_NAMES = {operator.name for operator in WRAPPERS}
# Names of metrics that are no words with underscores.
_METRIC_WORDS = {
    "r2": "R²",
    "roc auc": "ROC AUC",
    "d2": "D²",
    "f1": "F1",
    "binary log loss": "log loss of the labels",
}


def check_matplotlib(display):
    """Raise an error if matplotlib is missing.

    Parameters
    ----------
    display : type
        Class that needs it.

    Raises
    ------
    ImportError
        The message names the extra that installs it.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{display.__name__} needs matplotlib to plot. Install it with "
            '`pip install "sklearn-meta[plot]"`.'
        ) from error


def start_plot(display, ax, figsize=(6.4, 4.0)):
    """Return the axes to draw on, and set `ax_` and `figure_`.

    Parameters
    ----------
    display : display
    ax : matplotlib Axes or None
        None for a new figure.
    figsize : tuple of float, default=(6.4, 4.0)
        Width and height of a new figure in inches.

    Returns
    -------
    ax : matplotlib Axes
    """
    check_matplotlib(type(display))
    if ax is None:
        # Not needed for axes that the user has made without it.
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    display.ax_, display.figure_ = ax, ax.figure
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(GRAY)
    ax.tick_params(color=GRAY, labelcolor=INK)
    return ax


def set_title(ax, text):
    """Set the title, at the left and not larger than needed."""
    ax.set_title(text, loc="left", fontsize="medium", color=INK)


def draw_legend(ax, handles=None):
    """Draw a legend beside the axes, or in them where nothing makes room for it.

    Parameters
    ----------
    ax : matplotlib Axes
    handles : list of artists, default=None
        None for all with a label.

    Returns
    -------
    legend : matplotlib Legend
    """
    handles = ax.get_legend_handles_labels()[0] if handles is None else handles
    if ax.figure.figure.get_layout_engine() is None:
        return ax.legend(
            handles=handles,
            loc="best",
            fontsize="small",
            framealpha=0.8,
            edgecolor="none",
        )
    return ax.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        fontsize="small",
    )


def write_instead(ax, text):
    """Write why there is nothing to draw."""
    ax.set_axis_off()
    ax.text(
        0.5, 0.5, text, ha="center", va="center", color=GRAY, transform=ax.transAxes
    )


def number_text(value):
    """Return a number with four digits and a typographic minus sign."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def learner_of(text):
    """Return the name of the learner of a pipeline, in words.

    Parameters
    ----------
    text : str
        Canonical text of the pipeline.

    Returns
    -------
    name : str
        Without preprocessing and wrappers: ``"gradient boosting"``.
    """
    names = re.findall(r"\w+(?=\()", text) or [text]
    inner = [name for name in names if name not in _WRAPPER_NAMES]
    return (inner or names)[0].replace("_", " ")


def names_of(pipelines, numbers):
    """Return short names of evaluated pipelines that differ from each other.

    Parameters
    ----------
    pipelines : sequence of str
        Canonical texts.
    numbers : sequence of int
        Numbers of their evaluations.

    Returns
    -------
    names : list of str
        The learner of each; with the number of the evaluation where a learner recurs.
    """
    learners = [learner_of(text) for text in pipelines]
    count = Counter(learners)
    return [
        learner if count[learner] == 1 else f"{learner} #{number}"
        for learner, number in zip(learners, numbers, strict=True)
    ]


def score_name_of(estimator):
    """Return the name of the metric that an estimator optimizes, in words.

    Parameters
    ----------
    estimator : MetaAutoClassifier or MetaAutoRegressor
        Fitted.

    Returns
    -------
    name : str
        Such as ``"Negative log loss"``; greater is better.
    """
    scoring = estimator.scoring
    if scoring is None:
        if not is_classifier(estimator):
            scoring = "neg_root_mean_squared_error"
        elif isinstance(estimator.classes_, list):
            scoring = "neg_binary_log_loss"
        else:
            scoring = "neg_log_loss"
    return metric_name(scoring)


def metric_name(scoring):
    """Return the name of a scorer in words.

    Parameters
    ----------
    scoring : str or callable

    Returns
    -------
    name : str
        As in the displays of scikit-learn: ``"Negative log loss"``, ``"Accuracy"``.
    """
    negative = False
    if callable(scoring):
        metric, _, sign = metric_of_scorer(scoring)
        negative = metric is not None and sign < 0
        name = getattr(metric or scoring, "__name__", "score")
        name = "score" if name == "<lambda>" else name
    else:
        name = scoring
        if name.startswith("neg_"):
            negative, name = True, name.removeprefix("neg_")
    words = name.replace("_", " ").strip()
    for word, better in _METRIC_WORDS.items():
        words = re.sub(rf"\b{word}\b", better, words)
    words = f"negative {words}" if negative else words
    return words[:1].upper() + words[1:]


def visible_range(scores, within=()):
    """Return the range of scores to show, so that bad ones do not hide the rest.

    Parameters
    ----------
    scores : array-like
        NaN is ignored.
    within : array-like, default=()
        Further values that are to be visible.

    Returns
    -------
    low, high : float
        From the best score to three times the distance of the median below it.
    """
    scores = np.asarray(scores, dtype=float)
    scores = scores[np.isfinite(scores)]
    within = np.asarray(within, dtype=float)
    within = within[np.isfinite(within)]
    if not len(scores):
        return (within.min(), within.max()) if len(within) else (0.0, 1.0)
    best = scores.max()
    low = best - 3 * (best - np.median(scores))
    seen = np.concatenate([scores[scores >= low], within])
    pad = 0.06 * (seen.max() - seen.min()) or 0.05 * abs(best) or 0.05
    return float(seen.min() - pad), float(seen.max() + pad)
