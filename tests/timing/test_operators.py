"""Predicted seconds: the formula, and what it must never do."""

import math

import pytest

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.metalearning._default_pipelines import default_portfolio
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Catalog, Cost, Operator
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.timing._operators import (
    CALIBRATION_FITS,
    EXPECTED_ROUNDS,
    STACK_FITS,
    STEP_SECONDS,
    predicted_seconds,
)

CATALOGS = {task: default_catalog(task) for task in TASKS}

OWN = Catalog(
    [
        Operator(
            "learner",
            "learner",
            "mine.Learner",
            hyperparameters=(
                Integer("rounds", 1, 1000, 100),
                Choice("kind", ("fast", "slow"), "fast"),
                Float("share", 0.1, 1.0, None),
            ),
            cost=Cost(
                2.0,
                rows=2,
                columns=0.5,
                classes=1,
                # Only the first is a number with a default; the last does not exist.
                params={"rounds": 1, "kind": 1, "share": 1, "other": 1},
            ),
        ),
        Operator("scale", "transformer", "mine.Scale", cost=Cost(0.5)),
        # Of a class that is widened by hyperparameters, but has none here.
        Operator("bins", "transformer", "mine.KBinsDiscretizer", cost=Cost(0.1)),
    ],
    CLASSIFICATION,
)


def seconds(text, n=1000, d=20, k=2, *, task=CLASSIFICATION, catalog=None):
    catalog = CATALOGS[task] if catalog is None else catalog
    tree = parse(text, catalog=catalog)
    return predicted_seconds(
        tree, catalog=catalog, n_samples=n, n_features=d, n_classes=k
    )


def test_formula():
    expected = 2.0 * 3**2 * 4**0.5 * 5 + STEP_SECONDS
    assert seconds("learner(X)", 3000, 80, 10, catalog=OWN) == pytest.approx(expected)
    more = seconds("learner(X, rounds=200)", 3000, 80, 10, catalog=OWN)
    assert more - STEP_SECONDS == pytest.approx(2 * (expected - STEP_SECONDS))
    for text in ("learner(X, kind='slow')", "learner(X, share=0.5)"):
        assert seconds(text, 3000, 80, 10, catalog=OWN) == pytest.approx(expected)


def test_steps_add_up():
    learner = seconds("learner(X)", catalog=OWN)
    step = 0.5 + STEP_SECONDS
    assert seconds("learner(scale(X))", catalog=OWN) == pytest.approx(learner + step)
    union = seconds("learner(union(scale(X), scale(X)))", catalog=OWN)
    wide = seconds("learner(X)", d=40, catalog=OWN)
    assert union == pytest.approx(wide + 2 * step)


def test_operators_of_the_user_with_known_classes():
    assert seconds("learner(bins(X))", catalog=OWN) > seconds(
        "learner(X)", d=100, catalog=OWN
    )


def test_stack_and_wrappers_count_their_fits():
    inner = seconds("svc(X)", 5000)
    assert seconds("lda(stack(svc(X), svc(X)))", 5000) == pytest.approx(
        2 * STACK_FITS * inner, rel=0.05
    )
    assert seconds("calibrated(svc(X))", 5000) == pytest.approx(
        CALIBRATION_FITS * inner, rel=0.05
    )
    assert seconds("bagging(svc(X), n_estimators=7)", 5000) == pytest.approx(
        7 * inner, rel=0.05
    )
    of_four = seconds("svc(X)", 5000, k=4)
    assert seconds("one_vs_rest(svc(X))", 5000, k=4) == pytest.approx(
        4 * of_four, rel=0.05
    )
    ridge = seconds("svr(X)", 5000, task=REGRESSION)
    assert seconds(
        "transformed_target(svr(X))", 5000, task=REGRESSION
    ) == pytest.approx(ridge, rel=0.05)


