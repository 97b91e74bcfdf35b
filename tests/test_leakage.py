"""Nothing about a validation row is learned before it is predicted."""

import numpy as np
import pandas as pd
import pytest

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.search import EvolutionarySearch


class OnlyThese:
    """A meta-learner that proposes given pipelines, for tests."""

    def __init__(self, *texts):
        self.texts = texts

    def fit(self, knowledge_base=None):
        return self

    def recall(self, dataset, *, catalog, time_budget, scoring):
        from sklearn_meta.metalearning import Prior, Proposal
        from sklearn_meta.pipelines import parse

        return Prior(tuple(Proposal(parse(t, catalog=catalog)) for t in self.texts))


def best_score(estimator, X, y, *texts):
    """Cross-validated score of the best of some pipelines."""
    estimator.set_params(
        meta_learner=OnlyThese(*texts),
        max_evaluations=len(texts),
        random_state=0,
        search=EvolutionarySearch(),
        search_space=SearchSpace(),
    )
    return estimator.fit(X, y).best_score_


@pytest.mark.parametrize(
    "text",
    [
        "decision_tree(target_encode(X))",
        "logistic_regression(standard_scaler(target_encode(X)))",
        "lightgbm(X)",
    ],
)
def test_a_category_of_many_levels_says_nothing_about_a_random_target(text):
    rng = np.random.default_rng(0)
    # Three rows for each level: an encoder that saw the validation rows' targets
    # would know most of them.
    X = pd.DataFrame({"level": [f"l{i}" for i in np.repeat(np.arange(100), 3)]})
    X["noise"] = rng.normal(size=300)
    y = rng.integers(2, size=300)
    score = best_score(MetaAutoClassifier(scoring="roc_auc"), X, y, text)
    assert 0.35 < score < 0.62


def test_selection_of_columns_happens_inside_the_folds():
    rng = np.random.default_rng(0)
    # The classic: the best 5 % of many random columns, chosen on all rows, predict.
    X, y = rng.normal(size=(60, 2_000)), np.arange(60) % 2
    score = best_score(
        MetaAutoClassifier(scoring="accuracy"), X, y,
        "gaussian_nb(select_percentile(X, percentile=5))",
    )  # fmt: skip
    assert score < 0.7


def test_the_order_of_rows_does_not_help():
    # Sorted by target: neighbors in the table have nearly the same target. Unshuffled
    # folds would be far worse than chance, a leak through the order far better.
    rng = np.random.default_rng(0)
    y = np.sort(rng.normal(size=300))
    X = rng.normal(size=(300, 3))
    reg = MetaAutoRegressor(scoring="r2")
    score = best_score(reg, X, y, "k_neighbors(X)", "decision_tree(X)", "ridge(X)")
    assert -0.3 < score < 0.05


def test_early_stopping_does_not_watch_the_validation_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 30)), rng.integers(2, size=400)
    text = "lightgbm(X, early_stopping=True, n_estimators=500, num_leaves=15)"
    score = best_score(MetaAutoClassifier(scoring="roc_auc"), X, y, text)
    assert 0.4 < score < 0.58
