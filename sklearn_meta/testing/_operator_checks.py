"""Common checks of operators.

An operator is checked in pipelines compiled from trees, in a catalog of the built-in
operators and itself.
"""

from __future__ import annotations

import inspect
import warnings
import zlib
from collections.abc import Iterator, Mapping
from math import isfinite

import cloudpickle
import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.exceptions import InvalidHyperparameterError
from sklearn_meta.pipelines._compile import (
    accepts_sample_weight,
    compile_pipeline,
    early_stopping_learner,
    fit_weighted,
)
from sklearn_meta.pipelines._hyperparameters import Choice
from sklearn_meta.pipelines._operators import Operator
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._source import to_source
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.pipelines._spec import resolve
from sklearn_meta.pipelines._text import canonical, format_tree, parse
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines._typing_rules import check_tree
from sklearn_meta.testing._check import (
    Check,
    failing_means,
    global_seeds,
    global_state,
    require,
)
from sklearn_meta.testing._tables import TABLE_KINDS, make_table, make_target
from sklearn_meta.timing._operators import predicted_seconds

KINDS = ("preparation", "transformer", "learner", "wrapper")
N_CLASSES = {CLASSIFICATION: 3, REGRESSION: 1}

# Enough rows for nested folds, few enough for a second per learner.
N_ROWS, N_TRAINING_ROWS = 80, 50

# Number of settings of the other hyperparameters under which a change of one must have
# an effect: the degree of a kernel matters for one kernel only.
N_SETTINGS = 60

# Number of drawn settings under which weights must have an effect.
N_WEIGHTED_SETTINGS = 5

# Number of values of each hyperparameter that are checked, and of settings fitted.
N_VALUES, N_DRAWS = 20, 3


def check_operator(operator, task=None):
    """Check that an operator works in any pipeline, on any table.

    Parameters
    ----------
    operator : Operator
        Its class must be importable.
    task : {"classification", "regression"} or None, default=None
        Task to check it for; None for all of its tasks.

    Raises
    ------
    AssertionError
        At the first check that fails. The message says what to change.
    ValueError
        If the operator does not exist for `task`, or for no task at all.

    See Also
    --------
    operator_checks : The checks one by one.

    Examples
    --------
    >>> from sklearn_meta.pipelines import Operator
    >>> from sklearn_meta.testing import check_operator
    >>> scaler = Operator(
    ...     "max_abs", "transformer", "sklearn.preprocessing.MaxAbsScaler",
    ...     accepts_missing=True, accepts_sparse=True,
    ... )
    >>> check_operator(scaler, task="regression")
    """
    for plugin, check in operator_checks(operator, task):
        check(plugin)


def operator_checks(operator, task=None) -> Iterator[tuple[Operator, Check]]:
    """Yield the checks of an operator.

    Parameters
    ----------
    operator : Operator
        Operator to check.
    task : {"classification", "regression"} or None, default=None
        Task to check it for; None for all of its tasks.

    Yields
    ------
    operator : Operator
    check : Check
        ``check(operator)`` raises AssertionError if the operator fails it.

    Raises
    ------
    ValueError
        If the operator does not exist for `task`, or for no task at all.

    Examples
    --------
    >>> from sklearn_meta.pipelines import default_catalog
    >>> from sklearn_meta.testing import operator_checks
    >>> ridge = default_catalog("regression").find("ridge")
    >>> next(operator_checks(ridge))[1]
    check_declaration[regression]
    """
    if not operator.tasks or not set(operator.tasks) <= set(TASKS):
        raise ValueError(
            f"The tasks of operator {operator.name!r} must be some of {TASKS}. "
            f"Got {operator.tasks!r} instead."
        )
    if task is not None and task not in operator.tasks:
        raise ValueError(
            f"Operator {operator.name!r} exists for {' and '.join(operator.tasks)}. "
            f"Got task={task!r}."
        )
    for each in operator.tasks if task is None else (task,):
        plain = (
            check_declaration,
            check_hyperparameters,
            check_hyperparameters_matter,
            check_cost,
            check_copies,
            check_repeatable,
            check_rows_one_by_one,
            check_far_rows,
            check_few_rows,
        )
        for function in plain:
            yield operator, Check(function, {"task": each})
        for kind in TABLE_KINDS:
            yield operator, Check(check_table, {"task": each, "kind": kind})
        for kind in ("mixed", "text", "sparse"):
            yield operator, Check(check_source, {"task": each, "kind": kind})
        if operator.hyperparameters:
            for draw in range(N_DRAWS):
                yield operator, Check(check_drawn, {"task": each, "draw": draw})
        if each == CLASSIFICATION:
            yield operator, Check(check_class_of_one_row, {"task": each})
        if operator.sample_weight:
            yield operator, Check(check_sample_weight, {"task": each})
        if operator.multi_output:
            yield operator, Check(check_several_outputs, {"task": each})


