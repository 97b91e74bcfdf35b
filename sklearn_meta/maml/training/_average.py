"""Average initializations in weight space."""

from __future__ import annotations

import torch

from sklearn_meta.maml._initialization import Initialization


def average_initializations(initializations):
    """Average initializations in weight space.

    Averaging networks that were trained independently from one start is the limit of
    Reptile [1]_ with many inner steps and a single outer step: a baseline for
    meta-training.

    Parameters
    ----------
    initializations : sequence of Initialization
        At least one. All have the same architecture and step sizes for the same
        tensors.

    Returns
    -------
    initialization : Initialization
        Mean of the parameters and of the step sizes.

    Raises
    ------
    ValueError
        If the sequence is empty or the architectures differ.

    References
    ----------
    .. [1] A. Nichol, J. Achiam, J. Schulman, "On First-Order Meta-Learning
       Algorithms", arXiv 1803.02999, 2018.

    Examples
    --------
    >>> from sklearn_meta.maml import load_initialization
    >>> from sklearn_meta.maml.training import average_initializations
    >>> shipped = load_initialization("regression")
    >>> average_initializations([shipped, shipped]).n_inner_steps
    3
    """
    initializations = list(initializations)
    if not initializations:
        raise ValueError("'initializations' must contain one at least. Got none.")
    first = initializations[0]
    for other in initializations[1:]:
        if other.config != first.config or other.rates.keys() != first.rates.keys():
            raise ValueError(
                "'initializations' must have one architecture and adapt the same "
                f"tensors. Got {first.config} and {other.config}."
            )
    return Initialization(
        first.config,
        _mean_tensors([i.parameters for i in initializations]),
        _mean_tensors([i.rates for i in initializations]),
        first.n_inner_steps,
        {"algorithm": "average", "of": [i.recipe for i in initializations]},
    )


def _mean_tensors(dictionaries):
    """Average dictionaries of tensors key by key."""
    return {
        name: torch.stack([d[name].detach() for d in dictionaries]).mean(0)
        for name in dictionaries[0]
    }
