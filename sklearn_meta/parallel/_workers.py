"""Where the candidates of a fit run, by joblib's active backend."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend

from sklearn_meta.parallel._cluster import Cluster
from sklearn_meta.parallel._memory_limit import default_memory_limit


@dataclass(frozen=True)
class Workers:
    """Number of candidates at one time, and the cluster that they run on.

    Parameters
    ----------
    n : int
        At least 1.
    cluster : Cluster or None, default=None
        None for this machine.
    limit : int or None, default=None
        Maximum number on the cluster; None for as many as it can run at any time.
    """

    n: int
    cluster: Cluster | None = None
    limit: int | None = None

    @classmethod
    def find(cls, n_jobs) -> Workers:
        """Return the workers for ``n_jobs`` and the active backend of joblib.

        Parameters
        ----------
        n_jobs : int or None
            As in joblib; None for that of ``parallel_config``. On a cluster, that is
            all of it by default.

        Returns
        -------
        workers : Workers
            One of this machine inside of a task of Dask or Ray.
        """
        if _is_in_task():
            return cls(1)
        backend, n_of_context = get_active_backend()
        cluster = _cluster_of(backend)
        if cluster is None:
            if n_jobs is not None and n_jobs < 0 and (backend.nesting_level or 0) > 0:
                # The cores of this machine are shared by other tasks.
                return cls(1)
            return cls(max(1, effective_n_jobs(n_jobs)))
        if n_jobs is None:
            n_jobs = n_of_context
        if n_jobs is None or n_jobs == -1:
            return cls(max(1, cluster.n_slots()), cluster)
        if n_jobs < 0:
            n_jobs = max(1, cluster.n_slots() + 1 + n_jobs)
        return cls(n_jobs, cluster, n_jobs)

    @classmethod
    def of_this_fit(cls) -> Workers:
        """Return the workers of the `fit` that is running, see `runs_on_workers`."""
        return _of_this_fit.get()

    def memory_limit(self, megabytes) -> int | None:
        """Return the memory limit of a candidate.

        Parameters
        ----------
        megabytes : float or None
            That of the user, in MiB; None to share the free memory.

        Returns
        -------
        limit : int or None
            Bytes; None for a share of the memory of its node, which only the node
            knows, or if the free memory is not known.
        """
        if megabytes is not None:
            return int(megabytes * 2**20)
        return default_memory_limit(self.n) if self.cluster is None else None


# Fits may be nested, and may run in several threads.
_of_this_fit: ContextVar[Workers] = ContextVar("workers")


def runs_on_workers(fit):
    """Decorate ``fit`` to find its workers by ``n_jobs`` and joblib's active backend.

    Forests that the driver itself grows, as in recall, call joblib too. On a cluster,
    each of their trees would be sent there, which takes seconds: meanwhile this process
    does its own work itself.

    Parameters
    ----------
    fit : callable

    Returns
    -------
    fit : callable
    """

    @functools.wraps(fit)
    def fit_on_workers(self, *args, **kwargs):
        with _found(Workers.find(self.n_jobs)):
            return fit(self, *args, **kwargs)

    return fit_on_workers


@contextlib.contextmanager
def _found(workers) -> Iterator[None]:
    token = _of_this_fit.set(workers)
    try:
        if _cluster_of(get_active_backend()[0]) is None:
            yield
        else:
            with parallel_config(backend="loky", n_jobs=1):
                yield
    finally:
        _of_this_fit.reset(token)


def _cluster_of(backend) -> Cluster | None:
    """Return the cluster of a backend of joblib; None for one of this machine."""
    name, module = type(backend).__name__, type(backend).__module__
    if name == "DaskDistributedBackend":
        from sklearn_meta.parallel._dask import DaskCluster

        return DaskCluster(backend.client)
    if name == "RayBackend" and module.startswith("ray."):
        from sklearn_meta.parallel._ray import RayCluster

        return RayCluster()
    return None


def _is_in_task() -> bool:
    """Whether this is a task of Dask or Ray, which has one slot of its cluster."""
    if "distributed" in sys.modules:
        from distributed import get_worker

        try:
            get_worker()
            return True
        except ValueError:
            pass
    if "ray" in sys.modules:
        import ray

        if ray.is_initialized():
            return ray.get_runtime_context().worker.mode == ray.WORKER_MODE
    return False
