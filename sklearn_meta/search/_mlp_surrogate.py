"""Neural surrogate of the regret of pipelines: an ensemble of small networks.

Five networks with two hidden layers map the coordinates of a pipeline to its regret.
Each minimizes the squared error on its own random weights of the evaluations (Bayesian
bootstrap) from its own initial weights; their spread is the uncertainty [1]_. The
gradient of the mean with respect to the coordinates of numeric hyperparameters says in
which direction the regret falls.

References
----------
.. [1] B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive
   uncertainty estimation using deep ensembles", NeurIPS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.search._tree_encoding import TreeVectors, differing

N_NETWORKS, N_HIDDEN = 5, 16
N_STEPS, LEARNING_RATE, WEIGHT_DECAY = 100, 0.03, 1e-3
# Adam, with the usual rates of decay.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8

# Standard deviation that is added to the spread of the networks.
NOISE_DEVIATION = 0.05


@dataclass(frozen=True)
class MLPPosterior:
    """Fitted networks; see `mlp_posterior`.

    Parameters
    ----------
    weights : tuple of ndarray
        Weights and biases of the three layers, of all networks; the first axis is that
        of the networks.
    mean : float
        Mean regret, which is added to what the networks predict.
    used : ndarray of bool
        Coordinates that differ between the evaluated pipelines.
    """

    weights: tuple[np.ndarray, ...] = field(repr=False)
    mean: float
    used: np.ndarray = field(repr=False)

    def predict(self, vectors: TreeVectors):
        """Predict the regrets of pipelines.

        Parameters
        ----------
        vectors : TreeVectors

        Returns
        -------
        mean, deviation : ndarray of shape (n_trees,)
        """
        values = self.mean + forward(self.weights, self._input(vectors))[-1]
        return values.mean(axis=0), values.std(axis=0) + NOISE_DEVIATION

    def gradient(self, vectors: TreeVectors):
        """Return the gradient of the mean with respect to the values.

        Parameters
        ----------
        vectors : TreeVectors

        Returns
        -------
        gradient : ndarray of shape (n_trees, n_coordinates)
            Zero for coordinates that do not differ between the evaluated pipelines.
        """
        X = self._input(vectors)
        first, second, _ = forward(self.weights, X)
        W1, _, W2, _, W3, _ = self.weights
        # Backward through both hidden layers, to the input.
        at_second = W3[:, None, :] * (1 - second**2)
        at_first = (at_second @ W2.transpose(0, 2, 1)) * (1 - first**2)
        at_input = (at_first @ W1.transpose(0, 2, 1)).mean(axis=0)
        n_shapes = vectors.shapes.shape[1]
        gradient = np.zeros((len(X), len(self.used)))
        gradient[:, self.used] = at_input
        return gradient[:, n_shapes:]

    def _input(self, vectors):
        return vectors.joined()[:, self.used]


def mlp_posterior(vectors: TreeVectors, regrets, shares, seed) -> MLPPosterior:
    """Fit the networks to evaluations.

    Parameters
    ----------
    vectors : TreeVectors
        Of the n evaluated pipelines.
    regrets : ndarray of shape (n,)
    shares : ndarray of shape (n,)
        Shares of the folds that were scored, the weights of the evaluations.
    seed : int

    Returns
    -------
    posterior : MLPPosterior
    """
    rng = np.random.default_rng(seed)
    X = vectors.joined()
    used = differing(X)
    X = X[:, used]
    mean = float(np.average(regrets, weights=shares))
    importance = rng.exponential(size=(N_NETWORKS, len(X))) * shares
    importance /= importance.sum(axis=1, keepdims=True)
    weights = _initial(rng, X.shape[1])
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
    for step in range(1, N_STEPS + 1):
        gradients = loss_gradients(weights, X, regrets - mean, importance)
        for w, g, (m, v) in zip(weights, gradients, moments, strict=True):
            m += (1 - BETA_1) * (g - m)
            v += (1 - BETA_2) * (g * g - v)
            rate = LEARNING_RATE * np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
            # Decoupled weight decay.
            w -= rate * m / (np.sqrt(v) + EPSILON) + LEARNING_RATE * WEIGHT_DECAY * w
    return MLPPosterior(tuple(weights), mean, used)


def _initial(rng, n_inputs):
    """Draw the initial weights of all networks."""
    sizes = ((n_inputs, N_HIDDEN), (N_HIDDEN, N_HIDDEN))
    weights = []
    for n_in, n_out in sizes:
        scale = 1 / np.sqrt(max(n_in, 1))
        weights.append(scale * rng.normal(size=(N_NETWORKS, n_in, n_out)))
        weights.append(np.zeros((N_NETWORKS, 1, n_out)))
    weights.append(rng.normal(size=(N_NETWORKS, N_HIDDEN)) / np.sqrt(N_HIDDEN))
    weights.append(np.zeros((N_NETWORKS, 1)))
    return weights


def forward(weights, X):
    """Return both hidden layers and the output of all networks.

    Parameters
    ----------
    weights : sequence of ndarray
        See `MLPPosterior`.
    X : ndarray of shape (n, n_inputs)

    Returns
    -------
    first, second : ndarray of shape (n_networks, n, n_hidden)
    output : ndarray of shape (n_networks, n)
    """
    W1, b1, W2, b2, W3, b3 = weights
    first = np.tanh(X @ W1 + b1)
    second = np.tanh(first @ W2 + b2)
    return first, second, (second @ W3[:, :, None])[:, :, 0] + b3


def loss_gradients(weights, X, targets, importance):
    """Return the gradients of the weighted mean squared errors.

    Parameters
    ----------
    weights : sequence of ndarray
    X : ndarray of shape (n, n_inputs)
    targets : ndarray of shape (n,)
    importance : ndarray of shape (n_networks, n)
        Weights of the rows of each network, which sum to one.

    Returns
    -------
    gradients : list of ndarray
        In the order and shapes of `weights`.
    """
    _, _, W2, _, W3, _ = weights
    first, second, output = forward(weights, X)
    error = 2 * importance * (output - targets)
    at_second = error[:, :, None] * W3[:, None, :] * (1 - second**2)
    at_first = (at_second @ W2.transpose(0, 2, 1)) * (1 - first**2)
    return [
        X.T @ at_first,
        at_first.sum(axis=1, keepdims=True),
        first.transpose(0, 2, 1) @ at_second,
        at_second.sum(axis=1, keepdims=True),
        (error[:, :, None] * second).sum(axis=1),
        error.sum(axis=1, keepdims=True),
    ]
