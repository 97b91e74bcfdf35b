"""Trees compile to plain scikit-learn pipelines that fit every kind of table."""

import pickle
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.pipelines._compile import (
    accepts_sample_weight,
    compile_spec,
    early_stopping_learner,
    fit_weighted,
    request_sample_weight,
)
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._spec import Spec, instantiate
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.testing import TABLE_KINDS, make_table, make_target
from tests.pipelines.every_kind import CATALOGS, compiled, node, prepared, step_names

pytestmark = [
    pytest.mark.filterwarnings("error"),
    # What these say of 100 rows of noise is true, and no matter here.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Bins whose width are too small:UserWarning"),
    pytest.mark.filterwarnings("ignore:Feature .* is constant:UserWarning"),
    # Bagging seeds it, whatever its folds.
    pytest.mark.filterwarnings("ignore:`TargetEncoder.shuffle` and:FutureWarning"),
]


def predictions(pipeline, table, task):
    if task == REGRESSION:
        return pipeline.predict(table)
    return pipeline.predict_proba(table)


def tree_with(operator, task):
    """A tree in which an operator stands where it usually does."""
    match operator.kind:
        case "learner":
            return node(operator.name)
        case "wrapper":
            return node(operator.name, node("linear"))
        case _:
            return node("linear", node(operator.name))


EVERY_OPERATOR = [
    pytest.param(operator, task, id=f"{operator.name}-{task}")
    for task in TASKS
    for operator in CATALOGS[task]
]


@pytest.mark.parametrize("kind", TABLE_KINDS)
@pytest.mark.parametrize("operator, task", EVERY_OPERATOR)
def test_every_operator_fits_every_table(operator, task, kind):
    table, schema = make_table(kind, n_rows=60)
    y = make_target(table, task)
    pipeline = compiled(tree_with(operator, task), schema, task)
    predicted = predictions(pipeline.fit(table[:45], y[:45]), table[45:], task)
    assert len(predicted) == 15
    assert np.isfinite(predicted).all()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ["linear", "codes_tree", "hist_boosting", "lightgbm"])
@pytest.mark.parametrize(
    "preparation", [None, "impute", "one_hot", "ordinal", "target_encode"]
)
def test_unseen_and_missing_levels_are_predicted(task, name, preparation):
    table, schema = make_table("categories")
    y = make_target(table, task)
    features = X if preparation is None else node(preparation)
    pipeline = compiled(node(name, features), schema, task).fit(table, y)
    new = table[:20].copy()
    new[:10, 0] = np.nan
    new[:, 1] = 77
    assert np.isfinite(predictions(pipeline, new, task)).all()


@pytest.mark.parametrize("name", ["hist_boosting", "lightgbm", "power", "standard"])
def test_a_column_without_present_value_in_the_training_rows(name):
    table, schema = make_table("mixed")
    y = make_target(table, CLASSIFICATION)
    kind = CATALOGS[CLASSIFICATION].find(name).kind
    tree = node(name) if kind == "learner" else node("hist_boosting", node(name))
    training = table[2:]
    assert np.isnan(training[:, 3]).all()
    pipeline = compiled(tree, schema).fit(training, y[2:])
    assert np.isfinite(pipeline.predict_proba(table)).all()


def test_lightgbm_is_told_the_categorical_columns():
    lightgbm = pytest.importorskip("lightgbm")
    table, schema = make_table("categories", n_rows=600)
    y = np.isin(table[:, 1], [1, 3, 5]).astype(int)
    ours = compiled(node("lightgbm"), schema, n_classes=2).fit(table, y)
    arguments = ours[-1].get_params()
    assert arguments.pop("categorical_column") == [0, 1]
    reference = lightgbm.LGBMClassifier(**arguments)
    as_numbers = clone(reference).fit(table, y)
    reference.fit(table, y, categorical_feature=[0, 1])
    np.testing.assert_array_equal(
        ours.predict_proba(table), reference.predict_proba(table)
    )
    assert not np.array_equal(
        ours.predict_proba(table), as_numbers.predict_proba(table)
    )


