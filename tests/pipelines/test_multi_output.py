"""Targets of several outputs: what is fitted once for all, what once for each."""

import numpy as np
import pytest
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor

from sklearn_meta.data._task import MultilabelTask, RegressionTask
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.metalearning._default_pipelines import default_portfolio
from sklearn_meta.pipelines._compile import (
    accepts_sample_weight,
    compile_pipeline,
    early_stopping_learner,
    fit_weighted,
)
from sklearn_meta.pipelines._multi_output import shared_features, takes_all_outputs
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._source import to_source
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.testing import make_table, make_target

# What these say of some dozens of rows of noise is true, and no matter here.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Bins whose width are too small"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in divide"),
    pytest.mark.filterwarnings("ignore:Features? .* (is|are) constant"),
    pytest.mark.filterwarnings("ignore:n_quantiles .* is greater than the total"),
    pytest.mark.filterwarnings("ignore:n_components > n_samples"),
    pytest.mark.filterwarnings("ignore:Label (not )?\\d+ is present in (all|any)"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]

CATALOGS = {task: default_catalog(task) for task in TASKS}
N_ROWS, N_OUTPUTS = 60, 3
N_CLASSES = {CLASSIFICATION: 2, REGRESSION: 1}
OPERATORS = [(task, operator) for task in TASKS for operator in CATALOGS[task]]


def each_operator(function):
    ids = [f"{task}-{operator.name}" for task, operator in OPERATORS]
    return pytest.mark.parametrize("task, operator", OPERATORS, ids=ids)(function)


def table_and_target(task, kind="categories"):
    """A table and a target of three outputs; the last label is in two rows only."""
    table, schema = make_table(kind, n_rows=N_ROWS)
    columns = [make_target(table, REGRESSION, seed=s) for s in range(N_OUTPUTS)]
    y = np.column_stack(columns) * [1, 10, 100]
    if task == REGRESSION:
        return table, schema, y
    y = (y > np.median(y, axis=0)).astype(int)
    y[:, 2] = np.arange(N_ROWS) < 4
    return table, schema, y


def tree_with(operator, task):
    """A tree in which an operator stands where it usually does."""
    native = "extra_tree"
    if operator.kind == "learner":
        return Node(operator.name, (Node("standard_scaler", (X,)),))
    if operator.kind == "wrapper":
        return Node(operator.name, (Node(native, (X,)),))
    return Node(native, (Node(operator.name, (X,)),))


def compiled(tree, schema, task, n_outputs=N_OUTPUTS):
    return compile_pipeline(
        tree, schema, catalog=CATALOGS[task], n_classes=N_CLASSES[task],
        random_state=0, n_outputs=n_outputs,
    )  # fmt: skip


def predictions(pipeline, table, task):
    if task == REGRESSION:
        return RegressionTask(N_OUTPUTS).predict(pipeline, table)
    return MultilabelTask(N_OUTPUTS, np.dtype(int)).predict(pipeline, table)


def parsed(text, task):
    return parse(text, catalog=CATALOGS[task])


@each_operator
def test_every_operator_serves_several_outputs(task, operator):
    table, schema, y = table_and_target(task)
    pipeline = compiled(tree_with(operator, task), schema, task).fit(table, y)
    predicted = predictions(pipeline, table, task)
    assert predicted.shape == y.shape
    assert np.isfinite(predicted).all()
    if task == CLASSIFICATION:
        assert (predicted > 0).all() and (predicted < 1).all()


@pytest.mark.parametrize(
    "task, operator", [(t, o) for t, o in OPERATORS if o.multi_output]
)
def test_what_is_declared_for_several_outputs_takes_them_as_it_is(task, operator):
    table, schema, y = table_and_target(task)
    tree = tree_with(operator, task)
    assert takes_all_outputs(tree, catalog=CATALOGS[task])
    # As for one output: nothing is put around.
    one, several = (compiled(tree, schema, task, n_outputs=n) for n in (1, N_OUTPUTS))
    assert repr(one) == repr(several)
    predicted = predictions(one.fit(table, y), table, task)
    assert predicted.shape == y.shape


