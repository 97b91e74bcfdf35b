"""The patience of a search, and what one candidate is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.evaluation._limits import MAX_PATIENCE, MIN_PATIENCE, patience
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.search import EvolutionarySearch
from sklearn_meta.timing._effort import worthwhile_seconds

SIZES = st.integers(1, 10**6)


@given(SIZES, SIZES, SIZES)
def test_more_rows_or_columns_are_never_searched_less(n_samples, n_features, more):
    n = patience(n_samples, n_features)
    assert MIN_PATIENCE <= n <= MAX_PATIENCE
    assert patience(n_samples + more, n_features) >= n
    assert patience(n_samples, n_features + more) >= n
    seconds = worthwhile_seconds(n_samples, 60.0)
    assert worthwhile_seconds(n_samples + more, 60.0) >= seconds
    assert worthwhile_seconds(n_samples, 60.0 + more) >= seconds


@pytest.fixture(scope="module")
def tiny():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    return X, X[:, 0] + rng.normal(size=30)


FORESTS = SearchSpace(include=["random_forest"])


def test_a_tiny_table_is_not_given_to_hundreds_of_trees(tiny):
    reg = MetaAutoRegressor(random_state=0, cv=5, search_space=FORESTS).fit(*tiny)
    skipped = [e for e in reg.history_ if e.status == "skipped"]
    assert skipped and len(skipped) < reg.n_evaluations_
    assert all("too long for so few rows" in e.reason for e in skipped)


def test_but_the_users_own_pipelines_are_tried(tiny):
    own = [f"random_forest(X, n_estimators={n})" for n in (50, 300)]
    search = EvolutionarySearch(initial_pipelines=own)
    reg = MetaAutoRegressor(random_state=0, cv=5, search_space=FORESTS, search=search)
    tried = {e.candidate.text: e.status for e in reg.fit(*tiny).history_}
    assert all(tried[text] in ("ok", "pruned") for text in own)
