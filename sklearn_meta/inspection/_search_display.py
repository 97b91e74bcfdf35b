"""Scores of the evaluations of a search over its time."""

from __future__ import annotations

import re

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection._plot import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    LIGHT,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    check_matplotlib,
    draw_legend,
    learner_of,
    number_text,
    score_name_of,
    set_title,
    start_plot,
    visible_range,
    write_instead,
)

# Colors of the origins; those of a strategy of the user's take the last ones in turn.
_COLORS = {
    "initial": RED,
    "portfolio": BLUE,
    "mutation": ORANGE,
    "crossover": GREEN,
    "random": PURPLE,
}
_OTHER_COLORS = (SKY, INK, GRAY)


class SearchDisplay:
    """Scores of the evaluated pipelines against seconds or number.

    Shows where the pipelines came from, when the best score improved, and the honest
    score of the final model. Use `from_estimator` to create it.

    Parameters
    ----------
    numbers : array-like of shape (n_evaluations,)
        Number of each evaluation, from 0 in the order of proposal.
    seconds : array-like of shape (n_evaluations,)
        Seconds of ``fit`` at which each evaluation ended; NaN where unknown.
    scores : array-like of shape (n_evaluations,)
        Mean score over the folds; greater is better. NaN without a score.
    complete : array-like of bool of shape (n_evaluations,)
        Whether all folds are scored. The search stops pipelines that are clearly worse
        than the best one, or equal to another one, after some folds.
    origins : sequence of str
        How the search found each pipeline: ``"portfolio"``, ``"mutation"``, ...
    pipelines : sequence of str
        Canonical texts.
    score_name : str, default="Score"
        Name of the metric.
    honest_score : float, default=nan
        Score of the final model, corrected for the selection.
    honest_interval : array-like of shape (2,), default=(nan, nan)
        Interval of `honest_score`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the scores.
    figure_ : matplotlib Figure
        Figure of the axes.
    points_ : dict of str to PathCollection
        Evaluations by origin.
    line_ : Line2D or None
        Best score so far; None if no evaluation is complete.

    See Also
    --------
    ParetoDisplay : Scores against the seconds of one fit or prediction.

    Examples
    --------
    >>> from sklearn_meta.inspection import SearchDisplay
    >>> display = SearchDisplay(
    ...     numbers=[0, 1, 2],
    ...     seconds=[0.4, 0.9, 0.7],
    ...     scores=[0.8, 0.9, 0.7],
    ...     complete=[True, True, False],
    ...     origins=["portfolio", "portfolio", "random"],
    ...     pipelines=["ridge(X)", "svr(X)", "lasso(X)"],
    ... )
    >>> display.best_so_far("seconds")
    (array([0.4, 0.9]), array([0.8, 0.9]))
    """

    def __init__(
        self,
        *,
        numbers,
        seconds,
        scores,
        complete,
        origins,
        pipelines,
        score_name="Score",
        honest_score=np.nan,
        honest_interval=(np.nan, np.nan),
    ):
        self.numbers = numbers
        self.seconds = seconds
        self.scores = scores
        self.complete = complete
        self.origins = origins
        self.pipelines = pipelines
        self.score_name = score_name
        self.honest_score = honest_score
        self.honest_interval = honest_interval

    @classmethod
    def compute(cls, estimator):
        """Return the display without plotting it; does not need matplotlib.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.

        Returns
        -------
        display : SearchDisplay
            Not plotted.
        """
        check_is_fitted(estimator)
        history = estimator.history_
        return cls(
            numbers=np.array([e.number for e in history], dtype=int),
            seconds=np.array(
                [np.nan if e.elapsed is None else e.elapsed for e in history],
                dtype=float,
            ),
            scores=np.array(
                [e.score if e.defined_scores else np.nan for e in history], dtype=float
            ),
            complete=np.array(
                [e.status is Status.OK and bool(e.folds) for e in history], dtype=bool
            ),
            origins=tuple(_kind(e.candidate.origin) for e in history),
            pipelines=tuple(e.candidate.text for e in history),
            score_name=score_name_of(estimator),
            honest_score=getattr(estimator, "honest_score_", np.nan),
            honest_interval=getattr(estimator, "honest_interval_", (np.nan, np.nan)),
        )

    @classmethod
    def from_estimator(cls, estimator, *, x="seconds", ax=None):
        """Plot the search of a fitted estimator.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.
        x : {"seconds", "number"}, default="seconds"
            See `plot`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        display : SearchDisplay
            The plotted display.
        """
        check_matplotlib(cls)
        return cls.compute(estimator).plot(x=x, ax=ax)

    def best_so_far(self, x="seconds"):
        """Return where the best score improved.

        Parameters
        ----------
        x : {"seconds", "number"}, default="seconds"
            What evaluations are ordered by.

        Returns
        -------
        places : ndarray of shape (n_improvements,)
            Seconds or numbers.
        scores : ndarray of shape (n_improvements,)
            The best score of a complete evaluation from there on.
        """
        at = self._places(x)
        scores = np.asarray(self.scores, dtype=float)
        use = np.asarray(self.complete, dtype=bool) & np.isfinite(scores)
        use &= np.isfinite(at)
        at, scores = at[use], scores[use]
        order = np.argsort(at, kind="stable")
        at, best = at[order], np.maximum.accumulate(scores[order])
        improved = np.diff(best, prepend=-np.inf) > 0
        return at[improved], best[improved]

    def plot(self, ax=None, *, x="seconds"):
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.
        x : {"seconds", "number"}, default="seconds"
            Seconds of ``fit`` at which evaluations ended, or their numbers.

        Returns
        -------
        display : SearchDisplay
            This object.
        """
        at = self._places(x)
        ax = start_plot(self, ax, (7.0, 4.2))
        scores = np.asarray(self.scores, dtype=float)
        complete = np.asarray(self.complete, dtype=bool)
        drawn = np.isfinite(scores) & np.isfinite(at)
        self.points_, self.line_ = {}, None
        if not drawn.any():
            write_instead(ax, "No evaluation has a score.")
            return self
        compared = drawn & complete if (drawn & complete).any() else drawn
        low, high = visible_range(scores[compared], [self.honest_score])
        # The interval of a score is much wider than the differences between pipelines,
        # which are scored on the same rows: a part of it is enough to see.
        ends = np.clip(
            self.honest_interval, 1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low
        )
        low, high = visible_range(scores[compared], [self.honest_score, *ends])
        self._draw_best(ax, x, at[drawn].max())
        self._draw_honest(ax)
        outside = (scores < low) | (scores > high)
        origins = np.asarray(self.origins, dtype=object)
        for origin, color in _colors(self.origins).items():
            rows = drawn & (origins == origin)
            inside = rows & ~outside
            self.points_[origin] = ax.scatter(
                at[inside],
                scores[inside],
                s=np.where(complete, 30, 16)[inside],
                facecolors=[color if c else "white" for c in complete[inside]],
                edgecolors=color,
                linewidths=0.9,
                alpha=0.9,
                zorder=3,
            )
            # Where they are in time, but not how far off.
            for beyond, place, marker in (
                (rows & (scores < low), low, "v"),
                (rows & (scores > high), high, "^"),
            ):
                ax.scatter(
                    at[beyond],
                    np.full(beyond.sum(), place),
                    marker=marker,
                    s=16,
                    facecolors="white",
                    edgecolors=color,
                    linewidths=0.9,
                    clip_on=False,
                    zorder=3,
                )
        ax.set_ylim(low, high)
        left = 0 if x == "seconds" else -0.5
        ax.set_xlim(left, at[drawn].max() + (0.03 * (at[drawn].max() - left) or 0.5))
        ax.set_xlabel(
            "Seconds since the start of fit" if x == "seconds" else "Number of pipeline"
        )
        ax.set_ylabel(self.score_name)
        ax.grid(axis="y", color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
        set_title(ax, self._title())
        self._draw_legend(ax, drawn, complete, outside)
        return self

    def _places(self, x):
        if x not in ("seconds", "number"):
            raise ValueError(f"x must be 'seconds' or 'number'. Got {x!r}.")
        values = self.seconds if x == "seconds" else self.numbers
        return np.asarray(values, dtype=float)

    def _draw_honest(self, ax):
        if np.isfinite(self.honest_score):
            ax.axhline(
                self.honest_score,
                color=GRAY,
                linestyle="--",
                linewidth=1.2,
                label="honest score of the model",
            )
        if np.isfinite(self.honest_interval).all():
            low, high = self.honest_interval
            ax.axhspan(
                low,
                high,
                color=GRAY,
                alpha=0.15,
                linewidth=0,
                label=f"its 95 % interval:\n{number_text(low)} to {number_text(high)}",
            )

    def _draw_best(self, ax, x, end):
        places, best = self.best_so_far(x)
        if not len(places):
            return
        (self.line_,) = ax.step(
            [*places, end],
            [*best, best[-1]],
            where="post",
            color=INK,
            linewidth=1.3,
            zorder=2,
            label="best so far",
        )

    def _title(self):
        n = len(self.numbers)
        _, best = self.best_so_far("number")
        what = f"{n} pipeline{'s' if n != 1 else ''} tried"
        if not len(best):
            return what
        scores = np.where(self.complete, self.scores, -np.inf)
        learner = learner_of(self.pipelines[int(np.argmax(scores))])
        return f"{what}; best: {learner}, {number_text(best[-1])}"

    def _draw_legend(self, ax, drawn, complete, outside):
        from matplotlib.lines import Line2D

        def marker(label, color, shape="o", size=5.5, face="none"):
            return Line2D(
                [], [], linestyle="", marker=shape, markersize=size, label=label,
                markerfacecolor=face, markeredgecolor=color,
            )  # fmt: skip

        origins = np.asarray(self.origins, dtype=object)
        handles = [
            marker(
                f"{origin} ({(drawn & (origins == origin)).sum()})", color, face=color
            )
            for origin, color in _colors(self.origins).items()
        ]
        if (drawn & ~complete).any():
            handles.append(marker("stopped early: worse or equal", GRAY, size=4))
        if (drawn & outside).any():
            handles.append(marker("outside of the axis", GRAY, "v", 4))
        if n_missing := int((~drawn).sum()):
            handles.append(marker(f"{n_missing} without a score", "none"))
        draw_legend(ax, [*ax.get_legend_handles_labels()[0], *handles])


def _kind(origin):
    """Return the kind of an origin: ``"mutation of 12: ..."`` is a mutation."""
    return re.split(r"[\s:]", origin, maxsplit=1)[0] or "other"


def _colors(origins):
    """Return the color of each origin, in the order of the known ones."""
    present = set(origins)
    colors = {kind: c for kind, c in _COLORS.items() if kind in present}
    others = sorted(present - colors.keys())
    return colors | {
        kind: _OTHER_COLORS[i % len(_OTHER_COLORS)] for i, kind in enumerate(others)
    }
