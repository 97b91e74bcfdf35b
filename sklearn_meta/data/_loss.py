"""The loss that a scorer judges, where it is not the squared error.

A quantile, a count or a relative error is not what least squares aim at: learners with
the loss itself are searched for, predictions are kept in the range where the loss is
defined, and combinations are fitted for it. Scorers whose loss is not known here, and
those of squared errors, have none: ``loss_of`` returns None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from sklearn_meta._sklearn_compat import metric_of_scorer

QUANTILE = "quantile"
TWEEDIE = "tweedie"
SQUARED_LOG = "squared_log"

# A deviance wants positive predictions: those of learners of other losses are raised to
# this share of the smallest positive target, or of the mean target if that is less.
# Zeros would have an infinite deviance; a thirtieth of an event costs little where
# nothing happens, and is survived where something does.
SMALLEST_SHARE = 0.03


@dataclass(frozen=True)
class Loss:
    """A loss of regression, by its family and parameter.

    Parameters
    ----------
    name : {"quantile", "tweedie", "squared_log"}
        The pinball loss, of which the absolute error is the one at 0.5; the deviance
        of a Tweedie distribution, of which Poisson and gamma are two; the squared
        error of ``log(1 + y)``.
    level : float or None, default=None
        Level of the quantile, above 0 and below 1.
    power : float or None, default=None
        Power of the mean to which the variance is proportional: 1 is Poisson, 2 gamma.
    """

    name: str
    level: float | None = None
    power: float | None = None

    def __str__(self):
        if self.name == QUANTILE:
            if self.level == 0.5:
                return "the absolute error"
            return f"the pinball loss at {self.level:g}"
        if self.name == SQUARED_LOG:
            return "the squared logarithmic error"
        known = {1.0: "Poisson", 2.0: "gamma"}.get(self.power or 0.0)
        if known is not None:
            return f"the {known} deviance"
        return f"the Tweedie deviance of power {self.power:g}"

    @property
    def metric(self) -> str:
        """Name of the scorer of scikit-learn that is nearest to the loss."""
        if self.name == QUANTILE:
            return "neg_mean_absolute_error"
        if self.name == SQUARED_LOG:
            return "neg_root_mean_squared_log_error"
        is_poisson = self.power is not None and self.power < 1.5
        return f"neg_mean_{'poisson' if is_poisson else 'gamma'}_deviance"

    def check_target(self, y, scoring):
        """Check that the loss is defined for a target.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        scoring : str or callable
            The parameter that asks for the loss, for the message.

        Raises
        ------
        ValueError
            If the loss is not defined for some of the values.
        """
        if self.name == SQUARED_LOG:
            wrong, what = y <= -1, "above -1"
        elif self.name == TWEEDIE and self.power is not None and self.power >= 2:
            wrong, what = y <= 0, "above zero"
        elif self.name == TWEEDIE and self.power is not None and self.power >= 1:
            wrong, what = y < 0, "of zero or more"
        else:
            return
        if wrong.any():
            raise ValueError(
                f"The 'scoring' parameter is {scoring!r}, {self}, which needs targets "
                f"{what}. Got y with {np.count_nonzero(wrong)} other values, the "
                f"smallest {y.min():g}. Drop these rows from X and y, or pass another "
                "scoring, such as 'neg_mean_absolute_error'."
            )

    def least(self, y) -> float | tuple[float, ...] | None:
        """Return the smallest prediction of learners of other losses.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Targets seen in `fit`, valid by `check_target`.

        Returns
        -------
        least : float, tuple of float or None
            One for each of several outputs. None if there is no bound. Above zero if
            the loss wants that.
        """
        if self.name == QUANTILE:
            return None
        if y.ndim == 2:
            return tuple(self._least_of(column) for column in y.T)
        return self._least_of(y)

    def _least_of(self, y):
        if self.name == SQUARED_LOG:
            # Targets between -1 and 0 are unusual, but allowed.
            return float(min(0.0, y.min()))
        positive = y[y > 0]
        if not len(positive):
            return SMALLEST_SHARE
        # Below a power of one, targets may be negative, and so may be their mean.
        smallest = min(positive.min(), y.mean() if y.mean() > 0 else np.inf)
        return float(SMALLEST_SHARE * smallest)

    def constant(self, y) -> float:
        """Return the constant prediction with the smallest loss.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)

        Returns
        -------
        constant : float
        """
        if self.level is not None:
            return float(np.quantile(y, self.level))
        if self.name == SQUARED_LOG:
            return float(np.expm1(np.mean(np.log1p(y))))
        return float(np.mean(y))


def loss_of(scoring) -> Loss | None:
    """Return the loss that a scorer judges.

    Parameters
    ----------
    scoring : None, str or callable
        The `scoring` parameter: scikit-learn's name of a scorer, or a scorer of
        ``make_scorer``, whose metric may be a ``functools.partial``.

    Returns
    -------
    loss : Loss or None
        None for squared errors, and for scorers of other metrics and of the user's own
        functions.
    """
    if isinstance(scoring, str):
        if scoring not in metrics.get_scorer_names():
            return None
        scoring = metrics.get_scorer(scoring)
    metric, arguments, sign = metric_of_scorer(scoring)
    # Not looked up by hash: callables of users may have none.
    known = next((entry for own, entry in _KNOWN if own is metric), None)
    # A loss whose sign is not turned would be maximized: nobody's aim.
    if known is None or sign != known[0]:
        return None
    return known[1](arguments)


def _quantile(level):
    # The extremes are bounds, which no learner is fitted to.
    return Loss(QUANTILE, level=float(level)) if 0 < level < 1 else None


def _tweedie(power):
    # A power of zero is the squared error.
    return Loss(TWEEDIE, power=float(power)) if power < 0 or power >= 1 else None


# Each metric with the sign of a useful scorer of it, and its loss.
_Entry = tuple[int, Callable[[dict], Loss | None]]
_KNOWN: tuple[tuple[Callable, _Entry], ...] = (
    (metrics.mean_pinball_loss, (-1, lambda a: _quantile(a.get("alpha", 0.5)))),
    (metrics.d2_pinball_score, (1, lambda a: _quantile(a.get("alpha", 0.5)))),
    (metrics.mean_absolute_error, (-1, lambda a: _quantile(0.5))),
    (metrics.median_absolute_error, (-1, lambda a: _quantile(0.5))),
    (metrics.d2_absolute_error_score, (1, lambda a: _quantile(0.5))),
    (metrics.mean_poisson_deviance, (-1, lambda a: _tweedie(1))),
    (metrics.mean_gamma_deviance, (-1, lambda a: _tweedie(2))),
    (metrics.mean_tweedie_deviance, (-1, lambda a: _tweedie(a.get("power", 0)))),
    (metrics.d2_tweedie_score, (1, lambda a: _tweedie(a.get("power", 0)))),
    (metrics.mean_squared_log_error, (-1, lambda a: Loss(SQUARED_LOG))),
    (metrics.root_mean_squared_log_error, (-1, lambda a: Loss(SQUARED_LOG))),
)