# The checks


def check_declaration(operator, *, task):
    """Check the declaration against the class."""
    require(
        operator.kind in KINDS,
        f"{_name(operator)}: kind must be one of {KINDS}. Got {operator.kind!r}.",
    )
    _catalog(operator, task)
    with failing_means(f"{_name(operator)}: its class cannot be imported"):
        cls = resolve(operator.path)
    require(
        cls.__module__ != "__main__",
        f"{_name(operator)}: {operator.path} is in __main__, which worker processes "
        "do not import. Move the class into a module.",
    )
    names = [h.name for h in operator.hyperparameters]
    require(
        len(set(names)) == len(names),
        f"{_name(operator)}: a hyperparameter is declared twice: {names}.",
    )
    both = set(names) & set(operator.fixed)
    require(
        not both,
        f"{_name(operator)}: {sorted(both)} are in `hyperparameters` and in `fixed`. "
        "Leave out one of the two.",
    )
    arguments = _arguments_of(cls)
    asked = set(operator.fixed) | (set() if operator.build else set(names))
    unknown = set() if arguments is None else asked - arguments
    require(
        not unknown,
        f"{_name(operator)}: {operator.path} has no parameters {sorted(unknown)}. "
        "Correct the names in `hyperparameters` and `fixed`, or make arguments of them "
        "in `build`.",
    )
    require(
        not operator.random_state or arguments is None or "random_state" in arguments,
        f"{_name(operator)}: random_state=True, but {operator.path} has no parameter "
        "of that name.",
    )
    if operator.kind == "learner":
        takes = has_fit_parameter(cls, "sample_weight")
        require(
            operator.sample_weight == takes,
            f"{_name(operator)}: sample_weight={operator.sample_weight}, but the fit "
            f"of {operator.path} {'takes' if takes else 'does not take'} sample_weight."
            f" Declare sample_weight={takes}.",
        )


def check_hyperparameters(operator, *, task):
    """Check ranges, defaults and draws."""
    rng = np.random.default_rng(zlib.crc32(operator.name.encode()))
    for h in operator.hyperparameters:
        what = f"{_name(operator)}: hyperparameter {h.name!r}"
        _check_range(operator, h, what)
        _check_value(operator, h, h.default, task, what)
        with failing_means(f"{what}: a value cannot be drawn"):
            for value in (h.default, *(h.sample(rng) for _ in range(N_VALUES))):
                _check_value(operator, h, value, task, what)
                moved = h.perturb(value, rng)
                _check_value(operator, h, moved, task, what)
                require(
                    moved != value or value == h.default or _has_one_value(h),
                    f"{what}: perturb({value!r}) returned the same value. It must "
                    "return another one.",
                )


