"""Weights of the members of the final model, and how far they agree."""

from __future__ import annotations

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sklearn_meta.inspection._plot import (
    BLUE,
    INK,
    check_matplotlib,
    names_of,
    number_text,
    score_name_of,
    set_title,
    start_plot,
    write_instead,
)

_KINDS = ("weights", "agreement")
# Members in the plot of the agreement, the heaviest ones.
MAX_MEMBERS = 12


class EnsembleDisplay:
    """Weights of the members of the final model, and the agreement between them.

    Members that agree in almost all rows add little to each other. Use
    `from_estimator` to create it.

    Parameters
    ----------
    numbers : array-like of shape (n_members,)
        Numbers of the evaluations of the members, the largest weight first.
    weights : array-like of shape (n_members,)
        Share of each member in the final model; the sum is one.
    scores : array-like of shape (n_members,)
        Cross-validated score of each member alone; NaN without one.
    pipelines : sequence of str
        Canonical texts.
    agreement : array-like of shape (n_members, n_members) or None, default=None
        Share of rows with equal predictions of two classifiers, or correlation of the
        predictions of two regressors; None if no rows were given.
    n_rows : int, default=0
        Number of rows that `agreement` is computed on.
    is_classifier : bool, default=True
        Which of the two `agreement` is.
    score_name : str, default="Score"
        Name of the metric.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the members.
    figure_ : matplotlib Figure
        Figure of the axes.
    bars_ : BarContainer
        Weights; only with ``kind="weights"``.
    im_ : AxesImage
        Agreement; only with ``kind="agreement"``.

    See Also
    --------
    ParetoDisplay : Scores and seconds of all pipelines.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import MetaAutoClassifier
    >>> from sklearn_meta.inspection import EnsembleDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MetaAutoClassifier(max_evaluations=2, random_state=0).fit(X, y)
    >>> display = EnsembleDisplay.compute(clf, X)
    >>> len(display.weights) == len(display.agreement)
    True
    """

    def __init__(
        self,
        *,
        numbers,
        weights,
        scores,
        pipelines,
        agreement=None,
        n_rows=0,
        is_classifier=True,
        score_name="Score",
    ):
        self.numbers = numbers
        self.weights = weights
        self.scores = scores
        self.pipelines = pipelines
        self.agreement = agreement
        self.n_rows = n_rows
        self.is_classifier = is_classifier
        self.score_name = score_name

    @classmethod
    def compute(cls, estimator, X=None):
        """Return the display without plotting it; does not need matplotlib.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features), \
                default=None
            Rows to compute the agreement on, best those that were not in ``fit``. None
            for the weights alone.

        Returns
        -------
        display : EnsembleDisplay
            Not plotted.
        """
        check_is_fitted(estimator)
        shares = np.array(list(estimator.ensemble_weights_.values()), dtype=float)
        numbers = np.array(list(estimator.ensemble_weights_), dtype=int)
        # The order is that of the members of `ensemble_`.
        order = [i for i in np.argsort(-shares, kind="stable") if shares[i] > 0]
        history = {e.number: e for e in estimator.history_}
        agreement, n_rows = None, 0
        if X is not None:
            predictions = estimator._predictions("member_predictions", X)
            agreement = _agreement(
                [predictions[i] for i in order], _comparison(estimator)
            )
            n_rows = len(predictions[order[0]])
        return cls(
            numbers=numbers[order],
            weights=shares[order],
            scores=np.array(
                [_score(history.get(number)) for number in numbers[order]], dtype=float
            ),
            pipelines=tuple(
                history[n].candidate.text if n in history else "constant"
                for n in numbers[order]
            ),
            agreement=agreement,
            n_rows=n_rows,
            is_classifier=is_classifier(estimator),
            score_name=score_name_of(estimator),
        )

    @classmethod
    def from_estimator(cls, estimator, X=None, *, kind=None, ax=None):
        """Plot the members of a fitted estimator.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features), \
                default=None
            Rows to compute the agreement on, best those that were not in ``fit``. None
            for the weights alone.
        kind : {"weights", "agreement"} or None, default=None
            See `plot`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        display : EnsembleDisplay
            The plotted display.
        """
        check_matplotlib(cls)
        return cls.compute(estimator, X).plot(kind=kind, ax=ax)

    def plot(self, ax=None, *, kind=None):
        """Draw the weights or the agreement.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.
        kind : {"weights", "agreement"} or None, default=None
            What to draw. None is the agreement if it is known, else the weights.

        Returns
        -------
        display : EnsembleDisplay
            This object.

        Raises
        ------
        ValueError
            If the agreement is asked for, but no rows were given.
        """
        if kind is None:
            kind = "weights" if self.agreement is None else "agreement"
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {_KINDS} or None. Got {kind!r}.")
        if kind == "agreement" and self.agreement is None:
            raise ValueError(
                "kind='agreement' needs rows that the members predict. Pass X to "
                "EnsembleDisplay.from_estimator(model, X)."
            )
        names = names_of(self.pipelines, self.numbers)
        if kind == "weights":
            return self._plot_weights(ax, names)
        return self._plot_agreement(ax, names)

    def _plot_weights(self, ax, names):
        n = len(names)
        ax = start_plot(self, ax, (6.4, 1.3 + 0.36 * n))
        self.bars_ = ax.barh(np.arange(n), self.weights, color=BLUE, height=0.65)
        for i, (weight, score) in enumerate(
            zip(self.weights, self.scores, strict=True)
        ):
            text = f"{100 * weight:.0f} %" if weight >= 0.01 else "< 1 %"
            if np.isfinite(score):
                text += f"   alone {number_text(score)}"
            ax.annotate(
                text,
                (weight, i),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
                color=INK,
            )
        ax.set_yticks(np.arange(n), names)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(max(n, 2) - 0.4, -0.6)
        # Room for the text beside the longest bar.
        ax.set_xlim(0, 1.45 * np.max(self.weights))
        ax.xaxis.set_visible(False)
        ax.spines["bottom"].set_visible(False)
        title = f"{n} member{'s' if n != 1 else ''} of the final model, by weight"
        if np.isfinite(self.scores).any():
            title += f"\n(alone: {self.score_name.lower()} of the member)"
        set_title(ax, title)
        return self

    def _plot_agreement(self, ax, names):
        n = min(len(names), MAX_MEMBERS)
        names = names[:n]
        size = 2.6 + 0.55 * n
        ax = start_plot(self, ax, (size + 0.8, size))
        if n < 2:
            write_instead(ax, f"The final model is one pipeline: {names[0]}.")
            return self
        values = np.asarray(self.agreement, dtype=float)[:n, :n]
        apart = values[~np.eye(n, dtype=bool)]
        # Differences between members that hardly differ are not worth a color.
        low = min(np.nanmin(apart), 0.9) if np.isfinite(apart).any() else 0.0
        shown = np.where(np.eye(n, dtype=bool), np.nan, values)
        self.im_ = ax.imshow(shown, cmap="cividis", vmin=low, vmax=1.0)
        for i, j in np.ndindex(n, n):
            if i == j:
                continue
            value = values[i, j]
            text = "?" if np.isnan(value) else _two_digits(value)
            dark = not np.isnan(value) and value < (low + 1) / 2
            ax.text(
                j, i, text, ha="center", va="center", fontsize="small",
                color="white" if dark else "black",
            )  # fmt: skip
        labels = [
            f"{name} ({100 * w:.0f} %)"
            for name, w in zip(names, self.weights, strict=False)
        ]
        ax.set_yticks(np.arange(n), labels)
        ax.set_xticks(
            np.arange(n), names, rotation=45, ha="right", rotation_mode="anchor"
        )
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        what = "Share of equal predictions" if self.is_classifier else "Correlation"
        rows = f"{self.n_rows} row{'s' if self.n_rows != 1 else ''}"
        some = "members" if n == len(self.weights) else f"the {n} heaviest members"
        set_title(ax, f"{what} of {some}\non {rows}")
        return self


