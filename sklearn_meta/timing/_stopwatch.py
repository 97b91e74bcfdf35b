"""Stopwatch for the parts of a fit."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager


class Stopwatch:
    """Add up the wall-clock seconds of named blocks.

    Attributes
    ----------
    seconds : Counter of str to float
        Total seconds by name.
    """

    def __init__(self):
        self.seconds = Counter()

    @contextmanager
    def __call__(self, name):
        """Add the seconds of a ``with`` block, also if it raises.

        Parameters
        ----------
        name : str
        """
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - began
