"""Location and scale of a target, and the transformer for targets far from usual ones.

Learners compute with errors of the target, some in single precision (LightGBM keeps
labels as float32) and some with absolute tolerances (scikit-learn's trees make a node a
leaf if its variance is below 2e-16, histogram boosting stops early at a gain of 1e-7).
Times in seconds since 1970 lose their digits in the former, and targets of a tiny scale
never get past the latter. Such targets are standardized; all others are not, because
learners are good at their usual units, in which the pipelines of the knowledge base
were evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_meta.pipelines._spec import Spec

# A target is far from zero if its mean is this many standard deviations from zero: a
# thousandth of them is then lost in single precision at 1e4, and the variance of the
# leaves of a tree in double precision at 1e7. Years are at about a hundred.
FAR = 1e3

# Standard deviations outside of this range are extreme.
SMALLEST_SPREAD, LARGEST_SPREAD = 1e-3, 1e9

# Of several outputs, one whose standard deviation is smaller by this factor than that
# of another one has a thousandth of the weight in a tree of all outputs.
UNEQUAL = 30.0


@dataclass(frozen=True)
class TargetScale:
    """Location and scale of the outputs of a target.

    Parameters
    ----------
    center : ndarray of shape () or (n_outputs,)
        Mean of each output.
    spread : ndarray of shape () or (n_outputs,)
        Standard deviation of each output, zero for constant ones.
    """

    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, y) -> TargetScale:
        """Return the location and scale of a target.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        scale : TargetScale
        """
        with np.errstate(over="ignore"):
            # The rounding error of the mean gives constants a spread.
            varies = np.ptp(y, axis=0) > 0
            center, spread = np.asarray(y.mean(axis=0)), y.std(axis=0)
        return cls(center, np.where(varies, spread, 0.0))

    def scaler(self) -> Spec | None:
        """Return the transformer that learners need before they see the target.

        Returns
        -------
        scaler : Spec or None
            None for targets of usual location and scale. The mean is removed only if it
            is far from zero: a change of the unit alone then changes nothing for
            transformations that depend on the location, such as logarithms.
        """
        varies = self.spread > 0
        spread, center = self.spread[varies], self.center[varies]
        if not len(spread):
            return None
        if (np.abs(center) > FAR * spread).any():
            return Spec("sklearn.preprocessing.StandardScaler")
        least, most = spread.min(), spread.max()
        usual = SMALLEST_SPREAD <= least and most <= LARGEST_SPREAD
        if usual and most <= UNEQUAL * least:
            return None
        return Spec("sklearn.preprocessing.StandardScaler", (("with_mean", False),))

    def standardize(self, values) -> np.ndarray:
        """Return targets or predictions with the outputs in comparable units.

        Parameters
        ----------
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        standardized : ndarray of the same shape
        """
        return (values - self.center) / np.where(self.spread > 0, self.spread, 1.0)
