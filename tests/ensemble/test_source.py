"""The source of a final model, executed and fitted, predicts what the model does."""

import ast
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import Encoding
from sklearn_meta.data._target_scale import TargetScale
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._export import ensemble_of, source_arguments
from sklearn_meta.ensemble._members import FinalModel, Member
from sklearn_meta.ensemble._source import source_of
from sklearn_meta.evaluation._fit_and_score import EvaluationContext, refit_candidate
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.parallel._pickled import loads
from sklearn_meta.pipelines import default_catalog, format_tree, parse
from sklearn_meta.testing import make_table
from sklearn_meta.testing._operator_checks import make_target

CATALOGS = {task: default_catalog(task) for task in (CLASSIFICATION, REGRESSION)}
LABELS = np.array(["no", "perhaps", "yes"])
N_TRAINING = 90

# Learners say this of noise, and the cheap settings of these tests.
pytestmark = pytest.mark.filterwarnings("ignore")


def task_of(kind, y):
    """The target, and the task that it is of."""
    if kind == "two classes":
        return y % 2, ClassificationTask(LABELS[[0, 2]])
    if kind == "classes":
        return y, ClassificationTask(LABELS)
    if kind == "labels":
        return np.column_stack([y > 0, y > 1]).astype(int), MultilabelTask(2, y.dtype)
    if kind == "targets":
        several = np.column_stack([y, 100 * np.roll(y, 3)])
        return several, RegressionTask(2, TargetScale.of(several))
    return y, RegressionTask(1, TargetScale.of(y))


def fitted_model(trees, kind="classes", table="mixed", *, stack=False, decision=None,
                 weights=None, sample_weight=None):  # fmt: skip
    """A stand-in of a fitted estimator, made as `fit` makes its final model."""
    is_classifier = kind in ("two classes", "classes", "labels")
    name = CLASSIFICATION if is_classifier else REGRESSION
    values, schema = make_table(table)
    y, task = task_of(kind, make_target(values, name))
    values, y = values[:N_TRAINING], y[:N_TRAINING]
    # Classes are numbered already.
    has_classes = kind.endswith("classes")
    encoded = y if has_classes else task.encode(y)
    dataset = Dataset(values, encoded, schema, task, sample_weight)
    context = EvaluationContext(dataset, (), catalog=CATALOGS[name], seed=7)
    catalog = CATALOGS[name]
    trees = [parse(t, catalog=catalog) if isinstance(t, str) else t for t in trees]
    members = []
    for i, tree in enumerate(trees):
        text = format_tree(tree)
        candidate = Candidate(tree, text, "")
        (model,) = refit_candidate(context, tree, text, 5)
        model = loads(model.data)
        members.append(Member(Evaluation(i, candidate, Status.OK), (model,), 5))
    n = len(members)
    if weights is None:
        weights = np.arange(1.0, n + 1) / sum(range(1, n + 1))
    if n == 1 and not stack:
        combination = Combination.single(0)
    elif stack:
        shape = {"classes": (3,), "two classes": (2,), "labels": (2,), "targets": (2,)}
        intercept = np.linspace(-0.1, 0.1, np.prod(shape.get(kind, ()), dtype=int))
        intercept = intercept.reshape(shape.get(kind, ()))
        combination = Combination("stack", range(n), 1.2 * weights, intercept)
    else:
        combination = Combination("average", range(n), weights)
    final = FinalModel(tuple(members), combination, members[0], decision=decision)
    model = SimpleNamespace(
        _source=source_arguments(final, context, Encoding(None, schema, ())),
        ensemble_=ensemble_of(final, dataset),
        best_score_=-0.5,
        scoring=None,
    )
    return model, values, task.decode(encoded)


def written(model, **arguments):
    """The source of a model, and the pipeline that it makes."""
    source = source_of(
        model, lambda task, loss: CATALOGS[task], ensemble=True, **arguments
    )
    assert max(map(len, source.splitlines())) <= 88
    ast.parse(source)
    namespace = {"__name__": "written"}
    exec(compile(source, "written.py", "exec"), namespace)
    return source, namespace["pipeline"]


def check_same(model, values, y, pipeline, **fit_params):
    """Compare a refitted source with the model, on its rows and on new ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = clone(pipeline).fit(values, y, **fit_params)
    fitted = model.ensemble_
    new = make_table("mixed", seed=1)[0] if values.shape[1] == 6 else values
    for rows in (values, new):
        assert_array_equal(pipeline.predict(rows).shape, fitted.predict(rows).shape)
        if hasattr(fitted, "predict_proba"):
            assert_allclose(
                pipeline.predict_proba(rows), fitted.predict_proba(rows),
                rtol=1e-6, atol=1e-9,
            )  # fmt: skip
            assert_array_equal(pipeline.predict(rows), fitted.predict(rows))
        else:
            expected = fitted.predict(rows)
            scale = np.abs(expected).max()
            assert_allclose(
                pipeline.predict(rows), expected, rtol=1e-6, atol=1e-8 * scale
            )
    return pipeline


TREES = {
    CLASSIFICATION: (
        "logistic_regression(standard_scaler(X))",
        "lightgbm(X, n_estimators=20)",
        "extra_tree(X)",
        "k_neighbors(X)",
    ),
    REGRESSION: (
        "ridge(standard_scaler(X))",
        "lightgbm(X, n_estimators=20)",
        "extra_tree(X)",
        "k_neighbors(X)",
    ),
}
KINDS = {
    "two classes": (None, 0.3),
    "classes": (None, np.array([0.5, 0.0, -0.5])),
    "labels": (None, np.array([0.3, 0.6])),
    "target": (None,),
    "targets": (None,),
}
# Their learners get weights by metadata routing, or within another regressor.
NESTED = {
    CLASSIFICATION: ("calibrated(gaussian_nb(standard_scaler(X)))",),
    REGRESSION: (
        "bagging(ridge(standard_scaler(X)))",
        "transformed_target(ridge(standard_scaler(X)))",
    ),
}
CASES = [
    (kind, decision, stack, weighted)
    for kind, decisions in KINDS.items()
    for decision in decisions
    for stack in (False, True)
    for weighted in (False, True)
]


@pytest.mark.parametrize(("kind", "decision", "stack", "weighted"), CASES)
def test_every_combination(kind, decision, stack, weighted):
    task = REGRESSION if kind.startswith("target") else CLASSIFICATION
    weight = np.linspace(0.2, 3, N_TRAINING) if weighted else None
    trees = TREES[task] + NESTED[task] * weighted
    model, values, y = fitted_model(
        trees, kind, stack=stack, decision=decision, sample_weight=weight
    )
    source, pipeline = written(model)
    fit_params = {"ensemble__sample_weight": weight} if weighted else {}
    check_same(model, values, y, pipeline, **fit_params)
    assert "sklearn_meta" not in source
    assert ("VotingClassifier(" in source) == (
        not stack and task == CLASSIFICATION and kind != "labels"
    ) or "class " in source
