"""Start the workers of a fit, where it is long enough to be worth it."""

from __future__ import annotations

from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool
from sklearn_meta.parallel._process_pool import (
    PRELOAD,
    ProcessPool,
    can_start_processes,
)

# Starting workers costs some seconds of imports; a search predicted to be shorter than
# this runs in this process. A single worker is no faster than this process.
IN_PROCESS_SECONDS, IN_PROCESS_SECONDS_OF_ONE = 4.0, 10.0


def start_pool(context, *, n_workers, seconds, packages, clock) -> LocalPool:
    """Start worker processes for a search that takes long enough.

    Parameters
    ----------
    context : EvaluationContext
        State of the tasks.
    n_workers : int
    seconds : float
        Predicted seconds of all tasks on one worker.
    packages : sequence of str
        Modules that the first tasks need, imported once before workers are forked. What
        only a later one needs is imported by its worker.
    clock : callable
        What deadlines refer to.

    Returns
    -------
    pool : LocalPool
    """
    processes = None
    most = IN_PROCESS_SECONDS_OF_ONE if n_workers == 1 else IN_PROCESS_SECONDS
    if seconds >= most and can_start_processes():
        processes = ProcessPool(
            n_workers,
            setup=("sklearn_meta.parallel._worker_process:unchanged", (context,)),
            preload=(*PRELOAD, *packages),
            clock=clock,
        )
    pool = LocalPool(processes, InProcessPool(state=context, clock=clock))
    pool.start()
    return pool