def check_hyperparameters_matter(operator, *, task):
    """Check that every hyperparameter changes the pipeline."""
    rng = np.random.default_rng(zlib.crc32(operator.name.encode()))
    for h in operator.hyperparameters:
        settings = [{}, *(_draw(operator, rng) for _ in range(N_SETTINGS))]
        require(
            _has_one_value(h) or any(_matters(operator, h, s, task, rng)
                                     for s in settings),
            f"{_name(operator)}: no value of {h.name!r} changes the pipeline: it would "
            "be searched in vain. Use it in `build`, or remove it.",
        )  # fmt: skip


def check_cost(operator, *, task):
    """Check that the predicted seconds are positive and grow with the table."""
    unknown = [n for n in operator.cost.params if operator.hyperparameter(n) is None]
    require(
        not unknown,
        f"{_name(operator)}: cost.params names {unknown}, which are no hyperparameters "
        "of it.",
    )
    catalog = _catalog(operator, task)
    rng = np.random.default_rng(0)
    for params in ({}, *(_draw(operator, rng) for _ in range(N_DRAWS))):
        tree = tree_with(operator, task, params)
        for what, sizes in {
            "rows": [(n, 10, 3) for n in (1, 20, 500, 10_000, 1_000_000)],
            "columns": [(300, d, 3) for d in (1, 2, 5, 20, 60, 500, 10_000)],
            "classes": [(300, 10, k) for k in (2, 3, 10, 100)],
        }.items():
            with failing_means(f"{_name(operator)}: its seconds cannot be predicted"):
                seconds = [
                    predicted_seconds(
                        tree, catalog=catalog,
                        n_samples=n, n_features=d, n_classes=k,
                    )
                    for n, d, k in sizes
                ]  # fmt: skip
            require(
                all(isfinite(s) and s > 0 for s in seconds),
                f"{_name(operator)}: the predicted seconds must be finite and above "
                f"zero. Got {seconds} for more and more {what}; see `cost`.",
            )
            require(
                seconds == sorted(seconds),
                f"{_name(operator)}: the predicted seconds must not fall with more "
                f"{what}. Got {seconds}; see the exponents in `cost`.",
            )


def check_copies(operator, *, task):
    """Check pickling of the operator, and cloning and pickling of its pipeline."""
    with failing_means(f"{_name(operator)}: it cannot be pickled for a worker process"):
        copy = cloudpickle.loads(cloudpickle.dumps(operator))
    tree, (_, schema) = tree_with(operator, task), make_table("mixed")
    pipeline = _compiled(operator, tree, schema, task)
    again = _compiled(copy, tree, schema, task)
    require(
        _shown(again) == _shown(pipeline),
        f"{_name(operator)}: its pickled copy makes another pipeline.",
    )
    with failing_means(f"{_name(operator)}: its pipeline cannot be cloned"):
        cloned = clone(pipeline)
    require(
        _shown(cloned) == _shown(pipeline),
        f"{_name(operator)}: the clone of its pipeline has other parameters. "
        "`__init__` of a class must only store its arguments.",
    )
    table, y = _training("mixed", task)
    fitted = _fit(operator, pipeline, table, y, "mixed")
    require(
        _shown(fitted) == _shown(cloned),
        f"{_name(operator)}: fit changes the parameters of the pipeline. Store what "
        "was learned in attributes that end in an underscore.",
    )
    with failing_means(f"{_name(operator)}: its fitted pipeline cannot be pickled"):
        loaded = cloudpickle.loads(cloudpickle.dumps(fitted))
    _require_equal(
        _predict(operator, loaded, table, task, "mixed"),
        _predict(operator, fitted, table, task, "mixed"),
        f"{_name(operator)}: the fitted pipeline predicts something else after "
        "pickling.",
    )


