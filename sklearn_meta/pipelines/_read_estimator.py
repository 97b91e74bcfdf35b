"""Convert a scikit-learn estimator to the pipeline tree that compiles to it.

The compiler is inverted by comparison: the call of an operator is compiled for two
values of a hyperparameter, the arguments in which the two calls differ are those that
it decides, and the values that the estimator has there are tried until call and
estimator agree. Nothing about operators is declared a second time.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import FeatureUnion, Pipeline

from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.pipelines._coercions import median_imputer
from sklearn_meta.pipelines._compile import TRANSFORMED_TARGET, _is_lightgbm
from sklearn_meta.pipelines._hyperparameters import Choice, Integer
from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._spec import (
    BuildContext,
    Prepared,
    Reference,
    Spec,
    resolve,
)
from sklearn_meta.pipelines._text import canonical
from sklearn_meta.pipelines._tree import STACK, UNION, Node, X
from sklearn_meta.pipelines.catalog._feature_construction import MAX_POLYNOMIAL_COLUMNS

# Parameters of the computation, not of the model: the catalog sets its own values.
TECHNICAL = frozenset(
    {
        "algorithm", "cache_size", "copy", "copy_X", "importance_type", "max_iter",
        "memory", "n_iter_no_change", "n_jobs", "random_state", "solver",
        "subsample_freq", "tol", "transform_input", "verbose", "verbosity",
        "warm_start",
    }
)  # fmt: skip

# An integer range of at most so many values is tried in full.
MAX_TRIED = 16

# Placeholder of the estimator inside of a wrapper.
_INNER = Spec("sklearn.dummy.DummyClassifier")
# As many columns as operators still treat as few.
_INPUT = Layout(n_features=MAX_POLYNOMIAL_COLUMNS, missing=True)
_CALIBRATED = "sklearn.calibration.CalibratedClassifierCV"


def read_estimator(estimator, *, catalog: Catalog) -> Node:
    """Return the tree of a scikit-learn estimator or pipeline.

    Parameters that change how a fit is computed and not the model, such as ``n_jobs``,
    ``random_state`` or ``max_iter``, are ignored: the tree has those of the catalog. A
    classifier that the catalog calibrates, such as ``SVC``, may be passed without its
    calibration.

    Parameters
    ----------
    estimator : estimator
        A `Pipeline`, `FeatureUnion`, `StackingClassifier`, `StackingRegressor` and
        single estimators, of classes and with parameters that the catalog knows. It
        is not fitted, and not changed.
    catalog : Catalog
        Operators that the tree may have.

    Returns
    -------
    tree : Node
        In canonical form.

    Raises
    ------
    InvalidPipelineError
        If the catalog cannot express it; the message names the step and the
        parameter.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_meta.pipelines import default_catalog, format_tree
    >>> from sklearn_meta.pipelines import read_estimator
    >>> tree = read_estimator(
    ...     make_pipeline(StandardScaler(), Ridge(alpha=3)),
    ...     catalog=default_catalog("regression"),
    ... )
    >>> format_tree(tree)
    'ridge(standard_scaler(X), alpha=3.0)'
    """
    tree = _Reader(catalog).estimator(estimator, "")
    return canonical(tree, catalog=catalog)


@dataclass(frozen=True)
class _Reader:
    """Reader of one estimator."""

    catalog: Catalog

    def estimator(self, estimator, where) -> Node:
        """Read something that predicts."""
        if isinstance(estimator, Pipeline):
            features = self.chain(X, estimator.steps[:-1], where)
            name, last = estimator.steps[-1]
            return self.learner(last, features, _inside(where, name))
        return self.learner(estimator, X, where)

    def learner(self, estimator, features, where) -> Node:
        """Read the last step of a pipeline."""
        # Imported late: it takes long.
        from sklearn.ensemble import StackingClassifier, StackingRegressor

        if isinstance(estimator, StackingClassifier | StackingRegressor):
            return self.stacked(estimator, features, where)
        if isinstance(estimator, Pipeline):
            # Steps that the compiler shares stand before those of a wrapper.
            features = self.chain(features, estimator.steps[:-1], where)
            name, last = estimator.steps[-1]
            return self.learner(last, features, _inside(where, name))
        match = self.operator(estimator, ("learner", "wrapper"), where)
        if match.operator.kind == "learner":
            return Node(match.operator.name, (features,), match.params)
        if features != X:
            raise InvalidPipelineError(
                f"{_named(where, estimator)} is a wrapper with steps before it. Put "
                "these steps into a Pipeline inside of it."
            )
        inner = self.estimator(match.inner, _inside(where, "estimator"))
        return Node(match.operator.name, (inner,), match.params)

    def stacked(self, estimator, features, where) -> Node:
        """Read a stack and its final estimator."""
        if features != X:
            raise InvalidPipelineError(
                f"{_named(where, estimator)} has steps before it. Put these steps into "
                "Pipelines inside of it."
            )
        if estimator.final_estimator is None:
            raise InvalidPipelineError(
                f"final_estimator of {_named(where, estimator)} must be given. "
                "Got None."
            )
        if estimator.passthrough:
            raise InvalidPipelineError(
                f"passthrough of {_named(where, estimator)} must be False. Got True."
            )
        members = tuple(
            self.estimator(member, _inside(where, name))
            for name, member in estimator.estimators
        )
        return self.learner(
            estimator.final_estimator,
            Node(STACK, members),
            _inside(where, "final_estimator"),
        )

    def chain(self, features, steps, where) -> Node:
        """Read transformers, one after the other."""
        for name, step in steps:
            features = self.transformer(step, features, _inside(where, name))
        return features

    def transformer(self, step, features, where) -> Node:
        """Read one transformer, a union of them, or a nested pipeline."""
        if step is None or (isinstance(step, str) and step == "passthrough"):
            return features
        if isinstance(step, FeatureUnion):
            if step.transformer_weights:
                raise InvalidPipelineError(
                    f"transformer_weights of {_named(where, step)} must be None."
                )
            branches = [
                self.transformer(branch, features, _inside(where, name))
                for name, branch in step.transformer_list
                if not (isinstance(branch, str) and branch == "drop")
            ]
            return branches[0] if len(branches) == 1 else Node(UNION, tuple(branches))
        try:
            match = self.operator(step, ("transformer", "preparation"), where)
        except InvalidPipelineError:
            if not isinstance(step, Pipeline):
                raise
            # Some operators are a pipeline themselves; others just group steps.
            return self.chain(features, step.steps, where)
        if match is None:
            return features
        return Node(match.operator.name, (features,), match.params)

    def operator(self, estimator, kinds, where):
        """Find the operator that an estimator is a call of; None if it is implied."""
        if not isinstance(estimator, BaseEstimator):
            raise InvalidPipelineError(
                f"{where or 'The pipeline'} must be a scikit-learn estimator. Got "
                f"{estimator!r}."
            )
        if "preparation" in kinds and _is_implied(estimator):
            return None
        found = []
        for operator in self.catalog:
            if operator.kind in kinds:
                found += _read_calls(operator, self.catalog.task, estimator)
        if not found:
            raise InvalidPipelineError(
                f"{_named(where, estimator)} is no operator of the search space."
                f"{_advice(estimator, self.catalog)}"
            )
        best = min(found, key=lambda match: (match.is_other_class, len(match.problems)))
        if best.problems:
            problems = "; ".join(best.problems)
            raise InvalidPipelineError(
                f"{_named(where, estimator)} cannot be expressed: {problems}."
            )
        return best


@dataclass(frozen=True)
class _Match:
    """Operator and hyperparameters whose call is most like an estimator."""

    operator: Operator
    params: tuple
    problems: tuple[str, ...]
    is_other_class: bool
    inner: object = None


def _is_implied(estimator):
    """Whether the compiler inserts a step by itself where it is needed."""
    clipped = Spec("sklearn.preprocessing.MinMaxScaler", (("clip", True),))
    return any(
        type(estimator) is resolve(spec.path)
        and all(_same(getattr(estimator, name), value) for name, value in spec.params)
        and not _differences(spec, estimator)
        for spec in (median_imputer(), clipped)
    )


def _read_calls(operator: Operator, task, estimator) -> Iterator[_Match]:
    """Yield how an estimator could be a call of an operator."""
    for call in _calls(operator, task):
        spec = call.spec({})
        # By name first: the classes of other operators may be heavy to import.
        if spec is None or not spec.path.endswith(f".{type(estimator).__name__}"):
            continue
        if resolve(spec.path) is not type(estimator):
            continue
        yield call.match(estimator)


def _calls(operator, task):
    """Yield the call of an operator, and the estimator inside of its calibration."""
    yield _Call(operator, task)
    if operator.kind == "learner":
        # The calibration around a classifier without probabilities may be left out.
        whole = _Call(operator, task).spec({})
        if whole.path == _CALIBRATED:
            yield _Call(operator, task, part=("estimator",))


@dataclass(frozen=True)
class _Call:
    """The call of an operator as a function of its hyperparameters."""

    operator: Operator
    task: str
    part: tuple[str, ...] = ()

    def spec(self, params) -> Spec | None:
        """Describe the call; None where there is nothing to call."""
        operator = self.operator
        params = {**operator.defaults(), **params}
        inner = _INNER if operator.kind == "wrapper" else None
        if operator.build is None:
            argument = (
                "regressor" if operator.path == TRANSFORMED_TARGET else "estimator"
            )
            wrapped = {} if inner is None else {argument: inner}
            # Early stopping of LightGBM is done by the evaluation: no argument.
            arguments = {**wrapped, **operator.fixed, **params}
            arguments.pop("early_stopping" if _is_lightgbm(operator.path) else "", None)
            spec: Spec | None = Spec(operator.path, tuple(arguments.items()))
        else:
            context = BuildContext(
                task=self.task, n_classes=2, inner=inner,
                fixed=operator.fixed, n_features=_INPUT.n_features, layout=_INPUT,
            )  # fmt: skip
            spec = operator.build(params, context)
            if isinstance(spec, Prepared):
                spec = spec.spec
        if spec is None:
            return None
        for name in self.part:
            spec = spec.param(name)
        return spec

    def match(self, estimator) -> _Match:
        """Choose the hyperparameters with which the call is most like the estimator."""
        chosen = self.operator.defaults()
        # Twice: which arguments there are may depend on another hyperparameter.
        for _ in range(2):
            decided = self._decided(chosen)
            for h in self.operator.hyperparameters:

                def distance(value, name=h.name):
                    spec = self.spec({**chosen, name: value})
                    return len(_differences(spec, estimator, decided))  # noqa: B023

                values = [chosen[h.name], *_candidates(h, estimator)]
                chosen[h.name] = min(values, key=distance)
        decided = self._decided(chosen)
        differences = _differences(self.spec(chosen), estimator, decided)
        return _Match(
            self.operator,
            tuple(chosen.items()),
            tuple(self._described(d, decided) for d in differences),
            any(place[-1] == "class" for place, _ in differences),
            _inner_of(self.spec(chosen), estimator),
        )

    def _decided(self, params):
        """Map the place of an argument to the hyperparameter that decides it."""
        decided = {}
        here = dict(_leaves(self.spec(params)))
        for h in self.operator.hyperparameters:
            others = [v for v in _some_values(h) if v != params.get(h.name, h.default)]
            for value in others[:2]:
                there = dict(_leaves(self.spec({**params, h.name: value})))
                for place in here.keys() | there.keys():
                    if repr(here.get(place)) != repr(there.get(place)):
                        decided.setdefault(place, h)
        return decided

    def _described(self, difference, decided):
        """Say which value of an argument would be legal."""
        place, value = difference
        name = ".".join(map(str, place))
        h = decided.get(place) or decided.get(place[:1])
        if h is None:
            expected = dict(_leaves(self.spec({}))).get(place)
            legal = "its default" if expected is None else repr(expected)
        elif isinstance(h, Choice):
            legal = f"one of {list(h.values)}"
        else:
            legal = f"in [{h.low}, {h.high}]"
        return f"{name} must be {legal}. Got {value!r}"


def _candidates(hyperparameter, estimator):
    """Values that an estimator may have given a hyperparameter."""
    if isinstance(hyperparameter, Choice):
        return list(hyperparameter.values)
    values = [hyperparameter.default]
    if isinstance(hyperparameter, Integer):
        span = range(hyperparameter.low, hyperparameter.high + 1)
        values += span if len(span) <= MAX_TRIED else []
    for value in _numbers(estimator):
        value = value.item() if isinstance(value, np.generic) else value
        if hyperparameter.contains(value):
            values.append(value)
    return list(dict.fromkeys(values))


def _numbers(estimator):
    """Yield the numbers among the parameters of an estimator and of its parts."""
    for value in estimator.get_params(deep=True).values():
        parts = value if isinstance(value, list | tuple) else [value]
        for part in parts:
            if isinstance(part, int | float | np.number) and not isinstance(part, bool):
                yield part


def _some_values(hyperparameter):
    """Values that are likely to give different calls."""
    if isinstance(hyperparameter, Choice):
        return hyperparameter.values
    middle = hyperparameter.low + (hyperparameter.high - hyperparameter.low) / 3
    if isinstance(hyperparameter, Integer):
        middle = round(middle)
    return (middle, hyperparameter.high, hyperparameter.low)


def _leaves(spec, place=()):
    """Yield the place and the value of every argument of a call."""
    match spec:
        case Spec(path, params):
            yield (*place, "class"), path
            for name, value in params:
                yield from _leaves(value, (*place, name))
        case list() | tuple():
            for i, value in enumerate(spec):
                yield from _leaves(value, (*place, i))
        case _:
            yield place, spec


def _differences(spec, estimator, decided=MappingProxyType({})):
    """List the places, with their values, at which an estimator is another call."""
    # An argument that no hyperparameter decides may also have the default of its class;
    # so may one whose value leaves the decision to the class.
    if spec is _INNER:
        return []
    if type(estimator) is not resolve(spec.path):
        return [(("class",), type(estimator).__name__)]
    defaults = _defaults(type(estimator))
    wanted = dict(spec.params)
    found = []
    for name, value in estimator.get_params(deep=False).items():
        expected = wanted.get(name, defaults.get(name))
        deciding = {h.name for place, h in decided.items() if place[0] == name}
        if name in TECHNICAL and name not in deciding:
            continue
        leaves_it_open = not deciding or (isinstance(value, str) and value == "auto")
        if leaves_it_open and _same(value, defaults.get(name)):
            continue
        found += _unlike(expected, value, (name,), decided)
    return found


def _unlike(expected, value, place, decided):
    """List the places at which a value differs from the one of a call."""
    match expected:
        case Spec():
            if not isinstance(value, BaseEstimator) and not hasattr(
                value, "get_params"
            ):
                if resolve(expected.path) is type(value):
                    return []  # a splitter: computation, not the model
                return [(place, value)]
            n = len(place)
            inner = {p[n:]: h for p, h in decided.items() if p[:n] == place}
            return [
                ((*place, *where), v)
                for where, v in _differences(expected, value, inner)
            ]
        case Reference(path):
            return [] if resolve(path) is value else [(place, value)]
        case list() | tuple() if isinstance(value, list | tuple):
            found = [] if len(expected) == len(value) else [(place, value)]
            for i, (e, v) in enumerate(zip(expected, value, strict=False)):
                if isinstance(e, str) and isinstance(v, str) and len(expected) == 2:
                    continue  # the name of a step
                found += _unlike(e, v, (*place, i), decided)
            return found
    return [] if _same(expected, value) else [(place, value)]


def _inner_of(spec, estimator):
    """Return what an estimator wraps; None if it is no wrapper."""
    for name, value in spec.params:
        if value is _INNER:
            return getattr(estimator, name)
        if isinstance(value, Spec):
            nested = getattr(estimator, name)
            if type(nested) is resolve(value.path):
                found = _inner_of(value, nested)
                if found is not None:
                    return found
    return None


def _same(a, b):
    """Whether two arguments are equal; numbers of all types are, bool apart."""
    if isinstance(a, bool | np.bool_) is not isinstance(b, bool | np.bool_):
        return False
    if isinstance(a, float) and isinstance(b, float) and a != a:
        return b != b
    if a is b:
        return True
    if type(a) is not type(b) and not (
        isinstance(a, int | float | np.number)
        and isinstance(b, int | float | np.number)
    ):
        return False
    try:
        return bool(a == b)
    except ValueError:
        return False


def _defaults(cls):
    """Defaults of the constructor's parameters."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}


def _inside(where, name):
    """Path of a nested step, for messages."""
    return f"{where}.{name}" if where else name


def _named(where, estimator):
    """Name a step in a message."""
    name = type(estimator).__name__
    return f"Step {where!r} ({name})" if where else name


def _advice(estimator, catalog):
    """Add what is most often missing to a message."""
    name = type(estimator).__name__
    if name == "ColumnTransformer":
        return (
            " Leave it out: categories and missing values are prepared by what stands "
            "behind."
        )
    return (
        " Where the catalog puts another class around it, as a "
        "TransformedTargetRegressor with a StandardScaler, write that as well."
        if not catalog.is_classifier
        else ""
    )
