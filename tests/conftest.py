"""Settings shared by all tests."""

import os
import signal

# Waiting OpenMP threads spin: on a machine where anything else wants the cores, a fit
# of some milliseconds takes seconds. Set before numpy is imported for the first time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest

# How long one example takes says more about the machine than about the code, and the
# examples of a run of the tests must not differ from those of the next.
hypothesis.settings.register_profile("default", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

SEED_VARIABLE = "SKLEARN_META_TESTS_GLOBAL_RANDOM_SEED"


def _global_random_seeds():
    # As in scikit-learn: one seed daily, "0-99" on demand.
    first, _, last = os.environ.get(SEED_VARIABLE, "42").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.fixture(params=_global_random_seeds())
def global_random_seed(request):
    """A seed for which a test must pass, whatever it is."""
    return request.param


@pytest.fixture
def rng(global_random_seed):
    """A random generator made from `global_random_seed`."""
    return np.random.default_rng(global_random_seed)


@pytest.fixture(autouse=True)
def interruptible():
    """Let SIGINT interrupt, also where the shell has started the tests to ignore it.

    A shell without job control does so with all that it runs in the background.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
