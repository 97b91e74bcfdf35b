"""Every built-in operator does its work, with defaults and with drawn values."""

import subprocess
import sys
from itertools import chain

import numpy as np
import pytest

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.metalearning._default_pipelines import _TEXTS, default_portfolio
from sklearn_meta.pipelines._compile import compile_pipeline
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._spec import BuildContext, Spec, instantiate
from sklearn_meta.pipelines._text import canonical, format_tree
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines._typing_rules import check_tree
from sklearn_meta.pipelines.catalog._default import built_in_operators, default_catalog
from sklearn_meta.testing import (
    make_table,
    make_target,
    operator_checks,
    parametrize_with_checks,
)

# What these say of a hundred rows of noise is true, and no matter here.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Bins whose width are too small"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in divide"),
    pytest.mark.filterwarnings("ignore:Features? .* (is|are) constant"),
    pytest.mark.filterwarnings("ignore:self.within_class_std_dev_ has"),
    pytest.mark.filterwarnings("ignore:n_quantiles .* is greater than the total"),
    pytest.mark.filterwarnings("ignore:n_components > n_samples"),
    pytest.mark.filterwarnings("ignore:The number of unique classes is greater"),
]

CATALOGS = {task: default_catalog(task) for task in TASKS}
N_CLASSES = {CLASSIFICATION: 3, REGRESSION: 1}


def compiled(tree, schema, task):
    return compile_pipeline(
        tree,
        schema,
        catalog=CATALOGS[task],
        n_classes=N_CLASSES[task],
        random_state=0,
    )


def predictions(pipeline, table, task):
    if task == REGRESSION:
        return pipeline.predict(table)
    return pipeline.predict_proba(table)


def check_predictions(values, n, task):
    assert values.shape == ((n, 3) if task == CLASSIFICATION else (n,))
    assert np.isfinite(values).all()
    if task == CLASSIFICATION:
        assert (values >= 0).all()
        np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-5)


def test_there_are_enough_operators():
    assert len(built_in_operators()) >= 60
    for task in TASKS:
        assert len(CATALOGS[task]) >= 45
        for kind in ("preparation", "transformer", "learner", "wrapper"):
            assert CATALOGS[task].select(kind)


def test_catalog_is_made_once():
    for task in TASKS:
        assert default_catalog(task) is CATALOGS[task]


