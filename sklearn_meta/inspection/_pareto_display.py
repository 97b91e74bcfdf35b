"""Scores of pipelines against the seconds of their fits or predictions."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection._plot import (
    BLUE,
    GRAY,
    INK,
    LIGHT,
    ORANGE,
    check_matplotlib,
    draw_legend,
    names_of,
    score_name_of,
    set_title,
    start_plot,
    visible_range,
    write_instead,
)

# Maximum number of pipelines of the front that are named in the plot.
MAX_NAMES = 8


class ParetoDisplay:
    """Scores of the complete evaluations against their seconds, and the Pareto front.

    A pipeline is on the front if none that is as fast has a better score. Use
    `from_estimator` to create it.

    Parameters
    ----------
    numbers : array-like of shape (n_pipelines,)
        Numbers of the evaluations.
    scores, standard_errors : array-like of shape (n_pipelines,)
        Mean and standard error of the scores of the folds; greater is better.
    fit_seconds : array-like of shape (n_pipelines,)
        Mean seconds of one fit.
    predict_seconds : array-like of shape (n_pipelines,)
        Mean seconds of the prediction of a validation part.
    weights : array-like of shape (n_pipelines,)
        Share of each pipeline in the final model; 0 for those that are not in it.
    pipelines : sequence of str
        Canonical texts.
    n_rows : int or None, default=None
        Number of rows of a validation part; None if unknown.
    score_name : str, default="Score"
        Name of the metric.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the pipelines.
    figure_ : matplotlib Figure
        Figure of the axes.
    front_line_ : Line2D or None
        The Pareto front; None without a pipeline.
    members_ : PathCollection or None
        Members of the final model; None if none of them has a score.

    See Also
    --------
    SearchDisplay : Scores against the time of the search.

    Notes
    -----
    Seconds are those of the search, of the pipeline alone: what the model does before,
    such as reading strings, and the other members of it, come in addition. Those of few
    rows are mostly constant and say little about many rows, so that they are not
    converted to seconds per row.

    Examples
    --------
    >>> from sklearn_meta.inspection import ParetoDisplay
    >>> display = ParetoDisplay(
    ...     numbers=[0, 1, 2],
    ...     scores=[0.8, 0.9, 0.85],
    ...     standard_errors=[0.01, 0.01, 0.01],
    ...     fit_seconds=[0.1, 2.0, 3.0],
    ...     predict_seconds=[0.01, 0.02, 0.03],
    ...     weights=[0, 1, 0],
    ...     pipelines=["ridge(X)", "svr(X)", "lasso(X)"],
    ... )
    >>> display.front("fit")
    array([0, 1])
    """

    def __init__(
        self,
        *,
        numbers,
        scores,
        standard_errors,
        fit_seconds,
        predict_seconds,
        weights,
        pipelines,
        n_rows=None,
        score_name="Score",
    ):
        self.numbers = numbers
        self.scores = scores
        self.standard_errors = standard_errors
        self.fit_seconds = fit_seconds
        self.predict_seconds = predict_seconds
        self.weights = weights
        self.pipelines = pipelines
        self.n_rows = n_rows
        self.score_name = score_name

    @classmethod
    def compute(cls, estimator):
        """Return the display without plotting it; does not need matplotlib.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.

        Returns
        -------
        display : ParetoDisplay
            Not plotted.
        """
        check_is_fitted(estimator)
        complete = [
            e for e in estimator.history_ if e.status is Status.OK and e.defined_scores
        ]
        return cls(
            numbers=np.array([e.number for e in complete], dtype=int),
            scores=np.array([e.score for e in complete], dtype=float),
            standard_errors=np.array([e.standard_error for e in complete], dtype=float),
            fit_seconds=np.array([e.fit_seconds for e in complete], dtype=float),
            predict_seconds=np.array(
                [e.predict_seconds for e in complete], dtype=float
            ),
            weights=np.array(
                [estimator.ensemble_weights_.get(e.number, 0.0) for e in complete],
                dtype=float,
            ),
            pipelines=tuple(e.candidate.text for e in complete),
            n_rows=estimator._n_validation_rows,
            score_name=score_name_of(estimator),
        )

    @classmethod
    def from_estimator(cls, estimator, *, x="predict", ax=None):
        """Plot the evaluations of a fitted estimator.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.
        x : {"predict", "fit"}, default="predict"
            Seconds of predictions or of fits.
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        display : ParetoDisplay
            The plotted display.
        """
        check_matplotlib(cls)
        return cls.compute(estimator).plot(x=x, ax=ax)

    def front(self, x="predict"):
        """Return the positions of the pipelines on the Pareto front.

        Parameters
        ----------
        x : {"predict", "fit"}, default="predict"
            Which seconds count.

        Returns
        -------
        positions : ndarray of shape (n_on_front,)
            From the fastest pipeline to the best one.
        """
        seconds = self._seconds(x)
        scores = np.asarray(self.scores, dtype=float)
        # Of equal seconds, the best score first.
        order = np.lexsort((-scores, seconds))
        best = np.maximum.accumulate(scores[order])
        return order[np.diff(best, prepend=-np.inf) > 0]

    def plot(self, ax=None, *, x="predict"):
        """Draw the scores against seconds.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.
        x : {"predict", "fit"}, default="predict"
            Seconds of predictions or of fits.

        Returns
        -------
        display : ParetoDisplay
            This object.
        """
        # A clock may not see less.
        seconds = np.maximum(self._seconds(x), 1e-6)
        ax = start_plot(self, ax, (7.0, 4.2))
        self.front_line_ = self.members_ = None
        if not len(seconds):
            write_instead(ax, "No pipeline was scored on all folds.")
            return self
        scores = np.asarray(self.scores, dtype=float)
        errors = np.nan_to_num(np.asarray(self.standard_errors, dtype=float))
        weights = np.asarray(self.weights, dtype=float)
        front = self.front(x)
        member = weights > 0
        marked = np.union1d(front, np.flatnonzero(member))
        low, high = visible_range(
            scores, [*(scores - errors)[marked], *(scores + errors)[marked]]
        )
        ax.set_xscale("log")
        ax.errorbar(
            seconds, scores, errors, fmt="none", ecolor=LIGHT, elinewidth=0.9, zorder=1
        )
        ax.scatter(
            seconds,
            scores,
            s=16,
            color=GRAY,
            zorder=2,
            label=f"pipeline, with standard error{_below(scores, low)}",
        )
        (self.front_line_,) = ax.step(
            seconds[front],
            scores[front],
            where="post",
            color=BLUE,
            linewidth=1.4,
            marker="o",
            markersize=5,
            zorder=3,
            label="Pareto front",
        )
        if member.any():
            self.members_ = ax.scatter(
                seconds[member],
                scores[member],
                s=50 + 250 * weights[member],
                facecolors="none",
                edgecolors=ORANGE,
                linewidths=2,
                zorder=4,
                label="member of the model\n(larger: more weight)",
            )
        ax.set_ylim(low, high)
        spread = max(seconds.max() / seconds.min(), 2.0)
        ax.set_xlim(seconds.min() / spread**0.1, seconds.max() * spread**0.25)
        _label_seconds(ax)
        ax.set_xlabel(self._x_label(x))
        ax.set_ylabel(self.score_name)
        ax.grid(color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
        what = "prediction" if x == "predict" else "fitting"
        set_title(
            ax,
            f"Score and {what} time: {len(front)} of {len(scores)} pipelines on the "
            "Pareto front",
        )
        legend = draw_legend(ax)
        if self.members_ is not None:
            legend.legend_handles[-1].set_sizes([60])
        # Once the axes have their final place.
        self._name_front(ax, seconds, scores, front)
        return self

    def _seconds(self, x):
        if x not in ("predict", "fit"):
            raise ValueError(f"x must be 'predict' or 'fit'. Got {x!r}.")
        values = self.predict_seconds if x == "predict" else self.fit_seconds
        return np.asarray(values, dtype=float)

    def _x_label(self, x):
        if x == "fit":
            return "Seconds of one fit"
        rows = "a validation part" if self.n_rows is None else f"{self.n_rows:,} rows"
        return f"Seconds to predict {rows}".replace(",", "\N{NARROW NO-BREAK SPACE}")

    def _name_front(self, ax, seconds, scores, front):
        """Write names of the front where they hide no other name."""
        from matplotlib.transforms import Bbox

        names = names_of(
            [self.pipelines[i] for i in front], [self.numbers[i] for i in front]
        )
        # The best ones first, which matter most.
        chosen = list(zip(front, names, strict=True))[::-1][:MAX_NAMES]
        ax.figure.figure.draw_without_rendering()
        inside = ax.get_window_extent()
        # Names do not hide points.
        taken = [
            Bbox.from_bounds(u - 3, v - 3, 6, 6)
            for u, v in ax.transData.transform(np.c_[seconds, scores])
        ]
        for i, name in chosen:
            for offset, ha, va in (
                ((6, 5), "left", "bottom"),
                ((6, -5), "left", "top"),
                ((-6, 6), "right", "bottom"),
                ((-6, -8), "right", "top"),
            ):
                text = ax.annotate(
                    name,
                    (seconds[i], scores[i]),
                    xytext=offset,
                    textcoords="offset points",
                    ha=ha,
                    va=va,
                    fontsize="small",
                    color=INK,
                    zorder=5,
                    bbox={"color": "white", "alpha": 0.7, "pad": 0},
                )
                box = text.get_window_extent()
                fits = inside.x0 <= box.x0 and box.x1 <= inside.x1
                if fits and not any(box.overlaps(other) for other in taken):
                    taken.append(box)
                    break
                text.remove()


def _below(scores, low):
    """Return how many scores are below the axis, for the legend."""
    n = int((scores < low).sum())
    return f"\n({n} below the axis)" if n else ""


def _label_seconds(ax):
    """Label a logarithmic axis of seconds with short numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = ax.get_xlim()
    subs = (1, 2, 5) if high / low < 300 else (1,)
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(FuncFormatter(_seconds_text))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _seconds_text(seconds, position=None):
    """Return seconds with their unit."""
    if seconds >= 0.999:
        return f"{seconds:.3g} s"
    if seconds >= 0.999e-3:
        return f"{1e3 * seconds:.3g} ms"
    return f"{1e6 * seconds:.3g} µs"
