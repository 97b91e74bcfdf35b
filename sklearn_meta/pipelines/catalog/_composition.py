"""Compose operators of more than one class.

Some classes need a meta-estimator around them, or a step before them, to work in every
pipeline: a support vector classifier has no probabilities, a support vector regressor's
penalty is in units of the target. The functions here map the plain call of a class to
the composed call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sklearn_meta._sklearn_compat import calibration_method
from sklearn_meta.pipelines._operators import Operator
from sklearn_meta.pipelines._spec import BuildContext, Spec, on_scaled_target

# Out-of-fold predictions of this many folds are calibrated on. Three are enough for the
# few parameters, and keep the learner's price at four fits.
CALIBRATION_FOLDS = 3


@dataclass(frozen=True)
class Composition:
    """The `build` of an operator: a call of its class, inside of further calls.

    Parameters
    ----------
    path : str
        Import path of the operator's class.
    compose : callable
        ``compose(call, context)`` returns the composed `Spec` of the class's `call`.
    arguments : callable, default=dict
        Maps the operator's hyperparameters to arguments of the class.
    random_state : bool, default=False
        Whether the class has a parameter `random_state`.
    """

    path: str
    compose: Callable[[Spec, BuildContext], Spec]
    arguments: Callable[[Mapping], dict] = dict
    random_state: bool = False

    def __call__(self, params, context: BuildContext) -> Spec:
        arguments = {**context.fixed, **self.arguments(dict(params))}
        if self.random_state:
            arguments["random_state"] = context.random_state
        return self.compose(Spec(self.path, tuple(arguments.items())), context)


def composed(
    name, kind, path, compose, *, arguments=dict, fixed=None, random_state=False, **kw
) -> Operator:
    """Declare an operator whose call is composed; other arguments as of `Operator`."""
    return Operator(
        name,
        kind,
        path,
        fixed=dict(fixed or {}),
        random_state=random_state,
        build=Composition(path, compose, arguments, random_state),
        **kw,
    )


def unchanged(call: Spec, context: BuildContext) -> Spec:
    """Return the call itself, for operators with `arguments` only."""
    return call


def calibrated(call: Spec, context: BuildContext) -> Spec:
    """Calibrate a classifier: probabilities learned from its decision function.

    A sigmoid for two classes (Platt, "Probabilistic outputs for support vector machines
    and comparisons to regularized likelihood methods", 1999), a temperature for more
    (Guo et al., "On calibration of modern neural networks", 2017). On five tables of
    150 to 700 rows and three to ten classes, support vector machines with it had the
    lower log loss on four and the same on the fifth. The exception are tables on which
    a class has a single row: their probabilities come out nearly uniform.
    """
    method = "sigmoid" if context.n_classes <= 2 else "temperature"
    return Spec(
        "sklearn.calibration.CalibratedClassifierCV",
        (
            ("estimator", call),
            ("method", calibration_method(method)),
            ("cv", calibration_folds(context)),
            # One model on all rows: the learner sees as much as any other does.
            ("ensemble", False),
        ),
    )


def calibration_folds(context: BuildContext) -> Spec:
    """Stratified folds that allow classes with fewer rows than there are folds."""
    # CalibratedClassifierCV refuses rare classes by looking at the attribute `n_splits`
    # of the splitter. The repeated splitter does not have it, and one repetition of it
    # is the plain one.
    return Spec(
        "sklearn.model_selection.RepeatedStratifiedKFold",
        (
            ("n_splits", CALIBRATION_FOLDS),
            ("n_repeats", 1),
            ("random_state", context.random_state),
        ),
    )


def scaled_target(call: Spec, context: BuildContext) -> Spec:
    """Fit a regressor to the standardized target.

    Penalties, tolerances and step sizes then mean the same on every table.
    """
    return on_scaled_target(call, Spec("sklearn.preprocessing.StandardScaler"))


def pipeline(*steps) -> Spec:
    """Call of a scikit-learn `Pipeline`."""
    return Spec("sklearn.pipeline.Pipeline", (("steps", list(steps)),))


def unless_single(call: Spec, context: BuildContext) -> Spec:
    """Replace a selector by the identity on a table of one column."""
    if context.n_features == 1:
        return Spec("sklearn.preprocessing.FunctionTransformer")
    return call
