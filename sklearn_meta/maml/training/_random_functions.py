"""Priors over functions that synthetic tables are sampled from.

Each prior samples the columns of a table as latent numbers, and one or more responses
that depend on them. `Measurement` maps the latent numbers to observed columns: skewed,
heavy-tailed, rounded or categorical, with missing cells.

Notation: n rows, d columns, k responses; ``z`` (n, d) are the latent columns, about
standard normal, ``f`` (n, k) the responses without noise, ``x`` (n, d) the observed
columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Kinds of observed columns, and their mean shares.
PLAIN, SKEWED, HEAVY, ROUNDED, CODES = range(5)
KIND_SHARES = (0.45, 0.18, 0.07, 0.15, 0.15)
MAX_COLUMN_LEVELS = 12


@dataclass(frozen=True, eq=False)
class Measurement:
    """Map from latent to observed columns.

    Parameters
    ----------
    kinds : ndarray of int of shape (d,)
        `PLAIN`, `SKEWED`, `HEAVY` (heavy-tailed), `ROUNDED` (to few values) or `CODES`
        (of categories).
    n_levels : ndarray of int of shape (d,)
        Number of values of the rounded and coded columns.
    """

    kinds: np.ndarray
    n_levels: np.ndarray

    @classmethod
    def draw(cls, rng, d):
        """Sample the kinds of d columns, in shares that vary between tables."""
        # A small concentration: most columns of a real table are of few kinds.
        shares = rng.dirichlet(4.0 * np.array(KIND_SHARES))
        kinds = rng.choice(len(shares), size=d, p=shares)
        n_levels = 2 + (rng.random(d) ** 2 * (MAX_COLUMN_LEVELS - 1)).astype(np.int64)
        return cls(kinds, n_levels)

    @property
    def categorical(self):
        """Mask of the columns of category codes."""
        return self.kinds == CODES

    def level(self, z):
        """Return the level of each cell, as if all columns were rounded."""
        # Equal widths between -2 and 2, so that the outer levels are rare.
        steps = np.floor((z + 2.0) * (self.n_levels / 4.0))
        return np.clip(steps, 0, self.n_levels - 1)

    def quantized(self, z):
        """Replace latent values by the center of their level in columns with levels.

        Responses computed from these values are functions of the observed columns.
        """
        centers = (self.level(z) + 0.5) * (4.0 / self.n_levels) - 2.0
        return np.where(self.kinds >= ROUNDED, centers, z)

    def record(self, rng, z):
        """Return the observed columns; missing cells are NaN."""
        n, d = z.shape
        level = self.level(z)
        # Category codes are arbitrary: a random permutation in each column.
        order = np.argsort(
            rng.random((d, MAX_COLUMN_LEVELS + 1)) + _padding(self.n_levels)
        )
        codes = order[np.arange(d), level.astype(np.int64)]
        tail = rng.uniform(0.3, 1.2, size=d)
        x = np.choose(
            self.kinds, [z, np.exp(tail * z), z * np.abs(z) ** tail, level, codes]
        )
        return _with_gaps(rng, x, z)


def _padding(n_levels):
    """Return sort keys that put the levels a column does not have last."""
    return np.where(np.arange(MAX_COLUMN_LEVELS + 1) >= n_levels[:, None], 2.0, 0.0)


def _with_gaps(rng, x, z):
    """Remove cells of some columns, completely at random or depending on the value."""
    if rng.random() > 0.3:
        return x
    n, d = x.shape
    share = rng.beta(1.0, 6.0, size=d) * (rng.random(d) < rng.uniform(0.1, 1.0))
    # In a quarter of the columns, larger values are missing more often.
    by_value = np.where(rng.random(d) < 0.25, 1.0, 0.0)
    missing = rng.random((n, d)) < share * (1.0 + by_value * np.tanh(z))
    return np.where(missing, np.nan, x)


def _latent(rng, n, d):
    """Sample columns with the correlations of a factor model."""
    z = rng.standard_normal((n, d))
    if rng.random() < 0.6:
        n_factors = rng.integers(1, 4)
        common = rng.uniform(0.0, 0.9) * rng.random(d)  # share of the variance
        loadings = rng.standard_normal((n_factors, d))
        loadings *= np.sqrt(common / (loadings**2).sum(axis=0))
        z = z * np.sqrt(1.0 - common) + rng.standard_normal((n, n_factors)) @ loadings
    return z


def _relevant(rng, d):
    """Sample the columns that the responses depend on."""
    n_relevant = max(1, int(np.ceil(d * rng.random() ** 1.5)))
    return rng.permutation(d)[:n_relevant]


def _with_response(response):
    """Return the prior of a function from relevant columns to responses."""

    def prior(rng, n, k, measurement):
        d = len(measurement.kinds)
        z = measurement.quantized(_latent(rng, n, d))
        return z, response(rng, z[:, _relevant(rng, d)], k)

    prior.__doc__ = response.__doc__
    return prior


@_with_response
def trees(rng, z, k):
    """Sample sums of decision trees with thresholds from random rows."""
    n, d = z.shape
    n_trees, depth = rng.integers(1, 9), rng.integers(1, 5)
    feature = rng.integers(d, size=(n_trees, 2**depth - 1))
    threshold = z[rng.integers(n, size=feature.shape), feature]
    tree = np.arange(n_trees)
    node = np.zeros((n, n_trees), dtype=np.int64)
    for _ in range(depth):
        cell = np.take_along_axis(z, feature[tree, node], axis=1)
        node = 2 * node + 1 + (cell > threshold[tree, node])
    values = rng.standard_normal((n_trees, 2**depth, k))
    return values[tree, node - (2**depth - 1)].sum(axis=1)


@_with_response
def sparse_linear(rng, z, k):
    """Sample linear functions with few large coefficients, and up to two products."""
    n, d = z.shape
    f = z @ (rng.standard_normal((d, k)) * rng.standard_exponential((d, 1)))
    for _ in range(rng.choice(3, p=[0.6, 0.25, 0.15])):
        a, b = rng.integers(d, size=2)
        f += (z[:, a] * z[:, b])[:, None] * rng.standard_normal(k)
    return f


@_with_response
def smooth(rng, z, k):
    """Sample a Gaussian process by random Fourier features, one length scale a column.

    A. Rahimi, B. Recht, "Random Features for Large-Scale Kernel Machines", NeurIPS
    2007.
    """
    n_waves = 64
    n, d = z.shape
    length = np.exp(rng.normal(0.8, 0.7, size=d)) * np.sqrt(d)
    frequency = rng.standard_normal((d, n_waves)) / length[:, None]
    if rng.random() < 0.3:  # Matérn-like: rougher, with heavy-tailed frequencies
        frequency /= np.sqrt(rng.chisquare(3.0, size=n_waves) / 3.0)
    waves = np.cos(z @ frequency + rng.uniform(0.0, 2.0 * np.pi, size=n_waves))
    return waves @ rng.standard_normal((n_waves, k))


ACTIVATIONS = (
    np.tanh,
    np.sin,
    np.abs,
    np.sign,
    lambda a: np.maximum(a, 0.0),
    lambda a: a,
    lambda a: a * np.abs(a),
    lambda a: np.exp(-(a**2)),
)


def causal(rng, n, k, measurement):
    """Sample columns and responses as nodes of a structural causal model [1]_.

    A node is an activation of a sparse linear combination of nodes of the previous
    layer, plus independent noise. A column may be a cause or an effect of a response,
    share a cause with it, or be unrelated.

    References
    ----------
    .. [1] N. Hollmann, S. Müller, K. Eggensperger, F. Hutter, "TabPFN: A transformer
       that solves small tabular classification problems in a second", ICLR 2023.
    """
    d = len(measurement.kinds)
    n_layers = rng.integers(2, 5)
    # Few more nodes than columns and responses, so that most nodes are observed.
    width = int(np.ceil(1.2 * (d + k) / (n_layers + 1))) + 1
    layers = [rng.standard_normal((n, width))]
    noise = np.exp(rng.uniform(np.log(0.01), np.log(0.4)))
    parents = rng.uniform(0.15, 0.8)  # share of the nodes of the previous layer
    for _ in range(n_layers):
        weights = rng.standard_normal((width, width))
        weights *= rng.random((width, width)) < parents
        # At least one parent.
        weights[rng.integers(width, size=width), np.arange(width)] += 1.0
        drive = standardized(layers[-1] @ weights) + rng.normal(0.0, 0.5, size=width)
        activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
        own = noise * rng.standard_normal((n, width))
        layers.append(standardized(activation(drive)) + own)
    nodes = standardized(np.concatenate(layers, axis=1))
    chosen = rng.permutation(nodes.shape[1])[: d + k]
    if rng.random() < 0.5:
        # Responses in the last layers, downstream of the columns.
        last = nodes.shape[1] - 1 - rng.permutation(max(width, k))[:k]
        chosen = np.append(chosen[~np.isin(chosen, last)][:d], last)
    z = measurement.quantized(nodes[:, chosen[:d]])
    return z, nodes[:, chosen[-k:]]


def clusters(rng, n, k, measurement):
    """Sample Gaussian clusters, with one response vector for each cluster."""
    d = len(measurement.kinds)
    n_clusters = k + rng.integers(1, 2 * k + 4)
    cluster = rng.choice(n_clusters, size=n, p=rng.dirichlet(np.full(n_clusters, 3.0)))
    relevant = _relevant(rng, d)
    centers = np.zeros((n_clusters, d))
    distance = rng.uniform(1.0, 5.0) / np.sqrt(len(relevant))
    centers[:, relevant] = distance * rng.standard_normal((n_clusters, len(relevant)))
    spread = np.exp(0.4 * rng.standard_normal((n_clusters, d)))
    z = centers[cluster] + spread[cluster] * _latent(rng, n, d)
    values = 0.3 * rng.standard_normal((n_clusters, k))
    # Every response is the largest in some cluster, so that every class occurs.
    values[np.arange(n_clusters), np.arange(n_clusters) % k] += 1.0
    if k == 1:
        values = rng.standard_normal((n_clusters, 1))
    return measurement.quantized(standardized(z)), values[cluster]


PRIORS = {
    "trees": trees,
    "sparse_linear": sparse_linear,
    "smooth": smooth,
    "causal": causal,
    "clusters": clusters,
}


def standardized(values):
    """Scale columns to mean 0 and standard deviation 1; constant ones become 0."""
    centered = values - values.mean(axis=0)
    scale = np.sqrt(np.square(centered).mean(axis=0))
    return centered / np.where(scale > 1e-9, scale, 1.0)
