"""A good operator passes the common checks, and each of them catches a bad one."""

import itertools
import threading
from dataclasses import dataclass, replace

import pytest

from sklearn_meta.pipelines import Choice, Cost, Float, Integer, Operator
from sklearn_meta.pipelines._spec import Spec
from sklearn_meta.testing import (
    _operator_checks,
    check_operator,
    operator_checks,
    parametrize_with_checks,
)

REGRESSION, CLASSIFICATION = ("regression",), ("classification",)


def own(class_name, *hyperparameters, tasks=REGRESSION, kind="learner", **kwargs):
    """Declare a class of `bad_estimators`."""
    path = f"tests.testing.bad_estimators.{class_name}"
    return Operator(
        "own", kind, path, tasks=tasks, hyperparameters=hyperparameters, **kwargs
    )


def ridge(*hyperparameters, **kwargs):
    """Declare scikit-learn's Ridge."""
    kwargs = {"sample_weight": True, "tasks": REGRESSION, **kwargs}
    path = kwargs.pop("path", "sklearn.linear_model.Ridge")
    return Operator("own", "learner", path, hyperparameters=hyperparameters, **kwargs)


def build_of(value):
    """Make a `build` that gives Ridge a constant."""

    def build(params, context):
        return Spec("sklearn.linear_model.Ridge", (("alpha", value),))

    return build


class OnceAlpha:
    """A `build` that makes something else every time."""

    def __init__(self):
        self.counter = itertools.count(1)

    def __call__(self, params, context):
        return Spec("sklearn.linear_model.Ridge", (("alpha", next(self.counter)),))


class Locked(OnceAlpha):
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, params, context):
        return build_of(1.0)(params, context)


@dataclass(frozen=True)
class Stuck(Float):
    """A hyperparameter that cannot be moved."""

    def perturb(self, value, rng):
        return value


@dataclass(frozen=True)
class Beyond(Float):
    """A hyperparameter that draws what it refuses."""

    def sample(self, rng):
        return self.high + 1.0


ALPHA = Float("alpha", 0.1, 10.0, 1.0, log=True)

# For each check, operators that it must catch, and what it says of them.
BAD = [
    ("check_declaration", ridge(path="sklearn.linear_model.Rigde"), "has no Rigde"),
    ("check_declaration", ridge(path="no_such_module.Ridge"), "cannot be imported"),
    ("check_declaration", replace(ridge(), kind="model"), "kind must be one of"),
    ("check_declaration", replace(ridge(), name="my ridge"), "identifier"),
    ("check_declaration", ridge(ALPHA, ALPHA), "declared twice"),
    ("check_declaration", ridge(ALPHA, fixed={"alpha": 1.0}), "Leave out one"),
    ("check_declaration", ridge(Float("alhpa", 0, 1, 0.5)), r"no parameters \['alhpa"),
    ("check_declaration", ridge(fixed={"max_itre": 5}), r"no parameters \['max_itre"),
    ("check_declaration", own("Mean", random_state=True), "no parameter of that name"),
    ("check_declaration", ridge(sample_weight=False), "Declare sample_weight=True"),
    ("check_declaration", own("Mean", sample_weight=True), "sample_weight=False"),
    ("check_hyperparameters", ridge(Float("alpha", 1, 2, 5.0)), "neither in"),
    ("check_hyperparameters", ridge(Float("alpha", 2, 1, None)), "is above"),
    ("check_hyperparameters", ridge(Float("alpha", 0, 1, 0.5, log=True)), "above zero"),
    ("check_hyperparameters", ridge(Choice("alpha", (1.0, 2.0), 3.0)), "none of"),
    ("check_hyperparameters", ridge(Stuck("alpha", 1, 2, 1.5)), "the same value"),
    ("check_hyperparameters", ridge(Beyond("alpha", 1, 2, 1.5)), "refuses itself"),
    (
        "check_hyperparameters",
        ridge(Choice("solver", (("a", "b"), "auto"), "auto")),
        "no legal pipeline",
    ),
    (
        "check_hyperparameters_matter",
        ridge(ALPHA, build=build_of(1.0)),
        "searched in vain",
    ),
    ("check_cost", ridge(cost=Cost(1.0, params={"alpha": 1})), "no hyperparameters"),
    ("check_cost", ridge(cost=Cost(1.0, rows=-1)), "must not fall with more rows"),
    ("check_cost", ridge(cost=Cost(1.0, classes=-1)), "with more classes"),
    ("check_cost", ridge(cost=Cost(float("nan"))), "must be finite"),
    ("check_copies", ridge(build=Locked()), "cannot be pickled"),
    ("check_copies", own("Multiplies", fixed={"shift": 1.0}), "clone"),
    ("check_copies", own("Adapts"), "fit changes the parameters"),
    ("check_copies", own("HoldsAGenerator"), "fitted pipeline cannot be pickled"),
    ("check_repeatable", own("Chance"), "declare random_state=True"),
    ("check_repeatable", own("Seeds"), "random generator of numpy"),
    ("check_rows_one_by_one", own("Batch", kind="transformer"), "Learn in fit"),
    ("check_far_rows", own("Strict"), "outside of what was seen"),
    ("check_few_rows", own("Silent"), "without a message"),
    ("check_table", ridge(accepts_missing=True), "contains NaN"),
    ("check_table", own("Writes"), "read-only"),
    ("check_table", own("Column"), r"must have the shape \(30,\)"),
    ("check_table", own("NotFinite"), "not finite"),
    ("check_table", own("Votes", tasks=CLASSIFICATION), "sum to one"),
    (
        "check_table",
        ridge(path="sklearn.linear_model.RidgeClassifier", tasks=CLASSIFICATION),
        "has no predict_proba",
    ),
    ("check_drawn", ridge(Float("alpha", -2.0, -1.0, 1.0)), "fit fails.*alpha"),
    ("check_source", ridge(build=OnceAlpha()), "same one on every call"),
    (
        "check_class_of_one_row",
        own("DropsRare", tasks=CLASSIFICATION),
        r"must have the shape \(80, 3\). Got \(80, 2\)",
    ),
    ("check_sample_weight", own("IgnoresWeights", sample_weight=True), "no prediction"),
    ("check_several_outputs", own("Mean", multi_output=True), "multi_output=True"),
]


