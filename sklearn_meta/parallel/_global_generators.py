"""Seeds of the global random generators of Python, numpy and torch."""

from __future__ import annotations

import random
import sys

import numpy as np


def seed_global_generators(seed):
    """Set the state of the global generators.

    Learners may draw from them, whatever their parameter `random_state` is. With a
    known state, they give the same result wherever and after whatever they run.

    Parameters
    ----------
    seed : int
        Between 0 and 2**32 - 1.
    """
    random.seed(seed)
    np.random.seed(seed)
    # Not imported here: learners without torch do not need it. An import that is under
    # way in another thread may not have come to the function yet.
    seed_torch = getattr(sys.modules.get("torch"), "manual_seed", None)
    if seed_torch is not None:
        seed_torch(seed)
