"""Categories of many levels: means of the target in place of the frequent levels."""

import time

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.pipelines import (
    Schema,
    _many_levels,
    compile_pipeline,
    default_catalog,
    parse,
    to_source,
)
from sklearn_meta.pipelines._compile import accepts_sample_weight, fit_weighted
from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._many_levels import (
    MANY_LEVELS,
    MAX_CLASSES,
    SingleTarget,
    columns_of_many_levels,
    single_target,
    target_encoder,
)
from sklearn_meta.testing import make_target

# What learners say of some dozens of rows of noise is true, and no matter here.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

N_LEVELS = MANY_LEVELS + 50


def compiled(text, schema, task=REGRESSION, n_classes=2, n_outputs=1):
    catalog = default_catalog(task)
    return compile_pipeline(
        parse(text, catalog=catalog), schema, catalog=catalog, random_state=0,
        n_classes=n_classes if task == CLASSIFICATION else 1, n_outputs=n_outputs,
    )  # fmt: skip


def zip_codes(n_levels, rows_of_each, seed=0):
    """Rows of few for each level, which tells most of the target."""
    rng = np.random.default_rng(seed)
    n = n_levels * rows_of_each
    level = np.random.default_rng(99).normal(size=n_levels)
    code = rng.integers(n_levels, size=n)
    numbers = np.column_stack([rng.integers(1, 7, n), rng.uniform(0, 80, n)])
    y = level[code] + 0.3 * numbers[:, 0] - numbers[:, 1] / 100
    X = np.column_stack([code, numbers])
    return X, y + 0.5 * rng.normal(size=n), Schema(3, 1, (n_levels,), nonnegative=True)


def test_columns_of_many_levels():
    layout = Layout(5, 4, (2, MANY_LEVELS, MANY_LEVELS + 1, 9999))
    assert columns_of_many_levels(layout, SingleTarget(1, 0)) == [2, 3]
    assert columns_of_many_levels(layout, SingleTarget(MAX_CLASSES, 0)) == [2, 3]
    assert columns_of_many_levels(layout, SingleTarget(MAX_CLASSES + 1, 0)) == []
    assert columns_of_many_levels(layout, single_target(1, 2, 0)) == []


@pytest.mark.parametrize(
    "text",
    [
        "ridge(standard_scaler(X), alpha=3.0)",
        "lightgbm(X, n_estimators=200, learning_rate=0.05)",
        "hist_gradient_boosting(X)",
        "extra_trees(X, max_features=0.75, min_samples_leaf=2)",
        "random_forest(X, max_features=0.5, min_samples_leaf=2, n_estimators=50)",
    ],
)
def test_all_levels_count(text):
    X, y, schema = zip_codes(1500, 8)
    new, expected, _ = zip_codes(1500, 2, seed=1)
    by_hand = make_pipeline(
        make_column_transformer(
            (TargetEncoder(target_type="continuous"), [0]), remainder="passthrough"
        ),
        Ridge(),
    )
    np.random.seed(0)
    score = r2_score(expected, compiled(text, schema).fit(X, y).predict(new))
    assert score > r2_score(expected, by_hand.fit(X, y).predict(new)) - 0.08
    labels = (y > np.median(y)).astype(int)
    if "ridge" not in text:
        model = compiled(text, schema, CLASSIFICATION).fit(X, labels)
        probability = model.predict_proba(new)[:, 1]
        assert roc_auc_score(expected > np.median(y), probability) > 0.85