def test_union_keeps_categories_in_front_wherever_their_branch_stands():
    table, schema = make_table("categories")
    y = make_target(table, CLASSIFICATION)
    for branches in ((X, node("pca")), (node("pca"), X)):
        tree = node("hist_boosting", Node("union", branches))
        pipeline = compiled(tree, schema).fit(table, y)
        np.testing.assert_array_equal(pipeline[:-1].transform(table)[:, :6], table)
        assert pipeline[-1].is_categorical_[:2].all()
        assert not pipeline[-1].is_categorical_[2:].any()


def test_union_of_two_tables_with_categories_is_coerced():
    table, schema = make_table("categories")
    tree = node("hist_boosting", Node("union", (X, node("impute"))))
    pipeline = compiled(tree, schema)
    # 2 + 6 one-hot columns and 4 numbers, twice.
    assert prepared(pipeline, table).shape == (len(table), 24)


def test_union_as_input_of_union():
    table, schema = make_table("mixed")
    y = make_target(table, REGRESSION)
    inner = Node("union", (X, node("power")))
    tree = node("linear", Node("union", (node("pca"), inner, node("bins"))))
    pipeline = compiled(tree, schema, REGRESSION).fit(table, y)
    assert np.isfinite(pipeline.predict(table)).all()


def test_step_names_are_unique():
    chain = node("standard", node("pca", node("standard", node("standard"))))
    pipeline = compiled(node("linear", chain), Schema(4))
    assert step_names(pipeline) == [
        "standard", "standard_2", "pca", "standard_3", "linear",
    ]  # fmt: skip


def test_impute_can_add_indicators():
    table, schema = make_table("missing")
    with_indicator = compiled(node("linear", node("impute")), schema)
    assert prepared(with_indicator, table).shape[1] == 8
    without = node("impute", indicator=False, strategy="mean")
    table_in = prepared(compiled(node("linear", without), schema), table)
    hole = np.isnan(table[:, 0])
    np.testing.assert_allclose(table_in[hole, 0], np.nanmean(table[:, 0]))


def test_target_encoding_does_not_leak_the_target():
    rng = np.random.default_rng(0)
    table = rng.integers(150, size=(300, 1)).astype(float)
    y = rng.normal(size=300)
    schema = Schema(1, 1, (150,))
    pipeline = compiled(node("linear", node("target_encode")), schema, REGRESSION)
    encoded = prepared(pipeline, table, y)[:, 0]
    # In sample, the mean of two rows would correlate with each of them at about 0.7.
    assert abs(np.corrcoef(encoded, y)[0, 1]) < 0.25


def test_target_encoding_of_a_count_is_one_column():
    table, schema = make_table("categories")
    y = np.random.default_rng(0).integers(4, size=len(table)).astype(float)
    pipeline = compiled(node("linear", node("target_encode")), schema, REGRESSION)
    assert prepared(pipeline, table, y).shape[1] == schema.n_features
    several = compiled(node("linear", node("target_encode")), schema, n_classes=4)
    assert prepared(several, table, y.astype(int)).shape[1] == 2 * 4 + 4


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", TABLE_KINDS)
@pytest.mark.parametrize("final", ["linear", "hist_boosting"])
def test_stack_feeds_out_of_fold_predictions_to_the_learner(task, kind, final):
    table, schema = make_table(kind)
    y = make_target(table, task)
    inner = (node("lightgbm"), node("linear", node("standard")), node("lightgbm"))
    pipeline = compiled(node(final, Node("stack", inner)), schema, task)
    ((name, stacking),) = pipeline.steps
    assert name == "stack"
    assert [n for n, _ in stacking.estimators] == ["lightgbm", "linear", "lightgbm_2"]
    pipeline.fit(table, y)
    assert np.isfinite(predictions(pipeline, table, task)).all()
    n_outputs = 3 * (3 if task == CLASSIFICATION else 1)
    assert pipeline[-1].final_estimator_.n_features_in_ == n_outputs