@pytest.mark.parametrize(
    "task, operator",
    # Wrappers are fitted once for each output, whatever the estimator inside takes.
    [(t, o) for t, o in OPERATORS if not (o.multi_output or o.kind == "wrapper")],
)
def test_what_is_not_declared_could_not_take_them(task, operator):
    # Otherwise the search would pay for several fits where one would do.
    table, schema, y = table_and_target(task)
    pipeline = compiled(tree_with(operator, task), schema, task, n_outputs=1)
    if operator.name == "target_encode" and task == CLASSIFICATION:
        # It takes the rows of labels for classes: not what one would expect of it.
        y = y * [1, 2, 4]
    with pytest.raises((ValueError, IndexError, TypeError)):
        pipeline.fit(table, y)


def test_steps_are_shared_up_to_the_first_that_takes_one_output():
    _, schema = make_table("categories")
    text = "svr(standard_scaler(select_percentile(min_max_scaler(X))))"
    pipeline = compiled(parsed(text, REGRESSION), schema, REGRESSION)
    assert list(pipeline.named_steps) == ["one_hot", "min_max_scaler", "svr"]
    own = pipeline[-1].estimator
    assert list(own.named_steps) == ["select_percentile", "standard_scaler", "svr"]


@pytest.mark.parametrize(
    "text, shared",
    [
        ("svr(X)", "X"),
        ("svr(standard_scaler(X))", "standard_scaler(X)"),
        ("ridge(select_percentile(pca(X)))", "pca(X)"),
        ("ridge(union(pca(X), select_percentile(X)))", "X"),
        ("svr(union(pca(X), X))", "union(pca(X), X)"),
        ("transformed_target(ridge(pca(X)))", "X"),
        ("ridge(stack(ridge(X), extra_tree(pca(X))))", "X"),
    ],
)
def test_shared_features(text, shared):
    tree = parsed(text, REGRESSION)
    assert not takes_all_outputs(tree, catalog=CATALOGS[REGRESSION])
    assert format_tree(shared_features(tree, catalog=CATALOGS[REGRESSION])) == shared


def test_coercions_before_a_learner_are_shared():
    _, schema = make_table("mixed")
    tree = parsed("logistic_regression(X)", CLASSIFICATION)
    pipeline = compiled(tree, schema, CLASSIFICATION)
    assert len(pipeline) > 1
    assert isinstance(pipeline[-1], OneVsRestClassifier)
    assert pipeline[-1].estimator.__class__.__name__ == "LogisticRegression"


def test_a_model_for_each_output_is_the_model_of_that_output():
    table, schema, y = table_and_target(REGRESSION)
    tree = parsed("svr(select_percentile(standard_scaler(X)))", REGRESSION)
    several = compiled(tree, schema, REGRESSION).fit(table, y).predict(table)
    for column, target in zip(several.T, y.T, strict=True):
        one = compiled(tree, schema, REGRESSION, n_outputs=1).fit(table, target)
        np.testing.assert_allclose(one.predict(table), column)


PORTFOLIO = [
    pytest.param(task, proposal.tree, id=format_tree(proposal.tree))
    for task in TASKS
    for proposal in default_portfolio(CATALOGS[task])
]


@pytest.mark.parametrize("task, tree", PORTFOLIO)
def test_the_portfolio_has_a_source_for_several_outputs(task, tree):
    _, schema = make_table("mixed")
    source = to_source(
        tree, schema, catalog=CATALOGS[task], n_classes=N_CLASSES[task],
        random_state=0, n_outputs=N_OUTPUTS,
    )  # fmt: skip
    module = {}
    exec(source, module)
    assert repr(module["pipeline"]) == repr(compiled(tree, schema, task))


@pytest.mark.slow
@pytest.mark.parametrize("task, tree", PORTFOLIO)
def test_the_portfolio_fits_several_outputs(task, tree):
    table, schema, y = table_and_target(task, "mixed")
    if task == CLASSIFICATION:
        y[:, 2] = y[::-1, 0]
    pipeline = compiled(tree, schema, task).fit(table, y)
    assert predictions(pipeline, table, task).shape == y.shape


def test_a_label_that_all_or_no_training_rows_have():
    table, schema, y = table_and_target(CLASSIFICATION, "dense")
    y[:, 0], y[:, 1] = 1, 0
    for operator in CATALOGS[CLASSIFICATION].select("learner"):
        if operator.name == "gaussian_process":
            continue  # slow, and wrapped as the others
        y[:, 2] = np.arange(N_ROWS) % 2
        tree = tree_with(operator, CLASSIFICATION)
        pipeline = compiled(tree, schema, CLASSIFICATION).fit(table, y)
        predicted = predictions(pipeline, table, CLASSIFICATION)
        assert predicted[:, 0].min() > 0.8 > 0.2 > predicted[:, 1].max(), operator.name
        assert np.ptp(predicted[:, 2]) > 0 or operator.name == "dummy"