def _score(evaluation):
    """Return the score of an evaluation; NaN without one."""
    if evaluation is None or not evaluation.defined_scores:
        return np.nan
    return evaluation.score


def _agreement(predictions, compare):
    """Return the agreement of each pair of predictions."""
    n = len(predictions)
    result = np.ones((n, n))
    for i in range(n):
        for j in range(i):
            result[i, j] = result[j, i] = compare(predictions[i], predictions[j])
    return result


def _comparison(estimator):
    """Return the function that compares predictions of two members."""
    if not is_classifier(estimator):
        return _correlation
    several_labels = isinstance(estimator.classes_, list)
    return _share_of_equal_labels if several_labels else _share_of_equal_classes


def _share_of_equal_classes(first, second):
    """Return the share of rows with the same most probable class."""
    return float(np.mean(first.argmax(axis=1) == second.argmax(axis=1)))


def _share_of_equal_labels(first, second):
    """Return the share of labels that are equal, over all rows."""
    return float(np.mean((first > 0.5) == (second > 0.5)))


def _correlation(first, second):
    """Return the mean correlation over the outputs; NaN where one is constant."""
    first, second = (np.reshape(p, (len(p), -1)) for p in (first, second))
    values = []
    for a, b in zip(first.T, second.T, strict=True):
        if np.array_equal(a, b):
            values.append(1.0)
        elif len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
            values.append(np.nan)
        else:
            values.append(np.corrcoef(a, b)[0, 1])
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _two_digits(value):
    """Return a value with two digits, without a rounded one that is none."""
    text = f"{value:.2f}"
    return "> .99" if text == "1.00" and value < 1 else text
