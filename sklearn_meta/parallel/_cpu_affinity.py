"""Processors that worker processes may run on, where OpenMP has bound this thread.

With `OMP_PROC_BIND` or `OMP_PLACES` in the environment, an OpenMP library binds the
thread that loads it to one processor. Processes that this thread starts inherit that,
so that all workers would run on this processor.
"""

from __future__ import annotations

import ctypes
import os

from threadpoolctl import ThreadpoolController

# Variables that bind threads to processors.
BINDING = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")


def unbound_processors(environ=os.environ) -> list[int]:
    """Return the processors that this thread could use before OpenMP has bound it.

    Parameters
    ----------
    environ : mapping, default=os.environ
        Environment variables.

    Returns
    -------
    processors : list of int
        Empty if this thread is not bound.
    """
    if not hasattr(os, "sched_getaffinity") or not set(BINDING) & set(environ):
        return []
    present = os.sched_getaffinity(0)
    found = present.union(
        *(
            _processors_of_places(library["filepath"])
            for library in ThreadpoolController().info()
            if library["user_api"] == "openmp"
        )
    )
    return [] if found == present else sorted(found)


def _processors_of_places(path):
    """Return the processors that an OpenMP library binds threads to."""
    try:
        library = ctypes.CDLL(path)
        found: set[int] = set()
        for place in range(library.omp_get_num_places()):
            numbers = (ctypes.c_int * library.omp_get_place_num_procs(place))()
            library.omp_get_place_proc_ids(place, numbers)
            found.update(numbers)
    except (OSError, AttributeError):
        return set()
    return found
