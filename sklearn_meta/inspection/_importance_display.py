"""Permutation importance of the columns of the user's table."""

from __future__ import annotations

import difflib
import time

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_meta._sklearn_compat import _num_samples, _safe_indexing
from sklearn_meta.data._column_access import column_access
from sklearn_meta.inspection._permutation import as_rows, take_rows, with_shuffled
from sklearn_meta.inspection._plot import (
    BLUE,
    INK,
    LIGHT,
    check_matplotlib,
    metric_name,
    number_text,
    set_title,
    start_plot,
    write_instead,
)


class ImportanceDisplay:
    """Permutation importance of the columns, through the whole model.

    The importance of a column is how far the score falls when its values are shuffled
    [1]_: the model gets the column as it came, and everything that is made of it, such
    as dates, n-grams or codes of categories, falls with it. Use `from_estimator` to
    create it.

    Parameters
    ----------
    importances : array-like of shape (n_columns, n_repeats)
        Score minus the score with the shuffled column; NaN where the time was over.
    names : sequence of str
        Names of the columns or groups of columns.
    score : float
        Score without shuffling.
    n_rows : int
        Number of rows that the scores are computed on.
    score_name : str, default="score"
        Name of the metric.
    seconds : float, default=nan
        Seconds that it took.

    Attributes
    ----------
    importances_mean, importances_std : ndarray of shape (n_columns,)
        Mean and standard deviation over the repeats; NaN for columns that were not
        reached.
    note : str
        What was left out when the time was over; else empty.
    ax_ : matplotlib Axes
        Axes with the columns.
    figure_ : matplotlib Figure
        Figure of the axes.
    bars_ : BarContainer or None
        Mean importances; None if there are none.

    See Also
    --------
    sklearn.inspection.permutation_importance : The same without groups of columns and
        limit of time, for data frames of pandas and arrays.

    Notes
    -----
    A column that says the same as another one has a small importance, as the model can
    read the other one: shuffle such columns together with `groups`. Importance on the
    rows of ``fit`` shows what the model has learned, on other rows what is of use
    there.

    References
    ----------
    .. [1] L. Breiman, "Random forests", Machine Learning 45, 2001.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import MetaAutoClassifier
    >>> from sklearn_meta.inspection import ImportanceDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = MetaAutoClassifier(max_evaluations=2, random_state=0).fit(X, y)
    >>> petal = {"petal": ["petal length (cm)", "petal width (cm)"]}
    >>> display = ImportanceDisplay.compute(clf, X, y, groups=petal, random_state=0)
    >>> display.names[0]
    'petal'
    """

    def __init__(
        self, *, importances, names, score, n_rows, score_name="score", seconds=np.nan
    ):
        self.importances = importances
        self.names = names
        self.score = score
        self.n_rows = n_rows
        self.score_name = score_name
        self.seconds = seconds

    @classmethod
    def compute(
        cls,
        estimator,
        X,
        y,
        *,
        sample_weight=None,
        scoring=None,
        groups=None,
        n_repeats=5,
        max_rows=2000,
        time_limit=60.0,
        random_state=None,
    ):
        """Return the display without plotting it; does not need matplotlib.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows to compute the scores on, best those that were not in ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, passed to the scorer.
        scoring : str, callable or None, default=None
            Scorer; None is ``estimator.score``, which is the metric that the estimator
            optimizes if it was given one, else accuracy or R².
        groups : mapping of str to sequence, default=None
            Names of groups, and the names or positions of their columns, which are
            shuffled together, such as columns that say the same.
        n_repeats : int, default=5
            How often each column is shuffled.
        max_rows : int or None, default=2000
            Maximum number of rows, drawn at random; enough for an error of one percent
            of an accuracy. None for all.
        time_limit : float or None, default=60.0
            Seconds after which no other column is shuffled. Every column is shuffled
            once before any is for the second time. None for no limit.
        random_state : int, RandomState instance or None, default=None
            Seed of rows and shuffles.

        Returns
        -------
        display : ImportanceDisplay
            Not plotted; sorted by importance.
        """
        began = time.monotonic()
        check_is_fitted(estimator)
        X = as_rows(X)
        n_rows, n_columns = X.shape
        if _num_samples(y) != n_rows:
            raise ValueError(
                f"X and y must have the same number of rows. Got {n_rows} and "
                f"{_num_samples(y)}."
            )
        units = _units(_column_names(estimator, X), groups or {})
        rng = check_random_state(random_state)
        if max_rows is not None and max_rows < n_rows:
            rows = np.sort(rng.choice(n_rows, max_rows, replace=False))
            X, y = take_rows(X, rows), _safe_indexing(y, rows)
            if sample_weight is not None:
                sample_weight = _safe_indexing(sample_weight, rows)
            n_rows = max_rows
        scorer = check_scoring(estimator, scoring)
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        score = scorer(estimator, X, y, **weight)
        importances = np.full((len(units), n_repeats), np.nan)
        # Seeds and shuffles are those of scikit-learn's permutation_importance.
        shuffler = np.random.RandomState(rng.randint(np.iinfo(np.int32).max + 1))
        shuffle, order = np.arange(n_rows), np.arange(n_rows)
        limit = np.inf if time_limit is None else time_limit
        for repeat in range(n_repeats):
            shuffler.shuffle(shuffle)
            order = order[shuffle]
            for i, positions in enumerate(units.values()):
                if time.monotonic() - began >= limit:
                    break
                shuffled = with_shuffled(X, positions, order)
                importances[i, repeat] = score - scorer(
                    estimator, shuffled, y, **weight
                )
        names = list(units)
        means = _over_repeats(np.nanmean, importances)
        by_importance = np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable")
        return cls(
            importances=importances[by_importance],
            names=tuple(names[i] for i in by_importance),
            score=float(score),
            n_rows=n_rows,
            score_name=_score_name(estimator, scoring),
            seconds=time.monotonic() - began,
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        sample_weight=None,
        scoring=None,
        groups=None,
        n_repeats=5,
        max_rows=2000,
        time_limit=60.0,
        random_state=None,
        max_columns=15,
        ax=None,
    ):
        """Compute and plot the importances of the columns.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows to compute the scores on, best those that were not in ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, passed to the scorer.
        scoring : str, callable or None, default=None
            Scorer; None is ``estimator.score``, which is the metric that the estimator
            optimizes if it was given one, else accuracy or R².
        groups : mapping of str to sequence, default=None
            Names of groups, and the names or positions of their columns, which are
            shuffled together, such as columns that say the same.
        n_repeats : int, default=5
            How often each column is shuffled.
        max_rows : int or None, default=2000
            Maximum number of rows, drawn at random; enough for an error of one percent
            of an accuracy. None for all.
        time_limit : float or None, default=60.0
            Seconds after which no other column is shuffled. Every column is shuffled
            once before any is for the second time. None for no limit.
        random_state : int, RandomState instance or None, default=None
            Seed of rows and shuffles.
        max_columns : int, default=15
            Maximum number of columns in the plot, the most important ones.
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        display : ImportanceDisplay
            The plotted display.
        """
        check_matplotlib(cls)
        display = cls.compute(
            estimator,
            X,
            y,
            sample_weight=sample_weight,
            scoring=scoring,
            groups=groups,
            n_repeats=n_repeats,
            max_rows=max_rows,
            time_limit=time_limit,
            random_state=random_state,
        )
        return display.plot(max_columns=max_columns, ax=ax)

    @property
    def importances_mean(self):
        """Mean over the repeats, of shape (n_columns,)."""
        return _over_repeats(np.nanmean, self.importances)

    @property
    def importances_std(self):
        """Standard deviation over the repeats, of shape (n_columns,)."""
        return _over_repeats(np.nanstd, self.importances)

    @property
    def note(self):
        """What was left out when the time was over; else empty."""
        done = np.isfinite(self.importances).sum(axis=1)
        n_repeats = np.shape(self.importances)[1]
        if not len(done) or done.min() == n_repeats:
            return ""
        if done.min() == 0:
            return (
                f"The time was over after {np.count_nonzero(done)} of {len(done)} "
                "columns."
            )
        return (
            f"The time was over after {done.min()} of {n_repeats} shuffles of each "
            "column."
        )

    def plot(self, ax=None, *, max_columns=15):
        """Draw the importances, the largest first.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.
        max_columns : int, default=15
            Maximum number of columns in the plot.

        Returns
        -------
        display : ImportanceDisplay
            This object.
        """
        means = self.importances_mean
        order = np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable")
        known = [i for i in order if np.isfinite(means[i])]
        shown = known[:max_columns]
        ax = start_plot(self, ax, (6.4, 1.5 + 0.3 * max(len(shown), 3)))
        self.bars_ = None
        if not shown:
            write_instead(ax, self.note or "There are no columns.")
            return self
        places = np.arange(len(shown))
        self.bars_ = ax.barh(
            places,
            means[shown],
            xerr=self.importances_std[shown],
            color=BLUE,
            height=0.65,
            error_kw={"ecolor": INK, "elinewidth": 1.2},
        )
        ax.set_yticks(places, [_shortened(self.names[i]) for i in shown])
        ax.tick_params(axis="y", length=0)
        ax.invert_yaxis()
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x", color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.set_xlabel(
            f"Fall of the {_in_sentence(self.score_name)} when the column is shuffled\n"
            f"(from {number_text(self.score)}, on {self.n_rows} rows; mean and "
            "standard deviation)"
        )
        title = "What the model looks at"
        if len(shown) < len(means):
            title += f": {len(shown)} of {len(means)} columns"
        set_title(ax, title + (f"\n{self.note}" if self.note else ""))
        return self