def check_repeatable(operator, *, task):
    """Check that fits depend on the seed only, and leave the global seeds alone."""
    table, y = _training("mixed", task)
    tree, (_, schema) = tree_with(operator, task), make_table("mixed")
    results, states = [], []
    for seed in (0, 1):
        with global_seeds(seed):
            pipeline = _compiled(operator, tree, schema, task)
            _fit(operator, pipeline, table, y, "mixed")
            results.append(_predict(operator, pipeline, table, task, "mixed"))
            states.append(global_state())
    # Drawing from them is no fault: scikit-learn's SVR does, and has no random_state. A
    # search gives it a seed, and seeds these generators for classes of other libraries.
    for name, first, second in zip(("numpy", "Python"), *states, strict=True):
        require(
            first != second,
            f"{_name(operator)}: it seeds the global random generator of {name}, which "
            "the user's own code depends on. Use the generator that "
            "check_random_state(self.random_state) gives.",
        )
    _require_equal(
        *results,
        f"{_name(operator)}: two fits with the same seed predict differently. If its "
        "class has a parameter random_state, declare random_state=True; in `build`, "
        "pass on context.random_state.",
    )


def check_rows_one_by_one(operator, *, task):
    """Check that the prediction of a row does not depend on the rows beside it."""
    table, schema = make_table("mixed", n_rows=N_ROWS)
    y = make_target(table, task)
    pipeline = _compiled(operator, tree_with(operator, task), schema, task)
    _fit(operator, pipeline, table[:N_TRAINING_ROWS], y[:N_TRAINING_ROWS], "mixed")
    new = table[N_TRAINING_ROWS : N_TRAINING_ROWS + 5]
    together = _predict(operator, pipeline, new, task, "mixed")
    alone = [_predict(operator, pipeline, row[None], task, "mixed") for row in new]
    np.testing.assert_allclose(
        np.concatenate(alone), together, rtol=1e-3, atol=1e-5,
        err_msg=f"{_name(operator)}: a row alone is predicted differently than among "
        "others. Learn in fit, not in predict or transform.",
    )  # fmt: skip


def check_far_rows(operator, *, task):
    """Check predictions of rows far from all training rows."""
    table, schema = make_table("dense", n_rows=N_ROWS)
    y = make_target(table, task)
    pipeline = _compiled(operator, tree_with(operator, task), schema, task)
    _fit(operator, pipeline, table[:N_TRAINING_ROWS], y[:N_TRAINING_ROWS], "dense")
    far = 1000 * table[N_TRAINING_ROWS:]
    _check_predictions(
        operator, pipeline, far, task, "dense, a thousand times what it was fitted on"
    )


def check_few_rows(operator, *, task):
    """Check that a fit on two rows works, or raises an error with a message."""
    table, schema = make_table("dense", n_rows=10)
    y = np.array([0, 1]) if task == CLASSIFICATION else np.array([0.5, 2.0])
    pipeline = _compiled(
        operator, tree_with(operator, task), schema, task, n_classes=2
    )  # fmt: skip
    _check_fits_or_explains(operator, pipeline, table[:2], y, task, "two rows")


def check_table(operator, *, task, kind):
    """Check a fit and the predictions on a table of one kind."""
    table, schema = make_table(kind, n_rows=N_ROWS)
    y = make_target(table, task)
    pipeline = _compiled(operator, tree_with(operator, task), schema, task)
    table = _read_only(table)
    _fit(operator, pipeline, table[:N_TRAINING_ROWS], y[:N_TRAINING_ROWS], kind)
    _check_predictions(operator, pipeline, table[N_TRAINING_ROWS:], task, kind)


def check_drawn(operator, *, task, draw):
    """Check a fit and the predictions with hyperparameters drawn at random."""
    rng = np.random.default_rng([draw, len(operator.name)])
    params = _draw(operator, rng)
    table, y = _training("categories", task)
    _, schema = make_table("categories")
    pipeline = _compiled(operator, tree_with(operator, task, params), schema, task)
    _fit(operator, pipeline, table, y, "categories", params)
    _check_predictions(operator, pipeline, table, task, f"categories, with {params}")


