"""Global random generators start from a seed for a while, and are restored."""

import pickle
import random
import threading

import numpy as np
import pytest

from sklearn_meta.parallel._random_state import seeded_global_generators


def state():
    return pickle.dumps((np.random.get_state(), random.getstate()))


def draw():
    return random.random(), np.random.random()


def test_the_same_numbers_inside_and_the_state_from_before_afterwards():
    before = state()
    with seeded_global_generators(3):
        first = draw()
        assert draw() != first
    assert state() == before
    with pytest.raises(ZeroDivisionError), seeded_global_generators(3):
        assert draw() == first
        1 / 0  # noqa: B018
    assert state() == before


def test_contexts_that_overlap_in_two_threads_restore_what_was_before_both():
    before = state()
    inside, leave = threading.Event(), threading.Event()

    def other():
        with seeded_global_generators(1):
            inside.set()
            leave.wait(20)
            draw()

    thread = threading.Thread(target=other)
    with seeded_global_generators(0):
        thread.start()
        assert inside.wait(20)
        draw()
    assert state() != before  # the other thread draws
    leave.set()
    thread.join()
    assert state() == before


def test_another_bit_generator_of_numpy_is_kept():
    usual = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(5))
    try:
        before = repr(np.random.get_state(legacy=False))
        with seeded_global_generators(0):
            np.random.random()
        assert repr(np.random.get_state(legacy=False)) == before
    finally:
        np.random.set_bit_generator(usual)


def test_torch_is_seeded_where_it_has_been_imported():
    torch = pytest.importorskip("torch")
    before = torch.get_rng_state()
    with seeded_global_generators(0):
        first = torch.rand(1).item()
    assert torch.equal(torch.get_rng_state(), before)
    with seeded_global_generators(0):
        assert torch.rand(1).item() == first
