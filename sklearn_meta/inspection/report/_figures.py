"""Figures of a report as SVG, with text as paths; None without matplotlib.

The numbers of rows are drawn as an image within the SVG: no value of a row can be read
from the file.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np

INK, ACCENT, PALE, WARM = "#333333", "#2f6690", "#9fbfd5", "#b5651d"
CYCLE = ("#2f6690", "#b5651d", "#4f7f5a", "#8a4f7d", "#7a7a7a", "#b8922f")

# Confusion matrices of at most so many classes show numbers, and names of classes.
# Of more classes than the last number, nothing could be seen.
MAX_NUMBERS, MAX_NAMES, MAX_DRAWN = 12, 25, 200

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7,
    # Names of classes are no formulas.
    "text.parse_math": False,
    "text.usetex": False,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    # The same identifiers for the same figure.
    "svg.hashsalt": "sklearn_meta",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


@contextmanager
def canvas(width=5.2, height=3.4):
    """Return a figure without pyplot, with settings of its own."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_STYLE}):
        drawn = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(drawn)
        yield drawn


def as_svg(drawn) -> str:
    """Return a figure as SVG, without the prologue and the date."""
    stream = io.StringIO()
    drawn.savefig(stream, format="svg", dpi=150, metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def draw_confusion(quality) -> str | None:
    """Draw a confusion matrix as shares of the rows of each class."""
    k = len(quality.names)
    if not can_draw() or k > MAX_DRAWN:
        return None
    names = [_label(name) for name in quality.names]
    rows = np.maximum(quality.confusion.sum(axis=1, keepdims=True), 1)
    shares = quality.confusion / rows
    side = float(np.clip(0.42 * k + 1.6, 2.5, 5.4))
    with canvas(side + 0.5, side) as drawn:
        ax = drawn.add_subplot()
        ax.grid(False)
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
        ax.set(xlabel="predicted class", ylabel="true class")
        ax.spines[:].set_visible(False)
        if k <= MAX_NAMES:
            turned = k * max(map(len, names)) > 24
            ax.set_xticks(range(k), names, rotation=90 if turned else 0)
            ax.set_yticks(range(k), names)
        if k <= MAX_NUMBERS:
            size = 7 if k > 6 else 8
            for i in range(k):
                for j in range(k):
                    color = "white" if shares[i, j] > 0.6 else INK
                    text = f"{quality.confusion[i, j]:,}".replace(",", "\u202f")
                    ax.text(
                        j, i, text, ha="center", va="center", color=color, size=size
                    )
        return as_svg(drawn)


def draw_roc(curves) -> str | None:
    """Draw ROC curves."""
    if not can_draw() or not curves:
        return None
    with canvas(3.1, 3.0) as drawn:
        ax = drawn.add_subplot()
        ax.plot([0, 1], [0, 1], color="#b0b0b0", linewidth=0.8, linestyle="--")
        for curve, color in zip(curves, CYCLE, strict=False):
            label = f"{_label(curve.name)}, area {curve.area:.3f}"
            ax.plot(
                curve.false_positive, curve.true_positive, color=color, label=label,
                linewidth=1.4,
            )  # fmt: skip
        ax.set(
            xlabel="share of others selected",
            ylabel="share of the class found",
            aspect="equal",
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
        )
        ax.legend(loc="lower right")
        return as_svg(drawn)


def draw_reliability(measured, of) -> str | None:
    """Draw observed shares against predicted probabilities."""
    if not can_draw() or measured is None:
        return None
    with canvas(3.1, 3.0) as drawn:
        ax = drawn.add_subplot()
        ax.plot([0, 1], [0, 1], color="#b0b0b0", linewidth=0.8, linestyle="--")
        ax.plot(
            measured.predicted, measured.observed, color=ACCENT, marker="o",
            markersize=4, linewidth=1.2,
        )  # fmt: skip
        ax.set(
            xlabel=f"probability of {of}",
            ylabel="observed share",
            aspect="equal",
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
        )
        return as_svg(drawn)


def draw_errors(quality, title="") -> str | None:
    """Draw predictions against the true numbers."""
    if not can_draw():
        return None
    with canvas(3.1, 3.0) as drawn:
        ax = drawn.add_subplot()
        both = np.concatenate([quality.true, quality.predicted])
        low, high = float(both.min()), float(both.max())
        room = 0.03 * (high - low) or 1.0
        ends = [low - room, high + room]
        ax.plot(ends, ends, color="#b0b0b0", linewidth=0.8, linestyle="--")
        ax.scatter(
            quality.predicted, quality.true, s=9, color=ACCENT, alpha=0.45,
            linewidths=0, rasterized=True,
        )  # fmt: skip
        ax.set(xlabel="predicted", ylabel="true", xlim=ends, ylim=ends, title=title)
        return as_svg(drawn)


def draw_search(search, metric) -> str | None:
    """Draw the scores of the evaluations, and the best one so far."""
    if not can_draw() or len(search.curve) < 2:
        return None
    numbers = np.array([number + 1 for number, _, _ in search.curve])
    scores = np.array([metric.shown(score) for _, score, _ in search.curve])
    origins = [origin for _, _, origin in search.curve]
    order = np.argsort(numbers)
    numbers, scores = numbers[order], scores[order]
    origins = [origins[i] for i in order]
    so_far = (np.minimum if metric.is_loss else np.maximum).accumulate(scores)
    with canvas(4.8, 3.0) as drawn:
        ax = drawn.add_subplot()
        kinds = dict.fromkeys(origins)
        for kind, color in zip(kinds, CYCLE, strict=False):
            chosen = np.array([origin == kind for origin in origins])
            ax.scatter(
                numbers[chosen], scores[chosen], s=14, color=color, label=kind,
                alpha=0.75, linewidths=0,
            )  # fmt: skip
        ax.step(
            numbers, so_far, where="post", color=INK, linewidth=1.1, label="best so far"
        )
        ax.set(xlabel="number of the evaluation", ylabel=metric.words)
        ax.xaxis.get_major_locator().set_params(integer=True)
        # Some candidates are so bad that nothing else could be told apart.
        low, high = np.quantile(scores, [0.1, 0.9])
        best, reach = so_far[-1], max(1.5 * (high - low), 1e-12)
        worst = max(scores) if metric.is_loss else min(scores)
        cut = best + 3 * reach if metric.is_loss else best - 3 * reach
        if (worst > cut) if metric.is_loss else (worst < cut):
            room = 0.08 * abs(cut - best)
            ax.set_ylim((best - room, cut) if metric.is_loss else (cut, best + room))
        ax.legend(loc="best", ncols=2)
        return as_svg(drawn)


def draw_importance(importance) -> str | None:
    """Draw the loss of score when columns are permuted."""
    if not can_draw() or importance is None or not importance.names:
        return None
    n = min(len(importance.names), 15)
    with canvas(4.8, 0.24 * n + 0.8) as drawn:
        ax = drawn.add_subplot()
        ax.grid(axis="y", visible=False)
        ax.barh(
            range(n), importance.means[:n], xerr=importance.deviations[:n],
            color=PALE, ecolor=ACCENT, error_kw={"linewidth": 0.9},
        )  # fmt: skip
        ax.set_yticks(range(n), [_label(name, 24) for name in importance.names[:n]])
        ax.invert_yaxis()
        ax.set(xlabel="loss of score")
        return as_svg(drawn)


def _label(text, width=18):
    """Return a short text that the font can draw."""
    text = " ".join(str(text).split())
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return text if len(text) <= width else f"{text[: width - 1]}…"
