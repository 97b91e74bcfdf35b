"""Choice of the pool of a fit: a cluster, worker processes, or this process."""

from __future__ import annotations

import math

import joblib

from sklearn_meta.parallel._cluster import check_versions, installed
from sklearn_meta.parallel._cluster_pool import ClusterPool
from sklearn_meta.parallel._fallback_pool import FallbackPool
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool
from sklearn_meta.parallel._memory_limit import default_memory_limit
from sklearn_meta.parallel._node import Packed, Setup
from sklearn_meta.parallel._process_pool import ProcessPool
from sklearn_meta.parallel._server_handle import PRELOAD, can_start_processes

# Workers take some seconds to start, mostly for imports. A search that is predicted to
# be shorter than this runs in this process; the second value holds for a single worker,
# which is no faster than this process.
IN_PROCESS_SECONDS, IN_PROCESS_SECONDS_OF_ONE = 4.0, 10.0


def start_pool(
    context, *, n_workers, seconds, packages, clock, workers=None, end=math.inf
) -> LocalPool | FallbackPool:
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
    workers : Workers, default=None
        Tasks run on its cluster if it has one; None for this machine.
    end : float, default=inf
        End of the budget on `clock`, when nothing is waited for any more.

    Returns
    -------
    pool : LocalPool or FallbackPool

    Raises
    ------
    ClusterError
        If the nodes of the cluster have other versions of what tasks need.
    """
    if workers is not None and workers.cluster is not None:
        return _start_on_cluster(context, workers, packages, clock, end)
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


def _start_on_cluster(context, workers, packages, clock, end):
    """Return a started pool on a cluster, which falls back to this machine."""
    check_versions(workers.cluster)
    setup = Setup(Packed.of(context), (*PRELOAD, *packages), installed())
    n_here = min(workers.n, joblib.cpu_count())

    def start_here():
        return start_pool(
            context,
            n_workers=n_here,
            seconds=math.inf,
            packages=packages,
            clock=clock,
        )

    cluster = ClusterPool(
        workers.cluster, setup, limit=workers.limit, clock=clock, end=end
    )
    pool = FallbackPool(cluster, start_here, default_memory_limit(n_here))
    try:
        pool.start()
    except BaseException:
        pool.close()
        raise
    return pool