def test_catalog_imports_no_learner():
    code = (
        "import sys; from sklearn_meta.pipelines import default_catalog;"
        "default_catalog('classification');"
        "heavy = {'lightgbm', 'torch', 'sklearn.ensemble', 'sklearn.neural_network'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert out.stdout.decode().strip() == "[]"


@parametrize_with_checks(
    chain.from_iterable(map(operator_checks, built_in_operators()))
)
def test_common_checks(plugin, check):
    check(plugin)


@pytest.mark.filterwarnings("ignore")
def test_classes_of_one_row_are_refused_by_few():
    # scikit-learn calibrates on folds, some of which lack the class, and its QDA wants
    # a covariance for each class. Everything else keeps it.
    table, schema = make_table("dense", n_rows=40)
    y = np.arange(40) % 2
    y[20] = 2
    refused = set()
    for operator in CATALOGS[CLASSIFICATION].select("learner"):
        pipeline = compiled(Node(operator.name, (X,)), schema, CLASSIFICATION)
        try:
            pipeline.fit(table, y)
        except ValueError:
            refused.add(operator.name)
    assert refused == {"linear_svc", "qda", "ridge", "svc"}


def test_components_are_bounded_by_columns():
    svd = CATALOGS[REGRESSION].find("truncated_svd")
    for width, expected in ((1, 1), (9, 4), (900, 50)):
        context = BuildContext(REGRESSION, n_features=width, sparse=True)
        spec = svd.build({"n_components": 50}, context)
        assert spec.path.endswith(".TruncatedSVD")
        assert spec.param("n_components") == expected
    for context in (
        BuildContext(REGRESSION, n_features=None, sparse=True),
        BuildContext(REGRESSION, n_features=9),
    ):
        spec = svd.build({"n_components": 50}, context)
        assert spec.path.endswith(".Nystroem")
    pls = CATALOGS[REGRESSION].find("partial_least_squares")
    for width, expected in ((None, 1), (1, 1), (8, 4), (100, 20)):
        context = BuildContext(REGRESSION, n_features=width)
        assert (
            pls.build({"n_components": 20}, context).param("n_components") == expected
        )


def test_products_of_many_columns_are_sketched():
    polynomial = CATALOGS[REGRESSION].find("polynomial")
    params = {"interaction_only": False}
    for width, name in (
        (50, "PolynomialFeatures"),
        (51, "PolynomialCountSketch"),
        (None, "PolynomialCountSketch"),
    ):
        spec = polynomial.build(params, BuildContext(REGRESSION, n_features=width))
        assert spec.path.endswith(name)


@pytest.mark.parametrize("name", ["select_percentile", "feature_agglomeration"])
def test_a_single_column_is_kept(name, rng):
    table = rng.normal(size=(30, 1))
    tree = Node("ridge", (Node(name, (X,)),))
    pipeline = compiled(tree, Schema(1), REGRESSION).fit(table, table[:, 0])
    assert np.corrcoef(pipeline.predict(table), table[:, 0])[0, 1] > 0.99


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
@pytest.mark.parametrize("name", ["svc", "linear_svc", "ridge"])
def test_calibration_survives_classes_with_fewer_rows_than_folds(name, rng):
    # Three classes one of which has a single row are beyond scikit-learn: a fold's
    # decisions of two classes have another shape than those of three.
    table = rng.normal(size=(40, 3))
    for rare in ([2, 2], [2, 3]):
        y = np.array([0] * 20 + [1] * 18 + rare)
        n_classes = len(np.unique(y))
        pipeline = compile_pipeline(
            Node(name, (X,)), Schema(3), catalog=CATALOGS[CLASSIFICATION],
            n_classes=n_classes, random_state=0,
        ).fit(table, y)  # fmt: skip
        probabilities = pipeline.predict_proba(table)
        assert probabilities.shape == (40, n_classes)
        assert np.isfinite(probabilities).all()


@pytest.mark.parametrize(
    "name", [o.name for o in CATALOGS[REGRESSION].select("learner")]
)
def test_regressors_do_not_depend_on_the_unit_of_the_target(name):
    # Dollars or cents: the same model. Penalties in units of the target would differ.
    table, schema = make_table("dense", n_rows=60)
    y = make_target(table, REGRESSION)
    tree = Node(name, (X,))
    one = compiled(tree, schema, REGRESSION).fit(table, y).predict(table)
    other = compiled(tree, schema, REGRESSION).fit(table, 1024 * y).predict(table)
    np.testing.assert_allclose(other / 1024, one, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("transformer", ["quantile_normal", "asinh"])
@pytest.mark.filterwarnings("ignore:n_quantiles")
def test_transformed_target_predicts_finite_values_far_outside(transformer, rng):
    table = rng.normal(size=(100, 2))
    y = np.exp(2 * table[:, 0]) - 1
    tree = Node(
        "transformed_target",
        (Node("ridge", (X,)),),
        (("transformer", transformer),),
    )
    pipeline = compiled(tree, Schema(2), REGRESSION).fit(table, y)
    far = pipeline.predict(np.array([[20.0, 0.0], [-20.0, 0.0]]))
    assert np.isfinite(far).all() and far[0] > far[1]
    inside = pipeline.predict(table)
    assert (
        np.corrcoef(np.argsort(np.argsort(inside)), np.argsort(np.argsort(y)))[0, 1]
        > 0.9
    )


@pytest.mark.parametrize("task", TASKS)
def test_portfolio_is_whole_legal_and_diverse(task):
    portfolio = default_portfolio(CATALOGS[task])
    assert 25 <= len(portfolio) == len(_TEXTS[task])
    trees = [p.tree for p in portfolio]
    for tree in trees:
        check_tree(tree, catalog=CATALOGS[task])
        assert canonical(tree, catalog=CATALOGS[task]) == tree
    assert len({format_tree(tree) for tree in trees}) == len(trees)
    learners = {
        next(
            n.operator
            for _, n in tree.walk()
            if CATALOGS[task].find(n.operator).kind == "learner"
        )
        for tree in trees[:8]
    }
    assert len(learners) >= 5


@pytest.mark.parametrize("task", TASKS)
def test_portfolio_leaves_out_what_the_catalog_lacks(task):
    linear = {CLASSIFICATION: "logistic_regression", REGRESSION: "ridge"}[task]
    few = [o for o in CATALOGS[task] if o.name in (linear, "standard_scaler")]
    portfolio = default_portfolio(Catalog(few, task))
    assert portfolio
    assert {n.operator for p in portfolio for _, n in p.tree.walk()} == {
        linear, "standard_scaler", "X",
    }  # fmt: skip


PORTFOLIO = [
    pytest.param(task, proposal.tree, id=format_tree(proposal.tree))
    for task in TASKS
    for proposal in default_portfolio(CATALOGS[task])
]


@pytest.mark.parametrize("task, tree", PORTFOLIO)
def test_portfolio_fits_and_predicts(task, tree):
    table, schema = make_table("mixed")
    y = make_target(table, task)
    pipeline = compiled(tree, schema, task).fit(table, y)
    check_predictions(predictions(pipeline, table, task), len(y), task)


def test_kernel_of_the_gaussian_process_is_what_it_says():
    operator = CATALOGS[REGRESSION].find("gaussian_process")
    spec = operator.build(
        {"kernel": "matern", "noise_level": 0.5}, BuildContext(REGRESSION)
    )
    assert isinstance(spec, Spec)
    assert str(instantiate(spec).kernel) == (
        "1**2 * Matern(length_scale=1, nu=1.5) + WhiteKernel(noise_level=0.5)"
    )
