"""Averages of initializations."""

import pytest
import torch

from sklearn_meta.maml._initialization import random_initialization
from sklearn_meta.maml._network import NetworkConfig
from sklearn_meta.maml.training import average_initializations

CONFIG = NetworkConfig("classification", width=4, cell_width=2, n_neighbors=1)


def test_average_is_the_mean():
    parts = [random_initialization(CONFIG, seed, rate=seed) for seed in (1, 2, 6)]
    average = average_initializations(parts)
    for name, tensor in average.parameters.items():
        expected = sum(part.parameters[name] for part in parts) / 3
        torch.testing.assert_close(tensor, expected)
    assert all(float(rate) == 3.0 for rate in average.rates.values())


def test_average_of_nothing_and_of_different_networks_is_refused():
    with pytest.raises(ValueError, match="one at least"):
        average_initializations([])
    other = NetworkConfig("classification", width=6, cell_width=2, n_neighbors=1)
    with pytest.raises(ValueError, match="one architecture"):
        average_initializations(
            [random_initialization(CONFIG), random_initialization(other)]
        )
