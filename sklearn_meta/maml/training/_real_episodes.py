"""Episodes from real tables: random rows, columns, classes and targets."""

from __future__ import annotations

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.maml._context import check_task
from sklearn_meta.maml.training._canonical_episode import canonical_episode
from sklearn_meta.maml.training._draws import (
    MIN_ROWS_PER_CLASS,
    as_range,
    discretize,
    draw_n_classes,
    draw_split,
    log_integer,
    merge_rare,
)
from sklearn_meta.maml.training._episode import as_seed, episode_rng
from sklearn_meta.maml.training._numeric_table import NumericTable, numeric_table
from sklearn_meta.maml.training._random_functions import standardized

# Kinds of targets: that of the table, one of its columns, or clusters of rows (a random
# projection, for regression).
OWN, COLUMN, GROUPS = "own", "column", "groups"
DEFAULT_TARGETS = {OWN: 0.6, COLUMN: 0.25, GROUPS: 0.15}

# Share of the episodes with all columns.
ALL_COLUMNS_SHARE = 0.5
# Share of the episodes on a multiclass target in which classes are merged.
MERGE_SHARE = 0.15
# A regression target has more distinct values than this.
MIN_DISTINCT = 10
# Maximum number of columns tried as target of an episode.
MAX_TRIED_COLUMNS = 5
# Iterations of k-means, which need not converge here.
N_KMEANS_ITERATIONS = 3