def _over_repeats(function, importances):
    """Apply a function to the repeats that were done; NaN for columns without one."""
    importances = np.asarray(importances, dtype=float)
    result = np.full(len(importances), np.nan)
    some = np.isfinite(importances).any(axis=1)
    if some.any():
        result[some] = function(importances[some], axis=1)
    return result


def _column_names(estimator, X):
    """Return the names of the columns: those of the frame, or those of ``fit``."""
    if nw.dependencies.is_into_dataframe(X):
        names = column_access(X).names
    else:
        names = getattr(estimator, "feature_names_in_", range(X.shape[1]))
    # As scikit-learn names columns without names.
    return [f"x{name}" if isinstance(name, int) else str(name) for name in names]


def _units(names, groups):
    """Return the positions of the columns of each group, and of each other column."""
    units = {name: _positions(name, columns, names) for name, columns in groups.items()}
    grouped = {i for positions in units.values() for i in positions}
    for i, name in enumerate(names):
        if i not in grouped:
            # Names of pandas may recur.
            units[name if name not in units else f"{name} ({i})"] = [i]
    return units


def _positions(group, columns, names):
    """Return the positions of the columns of a group."""
    if isinstance(columns, str):
        columns = [columns]
    positions = []
    for column in columns:
        if isinstance(column, int | np.integer) and 0 <= column < len(names):
            positions.append(int(column))
        elif column in names:
            positions.append(names.index(column))
        else:
            close = difflib.get_close_matches(str(column), names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"groups[{group!r}] must name columns of X. Got {column!r}.{hint}"
            )
    return sorted(set(positions))


def _score_name(estimator, scoring):
    """Return the name of the score in words."""
    scoring = scoring if scoring is not None else getattr(estimator, "scoring", None)
    if scoring is None:
        return "Accuracy" if is_classifier(estimator) else "R²"
    return metric_name(scoring)


def _in_sentence(name):
    """Return a name with a small first letter, unless it is an abbreviation."""
    return (
        name
        if name[1:2].isupper() or not name[1:2].isalpha()
        else (name[:1].lower() + name[1:])
    )


def _shortened(name, width=32):
    return name if len(name) <= width else name[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"
