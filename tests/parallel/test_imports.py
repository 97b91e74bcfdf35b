"""Packages that take long to import are imported while there is time."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB

import sklearn_meta.parallel._imports
from sklearn_meta import MetaAutoClassifier
from sklearn_meta.ensemble import _final_model
from sklearn_meta.parallel._imports import import_packages, packages_to_import
from sklearn_meta.pipelines import Cost, Operator, SearchSpace
from sklearn_meta.search import EvolutionarySearch
from sklearn_meta.search._protocol import make_problem
from sklearn_meta.search._variation import make_vocabulary

SLOW = "tests.slow_package"


class NeedsSlowPackage(GaussianNB):
    """A learner whose fitted models hold something of a package."""

    def fit(self, X, y):
        from tests.slow_package import Model

        self.model_ = Model()
        return super().fit(X, y)


@pytest.fixture
def not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, SLOW, raising=False)


def test_what_is_missing_is_loaded(not_imported):
    assert packages_to_import(["numpy", SLOW]) == [SLOW]
    import_packages(["numpy", SLOW])
    assert packages_to_import([SLOW]) == []


def fitted(monkeypatch, **parameters):
    """Fit in worker processes; returns what was imported when combining began."""
    build, imported = _final_model.build_final_model, []

    def watched(*args, **kwargs):
        imported.append(SLOW in sys.modules)
        return build(*args, **kwargs)

    monkeypatch.setattr(_final_model, "build_final_model", watched)
    operator = Operator(
        name="needs_slow_package",
        kind="learner",
        path=f"{__name__}.NeedsSlowPackage",
        tasks=("classification",),
        cost=Cost(0.001),
        requires=(SLOW,),
    )
    space = SearchSpace(include=["decision_tree"], operators=(operator,), max_size=1)
    clf = MetaAutoClassifier(
        search_space=space,
        search=EvolutionarySearch(initial_pipelines=["needs_slow_package(X)"]),
        n_jobs=2,
        random_state=0,
        **parameters,
    ).fit(*load_iris(return_X_y=True))
    return clf, imported


def test_what_models_need_is_imported_while_the_workers_are_busy(
    monkeypatch, not_imported
):
    clf, imported = fitted(monkeypatch, max_evaluations=4)
    assert "needs_slow_package(X)" in set(clf.leaderboard_["pipeline"])
    assert imported == [True]


def test_what_could_not_be_imported_in_time_is_no_member(monkeypatch, not_imported):
    monkeypatch.setattr(sklearn_meta.parallel._imports, "IMPORT_SECONDS", 1e9)
    clf, imported = fitted(monkeypatch, max_evaluations=4)
    assert imported == [False] and SLOW not in sys.modules
    ok = clf.leaderboard_["status"] == "ok"
    assert {"needs_slow_package(X)"} < set(clf.leaderboard_["pipeline"][ok])
    assert clf.predict(np.ones((1, 4))).shape == (1,)
    for member in clf.ensemble_.members:
        assert "NeedsSlowPackage" not in repr(member)


@pytest.mark.parametrize(
    "n_samples, space, drawn",
    [
        (400, None, False),
        (60, None, True),  # recalled on so few rows
        (400, SearchSpace(include=["maml", "decision_tree"]), True),
    ],
)
def test_torch_is_not_loaded_for_what_mutation_happens_upon(n_samples, space, drawn):
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, 3))
    clf = MetaAutoClassifier(
        search_space=space,
        max_evaluations=1,
        time_budget=20,
        n_jobs=1,
        warm_start=True,
        random_state=0,
    ).fit(X, X[:, 0] > 0)
    problem = make_problem(clf._state.plan, clf._state.prior, max_size=3)
    vocabulary = make_vocabulary(problem)
    assert ("maml" in {o.name for o in vocabulary.learners.operators}) == drawn
