"""Coverage and size of prediction intervals and prediction sets."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sklearn_meta.exceptions import OutOfFoldError
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
    number_text,
    set_title,
    start_plot,
)

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# Rows in the plot of the intervals, so that they can be told apart.
MAX_SHOWN = 200

_KINDS = ("coverage", "predictions")
_COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)


class IntervalDisplay:
    """Coverage and size of the intervals or sets that a model predicts.

    Of intervals with a nominal coverage of 90 %, nine in ten should hold the true
    target, and the narrower they are the better. Use `from_estimator` to create it.

    Parameters
    ----------
    coverages : array-like of shape (n_coverages,)
        Nominal coverages.
    observed : array-like of shape (n_coverages, n_outputs)
        Share of the rows whose interval or set holds the true target.
    sizes : array-like of shape (n_coverages, n_outputs)
        Mean width of the intervals, or number of classes in the sets.
    n_rows : int
        Number of rows.
    coverage : float
        Nominal coverage of the intervals or sets below.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        True targets; for a classifier, the position of the class, -1 for one that was
        not in ``fit``.
    predictions : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Predicted targets; for a classifier, the position of the predicted class.
    regions : array-like of shape (n_samples, 2) or (n_samples, n_classes)
        Intervals, or for a classifier boolean sets of classes. For several targets,
        (n_samples, 2, n_outputs), for several labels, (n_samples, n_labels, 2).
    is_classifier : bool, default=False
        Whether `regions` are sets of classes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the coverage or the predictions.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    sklearn.metrics.PredictionErrorDisplay : Predictions against true targets.

    Notes
    -----
    The bars of the coverage are 95 % intervals of a share [1]_: what few rows cannot
    tell apart.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits
       illustrated in the case of the binomial", Biometrika 26, 1934.
    """

    def __init__(
        self,
        *,
        coverages,
        observed,
        sizes,
        n_rows,
        coverage,
        y,
        predictions,
        regions,
        is_classifier=False,
    ):
        self.coverages = coverages
        self.observed = observed
        self.sizes = sizes
        self.n_rows = n_rows
        self.coverage = coverage
        self.y = y
        self.predictions = predictions
        self.regions = regions
        self.is_classifier = is_classifier

    @classmethod
    def compute(cls, estimator, X, y, *, coverage=0.9, coverages=None):
        """Return the display without plotting it; does not need matplotlib.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows that were not in ``fit``: on those of ``fit``, the coverage says
            nothing.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        coverage : float, default=0.9
            Nominal coverage of the intervals or sets of single rows.
        coverages : sequence of float or None, default=None
            Nominal coverages to compare with observed ones. None for 0.5, 0.6, 0.7,
            0.8, 0.9 and 0.95, without those that ``fit`` had too few rows for.

        Returns
        -------
        display : IntervalDisplay
            Not plotted.
        """
        check_is_fitted(estimator)
        of_classifier = is_classifier(estimator)
        predict = estimator.predict_set if of_classifier else estimator.predict_interval
        positions = _positions_of(estimator.classes_) if of_classifier else np.asarray
        y = positions(y)
        # First, as its error is the one that says what is missing.
        regions = predict(X, coverage=coverage)
        levels, observed, sizes = [], [], []
        for level in COVERAGES if coverages is None else coverages:
            try:
                found = regions if level == coverage else predict(X, coverage=level)
            except OutOfFoldError:
                if coverages is None:
                    continue
                raise
            inside, size = _judge(found, y, of_classifier)
            levels.append(level)
            observed.append(inside.mean(axis=0))
            sizes.append(size.mean(axis=0))
        return cls(
            coverages=np.array(levels, dtype=float),
            observed=np.array(observed),
            sizes=np.array(sizes),
            n_rows=len(y),
            coverage=coverage,
            y=y,
            predictions=positions(estimator.predict(X)),
            regions=regions,
            is_classifier=of_classifier,
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        coverage=0.9,
        coverages=None,
        kind="coverage",
        output=0,
        ax=None,
    ):
        """Plot the coverage of the intervals or sets of a fitted estimator.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows that were not in ``fit``: on those of ``fit``, the coverage says
            nothing.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        coverage : float, default=0.9
            Nominal coverage of the intervals or sets of single rows.
        coverages : sequence of float or None, default=None
            Nominal coverages to compare with observed ones. None for 0.5, 0.6, 0.7,
            0.8, 0.9 and 0.95, without those that ``fit`` had too few rows for.
        kind : {"coverage", "predictions"}, default="coverage"
            See `plot`.
        output : int, default=0
            See `plot`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        display : IntervalDisplay
            The plotted display.
        """
        check_matplotlib(cls)
        display = cls.compute(estimator, X, y, coverage=coverage, coverages=coverages)
        return display.plot(kind=kind, output=output, ax=ax)

    def plot(self, ax=None, *, kind="coverage", output=0):
        """Draw observed against nominal coverage, or intervals or sets of single rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.
        kind : {"coverage", "predictions"}, default="coverage"
            What to draw. ``"predictions"`` are the intervals sorted by prediction, or
            the sizes of the sets.
        output : int, default=0
            Position of the target or label whose intervals or sets are drawn, where
            there are several.

        Returns
        -------
        display : IntervalDisplay
            This object.
        """
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {_KINDS}. Got {kind!r}.")
        if kind == "coverage":
            return self._plot_coverage(ax)
        return (
            self._plot_sets(ax, output)
            if self.is_classifier
            else self._plot_intervals(ax, output)
        )

    def _plot_coverage(self, ax):
        ax = start_plot(self, ax, (5.6, 4.6))
        nominal = np.asarray(self.coverages, dtype=float)
        order = np.argsort(nominal)
        observed = np.reshape(self.observed, (len(nominal), -1))[order]
        sizes = np.reshape(self.sizes, observed.shape)[order]
        nominal = nominal[order]
        several = observed.shape[1] > 1
        ax.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1.2,
                label="nominal")  # fmt: skip
        target = "label" if self.is_classifier else "target"
        for k, (values, size) in enumerate(zip(observed.T, sizes.T, strict=True)):
            low, high = _share_interval(values, self.n_rows)
            color = _COLORS[k % len(_COLORS)]
            shift = 0.004 * (k - (observed.shape[1] - 1) / 2)
            ax.errorbar(
                nominal + shift,
                values,
                (values - low, high - values),
                fmt="o-",
                color=color,
                elinewidth=1,
                markersize=5,
                linewidth=1.4,
                label=f"{target} {k}" if several else "observed, with 95 % interval",
            )
            if several:
                continue
            for x, value, width in zip(nominal, values, size, strict=True):
                # On the other side of the diagonal than most of the line.
                ax.annotate(
                    number_text(float(f"{width:.3g}")),
                    (x, value),
                    xytext=(7, -11),
                    textcoords="offset points",
                    fontsize="small",
                    color=INK,
                )
        low = min(nominal.min(), observed.min()) - 0.06
        ax.set_xlim(low, 1.03)
        ax.set_ylim(low, 1.02)
        ax.set_xlabel("Nominal coverage")
        ax.set_ylabel(f"Observed coverage on {self.n_rows} rows")
        ax.grid(color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
        things = "prediction sets" if self.is_classifier else "prediction intervals"
        numbers = (
            ""
            if several
            else (
                "\n(numbers: mean number of classes)"
                if self.is_classifier
                else "\n(numbers: mean width)"
            )
        )
        set_title(ax, f"How often {things} hold the truth{numbers}")
        # Below the diagonal, where coverages that are kept are not.
        ax.legend(loc="lower right", frameon=False, fontsize="small")
        return self

    def _plot_intervals(self, ax, output):
        ax = start_plot(self, ax, (7.0, 4.2))
        y, predictions, regions = (
            np.asarray(a, dtype=float) for a in (self.y, self.predictions, self.regions)
        )
        if y.ndim == 2:
            y, predictions, regions = (
                y[:, output], predictions[:, output], regions[:, :, output],
            )  # fmt: skip
        inside = (regions[:, 0] <= y) & (y <= regions[:, 1])
        order = np.argsort(predictions, kind="stable")
        if len(order) > MAX_SHOWN:
            order = order[np.linspace(0, len(order) - 1, MAX_SHOWN).round().astype(int)]
        x = np.arange(len(order))
        low, high = regions[order].T
        size = 12 if len(order) > 80 else 22
        ax.vlines(
            x,
            low,
            high,
            color=SKY,
            linewidth=max(1.0, 240 / max(len(order), 40)),
            alpha=0.55,
            label=f"{100 * self.coverage:g} % interval",
        )
        ax.plot(x, predictions[order], color=BLUE, linewidth=1.2, label="prediction")
        hit = inside[order]
        ax.scatter(x[hit], y[order][hit], s=size, color=INK, zorder=3, linewidths=0,
                   label="truth, inside")  # fmt: skip
        ax.scatter(x[~hit], y[order][~hit], s=size + 8, color=RED, marker="D", zorder=4,
                   linewidths=0, label="truth, outside")  # fmt: skip
        ax.set_xlim(-1, len(order))
        some = "" if len(order) == len(y) else f" ({len(order)} of {len(y)})"
        ax.set_xlabel(f"Rows, sorted by prediction{some}")
        ax.set_xticks([])
        ax.set_ylabel("Target" if np.ndim(self.y) == 1 else f"Target {output}")
        ax.grid(axis="y", color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
        set_title(
            ax,
            f"{100 * inside.mean():.0f} % of {len(y)} intervals hold the truth, "
            f"{100 * self.coverage:g} % are meant to",
        )
        draw_legend(ax)
        return self

    def _plot_sets(self, ax, output):
        ax = start_plot(self, ax, (6.0, 4.0))
        sets, y = np.asarray(self.regions, dtype=bool), np.asarray(self.y)
        if y.ndim == 2:
            sets, y = sets[:, output], y[:, output]
        inside, size = _judge(sets, y, True)
        sizes = np.arange(min(size.min(), 1), size.max() + 1)
        hits = np.array([np.mean(inside & (size == s)) for s in sizes])
        misses = np.array([np.mean(~inside & (size == s)) for s in sizes])
        ax.bar(sizes, hits, color=BLUE, width=0.7, label="hold the truth")
        ax.bar(sizes, misses, bottom=hits, color=ORANGE, width=0.7, label="do not")
        for s, total, hit in zip(sizes, hits + misses, hits, strict=True):
            if total:
                ax.annotate(
                    f"{100 * hit / total:.0f} % right",
                    (s, total),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="center",
                    fontsize="small",
                    color=INK,
                )
        ax.set_xticks(sizes if len(sizes) < 15 else sizes[:: len(sizes) // 10])
        ax.set_xlim(sizes[0] - 0.9, sizes[-1] + 0.9)
        ax.set_ylim(0, 1.12 * (hits + misses).max())
        ax.set_xlabel("Number of classes in the set")
        ax.set_ylabel(f"Share of {len(size)} rows")
        ax.grid(axis="y", color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
        set_title(
            ax,
            f"{100 * inside.mean():.0f} % of the prediction sets hold the truth, "
            f"{100 * self.coverage:g} % are meant to",
        )
        draw_legend(ax)
        return self


def _positions_of(classes):
    """Return the function from labels to their positions among the classes."""
    if isinstance(classes, list):
        # Indicators of labels are positions already.
        return lambda y: np.asarray(y).astype(int)

    def positions(y):
        y = np.asarray(y)
        found = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        return np.where(classes[found] == y, found, -1)

    return positions


def _judge(regions, y, of_classifier):
    """Return whether each region holds the target, and its size."""
    regions = np.asarray(regions)
    if not of_classifier:
        low, high = regions[:, 0], regions[:, 1]
        return (low <= y) & (y <= high), high - low
    inside = np.take_along_axis(regions, y[..., None], axis=-1)[..., 0]
    return inside & (y >= 0), regions.sum(axis=-1)


def _share_interval(shares, n):
    """Return the limits of the 95 % interval of shares of n rows."""
    hits = np.round(np.asarray(shares) * n)
    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1), n - hits + 1, 0.025), 0.0)
    high = np.where(hits < n, betaincinv(hits + 1, np.maximum(n - hits, 1), 0.975), 1.0)
    return low, high