@pytest.mark.parametrize("task", TASKS)
def test_every_learner_fits_many_levels(task):
    """With a nearly empty column, missing codes, and a level that is not known."""
    rng = np.random.default_rng(0)
    n = 90
    X = np.column_stack(
        [rng.integers(3, size=n), rng.permutation(N_LEVELS)[:n], rng.normal(size=n)]
    )
    X = np.hstack([X, np.full((n, 1), np.nan)])
    X[:2, 3] = 1.0
    X[5:9, :2] = np.nan
    schema = Schema(4, 2, (3, N_LEVELS), (0, 1, 3), nearly_empty=(3,))
    y = make_target(np.nan_to_num(X), task)
    catalog = default_catalog(task)
    arguments = {
        "catalog": catalog,
        "n_classes": 3 if task == CLASSIFICATION else 1,
        "random_state": 0,
    }
    for learner in catalog.select("learner"):
        if learner.requires:
            continue
        tree = parse(f"{learner.name}(X)", catalog=catalog)
        pipeline = compile_pipeline(tree, schema, **arguments)
        names = [name for name, _ in pipeline.steps]
        assert ("target_encode" in names) == (learner.name != "dummy")
        predicted = pipeline.fit(X[2:60], y[2:60]).predict(X)
        namespace = {}
        exec(to_source(tree, schema, **arguments), namespace)
        again = namespace["pipeline"].fit(X[2:60], y[2:60])
        np.testing.assert_array_equal(again.predict(X), predicted)


def test_the_other_columns_keep_their_order():
    schema = Schema(4, 3, (5, N_LEVELS, 7))
    pipeline = compiled("lightgbm(X)", schema)
    assert pipeline[-1].get_params()["categorical_column"] == [0, 1]
    X = np.random.default_rng(0).integers(5, size=(50, 4)).astype(float)
    before = pipeline[:-1].fit_transform(X, X[:, 3])
    np.testing.assert_array_equal(before[:, :3], X[:, [0, 2, 3]])


def test_what_is_below_the_limit_or_has_several_outputs_is_grouped_as_before():
    for n_levels, n_outputs in ((MANY_LEVELS, 1), (N_LEVELS, 2)):
        schema = Schema(4, 2, (5, n_levels))
        for text in ("ridge(X)", "extra_trees(X)", "lightgbm(X)", "svr(pca(X))"):
            source = str(compiled(text, schema, n_outputs=n_outputs))
            assert "TargetEncoder" not in source
    many = Schema(4, 2, (5, N_LEVELS))
    classes = MAX_CLASSES + 1
    pipeline = compiled("ridge(X)", many, CLASSIFICATION, n_classes=classes)
    assert "TargetEncoder" not in str(pipeline)


def test_naive_bayes_gets_no_negative_means():
    X, y, schema = zip_codes(N_LEVELS, 2)
    labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    for text in ("multinomial_nb(X)", "complement_nb(X)"):
        model = compiled(text, schema, CLASSIFICATION, n_classes=3).fit(X, labels)
        assert model[:-1].transform(X).min() >= 0


def test_weights_below_wrappers_need_columns_of_few_levels():
    """scikit-learn routes no metadata through a target encoder."""
    X, y, schema = zip_codes(N_LEVELS, 2)
    catalog = default_catalog(REGRESSION)
    weight = np.linspace(0.5, 2, len(y))
    for text, accepts in (
        ("ridge(X)", True),
        ("bagging(ridge(X))", False),
        ("ridge(stack(ridge(X), decision_tree(X)))", False),
    ):
        tree = parse(text, catalog=catalog)
        found = accepts_sample_weight(tree, catalog=catalog, schema=schema)
        assert found == accepts
        assert accepts_sample_weight(tree, catalog=catalog, schema=Schema(3, 1, (4,)))
        if accepts:
            pipeline = fit_weighted(compiled(text, schema), X, y, weight)
            assert np.isfinite(pipeline.predict(X)).all()


@pytest.mark.alone
def test_a_hundred_thousand_levels_take_seconds():
    rng = np.random.default_rng(0)
    n, levels = 300_000, 100_000
    X = np.column_stack([rng.integers(levels, size=n), rng.normal(size=(n, 9))])
    y = X[:, 1] + rng.normal(size=n)
    pipeline = compiled("ridge(X)", Schema(10, 1, (levels,)))
    began = time.perf_counter()
    pipeline.fit(X, y)
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("takes_splitters", [True, False])
def test_cross_fitting_is_shuffled_by_the_seed(monkeypatch, takes_splitters):
    monkeypatch.setattr(
        _many_levels, "target_encoder_takes_splitters", lambda: takes_splitters
    )
    encoder = target_encoder(2, 7)
    if takes_splitters:
        assert encoder.param("cv").param("random_state") == 7
        assert encoder.param("cv").param("shuffle")
    else:
        assert (encoder.param("cv"), encoder.param("random_state")) == (5, 7)