# LightGBM


def lightgbm_rounds(text):
    pipeline = compiled(parsed(text, REGRESSION), Schema(4), REGRESSION)
    return pipeline[-1].estimator.get_params()["n_estimators"]


def test_lightgbm_that_nobody_stops_takes_a_bounded_number_of_rounds():
    stopped = "lightgbm(X, early_stopping=True, learning_rate={}, n_estimators={})"
    assert lightgbm_rounds(stopped.format(0.05, 2000)) == 200
    assert lightgbm_rounds(stopped.format(0.02, 2000)) == 500
    assert lightgbm_rounds(stopped.format(0.05, 30)) == 30
    assert lightgbm_rounds("lightgbm(X, n_estimators=1500)") == 1500
    tree = parsed(stopped.format(0.05, 2000), REGRESSION)
    assert early_stopping_learner(tree, catalog=CATALOGS[REGRESSION])
    assert not early_stopping_learner(tree, n_outputs=2, catalog=CATALOGS[REGRESSION])


def test_lightgbm_of_ones_own_without_a_learning_rate_is_bounded_too():
    own = Operator(
        "own", "learner", "lightgbm.LGBMRegressor", tasks=(REGRESSION,),
        fixed={"early_stopping": True},
    )  # fmt: skip
    pipeline = compile_pipeline(
        Node("own", (X,)), Schema(4), n_classes=1,
        catalog=Catalog([own], REGRESSION), random_state=0, n_outputs=2,
    )  # fmt: skip
    assert pipeline[-1].estimator.n_estimators == 100


# Weights


@pytest.mark.parametrize(
    "task, name",
    [
        (task, o.name)
        for task in TASKS
        for o in CATALOGS[task].select("learner")
        if o.sample_weight
    ],
)
def test_weights_reach_the_models_of_all_outputs(task, name):
    table, schema, y = table_and_target(task, "dense")
    if task == CLASSIFICATION:
        y[:, 2] = y[::-1, 0]
    weights = np.random.default_rng(0).uniform(0.01, 1, size=N_ROWS)
    operator = CATALOGS[task].find(name)
    # A tree of pure leaves knows every row by heart, whatever it weighs.
    leaf = operator.hyperparameter("min_samples_leaf")
    tree = Node(name, (X,), () if leaf is None else (("min_samples_leaf", 8),))
    accepts = accepts_sample_weight(tree, n_outputs=N_OUTPUTS, catalog=CATALOGS[task])
    assert accepts == (name != "ada_boost")  # not to be routed, see `_compile`
    if not accepts:
        return
    plain = compiled(tree, schema, task).fit(table, y)
    weighted = fit_weighted(compiled(tree, schema, task), table, y, weights)
    difference = predictions(weighted, table, task) - predictions(plain, table, task)
    assert (np.abs(difference).max(axis=0) > 1e-6).all()


@pytest.mark.parametrize(
    "text",
    [
        "bagging(ridge(standard_scaler(X)), n_estimators=3)",
        "transformed_target(svr(standard_scaler(X)), transformer='asinh')",
        "ridge(stack(ridge(X), extra_tree(X, min_samples_leaf=8)))",
        "ridge(select_percentile(X))",
    ],
)
def test_weights_reach_what_is_nested(text):
    table, schema, y = table_and_target(REGRESSION, "dense")
    weights = np.where(np.arange(N_ROWS) < 30, 1.0, 0.05)
    tree = parsed(text, REGRESSION)
    assert accepts_sample_weight(
        tree, n_outputs=N_OUTPUTS, catalog=CATALOGS[REGRESSION]
    )
    plain = compiled(tree, schema, REGRESSION).fit(table, y)
    weighted = fit_weighted(compiled(tree, schema, REGRESSION), table, y, weights)
    assert isinstance(weighted[-1], MultiOutputRegressor)
    difference = np.abs(weighted.predict(table) - plain.predict(table)).max(axis=0)
    assert (difference > 1e-6).all()
