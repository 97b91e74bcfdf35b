"""Fitted models for the tests of the displays, and what all displays keep."""

import sys
from functools import cache

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.pipelines import SearchSpace

# Fitted within milliseconds.
FAST = SearchSpace(
    include=(
        "standard_scaler", "logistic_regression", "gaussian_nb", "lda", "ridge",
        "bayesian_ridge", "decision_tree", "k_neighbors",
    )
)  # fmt: skip


@cache
def iris():
    """A classifier of iris, and the rows that it was not fitted on."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    clf = MetaAutoClassifier(search_space=FAST, max_evaluations=5, random_state=0)
    return clf.fit(X[::2], y[::2]), X[1::2], y[1::2]


@cache
def diabetes():
    """A regressor of diabetes, and the rows that it was not fitted on."""
    X, y = load_diabetes(return_X_y=True)
    reg = MetaAutoRegressor(search_space=FAST, max_evaluations=5, random_state=0)
    return reg.fit(X[:200], y[:200]), X[200:], y[200:]


@cache
def zero_shot():
    """A classifier without a search."""
    X, y = load_iris(return_X_y=True)
    clf = MetaAutoClassifier(
        search_space=FAST, search=None, ensemble_size=1, random_state=0
    )
    return clf.fit(X, y)


@pytest.fixture
def axes():
    """Axes of a figure of the user's."""
    plt = pytest.importorskip("matplotlib.pyplot")
    _, ax = plt.subplots()
    yield ax
    plt.close("all")


def check_display(cls, *rows, kinds=({},), monkeypatch):
    """Check what displays of scikit-learn keep as well.

    Parameters
    ----------
    cls : type
    *rows : tuple
        What `from_estimator` gets beside the estimator.
    kinds : sequence of dict
        Arguments of `plot`.
    monkeypatch : pytest.MonkeyPatch
    """
    plt = pytest.importorskip("matplotlib.pyplot")
    with pytest.raises(NotFittedError):
        cls.from_estimator(MetaAutoClassifier(), *rows)
    clf, *_ = iris()
    display = cls.compute(clf, *rows)
    assert not hasattr(display, "ax_")
    for kind in kinds:
        _, ax = plt.subplots()
        assert display.plot(ax=ax, **kind) is display
        assert display.ax_ is ax and display.figure_ is ax.figure
        display.plot(**kind)
        assert display.ax_ is not ax
        # Everything can be drawn.
        display.figure_.canvas.draw()
    drawn = cls.from_estimator(clf, *rows)
    assert drawn.ax_.figure is drawn.figure_
    plt.close("all")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=rf"{cls.__name__} .*sklearn-meta\[plot\]"):
        display.plot()
    with pytest.raises(ImportError, match=r"sklearn-meta\[plot\]"):
        cls.from_estimator(clf, *rows)
    # The numbers do not need it.
    cls.compute(clf, *rows)


def texts_of(ax):
    """All texts of axes in one."""
    return "\n".join(
        t.get_text() for t in ax.findobj(lambda a: hasattr(a, "get_text")) if t
    )


def assert_arrays_equal(first, second):
    """Assert that arrays are equal, NaN included."""
    np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