def test_folds_of_a_stack_do_not_follow_the_order_of_the_rows():
    x = np.linspace(0, 1, 100)[:, None]
    tree = node("linear", Node("stack", (node("codes_tree"), node("neighbors"))))
    pipeline = compiled(tree, Schema(1), REGRESSION).fit(x, x[:, 0])
    # In folds of adjacent rows, trees and neighbors would have to extrapolate.
    assert pipeline[-1].final_estimator_.coef_.sum() > 0.95


def test_iterations_replace_those_of_the_root_learner_only():
    tree = node("lightgbm", n_estimators=400)
    assert compiled(tree, Schema(2), iterations=7)[-1].n_estimators == 7
    assert compiled(tree, Schema(2))[-1].n_estimators == 400
    stacked = node("linear", Node("stack", (tree, tree)))
    stack = compiled(stacked, Schema(2), iterations=7)[-1]
    assert [e.n_estimators for _, e in stack.estimators] == [400, 400]


def test_early_stopping_is_left_to_the_evaluator_at_the_root_only():
    def stops(tree):
        return early_stopping_learner(tree, catalog=CATALOGS[REGRESSION])

    stopping = node("lightgbm", early_stopping=True)
    assert stops(stopping)
    assert not stops(node("lightgbm"))
    assert not stops(node("linear"))
    assert not stops(node("bagging", stopping))
    final = node("lightgbm", Node("stack", (stopping, stopping)), early_stopping=True)
    assert not stops(final)
    assert "early_stopping" not in compiled(stopping, Schema(2))[-1].get_params()


def test_encoder_is_the_first_step():
    encoder = Spec("sklearn.preprocessing.OrdinalEncoder")
    pipeline = compiled(node("lightgbm"), Schema(1, 1, (2,)), encoder=encoder)
    assert step_names(pipeline) == ["encode", "lightgbm"]
    letters = np.array([["a"], ["b"]] * 20, dtype=object)
    pipeline.fit(letters, [0, 1] * 20)
    assert list(pipeline.predict(letters[:2])) == [0, 1]


@pytest.mark.parametrize("operator, task", EVERY_OPERATOR)
def test_pipelines_hold_nothing_of_this_package(operator, task):
    _, schema = make_table("mixed")
    pipeline = compiled(tree_with(operator, task), schema, task)
    payload = pickle.dumps(pipeline)
    assert b"sklearn_meta" not in payload
    assert isinstance(pipeline, Pipeline)
    assert repr(clone(pipeline)) == repr(pipeline)


