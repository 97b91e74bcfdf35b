"""Global random generators of Python, numpy and torch, seeded for a while."""

from __future__ import annotations

import contextlib
import random
import sys

import numpy as np

from sklearn_meta._cleanup import KEEPERS, SharedState


@contextlib.contextmanager
def seeded_global_generators(seed):
    """Return a context in which the global random generators start from a seed.

    It is for learners that draw from them, so that these give the same result wherever
    and after whatever they run. The generators belong to the process: in other threads,
    the same numbers are drawn meanwhile. Afterwards the generators have the state that
    they had before; of contexts that overlap in several threads, before the first one.

    Parameters
    ----------
    seed : int
        Between 0 and 2**32 - 1.
    """
    context = object()
    try:
        _SAVED.contexts.enter([context], _SAVED.save)
        seed_global_generators(seed)
        yield
    finally:
        _SAVED.contexts.leave([context])


class _Saved:
    """States from before the first of several contexts that overlap."""

    def __init__(self):
        self.contexts = SharedState(self._restore)
        self._states = None

    def save(self, is_first):
        if is_first:
            self._states = _get_states()

    def _restore(self):
        if self._states is not None:
            _set_states(self._states)
            self._states = None


# The generators are the same for all threads.
_SAVED = _Saved()
KEEPERS.append(_SAVED.contexts.keep)


def seed_global_generators(seed):
    """Set the state of the global generators.

    Parameters
    ----------
    seed : int
        Between 0 and 2**32 - 1.
    """
    random.seed(seed)
    # Only the default generator can be seeded; a user may have replaced it.
    with contextlib.suppress(TypeError):
        np.random.seed(seed)
    torch = _torch()
    if torch is not None:
        torch.manual_seed(seed)


def _get_states():
    torch = _torch()
    return (
        random.getstate(),
        np.random.get_state(legacy=False),
        None if torch is None else torch.get_rng_state(),
    )


def _set_states(states):
    of_python, of_numpy, of_torch = states
    random.setstate(of_python)
    np.random.set_state(of_numpy)
    if of_torch is not None:
        _torch().set_rng_state(of_torch)


def _torch():
    """Return torch if it has been imported; learners without it do not need it."""
    torch = sys.modules.get("torch")
    # An import that is under way in another thread may not have come to the function.
    return torch if hasattr(torch, "set_rng_state") else None
