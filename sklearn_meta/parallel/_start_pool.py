"""Choice of the pool of a fit: worker processes only for long enough searches."""

from __future__ import annotations

from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool
from sklearn_meta.parallel._process_pool import ProcessPool
from sklearn_meta.parallel._server_handle import PRELOAD, can_start_processes

# Workers take some seconds to start, mostly for imports. A search that is predicted to
# be shorter than this runs in this process; the second value holds for a single worker,
# which is no faster than this process.
IN_PROCESS_SECONDS, IN_PROCESS_SECONDS_OF_ONE = 4.0, 10.0


def start_pool(context, *, n_workers, seconds, packages, clock) -> LocalPool:
    """Return a started pool, with worker processes if the search is long enough.

    Parameters
    ----------
    context : EvaluationContext
        First argument of each task.
    n_workers : int
        Number of worker processes.
    seconds : float
        Predicted seconds of all tasks on one worker.
    packages : sequence of str
        Modules that the first tasks need and that are imported once, before workers are
        forked. A module that only a later task needs is imported by its worker.
    clock : callable
        Returns seconds; deadlines refer to it.

    Returns
    -------
    pool : LocalPool
    """
    processes = None
    threshold = IN_PROCESS_SECONDS_OF_ONE if n_workers == 1 else IN_PROCESS_SECONDS
    if seconds >= threshold and can_start_processes():
        processes = ProcessPool(
            n_workers,
            setup=("sklearn_meta.parallel._server_process:identity", (context,)),
            preload=(*PRELOAD, *packages),
            clock=clock,
        )
    pool = LocalPool(processes, InProcessPool(state=context, clock=clock))
    try:
        pool.start()
        return pool
    except BaseException:
        pool.close()
        raise
