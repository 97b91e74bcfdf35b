"""What this package uses of scikit-learn's private and experimental interface.

No other module imports such names, so that a new version of scikit-learn can break
this one only. Supported are 1.7 to 1.9; what earlier ones of these lack:

- Callbacks, experimental, since 1.9. Before, `CallbackSupportMixin` has no
  ``set_callbacks``, and its contexts take every call and do nothing.
- Refused weights that are all zero, since 1.9. Before, `_check_sample_weight` refuses
  them here, with the same words.
- Calibration by a temperature, since 1.8. Before, `calibration_method` gives a sigmoid
  in its place.
- Logistic regression whose penalty `l1_ratio` alone decides, since 1.8. Before,
  `logistic_penalty` names the penalty too.
- Shrinkage of `QuadraticDiscriminantAnalysis` toward a multiple of the identity, since
  1.8. Before, `qda_shrinkage` names its parameter `reg_param`, toward the identity.
- Splines of missing values, and splitters for the cross-fitting of `TargetEncoder`.
  Where `splines_take_missing` and `target_encoder_takes_splitters` are false, missing
  dates have the splines of 1970-01-01, and target encoding makes its own folds.

What scikit-learn itself does otherwise before 1.9 stays so: with metadata routing, a
scorer that does not say whether it wants `sample_weight` gets none, without an error.
"""

from __future__ import annotations

import contextlib
import functools
import inspect

from sklearn.base import _fit_context
from sklearn.metrics._scorer import _Scorer
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils.metadata_routing import _raise_for_params
from sklearn.utils.validation import (
    _check_method_params,
    _check_sample_weight,
    _num_samples,
)

if "allow_all_zero_weights" not in inspect.signature(_check_sample_weight).parameters:
    _check_shape_and_signs = _check_sample_weight

    @functools.wraps(_check_shape_and_signs)
    def _check_sample_weight(sample_weight, X, **kwargs):
        sample_weight = _check_shape_and_signs(sample_weight, X, **kwargs)
        if not sample_weight.any():
            raise ValueError(
                "Sample weights must contain at least one non-zero number."
            )
        return sample_weight


def calibration_method(name):
    """Return the method of `CalibratedClassifierCV` that comes nearest to `name`."""
    # Not needed before the first pipeline with it is built.
    from sklearn.calibration import CalibratedClassifierCV

    (methods,) = CalibratedClassifierCV._parameter_constraints["method"]
    return name if methods.is_satisfied_by(name) else "sigmoid"


def logistic_penalty(l1_ratio):
    """Return the arguments of `LogisticRegression` that stand for a mixed penalty."""
    from sklearn.linear_model import LogisticRegression

    if LogisticRegression().get_params().get("penalty") != "l2":
        return [("l1_ratio", l1_ratio)]
    # It warns of a ratio that is not used.
    if l1_ratio == 0:
        return []
    return [("penalty", "elasticnet"), ("l1_ratio", l1_ratio)]


def qda_shrinkage(shrinkage):
    """Return the arguments of `QuadraticDiscriminantAnalysis` for a shrinkage."""
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    if "solver" in QuadraticDiscriminantAnalysis().get_params():
        return [("shrinkage", shrinkage), ("solver", "eigen")]
    return [("reg_param", shrinkage)]


@functools.cache
def splines_take_missing():
    """Whether `SplineTransformer` takes missing values."""
    from sklearn.preprocessing import SplineTransformer

    return "handle_missing" in SplineTransformer().get_params()


@functools.cache
def target_encoder_takes_splitters():
    """Whether the parameter `cv` of `TargetEncoder` may be a splitter."""
    from sklearn.preprocessing import TargetEncoder

    return "cv_object" in TargetEncoder._parameter_constraints["cv"]


def takes_sample_weight(scorer):
    """Whether a scorer has a use for weights of rows; plain callables have none."""
    accepts = getattr(scorer, "_accept_sample_weight", None)
    return accepts is not None and accepts()


def response_methods(scorer):
    """Return the methods of an estimator that a scorer of `make_scorer` asks for.

    Such a scorer passes its `X` on to the first of these methods that the estimator
    has, and does nothing else with it. None for any other callable.
    """
    if type(scorer) is not _Scorer:
        return None
    methods = scorer._response_method
    return (methods,) if isinstance(methods, str) else tuple(methods)


def metric_of_scorer(scorer):
    """Return metric, arguments and sign of a scorer of `make_scorer`.

    A metric that is a `functools.partial` is taken apart. The metric is None for other
    callables.
    """
    metric = getattr(scorer, "_score_func", None)
    arguments = dict(getattr(scorer, "_kwargs", None) or {})
    while isinstance(metric, functools.partial) and not metric.args:
        metric, arguments = metric.func, {**metric.keywords, **arguments}
    return metric, arguments, getattr(scorer, "_sign", 1)


def validate_params(estimator):
    """Raise InvalidParameterError for a parameter outside of its constraints.

    For an object with ``_parameter_constraints``, at a place where `_fit_context` does
    not do it.
    """
    estimator._validate_params()


try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ModuleNotFoundError:
    HAS_CALLBACKS = False

    class CallbackSupportMixin:
        """An estimator on which no callbacks can be set."""

        def _init_callback_context(
            self, task_name="fit", task_id=0, max_subtasks=0, sequential_subtasks=True
        ):
            """Return the context of the whole fit."""
            return _NoCallbackContext()

    class _NoCallbackContext:
        """The calls of scikit-learn's `CallbackContext`, of no callbacks."""

        def subcontext(
            self, task_name="", task_id=None, max_subtasks=0, sequential_subtasks=True
        ):
            return self

        def call_on_fit_task_begin(self, *, estimator, **seen):
            return self

        def call_on_fit_task_end(self, *, estimator, **seen):
            """Return False: nobody asks to stop."""
            return False

        def propagate_callback_context(self, sub_estimator):
            return contextlib.nullcontext()

    def with_callbacks(method):
        """Call the method: there is nothing to tear down after it."""

        # A frame of its own, as scikit-learn's: warnings count the frames.
        @functools.wraps(method)
        def call(estimator, *args, **kwargs):
            return method(estimator, *args, **kwargs)

        return call
else:
    HAS_CALLBACKS = True

__all__ = [
    "HAS_CALLBACKS",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "_check_method_params",
    "_check_sample_weight",
    "_fit_context",
    "_num_samples",
    "_raise_for_params",
    "_safe_indexing",
    "calibration_method",
    "logistic_penalty",
    "qda_shrinkage",
    "response_methods",
    "metric_of_scorer",
    "splines_take_missing",
    "takes_sample_weight",
    "target_encoder_takes_splitters",
    "validate_params",
    "with_callbacks",
]
