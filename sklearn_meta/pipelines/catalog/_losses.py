"""Learners that are fitted to quantiles, deviances and the squared logarithmic error.

They are part of a search only where `scoring` asks for their loss, and bound to its
level or power: the catalog of all other searches, hence what these draw, is the same
without them.
"""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.data._loss import QUANTILE, SQUARED_LOG, TWEEDIE, Loss
from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines._hyperparameters import Float
from sklearn_meta.pipelines._operators import Cost, Operator
from sklearn_meta.pipelines._spec import BuildContext, Reference, Spec
from sklearn_meta.pipelines.catalog import _boosting
from sklearn_meta.pipelines.catalog._composition import composed
from sklearn_meta.pipelines.catalog._declarations import MAX_ITER, regressor

LOG_TARGET = "log_target"

# Families of Tweedie distributions, by the name with which their operators begin.
POISSON, GAMMA = "poisson", "gamma"

_LINEAR = "sklearn.linear_model"


def loss_operators(loss: Loss) -> tuple[Operator, ...]:
    """Return the operators of regression that are fitted to a loss.

    Parameters
    ----------
    loss : Loss

    Returns
    -------
    operators : tuple of Operator
        Bound to the level or the power of the loss.
    """
    if loss.name == QUANTILE:
        return _of_quantile(loss.level)
    if loss.name == TWEEDIE:
        return _of_tweedie(loss.power)
    return (_LOG_TARGET,)


def all_loss_operators() -> tuple[Operator, ...]:
    """Return one operator of each name that `loss_operators` may return.

    Returns
    -------
    operators : tuple of Operator
        Their classes and costs are those of every level and power.
    """
    found = {
        operator.name: operator
        for loss in _EXAMPLES
        for operator in loss_operators(loss)
    }
    return tuple(found.values())


def without_log_target(tree):
    """Return the estimator whose kind a tree is: the one that is fitted to logarithms.

    Parameters
    ----------
    tree : Node

    Returns
    -------
    tree : Node
        The tree itself unless it is wrapped by `LOG_TARGET`.
    """
    return tree.inputs[0] if tree.operator == LOG_TARGET else tree


def is_positive(name) -> bool:
    """Whether an operator predicts the exponential of a number, which is positive."""
    return name.startswith((f"{POISSON}_", f"{GAMMA}_", f"{TWEEDIE}_"))


_BOOSTED = {o.name: o for o in _boosting.LEARNERS if o.tasks == (REGRESSION,)}


def _boosted(name, prefix, cost, **fixed):
    """Return a booster of the catalog with another loss."""
    base = _BOOSTED[name]
    return replace(
        base,
        name=f"{prefix}_{name}",
        hyperparameters=tuple(h for h in base.hyperparameters if h.name != "loss"),
        fixed={**base.fixed, **fixed},
        cost=replace(base.cost, **cost),
    )


def _of_quantile(level):
    return (
        # Penalty and loss are both proportional to the unit of the target.
        regressor(
            "quantile_linear",
            f"{_LINEAR}.QuantileRegressor",
            Float("alpha", 1e-5, 1.0, 1e-3, log=True),
            fixed={"quantile": level, "solver": "highs"},
            accepts_sparse=True,
            sample_weight=True,
            cost=Cost(0.08, rows=1.65, columns=0.7),
        ),
        _boosted(
            "lightgbm",
            QUANTILE,
            {},
            objective="quantile",
            alpha=level,
        ),
        _boosted(
            "hist_gradient_boosting",
            QUANTILE,
            {"seconds": 0.32},
            loss="quantile",
            quantile=level,
        ),
        _boosted(
            "gradient_boosting",
            QUANTILE,
            {"seconds": 0.62},
            loss="quantile",
            alpha=level,
        ),
    )


def _rescaled_target(call: Spec, context: BuildContext):
    """Divide the target by its deviation: penalties then mean the same everywhere.

    A deviance with a logarithmic link only changes by a factor.
    """
    return Spec(
        "sklearn.compose.TransformedTargetRegressor",
        (
            ("regressor", call),
            (
                "transformer",
                Spec("sklearn.preprocessing.StandardScaler", (("with_mean", False),)),
            ),
        ),
    )


def _of_tweedie(power):
    """Learners of a deviance, and of the nearest one that boosting has."""
    if power < 1:
        # Targets of both signs: a logarithmic link of their mean may not exist.
        return ()
    if power == 1:
        lightgbm = _boosted("lightgbm", POISSON, {}, objective="poisson", **_ANY_UNIT)
    elif power < 2:
        lightgbm = _boosted(
            "lightgbm",
            TWEEDIE,
            {},
            objective="tweedie",
            tweedie_variance_power=power,
            **_ANY_UNIT,
        )
    else:
        lightgbm = _boosted("lightgbm", GAMMA, {}, objective="gamma")
    near = POISSON if power < 2 else GAMMA
    hist = _boosted("hist_gradient_boosting", near, {}, loss=near)
    return (_generalized_linear(power), lightgbm, hist)


# The second derivatives of these objectives are in the unit of the target, and the
# default would forbid every split of numbers much below one. In histogram gradient
# boosting such a bound is no parameter: it is worse on such targets.
_ANY_UNIT = {"min_child_weight": 0.0}


def _generalized_linear(power):
    """Return the generalized linear model with a logarithmic link."""
    prefix, path, fixed = {
        1.0: (POISSON, f"{_LINEAR}.PoissonRegressor", {}),
        2.0: (GAMMA, f"{_LINEAR}.GammaRegressor", {}),
    }.get(
        power,
        (
            TWEEDIE,
            f"{_LINEAR}.TweedieRegressor",
            {"power": power, "link": "log"},
        ),
    )
    return composed(
        f"{prefix}_linear",
        "learner",
        path,
        _rescaled_target,
        tasks=(REGRESSION,),
        hyperparameters=(Float("alpha", 1e-5, 100.0, 1e-2, log=True),),
        fixed={**fixed, "max_iter": MAX_ITER},
        accepts_sparse=True,
        sample_weight=True,
        cost=Cost(0.003, rows=0.8, columns=0.7),
    )


def _log_target(params, context: BuildContext):
    """Fit a regressor to the logarithm of one plus the target."""
    return Spec(
        "sklearn.compose.TransformedTargetRegressor",
        (
            ("regressor", context.inner),
            ("func", Reference("numpy.log1p")),
            ("inverse_func", Reference("numpy.expm1")),
            ("check_inverse", False),
        ),
    )


_LOG_TARGET = Operator(
    LOG_TARGET,
    "wrapper",
    "sklearn.compose.TransformedTargetRegressor",
    tasks=(REGRESSION,),
    cost=Cost(0.001, columns=0),
    build=_log_target,
)

# One loss of each set of operators.
_EXAMPLES = (
    Loss(QUANTILE, level=0.5),
    *(Loss(TWEEDIE, power=power) for power in (1.0, 1.5, 2.0, 3.0)),
    Loss(SQUARED_LOG),
)
