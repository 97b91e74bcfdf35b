"""What a search may know of a planned run."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._limits import SearchLimits
from sklearn_meta.metalearning._prior import Prior
from sklearn_meta.pipelines import Schema, default_catalog
from sklearn_meta.search._protocol import make_problem

PRIOR = Prior(note="made up")


def problem_of(task, schema=None, X=None, *, repeatable=False, left_out=()):
    X = np.zeros((12, 3)) if X is None else X
    schema = Schema(3) if schema is None else schema
    dataset = Dataset(X, np.zeros(12, dtype=int), schema, task)
    catalog = default_catalog(task.name)
    plan = SimpleNamespace(
        context=EvaluationContext(dataset, (), None, catalog, seed=7),
        limits=SearchLimits(None, 10, repeatable=repeatable),
        left_out=frozenset(left_out),
    )
    problem = make_problem(plan, PRIOR, 5)
    assert problem.catalog is catalog and problem.prior is PRIOR
    assert (problem.max_size, problem.seed) == (5, 7)
    assert (problem.n_samples, problem.n_features) == (12, 3)
    return problem


@pytest.mark.parametrize(
    ("task", "n_classes", "n_outputs"),
    [
        (ClassificationTask(np.arange(4)), 4, 1),
        (MultilabelTask(6, np.dtype(int)), 2, 6),
        (RegressionTask(), 1, 1),
        (RegressionTask(2), 1, 2),
    ],
)
def test_the_task(task, n_classes, n_outputs):
    problem = problem_of(task)
    assert (problem.n_classes, problem.n_outputs) == (n_classes, n_outputs)
    assert problem.catalog.task == task.name


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (Schema(3), (False, False, False)),
        (Schema(3, n_categorical=1, cardinalities=(2,)), (True, False, False)),
        (Schema(3, missing=(1,)), (False, True, False)),
    ],
)
def test_what_the_table_holds(schema, expected):
    problem = problem_of(RegressionTask(), schema)
    assert (problem.has_categories, problem.has_missing, problem.is_sparse) == expected


def test_a_sparse_table():
    X = sparse.csr_array((12, 3))
    problem = problem_of(RegressionTask(), Schema(3, sparse=True), X)
    assert problem.is_sparse and not problem.has_missing
