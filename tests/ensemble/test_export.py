"""The final model is handed over as estimators of scikit-learn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import Encoding, schema_of
from sklearn_meta.data._task import (
    EXTRAPOLATION_IN_TIME,
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._export import (
    best_estimator,
    ensemble_of,
    source_arguments,
)
from sklearn_meta.ensemble._members import FinalModel, Member
from sklearn_meta.evaluation._fit_and_score import (
    EvaluationContext,
    candidate_seed,
)
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.pipelines import Node, X

N = 30
VALUES = np.arange(2.0 * N).reshape(N, 2)
TREE = Node("decision_tree", (X,))


def dataset_of(y, task):
    return Dataset(VALUES, task.encode(y), schema_of(VALUES), task)


def final_of(*models, status=Status.OK, folds=True, iterations=None):
    folds = (FoldResult(0, 0.5, None),) if folds else ()
    evaluation = Evaluation(0, Candidate(TREE, "text", ""), status, folds)
    member = Member(evaluation, models, iterations)
    return FinalModel((member,), Combination.single(0), member)


def tree_of(y, rows=slice(None), kind=DecisionTreeClassifier):
    return make_pipeline(kind(max_depth=2)).fit(VALUES[rows], y[rows])


LABELS = {
    "text": np.array(["no", "yes"]),
    "numbers": np.array([3, 5]),
    "shifted": np.array([1, 2]),
    "indices": np.array([0, 1]),
    "truth": np.array([False, True]),
}


@pytest.fixture(params=LABELS)
def labels(request):
    return LABELS[request.param]


def classification(labels):
    y = labels[(np.arange(N) >= 20).astype(int)]
    return y, dataset_of(y, ClassificationTask(labels))


def test_a_model_of_all_rows_is_the_pipeline_itself(labels):
    y, dataset = classification(labels)
    model = tree_of(y)
    final = final_of(model)
    ensemble = ensemble_of(final, dataset)
    best = best_estimator(final, ensemble, dataset, None)
    assert best.steps == model.steps
    for estimator in (ensemble, best):
        assert_array_equal(estimator.predict(VALUES), y)
        assert_array_equal(estimator.classes_, labels)


@pytest.mark.parametrize("n_models", [1, 2, 3])
def test_models_of_folds_predict_indices_and_the_estimators_labels(labels, n_models):
    y, dataset = classification(labels)
    models = [tree_of(dataset.y, slice(i, None)) for i in range(n_models)]
    final = final_of(*models)
    ensemble = ensemble_of(final, dataset)
    best = best_estimator(final, ensemble, dataset, None)
    for estimator in (ensemble, best):
        assert_array_equal(estimator.predict(VALUES), y)
        assert estimator.predict(VALUES).dtype == y.dtype
        assert_array_equal(estimator.classes_, labels)
    assert_allclose(best.predict_proba(VALUES), ensemble.predict_proba(VALUES))


def test_a_single_model_that_has_not_seen_all_classes_predicts_its_labels():
    labels = np.array([1, 2, 3])
    y = labels[np.repeat([0, 1, 2], 10)]
    dataset = dataset_of(y, ClassificationTask(labels))
    final = final_of(tree_of(dataset.y, slice(10, None)))  # indices 1 and 2
    best = best_estimator(final, ensemble_of(final, dataset), dataset, None)
    assert_array_equal(best.predict(VALUES[10:]), y[10:])
    assert_array_equal(best.classes_, [2, 3])


@pytest.mark.parametrize("n_models", [1, 2])
def test_regressors(n_models):
    y = VALUES[:, 0] ** 2
    dataset = dataset_of(y, RegressionTask())
    models = [
        tree_of(y, slice(i, None), DecisionTreeRegressor) for i in range(n_models)
    ]
    final = final_of(*models)
    ensemble = ensemble_of(final, dataset)
    best = best_estimator(final, ensemble, dataset, None)
    expected = np.mean([m.predict(VALUES) for m in models], axis=0)
    assert_allclose(best.predict(VALUES), expected)
    assert_allclose(ensemble.predict(VALUES), expected)
    # No member says what lies far beyond the targets.
    assert_allclose(ensemble.limits, dataset.task.limits(y))
    later = ensemble_of(final, dataset, EXTRAPOLATION_IN_TIME)
    assert_allclose(later.limits, dataset.task.limits(y, EXTRAPOLATION_IN_TIME))


@pytest.mark.parametrize("n_models", [1, 2])
@pytest.mark.parametrize("task", ["labels", "targets"])
def test_of_several_outputs_the_first_model_is_the_best_estimator(task, n_models):
    y = np.column_stack([np.arange(N) >= 20, np.arange(N) < 5]).astype(int)
    kind = DecisionTreeClassifier if task == "labels" else DecisionTreeRegressor
    task = MultilabelTask(2, y.dtype) if task == "labels" else RegressionTask(2)
    dataset = dataset_of(y, task)
    models = [tree_of(y, kind=kind) for _ in range(n_models)]
    final = final_of(*models)
    ensemble = ensemble_of(final, dataset)
    best = best_estimator(final, ensemble, dataset, None)
    assert best.steps == models[0].steps
    assert_array_equal(best.predict(VALUES), y)
    assert_array_equal(ensemble.predict(VALUES), y)


@pytest.mark.parametrize("n_models", [1, 2])
def test_the_encoder_comes_first(labels, n_models):
    y, dataset = classification(labels)
    encoder = MinMaxScaler().fit(10 * VALUES)
    encoded = encoder.transform(10 * VALUES)
    models = [
        make_pipeline(DecisionTreeClassifier()).fit(encoded, dataset.y)
        for _ in range(n_models)
    ]
    final = final_of(*models)
    best = best_estimator(final, ensemble_of(final, dataset), dataset, encoder)
    assert isinstance(best, Pipeline) and best.steps[0] == ("encode", encoder)
    assert_array_equal(best.predict(10 * VALUES), y)
    assert_array_equal(clone(best).fit(10 * VALUES, y).predict(10 * VALUES), y)


def context_of(dataset):
    return EvaluationContext(dataset, (), None, None, seed=5)


def test_the_source_is_that_of_the_best_candidate():
    _, dataset = classification(LABELS["text"])
    encoding = Encoding(None, dataset.schema, ())
    final = final_of(None, iterations=7)
    arguments = source_arguments(final, context_of(dataset), encoding)
    assert arguments["tree"] is TREE
    assert (arguments["task"], arguments["n_classes"], arguments["n_outputs"]) == (
        "classification",
        2,
        1,
    )
    assert arguments["random_state"] == candidate_seed(5, "text")
    assert arguments["iterations"] == 7 and arguments["encoder"] is None
    # Rows to come may lack values anywhere.
    assert arguments["schema"].missing == (0, 1)


@pytest.mark.parametrize(
    ("status", "folds", "has_source"),
    [
        (Status.OK, False, True),  # fitted without a search
        (Status.TIMEOUT, True, True),
        (Status.TIMEOUT, False, False),  # the constant predictor
    ],
)
def test_the_constant_predictor_has_no_source(status, folds, has_source):
    _, dataset = classification(LABELS["text"])
    encoding = Encoding(None, dataset.schema, ())
    final = final_of(None, status=status, folds=folds)
    arguments = source_arguments(final, context_of(dataset), encoding)
    assert (arguments is not None) == has_source
