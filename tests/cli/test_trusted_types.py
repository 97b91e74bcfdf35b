"""The list of types is complete for what the package makes, and holds no more."""

import importlib
import re

import numpy as np
import pytest
import skops.io
from sklearn.model_selection import TimeSeriesSplit

from sklearn_meta.cli._trusted_types import TRUSTED_TYPES
from sklearn_meta.data._task_names import CLASSIFICATION, TASKS
from sklearn_meta.pipelines import (
    Choice,
    Schema,
    SearchSpace,
    compile_pipeline,
    default_catalog,
    parse,
)
from tests.contract.small import Favorites, classifier, people, prices, regressor

# Names that some of the supported versions of other packages do not have.
OF_SOME_VERSIONS = {
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "sklearn.calibration._TemperatureScaling",
}


def check_round_trip(model, X, method):
    data = skops.io.dumps(model)
    unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED_TYPES)
    assert unknown == set()
    loaded = skops.io.loads(data, trusted=list(TRUSTED_TYPES))
    # Arrays may lie otherwise in memory, which changes the last digit of products.
    np.testing.assert_allclose(
        getattr(loaded, method)(X), getattr(model, method)(X), rtol=1e-9
    )


def texts(catalog, task):
    """A pipeline for each operator, and for each choice that may change a class."""
    learner = "logistic_regression" if task == CLASSIFICATION else "ridge"
    forms = {"learner": "{}(X{})", "wrapper": "{}(" + learner + "(X){})"}
    for operator in catalog:
        form = forms.get(operator.kind, learner + "({}(X{}))")
        yield form.format(operator.name, "")
        for parameter in operator.hyperparameters:
            if isinstance(parameter, Choice):
                for value in parameter.values:
                    changes = isinstance(value, str) or parameter.name == "p"
                    if changes and value != parameter.default:
                        argument = f", {parameter.name}={value!r}"
                        yield form.format(operator.name, argument)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", TASKS)
def test_models_of_every_operator(task):
    catalog = default_catalog(task)
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(40, 4))
    y = X[:, 0] + 0.1 * rng.normal(size=40)
    method, n_classes = "predict", 1
    if task == CLASSIFICATION:
        method, n_classes = "predict_proba", 3
        y = np.digitize(y, [0.33, 0.66])
    for text in texts(catalog, task):
        tree = parse(text, catalog=catalog)
        try:
            model = compile_pipeline(
                tree, Schema(4), catalog=catalog, n_classes=n_classes, random_state=0
            ).fit(X, y)
        except (TypeError, ValueError):
            # No feature is selected, on so few rows; or an older version has no such
            # parameter.
            continue
        check_round_trip(model, X, method)


MANY_KINDS = {
    "search_space": SearchSpace(),
    "meta_learner": Favorites(
        (
            "lightgbm(X, n_estimators=5)",
            "extra_trees(X, n_estimators=20)",
            "hist_gradient_boosting(X, max_iter=5)",
            "k_neighbors(standard_scaler(X))",
            "bagged_mlp(X, max_steps=300)",
        )
    ),
    "max_evaluations": 5,
}


@pytest.mark.parametrize("settings", [MANY_KINDS, {"cv": TimeSeriesSplit(2)}])
def test_models_of_the_estimators(settings):
    frame, target = people()
    model = classifier(**settings).fit(frame, target).set_params(meta_learner=None)
    check_round_trip(model, frame, "predict_proba")
    frame, target = prices()
    model = regressor(**settings).fit(frame, target).set_params(meta_learner=None)
    check_round_trip(model, frame, "predict")


@pytest.mark.parametrize(
    "settings",
    [
        {"scoring": "f1_macro"},
        {"search": None},
        {"column_kinds": {"city": "text"}},
    ],
)
def test_models_of_other_settings(settings):
    frame, target = people()
    check_round_trip(classifier(**settings).fit(frame, target), frame, "predict_proba")


def test_models_of_other_losses():
    frame, target = prices()
    for scoring in ("neg_mean_poisson_deviance", "neg_root_mean_squared_log_error"):
        model = regressor(scoring=scoring).fit(frame, target)
        check_round_trip(model, frame, "predict")
    model = regressor().fit(frame, np.column_stack([target, -target]))
    check_round_trip(model, frame, "predict")


def test_the_list_has_what_there_is():
    for name in TRUSTED_TYPES:
        module, _, attribute = name.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), attribute, None)
        except ModuleNotFoundError as error:
            found = error.name in ("torch", "skorch") or None
        assert found is not None or name in OF_SOME_VERSIONS, name


def test_the_list_names_nothing_that_runs_code():
    packages = {name.partition(".")[0] for name in TRUSTED_TYPES}
    assert packages == {
        "collections",
        "functools",
        "lightgbm",
        "numpy",
        "scipy",
        "sklearn",
        "sklearn_meta",
    }
    # Objects that open files, import by name or unpickle.
    wrong = re.compile("KnowledgeBase|load|save|memmap|Memory|Pool|import|eval|exec")
    assert [name for name in TRUSTED_TYPES if wrong.search(name)] == []
    assert len(set(TRUSTED_TYPES)) == len(TRUSTED_TYPES)
