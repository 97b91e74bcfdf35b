"""The source of a final model, executed and fitted, predicts what the model does."""

import ast
import pickle
import re
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError

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
from sklearn_meta.ensemble._source import (
    _named,
    _offsets,
    _with_threshold,
    source_of,
)
from sklearn_meta.evaluation._fit_and_score import EvaluationContext, refit_candidate
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.parallel._pickled import loads
from sklearn_meta.pipelines import default_catalog, format_tree, parse
from sklearn_meta.pipelines._spec import Spec
from sklearn_meta.testing import make_table
from sklearn_meta.testing._operator_checks import tree_with
from sklearn_meta.testing._tables import make_target
from tests.contract.small import classifier, people, prices, regressor

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
    # Nested learners take longer.
    for weighted in ((False, True) if decision is decisions[-1] else (False,))
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


# All operators


def chunks(kinds, size=6):
    """Some of the operators of a task at a time."""
    for task, catalog in CATALOGS.items():
        operators = [o for o in catalog if o.kind in kinds and o.name != "maml"]
        for i in range(0, len(operators), size):
            part = operators[i : i + size]
            name = f"{task}: {part[0].name} to {part[-1].name}"
            yield pytest.param(task, part, id=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "operators"),
    [*chunks(("learner", "wrapper")), *chunks(("transformer", "preparation"))],
)
def test_every_operator_in_an_average_and_in_a_stack(task, operators):
    kind = "classes" if task == CLASSIFICATION else "target"
    trees = [tree_with(operator, task) for operator in operators]
    model, values, y = fitted_model(trees, kind)
    average = model.ensemble_.combination
    intercept = [0.1, 0.0, -0.1] if kind == "classes" else 0.1
    stack = Combination(
        "stack", average.members, 1.2 * average.weights, np.array(intercept)
    )
    for combination in (average, stack):
        model.ensemble_.combination = combination
        check_same(model, values, y, written(model)[1])


# Fitted estimators


def made_by(estimator):
    """What the source of a fitted estimator makes."""
    module = {"__name__": "written"}
    exec(estimator.to_source(ensemble=True), module)
    return module["pipeline"]


FITS = {
    "classes of a frame": (classifier, people, {}),
    "decisions": (classifier, people, {"scoring": "balanced_accuracy"}),
    "targets of a frame": (regressor, prices, {}),
    "without a search": (regressor, prices, {"search": None}),
    "the best alone": (classifier, people, {"ensemble_size": 1}),
    "a loss": (regressor, prices, {"scoring": "neg_mean_poisson_deviance"}),
}


@pytest.mark.parametrize("name", FITS)
def test_source_of_a_fit(name):
    make, table, settings = FITS[name]
    frame, y = table()
    model = make(max_evaluations=5, **settings).fit(frame, y)
    source = model.to_source(ensemble=True)
    assert source == pickle.loads(pickle.dumps(model)).to_source(ensemble=True)
    pipeline = made_by(model)
    assert list(pipeline.named_steps)[0] == "encode"
    pipeline.fit(frame, y)
    assert_array_equal(pipeline.predict(frame).dtype, model.predict(frame).dtype)
    if hasattr(model, "predict_proba"):
        assert_array_equal(pipeline.classes_, model.classes_)
        assert_array_equal(pipeline.predict(frame), model.predict(frame))
        assert_allclose(
            pipeline.predict_proba(frame), model.predict_proba(frame), rtol=1e-6
        )
    else:
        assert_allclose(pipeline.predict(frame), model.predict(frame), rtol=1e-6)


def test_of_a_single_pipeline_the_source_is_the_same_with_a_docstring():
    model = classifier(ensemble_size=1).fit(*people())
    docstring, source = model.to_source(ensemble=True).split('"""\n\n')
    assert source == model.to_source()
    assert "Pipeline found by MetaAutoClassifier" in docstring
    assert f"cross-validation: {model.best_score_:.6g}." in docstring


@pytest.mark.parametrize("size", [1, 25])
def test_weights_of_a_fit(size):
    frame, y = people()
    weight = np.random.default_rng(0).uniform(0.1, 2, size=len(y))
    model = classifier(max_evaluations=5, ensemble_size=size)
    model.fit(frame, y, sample_weight=weight)
    pipeline = made_by(model)
    (line,) = re.findall(r"pipeline.fit.*", model.to_source(ensemble=True))
    exec(line, {"pipeline": pipeline, "X": frame, "y": y, "w": weight})
    assert_allclose(
        pipeline.predict_proba(frame), model.predict_proba(frame), rtol=1e-6
    )


def test_a_written_module_is_imported_and_pickled_without_this_package(tmp_path):
    model, values, y = fitted_model(TREES[CLASSIFICATION], stack=True)
    (tmp_path / "model.py").write_text(written(model)[0])
    np.savez(tmp_path / "table.npz", X=values, y=y)
    code = """
import pickle, sys
sys.modules["sklearn_meta"] = None
import numpy as np
from model import pipeline
table = np.load("table.npz")
fitted = pickle.loads(pickle.dumps(pipeline.fit(table["X"], table["y"])))
np.save("predicted.npy", fitted.predict_proba(table["X"]))
"""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, check=True
    )
    assert_allclose(
        np.load(tmp_path / "predicted.npy"),
        model.ensemble_.predict_proba(values),
        rtol=1e-6,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stack", [False, True])
def test_what_is_written_is_a_proper_estimator(kind, stack):
    task = REGRESSION if kind.startswith("target") else CLASSIFICATION
    model, values, y = fitted_model(TREES[task][:2], kind, stack=stack)
    ensemble = written(model)[1].named_steps["ensemble"]
    with pytest.raises(NotFittedError):
        ensemble.predict(values)
    parameters = ensemble.get_params()
    assert "weights" in parameters
    assert any(name.endswith("standard_scaler__with_mean") for name in parameters)
    again = clone(ensemble)
    assert repr(again) == repr(ensemble)
    again.set_params(weights=[1.0, 0.0]).fit(values, y)
    assert again.n_features_in_ == values.shape[1]
    assert (is_classifier if task == CLASSIFICATION else is_regressor)(again)
    assert 0 < again.score(values, y) <= 1


def test_fold_models_are_told():
    model, *_ = fitted_model(TREES[CLASSIFICATION][:2])
    assert "fitted on all rows" not in written(model)[0]
    first = model.ensemble_.members[0]
    model.ensemble_.members = [[first, first], *model.ensemble_.members[1:]]
    assert "Here all pipelines are fitted on all rows" in written(model)[0]


def test_members_have_different_names_that_no_parameter_has():
    pipelines = [Spec("", (("steps", [(name, Spec(""))]),)) for name in "aabaw"]
    names = [name for name, _ in _named(pipelines)]
    assert names == ["a", "a_2", "b", "a_3", "w"]
    assert _named([Spec("", (("steps", [("weights", 0)]),))])[0][0] == "weights_2"


def test_the_threshold_itself_counts_as_the_first_class():
    spec = _with_threshold(Spec("sklearn.naive_bayes.GaussianNB"), 0.25)
    assert spec.param("threshold") > 0.25
    assert spec.param("threshold") == pytest.approx(0.25)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0, 1))
def test_offsets_decide_as_a_threshold(threshold, probability):
    offsets = _offsets(threshold)
    pair = np.maximum([1 - probability, probability], np.finfo(float).tiny)
    if abs(probability - threshold) > 1e-9:
        decided = np.argmax(np.log(pair) + offsets)
        assert decided == (probability > threshold)
