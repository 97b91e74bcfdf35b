"""Seeds of the global generators."""

import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.parallel._global_generators import seed_global_generators


@pytest.fixture(autouse=True)
def preserved():
    numpy_state, python_state = np.random.get_state(), random.getstate()
    yield
    np.random.set_state(numpy_state)
    random.setstate(python_state)


def draw():
    return random.random(), np.random.random()


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_same_seed_same_numbers(seed):
    seed_global_generators(seed)
    first = draw()
    draw()
    seed_global_generators(seed)
    assert draw() == first
    seed_global_generators(seed ^ 1)
    assert draw() != first


def test_torch_is_seeded_if_it_was_imported(monkeypatch):
    seeds = []
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(manual_seed=seeds.append))
    seed_global_generators(3)
    # As long as another thread imports it, it is empty.
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    seed_global_generators(3)
    assert seeds == [3]
