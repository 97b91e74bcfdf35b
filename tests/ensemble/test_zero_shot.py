"""search=None: what is recommended is fitted, without a search."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.data._loss import Loss
from sklearn_meta.ensemble._zero_shot import MAX_TOGETHER, SHARE_OF_REST, Recommended
from sklearn_meta.evaluation._records import Candidate
from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.metalearning import KnowledgeBase, Prior, Proposal
from sklearn_meta.pipelines import SearchSpace, default_catalog, format_tree, parse
from sklearn_meta.search import EvolutionarySearch, RandomSearch
from tests.faulty_learners import FAULTY


class Favorites:
    """A meta-learner that recommends what it is told to."""

    def __init__(self, *texts, regrets=None, seconds=None):
        self.texts = texts
        self.regrets = regrets or [None] * len(texts)
        self.seconds = seconds or [None] * len(texts)

    def __deepcopy__(self, memo):
        return self

    def fit(self, knowledge_base=None, y=None):
        return self

    def recall(self, dataset, *, catalog, time_budget, scoring):
        proposals = []
        for text, regret, seconds in zip(
            self.texts, self.regrets, self.seconds, strict=True
        ):
            tree = parse(text, catalog=catalog)
            proposals.append(
                Proposal(tree, expected_regret=regret, expected_seconds=seconds)
            )
        return Prior(portfolio=tuple(proposals))


QUICK = (
    "logistic_regression(standard_scaler(X))",
    "gaussian_nb(X)",
    "decision_tree(X)",
)


def classifier(*texts, regrets=None, seconds=None, **parameters):
    parameters = {"time_budget": 600, **parameters}
    return MetaAutoClassifier(
        search=None,
        meta_learner=Favorites(*(texts or QUICK), regrets=regrets, seconds=seconds),
        random_state=0,
        **parameters,
    )


def members(estimator):
    return [e.candidate.text for e in estimator.history_]


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def test_the_first_recommendation_is_fitted_as_it_is(iris):
    clf = classifier(ensemble_size=1).fit(*iris)
    assert members(clf) == [QUICK[0]]
    assert clf.best_pipeline_ == QUICK[0]
    expected = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    expected.fit(*iris)
    np.testing.assert_allclose(
        clf.predict_proba(iris[0]), expected.predict_proba(iris[0]), atol=1e-3
    )
    np.testing.assert_array_equal(
        clf.best_estimator_.predict(iris[0]), clf.predict(iris[0])
    )


def test_nothing_is_scored(iris):
    clf = classifier(ensemble_size=1).fit(*iris)
    assert np.isnan(clf.best_score_)
    assert clf.n_splits_ == 0
    assert clf.n_evaluations_ == 1
    assert clf.stop_reason_ == "fitted without a search"
    [row] = clf.leaderboard_.to_dict("records")
    assert row["status"] == "ok"
    assert row["origin"] == "portfolio"
    assert np.isnan(row["score"])
    assert "split0_test_score" not in clf.cv_results_
    report = clf.time_report_
    assert "search" not in report
    assert 0 < report["refit"] <= report["combine"] <= report["fit"]


def test_the_least_expected_regret_comes_first(iris):
    clf = classifier(ensemble_size=1, regrets=[0.5, 0.2, 0.9]).fit(*iris)
    assert clf.best_pipeline_ == QUICK[1]


def test_an_ensemble_is_the_mean_of_the_first_few_of_different_kinds(iris):
    texts = (QUICK[0], "logistic_regression(X, C=3.0)", *QUICK[1:])
    clf = classifier(*texts, ensemble_size=3).fit(*iris)
    assert members(clf) == list(QUICK)
    single = [classifier(text, ensemble_size=1).fit(*iris) for text in QUICK]
    mean = np.mean([one.predict_proba(iris[0]) for one in single], axis=0)
    np.testing.assert_allclose(clf.predict_proba(iris[0]), mean, atol=1e-6)


def test_an_ensemble_has_few_members(iris):
    texts = (*QUICK, "lda(X)", "qda(X)", "k_neighbors(X)", "svc(X)")
    assert len(members(classifier(*texts).fit(*iris))) == MAX_TOGETHER
    assert len(members(classifier(*texts, max_evaluations=2).fit(*iris))) == 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_same_for_every_number_of_workers_and_each_time(iris, n_jobs):
    texts = ("extra_tree(X)", "sgd(X)", "decision_tree(X)")
    first = classifier(*texts, n_jobs=1).fit(*iris)
    other = classifier(*texts, n_jobs=n_jobs).fit(*iris)
    np.testing.assert_array_equal(
        first.predict_proba(iris[0]), other.predict_proba(iris[0])
    )
    assert members(first) == members(other)


def test_worker_processes_fit_the_same(iris):
    # Predicted to take long enough for worker processes to be started.
    in_process = classifier(ensemble_size=2).fit(*iris)
    slow = [30.0, 30.0, 30.0]
    by_workers = classifier(ensemble_size=2, seconds=slow, n_jobs=2).fit(*iris)
    np.testing.assert_allclose(
        by_workers.predict_proba(iris[0]), in_process.predict_proba(iris[0])
    )
    assert members(by_workers) == members(in_process)


def test_what_does_not_fit_into_the_budget_is_skipped(iris):
    clf = classifier(seconds=[1000.0, 0.01, 0.01], ensemble_size=1).fit(*iris)
    assert members(clf) == [QUICK[1]]


def test_nothing_in_time_is_a_constant_with_a_warning(iris):
    clf = classifier(seconds=[1000.0] * 3, time_budget=5)
    with pytest.warns(SklearnMetaWarning, match="predicts a constant"):
        clf.fit(*iris)
    assert len(np.unique(clf.predict(iris[0]))) == 1


def test_what_fails_is_replaced_by_the_next(iris):
    clf = classifier(
        "raising(X)",
        QUICK[1],
        ensemble_size=1,
        search_space=SearchSpace(operators=(FAULTY["raising"],)),
    ).fit(*iris)
    assert [e.status for e in clf.history_] == ["failed", "ok"]
    assert "always raises" in clf.history_[0].reason
    assert clf.best_pipeline_ == QUICK[1]


def test_early_stopping_chooses_rounds_and_all_rows_are_fitted():
    X, y = load_diabetes(return_X_y=True)
    text = "lightgbm(X, early_stopping=True, learning_rate=0.1, n_estimators=500)"
    reg = MetaAutoRegressor(
        search=None, meta_learner=Favorites(text), ensemble_size=1, random_state=0
    ).fit(X, y)
    rounds = reg.best_estimator_[-1].n_estimators
    assert 1 < rounds < 500
    assert f"n_estimators={rounds}" in reg.to_source()


def test_weights_count(iris):
    X, y = iris
    weight = np.where(y == 2, 1e-6, 1.0)
    clf = classifier(ensemble_size=1).fit(X, y, sample_weight=weight)
    assert (clf.predict(X[y == 2]) != 2).mean() > 0.5


def test_several_outputs():
    X, Y = make_multilabel_classification(n_samples=80, random_state=0)
    clf = MetaAutoClassifier(search=None, ensemble_size=2, random_state=0).fit(X, Y)
    assert clf.predict(X).shape == Y.shape
    X, y = load_diabetes(return_X_y=True)
    reg = MetaAutoRegressor(search=None, ensemble_size=1, random_state=0)
    reg.fit(X, np.column_stack([y, -y]))
    assert reg.predict(X).shape == (len(X), 2)


def test_without_a_memory_it_is_the_first_of_the_fixed_portfolio(iris, tmp_path):
    empty = KnowledgeBase(tmp_path / "empty.sqlite")
    clf = MetaAutoClassifier(search=None, knowledge_base=empty, ensemble_size=1)
    clf.fit(*iris)
    assert clf.best_pipeline_ == "logistic_regression(standard_scaler(X), C=0.3)"
    assert "fixed portfolio" in clf.recall_note_


def test_nothing_is_added_to_a_knowledge_base(iris, tmp_path):
    path = tmp_path / "mine.sqlite"
    classifier(knowledge_base=path).fit(*iris)
    assert len(KnowledgeBase(path).datasets()) == 0


def test_a_space_without_the_portfolio_gives_its_own_learners(iris):
    clf = MetaAutoClassifier(
        search=None,
        search_space=SearchSpace(include=("nearest_centroid",)),
        ensemble_size=1,
    ).fit(*iris)
    assert clf.best_pipeline_ == "nearest_centroid(X)"
    assert clf.history_[0].candidate.origin == "default"


def test_a_warm_start_after_a_fit_without_search_begins_anew(iris):
    clf = classifier(warm_start=True).fit(*iris)
    clf.set_params(search="random", max_evaluations=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.fit(*iris)
    assert np.isfinite(clf.best_score_)
    clf.set_params(search=None).fit(*iris)
    assert np.isnan(clf.best_score_)


def test_names_of_strategies(iris):
    for name, strategy in {
        "evolution": EvolutionarySearch(),
        "random": RandomSearch(),
    }.items():
        by_name, by_object = (
            MetaAutoClassifier(
                search=search, max_evaluations=4, cv=2, ensemble_size=1, random_state=0
            ).fit(*iris)
            for search in (name, strategy)
        )
        assert members(by_name) == members(by_object)
    assert MetaAutoClassifier().search == "evolution"
    with pytest.raises(ValueError, match="'search' parameter.*'evolution'"):
        MetaAutoClassifier(search="annealing").fit(*iris)


def test_the_estimator_can_be_cloned(iris):
    clf = classifier().fit(*iris)
    assert clone(clf).search is None


def candidates(*texts):
    trees = [parse(t, catalog=default_catalog("classification")) for t in texts]
    return tuple(Candidate(t, format_tree(t), "portfolio") for t in trees)


def test_the_choice_shares_the_time():
    recommended = Recommended(candidates(*QUICK), (4.0, 2.0, 1.5))
    assert recommended.chosen(3, 8.0 / SHARE_OF_REST) == [0, 1, 2]
    assert recommended.chosen(3, 6.0 / SHARE_OF_REST) == [0, 1]
    assert recommended.chosen(3, 3.0 / SHARE_OF_REST) == [1]
    assert recommended.chosen(1, np.inf) == [0]
    assert recommended.chosen(1, np.inf, failed={0}) == [1]
    assert recommended.chosen(2, np.inf, members={1}) == [0]
    assert recommended.chosen(2, 0.1) == []


def test_kinds_are_told_apart_below_the_logarithm_of_the_target():
    catalog = SearchSpace().catalog("regression", Loss("squared_log"))
    trees = [
        parse(f"log_target({name}(X))", catalog=catalog)
        for name in ("ridge", "ridge", "lasso")
    ]
    candidates = tuple(Candidate(tree, format_tree(tree), "") for tree in trees)
    assert Recommended(candidates, (1.0,) * 3).chosen(3, 100.0) == [0, 2]