def test_early_stopping_makes_rounds_cheaper_where_it_works():
    all_rounds = seconds("lightgbm(X, n_estimators=2000)")
    stopped = seconds("lightgbm(X, n_estimators=2000, early_stopping=True)")
    ratio = EXPECTED_ROUNDS / 0.1 / 2000
    assert stopped == pytest.approx(ratio * all_rounds, rel=0.05)
    slower = "lightgbm(X, n_estimators=2000, early_stopping=True, learning_rate=0.02)"
    assert seconds(slower) > 4 * stopped
    # Never more than the rounds that there are.
    few = seconds("lightgbm(X, n_estimators=20, early_stopping=True)")
    assert few == pytest.approx(seconds("lightgbm(X, n_estimators=20)"))
    # Nobody stops it inside a wrapper.
    assert seconds(
        "one_vs_rest(lightgbm(X, n_estimators=2000, early_stopping=True))"
    ) == pytest.approx(2 * all_rounds, rel=0.05)


def test_max_features_is_a_share_however_it_is_written():
    quarter = seconds("random_forest(X, max_features=0.25)", d=16)
    assert seconds("random_forest(X)", d=16) == pytest.approx(quarter)
    assert seconds("random_forest(X, max_features='log2')", d=16) == pytest.approx(
        quarter
    )
    assert seconds("random_forest(X, max_features=1.0)", d=16) > 2 * quarter


def test_wide_features_cost():
    plain = seconds("logistic_regression(X)")
    for text in (
        "logistic_regression(polynomial(X))",
        "logistic_regression(k_bins(X, n_bins=20))",
        "logistic_regression(splines(X))",
        "logistic_regression(nystroem(X, n_components=500))",
        "logistic_regression(random_trees_embedding(X))",
    ):
        assert seconds(text) > 1.5 * plain, text
    assert seconds("svc(select_percentile(X, percentile=10))", d=200) < seconds(
        "svc(X)", d=200
    )


def test_families_are_in_order():
    texts = ["dummy(X)", "logistic_regression(X)", "lightgbm(X)", "gaussian_process(X)"]
    predicted = [seconds(text) for text in texts]
    assert predicted == sorted(predicted)


@pytest.mark.parametrize("task", TASKS)
def test_positive_and_monotone(task):
    # Of the operators alone, it is one of their common checks.
    for text in (format_tree(p.tree) for p in default_portfolio(CATALOGS[task])):
        for sizes in (
            [(n, 10, 3) for n in (1, 20, 500, 10_000, 1_000_000)],
            [(300, d, 3) for d in (1, 2, 5, 20, 60, 500, 10_000)],
            [(300, 10, k) for k in (2, 3, 10, 100)],
        ):
            predicted = [seconds(text, *size, task=task) for size in sizes]
            assert all(math.isfinite(s) and s > 0 for s in predicted), text
            assert predicted == sorted(predicted), (text, sizes, predicted)


@pytest.mark.parametrize(
    "text",
    [
        "extra_trees(X, max_features='log2')",
        "extra_trees(X, max_features=0.25)",
        "gradient_boosting(X, max_features=0.1)",
    ],
)
def test_a_second_column_makes_no_forest_cheaper(text):
    # A share of one column is one column, and of two often as well.
    predicted = [seconds(text, d=d) for d in range(1, 30)]
    assert predicted == sorted(predicted)


def test_sizes_of_nothing():
    assert seconds("ridge(X)", 0, 0, 1, task=REGRESSION) > 0


def total(text, n_outputs):
    return predicted_seconds(
        parse(text, catalog=CATALOGS[REGRESSION]), catalog=CATALOGS[REGRESSION],
        n_samples=1000, n_features=20, n_outputs=n_outputs,
    )  # fmt: skip


def test_predicted_seconds_count_the_fits():
    native, each = "extra_trees(X)", "svr(X)"
    assert total(native, 5) == total(native, 1)
    assert total(each, 5) == pytest.approx(5 * total(each, 1))
    shared = total("svr(power_transform(X))", 5)
    assert shared == pytest.approx(total("svr(power_transform(X))", 1) + 4 * (
        total("svr(power_transform(X))", 1) - total("ridge(power_transform(X))", 1)
        + total("ridge(X)", 1)
    ))  # fmt: skip
    nested = "bagging(lightgbm(X, early_stopping=True, n_estimators=2000))"
    assert total(nested, 2) < 2 * total(nested, 1)