@pytest.mark.parametrize("task", TASKS)
def test_the_seed_decides_everything(task):
    table, schema = make_table("mixed")
    y = make_target(table, task)
    tree = node("linear", Node("stack", (
        node("lightgbm"), node("linear", node("select_model", node("target_encode"))),
    )))  # fmt: skip
    first, second, other = (
        predictions(
            compiled(tree, schema, task, random_state=s).fit(table, y), table, task
        )
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def weighted_trees(task):
    wrappers = ("log_target", "bagging") if task == REGRESSION else ("calibrated",)
    inner = (node("neighbors", node("standard")), node("linear", node("standard")))
    yield node("linear", node("standard"))
    yield node("lightgbm")
    yield node("hist_boosting", Node("union", (X, node("pca"))))
    yield node("linear", node("target_encode"))
    yield node("linear", node("select_model"))
    yield node("linear", node("bins"))
    yield node("linear", Node("stack", inner))
    for wrapper in wrappers:
        yield node(wrapper, node("linear", node("standard")))
        yield node(wrapper, node("linear", Node("stack", inner)))


@pytest.mark.parametrize(
    "tree, task", [(tree, task) for task in TASKS for tree in weighted_trees(task)]
)
def test_weights_reach_the_learner(tree, task):
    table, schema = make_table("mixed")
    y = make_target(table, task)
    weight = np.random.default_rng(0).uniform(0.1, 3, size=len(y))
    assert accepts_sample_weight(tree, catalog=CATALOGS[task])
    pipeline = compiled(tree, schema, task)
    unweighted = predictions(clone(pipeline).fit(table, y), table, task)
    weighted = predictions(fit_weighted(pipeline, table, y, weight), table, task)
    assert np.isfinite(weighted).all()
    assert not np.allclose(weighted, unweighted)


WEIGHTED = [
    pytest.param(operator, task, id=f"{operator.name}-{task}")
    for task in TASKS
    for operator in default_catalog(task)
    if operator.sample_weight or operator.kind in ("preparation", "transformer")
]


@pytest.mark.parametrize("operator, task", WEIGHTED)
def test_every_built_in_operator_takes_weights_where_it_says_so(operator, task):
    catalog = default_catalog(task)
    table, schema = make_table("mixed", n_rows=60)
    y = make_target(table, task, n_classes=2)
    weight = np.random.default_rng(0).uniform(0.1, 3, size=len(y))
    wrapper = "calibrated" if task == CLASSIFICATION else "transformed_target"
    learner = "logistic_regression" if task == CLASSIFICATION else "ridge"
    plain = node(operator.name)
    if operator.kind != "learner":
        plain = node(learner, plain)
    stack = node(learner, Node("stack", (plain, node("k_neighbors"))))
    for tree in (plain, node(wrapper, plain), stack):
        routed = tree is stack or tree.operator == "calibrated"
        if routed and operator.name in ("target_encode", "ada_boost"):
            # scikit-learn cannot route weights through these.
            assert not accepts_sample_weight(tree, catalog=catalog)
            continue
        assert accepts_sample_weight(tree, catalog=catalog)
        pipeline = compiled(tree, schema, task, catalog=catalog, n_classes=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit_weighted(pipeline, table, y, weight)
            assert np.isfinite(predictions(pipeline, table, task)).all()


def test_weighted_fit_is_that_of_the_learner_itself():
    table, schema = make_table("missing")
    y = make_target(table, REGRESSION)
    weight = np.random.default_rng(0).uniform(0.1, 3, size=len(y))
    pipeline = fit_weighted(
        compiled(node("linear"), schema, REGRESSION), table, y, weight
    )
    learner = clone(pipeline[-1])
    learner.fit(pipeline[:-1].transform(table), y, weight / weight.mean())
    np.testing.assert_array_equal(pipeline[-1].coef_, learner.coef_)


@pytest.mark.parametrize("name", ["linear", "bagging"])
def test_the_unit_of_the_weights_does_not_matter(name):
    table, schema = make_table("dense")
    y = make_target(table, REGRESSION)
    weight = np.random.default_rng(0).uniform(0.5, 2, size=len(y))
    tree = node("linear") if name == "linear" else node("bagging", node("linear"))
    one, thousands = (
        fit_weighted(compiled(tree, schema, REGRESSION), table, y, w).predict(table)
        for w in (weight, 1024 * weight)
    )
    np.testing.assert_allclose(one, thousands)


def test_trees_whose_learner_takes_no_weights_say_so():
    def accepts(tree, task=REGRESSION):
        return accepts_sample_weight(tree, catalog=CATALOGS[task])

    linear, neighbors = node("linear"), node("neighbors")
    assert not accepts(neighbors)
    assert not accepts(node("log_target", neighbors))
    assert not accepts(node("neighbors", Node("stack", (linear, linear))))
    assert accepts(node("linear", Node("stack", (linear, neighbors))))
    assert accepts(node("linear", node("target_encode")))
    encoded = node("linear", node("target_encode"))
    assert accepts(node("log_target", encoded))
    assert not accepts(node("bagging", encoded))
    assert not accepts(node("linear", Node("stack", (linear, encoded))))
    assert accepts(node("bagging", linear))
    assert not accepts(node("bagging", linear, bootstrap=False))


def test_requests_are_set_for_every_consumer():
    tree = node("linear", node("standard"))
    pipeline = request_sample_weight(compiled(tree, Schema(2)))
    requests = [step.get_metadata_routing().fit.requests for _, step in pipeline.steps]
    assert [r["sample_weight"] for r in requests] == [False, True]


def test_illegal_trees_are_refused():
    with pytest.raises(InvalidPipelineError, match="Did you mean 'linear'"):
        compiled(node("linaer"), Schema(2))
    with pytest.raises(InvalidPipelineError, match="stack"):
        compiled(
            node("linear", node("pca", Node("stack", (node("linear"),) * 2))), Schema(2)
        )
    with pytest.raises(InvalidPipelineError, match="max_bins"):
        compiled(node("hist_boosting", max_bins=3), Schema(2))


def test_preparation_without_build_is_called_on_the_whole_table():
    from sklearn_meta.pipelines._operators import Operator

    clip = Operator(
        "fill", "preparation", "sklearn.impute.KNNImputer",
        fixed={"keep_empty_features": True}, accepts_missing=True,
    )  # fmt: skip
    catalog = Catalog((*CATALOGS[CLASSIFICATION], clip), CLASSIFICATION)
    table, schema = make_table("mixed")
    y = make_target(table, CLASSIFICATION)
    pipeline = compiled(node("linear", node("fill")), schema, catalog=catalog)
    assert step_names(pipeline)[:3] == ["fill_nearly_empty", "one_hot", "fill"]
    assert np.isfinite(pipeline.fit(table, y).predict_proba(table)).all()


# Trees of the grammar, all operators of the catalog included.


def _trees(task):
    names = {
        kind: [o.name for o in CATALOGS[task].select(kind)]
        for kind in ("preparation", "transformer", "learner", "wrapper")
    }

    def one(kind, inputs):
        return st.builds(
            lambda name, child: node(name, child),
            st.sampled_from(names[kind]),
            inputs,
        )

    tables = st.recursive(st.just(X), lambda t: one("preparation", t), max_leaves=2)
    features = st.recursive(
        tables,
        lambda f: (
            one("transformer", f)
            | st.lists(f, min_size=2, max_size=3).map(lambda b: Node("union", tuple(b)))
        ),
        max_leaves=4,
    )
    learners = one("learner", features)
    stacks = st.lists(learners, min_size=2, max_size=2).map(
        lambda s: Node("stack", tuple(s))
    )
    estimators = learners | one("learner", stacks)
    return estimators | one("wrapper", estimators)


# Fits are slow to shrink: a failing tree is small enough to read.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=25, deadline=None, phases=WITHOUT_SHRINKING)
@given(data=st.data(), kind=st.sampled_from(list(TABLE_KINDS)))
def test_every_legal_tree_fits(task, data, kind):
    tree = data.draw(_trees(task))
    table, schema = make_table(kind, n_rows=60)
    y = make_target(table, task)
    pipeline = compiled(tree, schema, task)
    with warnings.catch_warnings():
        # Random trees do strange things to 60 rows, and scikit-learn says so.
        warnings.simplefilter("ignore")
        predicted = predictions(pipeline.fit(table, y), table, task)
    assert np.isfinite(predicted).all()


def test_building_twice_gives_independent_objects():
    spec = compile_spec(
        node("linear"), Schema(2), catalog=CATALOGS[REGRESSION], n_classes=1,
        random_state=zlib.crc32(b"seed"),
    )  # fmt: skip
    first, second = instantiate(spec), instantiate(spec)
    first.fit([[0, 1], [1, 0]], [0, 1])
    assert not hasattr(second[-1], "coef_")