class RealEpisodes:
    """Episodes from given tables: random rows, columns, classes and targets.

    An episode is a random part of the rows and columns of a table. Families of tables
    have equal probability, and so have the tables of a family. The target is

    - that of the table, with a subset of its classes or merged classes if there are
      many;
    - or a column, predicted from the others and discretized if necessary;
    - or clusters of rows in some columns, predicted from the other columns: the
      self-generated tasks of STUNT [1]_. For regression, a random projection.

    Parameters
    ----------
    tables : sequence of NumericTable or of (X, y)
        Tables of either task: those of the other task contribute their columns as
        targets. `X` and `y` of a pair are what the estimators of the package accept,
        with a target of `task`.
    task : {"classification", "regression"}
        Task of the episodes.
    n_support : int or (int, int), default=(16, 128)
        Number of support rows, or bounds of a log-uniform distribution; at most two
        thirds of the table.
    n_query : int, default=64
        Maximum number of query rows.
    n_classes : int or (int, int), default=(2, 10)
        Number of classes, or bounds of a distribution that prefers few.
    max_features : int, default=64
        Maximum number of columns, those most relevant to the target. The default is
        that of the estimators.
    targets : dict of str to float or None, default=None
        Relative frequency of the kinds of targets. None is
        ``{"own": 0.6, "column": 0.25, "groups": 0.15}``. If a table has no target of
        the drawn kind, another kind takes its place.
    random_state : int, RandomState instance or None, default=None
        Seed: an episode depends on it and on its index only. None draws a new seed
        when the object is created.

    Raises
    ------
    ValueError
        If a parameter is invalid, or all tables are smaller than the support.

    See Also
    --------
    SyntheticEpisodes : Episodes from random functions.
    MixedEpisodes : Mixture of several sources.

    References
    ----------
    .. [1] J. Nam, J. Tack, K. Lee, H. Lee, J. Shin, "STUNT: Few-shot tabular learning
       with self-generated tasks from unlabeled tables", ICLR 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris, load_wine
    >>> from sklearn_meta.maml.training import RealEpisodes
    >>> tables = [load_iris(return_X_y=True), load_wine(return_X_y=True)]
    >>> source = RealEpisodes(tables, "classification", n_support=30, random_state=0)
    >>> len(source[0].y_support), len(source[0].y_query)
    (30, 64)
    """

    def __init__(
        self,
        tables,
        task,
        n_support=(16, 128),
        n_query=64,
        n_classes=(2, 10),
        *,
        max_features=64,
        targets=None,
        random_state=None,
    ):
        check_task(task)
        self.task = task
        self.n_support = as_range("n_support", n_support, 2 * MIN_ROWS_PER_CLASS)
        self.n_query = as_range("n_query", n_query, 1)[0]
        self.n_classes = as_range("n_classes", n_classes, 2)
        self.max_features = max_features
        targets = DEFAULT_TARGETS if targets is None else targets
        if not set(targets) <= set(DEFAULT_TARGETS) or not sum(targets.values()) > 0:
            raise ValueError(
                f"'targets' must give weights to some of {tuple(DEFAULT_TARGETS)}. "
                f"Got {targets!r}."
            )
        self._kinds = tuple(targets)
        weights = np.array(list(targets.values()), dtype=float)
        self._shares = weights / weights.sum()
        self.seed = as_seed(random_state)
        smallest = self.n_support[0] + 1
        families = {}
        for i, table in enumerate(tables):
            if not isinstance(table, NumericTable):
                table = numeric_table(*table, task=task, name=f"table {i}")
            if len(table.y) >= smallest:
                families.setdefault(table.family or table.name, []).append(table)
        if not families:
            raise ValueError(
                f"'tables' must have one table of {smallest} rows or more (the "
                "smallest support and a row to predict). Got "
                f"{len(tables)} tables, all smaller."
            )
        self._families = tuple(map(tuple, families.values()))

    def __getitem__(self, index):
        rng = episode_rng(self.seed, index)
        family = self._families[rng.integers(len(self._families))]
        table = family[rng.integers(len(family))]
        n_rows = len(table.y)
        n_support = log_integer(rng, *self.n_support)
        n_support = min(n_support, max(self.n_support[0], 2 * n_rows // 3))
        n = min(n_support + self.n_query, n_rows)
        drawn = self._kinds[rng.choice(len(self._kinds), p=self._shares)]
        kind, rows, y, columns = self._target(rng, table, drawn, n)
        if self.task == CLASSIFICATION:
            y = self._limit_classes(rng, y, n_support)
        support, query = draw_split(rng, y, n_support, self.task)
        columns = _column_subset(rng, columns)
        x = table.X[np.ix_(rows, columns)]
        return canonical_episode(
            x[support],
            y[support],
            x[query],
            y[query],
            task=self.task,
            categorical=table.categorical[columns],
            max_features=self.max_features,
            name=f"{table.name}-{kind}-{index}",
        )

    def _target(self, rng, table, drawn, n):
        """Return the kind of the target, n rows, their target, and its predictors."""
        # The drawn kind is tried first; clusters exist in every table.
        columns = np.arange(table.X.shape[1])
        order = () if drawn == GROUPS else dict.fromkeys((drawn, OWN, COLUMN))
        for kind in order:
            if kind == OWN:
                rows, y = self._own_target(rng, table, n)
                if _is_target(y, self.task):
                    return kind, rows, y, columns
            elif len(columns) > 1:
                rows = rng.permutation(len(table.y))[:n]
                for j in rng.permutation(columns)[:MAX_TRIED_COLUMNS]:
                    y = self._column_target(rng, table.X[rows, j], table.categorical[j])
                    if _is_target(y, self.task):
                        return kind, rows, y, np.delete(columns, j)
        rows = rng.permutation(len(table.y))[:n]
        y, used = self._cluster_target(rng, table, rows)
        others = np.setdiff1d(columns, used)
        return GROUPS, rows, y, others if len(others) else columns

    def _own_target(self, rng, table, n):
        """Return n rows and the target of the table."""
        rows = rng.permutation(len(table.y))[:n]
        if self.task == REGRESSION:
            # Class codes are no regression target: zeros are rejected later.
            return rows, table.y[rows] if table.task == REGRESSION else np.zeros(n)
        if table.task == REGRESSION:
            k = draw_n_classes(rng, *self.n_classes)
            return rows, discretize(rng, table.y[rows], k)
        classes = np.unique(table.y)
        if len(classes) > 2 and rng.random() < 0.5:
            most = min(len(classes), self.n_classes[1])
            k = draw_n_classes(rng, min(self.n_classes[0], most), most)
            chosen = rng.choice(classes, size=k, replace=False)
            of_these = np.flatnonzero(np.isin(table.y, chosen))
            if len(of_these) >= n:
                rows = rng.permutation(of_these)[:n]
        y = table.y[rows]
        if len(classes) > 2 and rng.random() < MERGE_SHARE:
            group = rng.integers(rng.integers(2, len(classes)), size=classes[-1] + 1)
            y = group[y]
        return rows, y

    def _column_target(self, rng, values, is_categorical):
        """Return a column as target; missing cells are imputed by random others."""
        known = values[np.isfinite(values)]
        if not len(known):
            return values
        values = np.where(np.isfinite(values), values, rng.choice(known, len(values)))
        if self.task == REGRESSION:
            # Category codes are no regression target: zeros are rejected later.
            return np.zeros(len(values)) if is_categorical else values
        distinct, codes = np.unique(values, return_inverse=True)
        if is_categorical or len(distinct) <= self.n_classes[1]:
            return codes
        return discretize(rng, values, draw_n_classes(rng, *self.n_classes))

    def _cluster_target(self, rng, table, rows):
        """Return clusters of rows, or a projection, and the columns they come from."""
        d = table.X.shape[1]
        used = rng.permutation(d)[: max(1, log_integer(rng, 1, max(d // 2, 1)))]
        x = table.X[np.ix_(rows, used)]
        missing = ~np.isfinite(x)
        center = np.where(missing, 0.0, x).sum(axis=0) / np.maximum(
            (~missing).sum(axis=0), 1
        )
        x = standardized(np.where(missing, center, x))
        # Noise breaks ties between rows that are equal in all of these columns.
        x = np.column_stack([x, 0.05 * rng.standard_normal(len(x))])
        x = x * rng.uniform(0.3, 1.0, size=x.shape[1])
        if self.task == REGRESSION:
            return x @ rng.standard_normal(x.shape[1]), used
        k = min(draw_n_classes(rng, *self.n_classes), len(x) // MIN_ROWS_PER_CLASS)
        codes, n_found = merge_rare(_nearest_centers(rng, x, k))
        return (codes if n_found > 1 else discretize(rng, x[:, 0], 2)), used

    def _limit_classes(self, rng, y, n_support):
        """Merge classes until there are few enough and none is too rare."""
        most = min(self.n_classes[1], n_support // MIN_ROWS_PER_CLASS)
        y, n_classes = merge_rare(y)
        if n_classes > most:
            # The most frequent classes are kept, the others merged into them.
            by_size = np.argsort(np.argsort(-np.bincount(y), kind="stable"))
            rank = by_size[y]
            group = rng.integers(most, size=n_classes)
            y = np.where(rank < most, rank, group[rank])
        return y


def _is_target(y, task):
    """Return whether the values can be a target of the task."""
    if task == REGRESSION:
        return np.isfinite(y).all() and len(np.unique(y)) > MIN_DISTINCT
    return y.dtype.kind in "iu" and merge_rare(y)[1] > 1


def _column_subset(rng, columns):
    """Return a random subset of the columns, in random order, or all of them."""
    if len(columns) < 3 or rng.random() < ALL_COLUMNS_SHARE:
        return columns
    return rng.permutation(columns)[: log_integer(rng, 2, len(columns))]


def _nearest_centers(rng, x, k):
    """Cluster rows by a few iterations of k-means (Lloyd's algorithm)."""
    centers = x[rng.permutation(len(x))[:k]]
    for _ in range(N_KMEANS_ITERATIONS):
        distances = (centers**2).sum(axis=1) - 2.0 * x @ centers.T
        nearest = distances.argmin(axis=1)
        counts = np.bincount(nearest, minlength=k)
        sums = np.zeros_like(centers)
        np.add.at(sums, nearest, x)
        centers = np.where(
            counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers
        )
    return nearest
