"""Kernels over pipeline trees: Matern and squared exponential.

With the squared distances of the shapes and of the values of two trees, ``r_s =
shape_scale * shape`` and ``r_v = r_s + value_scale * values``, the covariance is

    amplitude * (c + a f(r_s) + b f(r_v) + e [same tree]),

a constant, a term for trees of similar shape, one for similar shape and values, and one
for identical trees. The function ``f`` of a squared distance ``r = d**2`` is

==============  =====================================================
``"rbf"``       ``exp(-r / 2)``
``nu = 1/2``    ``exp(-d)``
``nu = 3/2``    ``(1 + sqrt(3) d) exp(-sqrt(3) d)``
``nu = 5/2``    ``(1 + sqrt(5) d + 5 r / 3) exp(-sqrt(5) d)``
==============  =====================================================

See C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning",
MIT Press, 2006, section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sklearn_meta.search._tree_encoding import TreeVectors

# Components of the variance of the regret over the pipelines of one dataset, and
# inverse squared length scales. Close to the maximum of the likelihood on a matrix of
# 75 classification and 56 regression datasets; the best of a dozen settings on held-out
# dataset families (see ``benchmarks/HISTORY.md``).
CONSTANT_VARIANCE, SHAPE_VARIANCE = 0.1, 0.17
VALUE_VARIANCE, IDENTITY_VARIANCE = 0.24, 0.08
SHAPE_SCALE, VALUE_SCALE = 0.5, 1.0

# Noise variance of an evaluation on all folds; inversely proportional to the share of
# folds that were scored.
NOISE = 0.15


@dataclass(frozen=True)
class TreeKernel:
    """Covariance of the regrets of pipelines on one dataset.

    Parameters
    ----------
    name : {"rbf", "matern"}, default="rbf"
    nu : {0.5, 1.5, 2.5}, default=2.5
        Smoothness of the Matern kernel.
    amplitude : float, default=1.0
        Factor of all components of the variance.
    shape_scale, value_scale : float
        Inverse squared length scales.
    noise : float
        Variance of the noise of an evaluation.
    """

    name: str = "rbf"
    nu: float = 2.5
    amplitude: float = 1.0
    shape_scale: float = SHAPE_SCALE
    value_scale: float = VALUE_SCALE
    noise: float = NOISE

    def __call__(self, a: TreeVectors, b: TreeVectors):
        """Return the covariance of trees, of shape (len(a), len(b)).

        Parameters
        ----------
        a, b : TreeVectors

        Returns
        -------
        covariance : ndarray of shape (len(a), len(b))
        """
        shape = squared_distances(a.shapes, b.shapes)
        values = squared_distances(a.values, b.values)
        near = self.shape_scale * shape
        return self.amplitude * (
            CONSTANT_VARIANCE
            + SHAPE_VARIANCE * self._of_distance(near)
            + VALUE_VARIANCE * self._of_distance(near + self.value_scale * values)
            + IDENTITY_VARIANCE * (shape + values < 1e-9)
        )

    @property
    def variance(self) -> float:
        """Variance of the regret of one pipeline."""
        return self.amplitude * (
            CONSTANT_VARIANCE + SHAPE_VARIANCE + VALUE_VARIANCE + IDENTITY_VARIANCE
        )

    def _of_distance(self, squared):
        """Return the function f of squared distances."""
        if self.name == "rbf":
            return np.exp(-0.5 * squared)
        d = math.sqrt(2 * self.nu) * np.sqrt(squared)
        polynomial = {0.5: 1.0, 1.5: 1.0 + d, 2.5: 1.0 + d + d * d / 3}[self.nu]
        return polynomial * np.exp(-d)


DEFAULT_KERNEL = TreeKernel()


def squared_distances(a, b):
    """Squared Euclidean distances between the rows of `a` and of `b`."""
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * a @ b.T
    return np.maximum(squared, 0.0)