def check_source(operator, *, task, kind):
    """Check that the written source makes the pipeline that was compiled."""
    # A drawn setting need not suit a table with fewer rows in a class than columns.
    drawn = _draw(operator, np.random.default_rng(len(operator.name)))
    tree = tree_with(operator, task, drawn if kind == "mixed" else {})
    table, y = _training(kind, task)
    _, schema = make_table(kind)
    arguments = {
        "catalog": _catalog(operator, task),
        "n_classes": N_CLASSES[task],
        "random_state": 0,
    }
    namespace = {}
    with failing_means(f"{_name(operator)}: its source cannot be written and run"):
        source = to_source(tree, schema, **arguments)
        exec(compile(source, "pipeline.py", "exec"), namespace)
    written = namespace["pipeline"]
    made = compile_pipeline(tree, schema, **arguments)
    _require_equal(
        *(
            _predict(operator, _fit(operator, p, table, y, kind), table, task, kind)
            for p in (written, made)
        ),
        f"{_name(operator)}: the source predicts something else than the pipeline. "
        "`build` must return a Spec of constants, References and other Specs, and the "
        "same one on every call.",
    )


def check_class_of_one_row(operator, *, task):
    """Check that a class of a single row is kept, or refused with a message.

    Some of scikit-learn's classes raise. It must not be dropped silently.
    """
    table, schema = make_table("dense", n_rows=N_ROWS)
    y = make_target(table, task, n_classes=2)
    y[N_ROWS // 2] = 2
    pipeline = _compiled(operator, tree_with(operator, task), schema, task)
    _check_fits_or_explains(operator, pipeline, table, y, task, "a class of one row")


def check_sample_weight(operator, *, task):
    """Check that the weights of the rows reach the learner."""
    table, schema = make_table("mixed", n_rows=N_ROWS)
    y = make_target(table, task, n_classes=2)
    training, y = table[:N_TRAINING_ROWS], y[:N_TRAINING_ROWS]
    # Heavy rows have large targets: counts and averages must change.
    weight = np.where(y > np.median(y) - (task == CLASSIFICATION) / 2, 1.0, 0.05)
    rng = np.random.default_rng(0)
    catalog = _catalog(operator, task)
    for params in ({}, *(_draw(operator, rng) for _ in range(N_WEIGHTED_SETTINGS))):
        tree = tree_with(operator, task, params)
        if not accepts_sample_weight(tree, catalog=catalog):
            continue
        plain, weighted = (
            _compiled(operator, tree, schema, task, n_classes=2) for _ in range(2)
        )
        _fit(operator, plain, training, y, "mixed", params)
        with (
            warnings.catch_warnings(),
            failing_means(f"{_name(operator)}: it cannot be fitted with sample_weight"),
        ):
            warnings.simplefilter("ignore")
            fit_weighted(weighted, training, y, weight)
        first, second = (
            _predict(operator, pipeline, table, task, "mixed")
            for pipeline in (plain, weighted)
        )
        require(
            np.isfinite(second).all(),
            f"{_name(operator)}: fitted with sample_weight, its predictions are not "
            "finite.",
        )
        if not np.allclose(first, second, rtol=1e-6, atol=1e-9):
            return
    raise AssertionError(
        f"{_name(operator)}: sample_weight=True, but weights change no prediction. "
        "Use them in fit, or declare sample_weight=False."
    )


def check_several_outputs(operator, *, task):
    """Check a target of two columns: two numbers, or two labels."""
    table, y = _training("mixed", task, n_classes=2)
    _, schema = make_table("mixed")
    several = np.column_stack([y, np.roll(y, 7)])
    tree = tree_with(operator, task)
    pipeline = _compiled(operator, tree, schema, task, n_classes=2, n_outputs=2)
    with (
        warnings.catch_warnings(),
        failing_means(
            f"{_name(operator)}: multi_output=True, but a target of two columns fails"
        ),
    ):
        warnings.simplefilter("ignore")
        predicted = np.asarray(pipeline.fit(table, several).predict(table))
    require(
        predicted.shape == several.shape and np.isfinite(predicted).all(),
        f"{_name(operator)}: multi_output=True, so that it must predict finite values "
        f"of shape {several.shape}. Got the shape {predicted.shape}.",
    )


# Parts of the checks


def tree_with(operator, task, params: Mapping = {}) -> Node:  # noqa: B006
    """Return a small tree with an operator in its usual place.

    Parameters
    ----------
    operator : Operator
    task : {"classification", "regression"}
    params : mapping of str to value, default={}
        Hyperparameters of the operator.

    Returns
    -------
    tree : Node
    """
    params = tuple(sorted(params.items()))
    linear = "logistic_regression" if task == CLASSIFICATION else "ridge"
    if operator.kind == "learner":
        return Node(operator.name, (X,), params)
    if operator.kind == "wrapper":
        return Node(operator.name, (Node(linear, (X,)),), params)
    return Node(linear, (Node(operator.name, (X,), params),))


def _name(operator):
    return f"operator {operator.name!r}"


def _catalog(operator, task):
    """Return the built-in catalog with the operator in it."""
    with failing_means(f"{_name(operator)} is not accepted by SearchSpace"):
        return SearchSpace(operators=(operator,)).catalog(task)


def _compiled(operator, tree, schema, task, n_classes=3, n_outputs=1):
    """Compile a tree; a failure is one of the operator."""
    with failing_means(f"{_name(operator)}: its pipeline cannot be made"):
        return compile_pipeline(
            tree,
            schema,
            catalog=_catalog(operator, task),
            n_classes=1 if task == REGRESSION else n_classes,
            random_state=0,
            n_outputs=n_outputs,
        )


def _training(kind, task, n_classes=3):
    """Return a read-only table and its target."""
    table, _ = make_table(kind, n_rows=N_ROWS)
    return _read_only(table), make_target(table, task, n_classes=n_classes)


def _read_only(table):
    """Make a table read-only, as that which workers share."""
    values = table.data if sparse.issparse(table) else table
    values.flags.writeable = False
    return table


def _fit(operator, pipeline, table, y, kind, params=None):
    """Fit a pipeline without warnings; a failure is one of the operator."""
    given = f" with {params}" if params else ""
    with (
        warnings.catch_warnings(),
        failing_means(f"{_name(operator)}{given}: fit fails on a table of kind {kind}"),
    ):
        # Warnings about a few rows of noise are right, and irrelevant here.
        warnings.simplefilter("ignore")
        return pipeline.fit(table, y)


def _predict(operator, pipeline, table, task, kind):
    """Predict targets or probabilities."""
    method = _method(task)
    require(
        hasattr(pipeline, method),
        f"{_name(operator)}: the last step of the pipeline, "
        f"{type(pipeline[-1]).__name__}, has no {method}. Wrap it in `build`, in "
        "CalibratedClassifierCV for instance.",
    )
    with (
        warnings.catch_warnings(),
        failing_means(f"{_name(operator)}: predicting fails on a table of kind {kind}"),
    ):
        warnings.simplefilter("ignore")
        return np.asarray(getattr(pipeline, method)(table))


def _method(task):
    return "predict" if task == REGRESSION else "predict_proba"


def _check_fits_or_explains(operator, pipeline, table, y, task, what):
    """Check the predictions, or the message of the error of fit or predict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pipeline.fit(table, y)
            # Some learners raise here only: neighbors are counted in predict.
            getattr(pipeline, _method(task))(table)
        except Exception as error:
            require(
                str(error),
                f"{_name(operator)}: with {what} it raises {type(error).__name__} "
                "without a message. Say what it needs.",
            )
            return
    n_classes = len(np.unique(y))
    _check_predictions(operator, pipeline, table, task, what, n_classes)


def _check_predictions(operator, pipeline, table, task, kind, n_classes=3):
    """Check shape and values of predictions."""
    values = _predict(operator, pipeline, table, task, kind)
    n_rows = table.shape[0]
    shape = (n_rows,) if task == REGRESSION else (n_rows, n_classes)
    where = f"{_name(operator)}, on a table of kind {kind}"
    require(
        values.shape == shape,
        f"{where}: predictions must have the shape {shape}. Got {values.shape}.",
    )
    require(
        np.isfinite(values).all(),
        f"{where}: {np.count_nonzero(~np.isfinite(values))} of {values.size} predicted "
        "values are not finite.",
    )
    if task == REGRESSION:
        return
    require(
        (values >= 0).all() and np.allclose(values.sum(axis=1), 1, rtol=1e-5),
        f"{where}: probabilities must not be negative and must sum to one in each row. "
        f"Got values from {values.min():g} and sums from "
        f"{values.sum(axis=1).min():g} to {values.sum(axis=1).max():g}.",
    )


def _require_equal(first, second, message):
    require(np.array_equal(first, second, equal_nan=True), message)


def _shown(estimator):
    """Return the complete repr of an estimator, which is otherwise abbreviated."""
    return estimator.__repr__(N_CHAR_MAX=10**9)


def _arguments_of(cls):
    """Return the names of the constructor's parameters; None if it takes any."""
    parameters = inspect.signature(cls).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters}


