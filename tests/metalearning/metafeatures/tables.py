"""Tables that tests of meta-features describe."""

import numpy as np
from scipy import sparse

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import ClassificationTask, RegressionTask

TASKS = ("classification", "regression")


AMPLE = 600.0  # seconds: nothing is left out


def make_dataset(X, y, n_categorical=0):
    """Encode classes if `y` holds integers, see `Dataset`."""
    X = X if sparse.issparse(X) else np.asarray(X, dtype=float)
    y = np.asarray(y)
    if y.dtype.kind == "f":
        return Dataset(X, y, schema_of(X, n_categorical), RegressionTask())
    classes, y = np.unique(y, return_inverse=True)
    return Dataset(X, y, schema_of(X, n_categorical), ClassificationTask(classes))


def make_target(signal, task, n_classes=3):
    if task == "regression":
        return np.asarray(signal, dtype=float)
    edges = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.digitize(signal, edges)


def ordinary_table(task, seed=0, n_rows=150, missing=0.1, n_classes=3):
    """A table with categories, missing values and columns of several shapes."""
    rng = np.random.default_rng(seed)
    codes = np.column_stack([rng.integers(k, size=n_rows) for k in (2, 5 + seed)])
    normal = rng.normal(size=(n_rows, 3))
    X = np.column_stack(
        [
            codes,
            normal,
            np.exp(rng.normal(size=n_rows)),
            rng.integers(-3, 4, size=n_rows),
            normal[:, 0] + 0.1 * rng.normal(size=n_rows),
        ]
    )
    signal = X[:, 2] + X[:, 5] + (codes[:, 0] - 0.5) * X[:, 3] + normal[:, 2] ** 2
    X[rng.uniform(size=X.shape) < missing] = np.nan
    return make_dataset(X, make_target(signal, task, n_classes), n_categorical=2)


def odd_tables():
    """Legal tables on which something or other is undefined."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(40, 3))
    signal = numbers[:, 0]
    holes = np.where(rng.uniform(size=(40, 3)) < 0.9, np.nan, numbers)
    holes[0] = 1.0
    categories = rng.integers(4, size=(40, 3)).astype(float)
    categories_with_holes = np.where(holes == holes, categories, np.nan)
    empty_column = numbers.copy()
    empty_column[:, 1] = np.nan
    yield "one column", numbers[:, :1], signal, 0
    yield "one row", numbers[:1], signal[:1], 0
    yield "two rows", numbers[:2], signal[:2], 0
    yield "seven rows", numbers[:7], signal[:7], 0
    yield "constant columns", np.ones((40, 3)), signal, 0
    yield "one constant column", np.column_stack([numbers, np.ones(40)]), signal, 0
    yield "empty column", empty_column, signal, 0
    yield "nothing there", np.full((40, 2), np.nan), signal, 0
    yield "mostly missing", holes, signal, 0
    yield "constant target", numbers, np.ones(40), 0
    yield "huge", numbers * 1e300, signal * 1e300, 0
    yield "tiny", numbers * 1e-310, signal * 1e-310, 0
    yield "huge and tiny", numbers * [1e300, 1.0, 1e-310], signal, 0
    yield "far from zero", numbers + 1e12, signal + 1e12, 0
    yield "one outlier", np.where(numbers == numbers[3, 1], 1e300, 0.0), signal, 0
    yield "equal rows", np.repeat(numbers[:2], 20, axis=0), signal, 0
    yield "equal columns", numbers[:, [0, 0, 0]], signal, 0
    yield "one level", np.zeros((40, 1)), signal, 1
    yield "categories", categories, signal, 3
    yield "categories with holes", categories_with_holes, signal, 3
    yield "identifiers", np.arange(40.0)[:, None], signal, 1
    yield "wide", rng.normal(size=(20, 10_000)), signal[:20], 0
    yield "sparse", sparse.random(40, 300, 0.05, "csr", rng=rng), signal, 0
    yield "empty sparse", sparse.csr_matrix((40, 10)), signal, 0
    yield "wide sparse", sparse.random(40, 50_000, 1e-4, "csr", rng=rng), signal, 0
    yield "learned by heart", numbers, numbers @ [1.0, 2.0, 3.0], 0


ODD = {name: (X, y, n) for name, X, y, n in odd_tables()}


ODD_TARGETS = {
    "numbers": lambda y: y,
    "two classes": lambda y: (y > np.median(y)).astype(int),
    "single class": lambda y: np.zeros(len(y), dtype=int),
    "one row of a class": lambda y: np.arange(len(y)) // max(len(y) - 1, 1),
    "as many classes as rows": lambda y: np.arange(len(y)),
}


def odd_dataset(table, target):
    X, y, n_categorical = ODD[table]
    return make_dataset(X, ODD_TARGETS[target](y), n_categorical)
