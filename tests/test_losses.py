"""Whole fits for quantiles, deviances and logarithmic errors."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import (
    make_scorer,
    mean_pinball_loss,
    mean_tweedie_deviance,
    root_mean_squared_log_error,
)

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.metalearning import FixedPortfolio, KnowledgeBase
from sklearn_meta.pipelines import SearchSpace

RNG = np.random.default_rng(0)
N = 240
X = RNG.uniform(-1, 1, size=(N, 3))
NOISY = X[:, 0] + np.exp(X[:, 1]) * RNG.normal(size=N)
COUNTS = RNG.poisson(np.exp(X[:, 0] - 0.5)).astype(float)
AMOUNTS = COUNTS * RNG.gamma(2.0, size=N)
PRICES = 1e5 * np.exp(2 * X[:, 0] + 0.3 * RNG.normal(size=N))
TRAIN, TEST = slice(160), slice(160, None)


def pinball(level):
    return make_scorer(mean_pinball_loss, alpha=level, greater_is_better=False)


def tweedie(power):
    return make_scorer(mean_tweedie_deviance, power=power, greater_is_better=False)


def fitted(scoring, y, **changes):
    settings = {
        "max_evaluations": 5,
        "meta_learner": FixedPortfolio(),
        "cv": 2,
        "random_state": 0,
        "time_budget": None,
    }
    weight = changes.pop("sample_weight", None)
    model = MetaAutoRegressor(scoring=scoring, **{**settings, **changes})
    return model.fit(X[TRAIN], y[TRAIN], sample_weight=weight)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_quantile_is_predicted(level):
    model = fitted(pinball(level), NOISY)
    predicted = model.predict(X[TEST])
    assert abs(np.mean(NOISY[TEST] <= predicted) - level) < 0.12
    constant = np.full(len(predicted), np.quantile(NOISY[TRAIN], level))
    loss = mean_pinball_loss(NOISY[TEST], predicted, alpha=level)
    assert loss < mean_pinball_loss(NOISY[TEST], constant, alpha=level)
    assert model.best_pipeline_.startswith("quantile_")


@pytest.mark.parametrize(
    "scoring, y",
    [
        ("neg_mean_poisson_deviance", COUNTS),
        (tweedie(1.5), AMOUNTS),
        ("neg_mean_gamma_deviance", PRICES),
        ("neg_root_mean_squared_log_error", PRICES),
        ("neg_mean_squared_log_error", COUNTS),
    ],
    ids=str,
)
@pytest.mark.parametrize("search", ["evolution", None])
def test_predictions_are_where_the_loss_is_defined(scoring, y, search):
    model = fitted(scoring, y, search=search, time_budget=100)
    constant = np.full(N - 160, y[TRAIN].mean())
    far = np.vstack([X[TEST], 50 * X[:20]])
    for predict in (model.predict, model.best_estimator_.predict):
        assert predict(far).min() >= 0
    if "deviance" in str(scoring):
        assert model.predict(far).min() > 0
    assert model.history_[0].candidate.origin == "portfolio: fitted to the loss"
    at_constant = model._scorer()(
        RegressionTask().as_estimator(constant), X[TEST], y[TEST]
    )
    assert model.score(X[TEST], y[TEST]) > at_constant


@pytest.mark.parametrize("scoring", [pinball(0.9), tweedie(1.0)], ids=str)
def test_source_copies_and_weights(scoring):
    weight = np.where(X[TRAIN, 0] > 0, 3.0, 1.0)
    model = fitted(scoring, COUNTS, sample_weight=weight)
    assert all(e.status in ("ok", "pruned", "duplicate") for e in model.history_)
    namespace = {}
    exec(model.to_source(), namespace)
    assert repr(namespace["pipeline"]) == repr(clone(model.best_estimator_))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.to_source() == model.to_source()


def test_an_ordinary_best_pipeline_is_bounded_as_well():
    model = fitted(
        "neg_mean_poisson_deviance",
        COUNTS,
        search_space=SearchSpace(include=["ridge"], max_size=1),
        max_evaluations=2,
    )
    assert model.best_pipeline_.startswith("ridge")
    namespace = {}
    exec(model.to_source(), namespace)
    for predict in (
        model.predict,
        model.best_estimator_.predict,
        namespace["pipeline"].fit(X[TRAIN], COUNTS[TRAIN]).predict,
    ):
        assert predict(-50 * X).min() > 0


def test_several_outputs():
    both = np.stack([NOISY, 10 * NOISY], axis=1)
    model = fitted(pinball(0.9), both, max_evaluations=3)
    shares = np.mean(both[TEST] <= model.predict(X[TEST]), axis=0)
    assert (abs(shares - 0.9) < 0.12).all()
    positive = np.stack([PRICES, COUNTS], axis=1)
    model = fitted("neg_root_mean_squared_log_error", positive, max_evaluations=3)
    predicted = model.predict(X[TEST])
    assert predicted.min() >= 0
    assert root_mean_squared_log_error(
        positive[TEST], predicted
    ) < root_mean_squared_log_error(
        positive[TEST], np.tile(positive[TRAIN].mean(axis=0), (N - 160, 1))
    )


@pytest.mark.parametrize(
    "scoring, y, what",
    [
        ("neg_mean_poisson_deviance", NOISY, "of zero or more"),
        (tweedie(1.5), NOISY, "of zero or more"),
        ("neg_mean_gamma_deviance", COUNTS, "above zero"),
        ("neg_mean_squared_log_error", 5 * NOISY, "above -1"),
    ],
    ids=str,
)
def test_what_has_no_such_loss_is_refused_before_the_search(scoring, y, what):
    with pytest.raises(ValueError, match=f"(?s)scoring.*{what}.*Drop these rows"):
        fitted(scoring, y)


def test_learners_of_a_level_are_not_recorded(tmp_path):
    path = tmp_path / "own.sqlite"
    # Medians compete with quantiles of 0.5: some of both are scored on all folds.
    fitted(pinball(0.5), NOISY, knowledge_base=path, max_evaluations=15)
    pipelines = (
        KnowledgeBase(path).matrix("regression", "neg_mean_absolute_error").pipelines
    )
    assert pipelines
    assert not any("quantile_" in text for text in pipelines)


def test_metric_of_the_recall():
    model = fitted(pinball(0.9), NOISY, meta_learner=None, max_evaluations=1)
    assert "pinball loss at 0.9 are tried first" in model.recall_note_
    model = fitted(tweedie(1.0), COUNTS, meta_learner=None, max_evaluations=1)
    assert "neg_mean_poisson_deviance" in model.recall_note_
    assert "neg_mean_absolute_error" in model.recall_note_
