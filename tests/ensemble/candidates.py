"""Made-up candidates whose predictions are the truth seen through noise."""

import numpy as np
from scipy.special import expit


def softmax(logits):
    z = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)


def class_candidates(rng, n=300, n_classes=3, noise=(1.0, 1.0, 1.0)):
    """Targets, and candidates that each see the true logits plus noise."""
    logits = 1.5 * rng.normal(size=(n, n_classes))
    y = np.array([rng.choice(n_classes, p=p) for p in softmax(logits)])
    return y, [softmax(logits + s * rng.normal(size=logits.shape)) for s in noise]


def target_candidates(rng, n=300, noise=(1.0, 1.0, 1.0)):
    """Targets, and candidates that are the targets plus noise."""
    y = 3.0 * rng.normal(size=n) + 100.0
    return y, [y + s * rng.normal(size=n) for s in noise]


def some_labels(rng, n=1_500):
    """Calibrated probabilities of one common and two rare labels."""
    p = expit(1.5 * rng.normal(size=(n, 3)) + np.array([0.0, -3.0, -3.0]))
    return p, (rng.uniform(size=p.shape) < p).astype(int)