def _has_one_value(h):
    return len(h.values) == 1 if isinstance(h, Choice) else h.low == h.high


def _draw(operator, rng):
    return {h.name: h.sample(rng) for h in operator.hyperparameters}


def _check_range(operator, h, what):
    """Check bounds and default of a hyperparameter."""
    if isinstance(h, Choice):
        require(
            h.contains(h.default),
            f"{what}: the default {h.default!r} is none of {list(h.values)}.",
        )
        return
    require(h.low <= h.high, f"{what}: low={h.low} is above high={h.high}.")
    require(
        not h.log or h.low > 0,
        f"{what}: a logarithmic scale needs low above zero. Got low={h.low}.",
    )
    own = None
    if operator.build is None:
        parameter = inspect.signature(resolve(operator.path)).parameters.get(h.name)
        own = getattr(parameter, "default", None)
    require(
        h.default is None or h.low <= h.default <= h.high or h.default == own,
        f"{what}: the default {h.default!r} is neither in [{h.low}, {h.high}] nor the "
        f"default of its class.",
    )


def _check_value(operator, h, value, task, what):
    """Check that a value is legal, and that it can be written and read again."""
    try:
        checked = h.check(value)
    except InvalidHyperparameterError as error:
        raise AssertionError(
            f"{what}: it gives {value!r}, which it refuses itself: {error}"
        ) from error
    require(
        checked == value,
        f"{what}: check({value!r}) returned {checked!r}, another value.",
    )
    catalog = _catalog(operator, task)
    with failing_means(f"{what}: {value!r} makes no legal pipeline"):
        tree = canonical(tree_with(operator, task, {h.name: value}), catalog=catalog)
        check_tree(tree, catalog=catalog)
        again = parse(format_tree(tree), catalog=catalog)
    require(again == tree, f"{what}: the text of {value!r} reads as another value.")


def _matters(operator, h, setting, task, rng):
    """Whether another value of `h` changes the pipeline, under a setting of others."""
    value = setting.get(h.name, h.default)
    changed = {**setting, h.name: h.perturb(value, rng)}
    return any(
        _effect(operator, {**setting, h.name: value}, schema, task)
        != _effect(operator, changed, schema, task)
        # The last has room for any number of components.
        for schema in (make_table("mixed")[1], make_table("text")[1], Schema(500))
    )


def _effect(operator, params, schema, task):
    """Everything that hyperparameters can change: the source, and early stopping."""
    tree = tree_with(operator, task, params)
    catalog = _catalog(operator, task)
    with failing_means(f"{_name(operator)}: its pipeline cannot be made"):
        source = to_source(
            tree, schema, catalog=catalog, n_classes=N_CLASSES[task],
            random_state=0,
        )  # fmt: skip
    # Early stopping of LightGBM is done by the evaluation.
    return source, early_stopping_learner(tree, catalog=catalog)
