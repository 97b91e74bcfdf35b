"""Every built-in operator does its work, with defaults and with drawn values."""

import subprocess
import sys
from itertools import chain

import numpy as np
import pytest

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.pipelines import SearchSpace, parse
from sklearn_meta.pipelines._compile import compile_pipeline
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog import _default as _catalog
from sklearn_meta.pipelines.catalog._default import built_in_operators, default_catalog
from sklearn_meta.testing import (
    make_table,
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


# Operators whose packages may be missing


@pytest.fixture
def without_torch(monkeypatch):
    """The built-in operators of a machine without torch."""
    monkeypatch.setitem(sys.modules, "torch", None)
    operators = _catalog.built_in_operators.__wrapped__()
    monkeypatch.setattr(_catalog, "built_in_operators", lambda: operators)
    return operators


def test_without_its_package_an_operator_is_not_there(without_torch):
    assert not any(o.name == "maml" for o in without_torch)
    names = {o.name for o in _catalog._OPERATORS} - {"maml"}
    assert {o.name for o in without_torch} == names
    assert SearchSpace().catalog("regression").find("maml") is None


def test_who_asks_for_it_is_told_what_to_install(without_torch):
    with pytest.raises(
        ImportError, match=r"'maml' in the 'include'.*pip install.*torch"
    ):
        SearchSpace(include=["maml"]).catalog("regression")
    with pytest.raises(PipelineSyntaxError, match="'maml' needs .*torch.*pip install"):
        parse("maml(X)", catalog=Catalog(without_torch, "regression"))


def test_excluding_what_is_not_there_is_no_mistake(without_torch):
    assert SearchSpace(exclude=["maml"]).catalog("regression")