def checks_called(name, operator):
    return [
        check
        for _, check in operator_checks(operator)
        if check.function.__name__ == name
    ]


@pytest.mark.parametrize("name, operator, message", BAD)
def test_a_bad_operator_is_caught(name, operator, message):
    # Of several kinds of tables or draws, one is enough.
    with pytest.raises(AssertionError, match=message) as caught:
        for check in checks_called(name, operator):
            check(operator)
    assert repr(operator.name) in str(caught.value)


def test_every_check_is_seen_to_catch_something():
    checks = {name for name in vars(_operator_checks) if name.startswith("check_")}
    assert {name for name, *_ in BAD} == checks - {"check_operator", "check_tree"}


@parametrize_with_checks(
    itertools.chain(
        operator_checks(own("Mean", Float("shift", -1.0, 1.0, 0.0))),
        operator_checks(own("Frequencies", tasks=CLASSIFICATION)),
        operator_checks(
            ridge(ALPHA, Integer("max_iter", 5, 50, None), accepts_sparse=True)
        ),
    )
)
def test_good_operators_pass(plugin, check):
    check(plugin)


def test_all_checks_in_one_call():
    check_operator(own("Mean"))
    with pytest.raises(AssertionError, match="not finite"):
        check_operator(own("NotFinite"), task="regression")


def test_a_class_in_main_does_not_reach_the_workers():
    import __main__

    class Mine:
        __module__ = "__main__"

    __main__.Mine = Mine
    try:
        with pytest.raises(AssertionError, match="Move the class into a module"):
            check_operator(ridge(path="__main__.Mine"))
    finally:
        del __main__.Mine


def test_checks_exist_for_the_tasks_of_the_operator_only():
    with pytest.raises(ValueError, match="exists for regression.*'classification'"):
        next(operator_checks(ridge(), "classification"))
    with pytest.raises(ValueError, match="must be some of"):
        next(operator_checks(ridge(tasks=("clustering",))))
    both = Operator("own", "transformer", "sklearn.preprocessing.StandardScaler")
    tasks = {check.arguments["task"] for _, check in operator_checks(both)}
    assert tasks == {"classification", "regression"}
