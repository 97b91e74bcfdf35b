"""The k-NN meta-learner on a knowledge base whose content is known."""

import pickle
import time

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError

from sklearn_meta.metalearning import KNNMetaLearner, KnowledgeBase, _knn
from sklearn_meta.metalearning._fixed_portfolio import FixedPortfolio
from sklearn_meta.metalearning._knn import UNKNOWN_AFTER
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)
from sklearn_meta.metalearning.metafeatures import (
    MetaFeatures,
    compute_metafeatures,
    encode_dataset,
)
from sklearn_meta.metalearning.metafeatures._groups import run_groups
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.timing._operators import predicted_seconds_on

GOOD_FOR_LINEAR = ("ridge(standard_scaler(X))", "lasso(standard_scaler(X), alpha=0.03)")
GOOD_FOR_TREES = ("extra_trees(X)", "random_forest(X)")
PIPELINES = (*GOOD_FOR_LINEAR, *GOOD_FOR_TREES, "k_neighbors(X)", "dummy(X)")


OWN = ("linear ", "stepped ")


def linear_table(seed, n=120):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    return X, X @ rng.normal(size=5) + 0.1 * rng.normal(size=n)


def stepped_table(seed, n=120):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, size=(n, 3)).astype(float)
    return X, 3.0 * (X[:, 0] > 2) * (X[:, 1] > 1) + (X[:, 2] > 3)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Ten linear and ten stepped tables, each with what is good for them."""
    path = tmp_path_factory.mktemp("knowledge") / "mine.sqlite"
    knowledge_base = KnowledgeBase(path)
    rng = np.random.default_rng(0)
    for kind, make, good in (
        ("linear", linear_table, GOOD_FOR_LINEAR),
        ("stepped", stepped_table, GOOD_FOR_TREES),
    ):
        for seed in range(10):
            X, y = make(seed)
            name = f"{kind} {seed}"
            record = DatasetRecord(
                name, "regression", name, *X.shape, 0,
                compute_metafeatures(X, y, task="regression").as_dict(),
            )  # fmt: skip
            knowledge_base.add(
                record,
                [
                    EvaluationRecord(
                        text, "ok",
                        {"r2": (0.9 * (text in good) + 0.05 * rng.random(), 0.01)},
                        0.01 + 0.1 * (text in GOOD_FOR_TREES), 0.001, 120,
                    )
                    for text in PIPELINES
                ],
            )  # fmt: skip
    return path


@pytest.fixture
def knowledge_base(path):
    return KnowledgeBase(path)


def recall(meta_learner, X, y, **changes):
    _, dataset = encode_dataset(X, y, changes.pop("task", "regression"))
    arguments = {
        "catalog": SearchSpace().catalog(dataset.task.name),
        "time_budget": 60.0,
        "scoring": "r2",
        **changes,
    }
    return meta_learner.recall(dataset, **arguments)


def texts(prior):
    return [format_tree(proposal.tree) for proposal in prior.portfolio]


@pytest.mark.parametrize(
    ("make", "good"), [(linear_table, GOOD_FOR_LINEAR), (stepped_table, GOOD_FOR_TREES)]
)
def test_what_was_good_on_similar_tables_comes_first(knowledge_base, make, good):
    meta_learner = KNNMetaLearner(shrinkage=0.1).fit(knowledge_base)
    prior = recall(meta_learner, *make(99))
    assert texts(prior)[0] in good
    kind = make.__name__.partition("_")[0]
    assert all(n.dataset.startswith(kind) for n in prior.neighbors[:5])
    assert set(prior.neighbors[0].pipelines[:2]) == set(good)
    assert prior.neighbors[0].alike
    distances = [n.distance for n in prior.neighbors]
    assert distances == sorted(distances)
    assert kind in prior.portfolio[0].origin


def test_expectations_are_those_of_the_neighbors(knowledge_base):
    meta_learner = KNNMetaLearner(shrinkage=0.0, n_neighbors=3).fit(knowledge_base)
    prior = recall(meta_learner, *linear_table(99))
    by_text = dict(zip(texts(prior), prior.portfolio, strict=True))
    good, bad = by_text[GOOD_FOR_LINEAR[0]], by_text["dummy(X)"]
    assert good.expected_score > 0.7
    assert bad.expected_score < 0.1
    assert good.expected_regret < 0.5 < 0.8 < bad.expected_regret
    assert good.expected_seconds == pytest.approx(0.01, rel=0.5)
    assert by_text["extra_trees(X)"].expected_seconds > 5 * good.expected_seconds


def test_seconds_beyond_the_known_rows_grow_as_those_of_the_operators(knowledge_base):
    meta_learner = KNNMetaLearner().fit(knowledge_base)

    def expected(n):
        prior = recall(meta_learner, *linear_table(99, n))
        return {
            format_tree(p.tree): (p.tree, p.expected_seconds) for p in prior.portfolio
        }

    X, y = linear_table(99, 12_000)
    _, dataset = encode_dataset(X, y, "regression")
    catalog = SearchSpace().catalog("regression")
    known, here = expected(120), expected(12_000)
    for text in PIPELINES:
        tree, seconds = here[text]
        growth = predicted_seconds_on(
            dataset, tree, catalog=catalog
        ) / predicted_seconds_on(dataset, tree, catalog=catalog, n_samples=120)
        assert seconds == pytest.approx(growth * known[text][1])
    # That of a forest is nearly linear.
    assert 30 < here["random_forest(X)"][1] / known["random_forest(X)"][1] < 200


def test_seconds_on_wide_tables_are_at_least_those_of_the_operators(
    knowledge_base, monkeypatch
):
    meta_learner = KNNMetaLearner().fit(knowledge_base)
    X, y = linear_table(99)
    X = np.repeat(X, 50, axis=1)

    def expected(X):
        prior = recall(meta_learner, X, y)
        return {
            format_tree(p.tree): (p.tree, p.expected_seconds) for p in prior.portfolio
        }

    usual = expected(X)
    monkeypatch.setattr(_knn, "WIDE", X.shape[1] - 1)
    wide, of_sparse = expected(X), expected(csr_array(X))
    _, dataset = encode_dataset(X, y, "regression")
    catalog = SearchSpace().catalog("regression")
    for text in PIPELINES:
        tree, seconds = wide[text]
        predicted = predicted_seconds_on(dataset, tree, catalog=catalog)
        assert seconds == pytest.approx(max(predicted, usual[text][1]))
    assert any(wide[text][1] > usual[text][1] for text in PIPELINES)
    # Only dense tables fill all of their columns.
    for text in PIPELINES:
        assert of_sparse[text][1] == pytest.approx(usual[text][1])


def test_re_ranking_follows_what_the_evaluations_show(knowledge_base):
    X, y = stepped_table(99)
    meta_learner = KNNMetaLearner(shrinkage=np.inf, evidence=5.0).fit(knowledge_base)
    reranker = recall(meta_learner, X, y).reranker
    scores = {"dummy(X)": 0.0, "k_neighbors(X)": 0.05, "ridge(standard_scaler(X))": 0.1}
    scores_of_trees = {**scores, "random_forest(X)": 0.9}
    waiting = ["lasso(standard_scaler(X), alpha=0.03)", "extra_trees(X)"]
    assert reranker.best_next(waiting, scores_of_trees) == "extra_trees(X)"
    scores_of_linear = {**scores, "random_forest(X)": 0.02, waiting[0]: 0.12}
    assert reranker.best_next(waiting[:1], scores_of_linear) == waiting[0]


def test_only_what_the_search_space_allows_is_proposed(knowledge_base):
    catalog = SearchSpace(exclude=("extra_trees", "standard_scaler")).catalog(
        "regression"
    )
    meta_learner = KNNMetaLearner().fit(knowledge_base)
    prior = recall(meta_learner, *stepped_table(99), catalog=catalog)
    known = ["random_forest(X)", "k_neighbors(X)", "dummy(X)"]
    assert set(texts(prior)[:3]) == set(known)
    assert not any("extra_trees" in t or "standard_scaler" in t for t in texts(prior))


def test_learners_that_are_not_known_are_tried_later(knowledge_base):
    prior = recall(KNNMetaLearner().fit(knowledge_base), *stepped_table(99))
    n_known = len(prior.reranker.pipelines)
    known, unknown = texts(prior)[:n_known], texts(prior)[n_known:]
    assert set(known) == set(prior.reranker.pipelines)
    learners = [text.partition("(")[0] for text in unknown]
    assert len(set(learners)) == len(learners)
    assert "lightgbm" in learners
    assert not set(learners) & {text.partition("(")[0] for text in known}
    waiting = [unknown[0], known[0]]
    assert prior.reranker.best_next(waiting, {}) == known[0]
    many = {f"other{i}": 0.0 for i in range(UNKNOWN_AFTER)}
    assert prior.reranker.best_next(waiting, many) == unknown[0]


def test_another_metric_is_stated(knowledge_base):
    meta_learner = KNNMetaLearner().fit(knowledge_base)
    prior = recall(meta_learner, *stepped_table(99), scoring="explained_variance")
    assert "explained_variance" in prior.note and "r2" in prior.note
    assert recall(meta_learner, *stepped_table(99)).note == ""


def test_too_few_datasets_give_the_fixed_portfolio(knowledge_base):
    small = knowledge_base.without_families([f"linear {i}" for i in range(10)])
    small = small.without_families(["stepped 0"])
    prior = recall(KNNMetaLearner().fit(small), *linear_table(99))
    assert "9 datasets" in prior.note
    assert texts(prior) == texts(recall(FixedPortfolio().fit(small), *linear_table(99)))


def test_recall_is_the_same_each_time_and_in_a_copy(knowledge_base):
    meta_learner = KNNMetaLearner().fit(knowledge_base)
    copy = pickle.loads(pickle.dumps(meta_learner))
    X, y = linear_table(99)
    first, second, third = (recall(m, X, y) for m in (meta_learner, meta_learner, copy))
    assert texts(first) == texts(second) == texts(third)
    assert first.neighbors == second.neighbors == third.neighbors


@pytest.mark.parametrize("time_budget", [1.0, 60.0])
def test_recall_does_not_depend_on_the_clock(path, monkeypatch, time_budget):
    X, y = stepped_table(99, 1000)
    X = np.hstack([X, np.random.default_rng(0).normal(size=(1000, 60))])
    meta_learner = KNNMetaLearner().fit(path)
    quiet = recall(meta_learner, X, y, time_budget=time_budget)
    for name in ("monotonic", "perf_counter", "process_time"):
        now = getattr(time, name)
        monkeypatch.setattr(time, name, lambda now=now: 1e4 * now())
    monkeypatch.setitem(run_groups.__kwdefaults__, "clock", time.perf_counter)
    busy = recall(meta_learner, X, y, time_budget=time_budget)
    assert busy.metafeatures == quiet.metafeatures
    assert busy.portfolio == quiet.portfolio
    assert busy.neighbors == quiet.neighbors


def test_a_larger_budget_reads_more_of_a_large_file():
    _, dataset = encode_dataset(*linear_table(99), "regression")
    metafeatures = MetaFeatures(("m",), np.array([1.0]))
    before = (0, 0, 0)
    for time_budget in (0.1, 1.0, 10.0, 60.0, 300.0, np.inf):
        nearest = _knn._nearest(dataset, metafeatures, time_budget)
        limits = nearest.n_datasets, nearest.n_evaluations, nearest.n_pipelines
        assert all(now >= then for now, then in zip(limits, before, strict=True))
        assert nearest.size[:2] == (120, 5)
        before = limits
    assert before[0] < 1000 and before[2] < 3000


def test_the_datasets_of_a_large_file_that_are_alike_are_recalled(path, monkeypatch):
    monkeypatch.setattr(_knn, "DATASETS", 7)
    X, y = linear_table(99)
    meta_learner = KNNMetaLearner(n_neighbors=300).fit(path)
    prior = recall(meta_learner, X, y, time_budget=1.0)
    own = [n.dataset for n in prior.neighbors if n.dataset.startswith(OWN)]
    # Seven of ten linear and ten stepped ones are read.
    assert len(own) == 7 and all(name.startswith("linear") for name in own)


def test_a_file_in_the_place_of_the_shipped_one_takes_its_room(path, monkeypatch):
    monkeypatch.setattr(_knn, "DATASETS", 2)
    monkeypatch.setattr(_knn, "SHIPPED_DATASETS", 11)
    meta_learner = KNNMetaLearner(n_neighbors=300).fit(KnowledgeBase(path))
    prior = recall(meta_learner, *linear_table(99), time_budget=1.0)
    assert len(prior.neighbors) == 13


def test_recommendations_can_be_fitted(knowledge_base):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X["sex"] = X["sex"].map(lambda v: "f" if v > 0 else "m").astype("category")
    recommendations = KNNMetaLearner().fit(knowledge_base).recommend(X, y, n=2)
    assert len(recommendations) == 2
    for recommendation in recommendations:
        fitted = clone(recommendation.estimator).fit(X, y)
        assert fitted.predict(X.iloc[:3]).shape == (3,)
        assert recommendation.pipeline and recommendation.reason


def test_it_has_to_be_fitted_first():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(NotFittedError):
        recall(KNNMetaLearner(), X, y, task="classification")


@pytest.mark.parametrize(
    "parameters", [{"n_neighbors": 0}, {"shrinkage": -1.0}, {"evidence": "much"}]
)
def test_bad_parameters_are_named(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=name):
        KNNMetaLearner(**parameters).fit()


def test_datasets_of_ones_own_count_more(path):
    X, y = linear_table(99)

    def weights(own_weight):
        meta_learner = KNNMetaLearner(own_weight=own_weight, n_neighbors=300)
        neighbors = recall(meta_learner.fit(path), X, y, scoring="r2").neighbors
        own = {n.dataset: n.weight for n in neighbors if n.dataset.startswith(OWN)}
        other = [n.weight for n in neighbors if n.dataset not in own]
        assert len(own) == 20 and sum(other) + sum(own.values()) == pytest.approx(1)
        return np.array(list(own.values())), np.array(other)

    own, other = weights(1.0)
    heavier, lighter = weights(10.0)
    total = 10 * own.sum() + other.sum()
    np.testing.assert_allclose(heavier, 10 * own / total)
    np.testing.assert_allclose(lighter, other / total)
