"""Pool on a cluster that goes on with processes of this machine without its workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import replace

from sklearn_meta._warnings import warn
from sklearn_meta.parallel._pool import Done, Failed, Place, Pool, PoolError, Task

# The cluster may be without workers for so many seconds, at the start or later, before
# candidates run on this machine. Preparing a node takes two to three.
PATIENCE_SECONDS = 10.0
# Longest wait for one of two pools that both run tasks, in seconds.
TURN_SECONDS = 0.02
# How tasks end on the cluster that must not be run in this process.
DANGEROUS = ("crashed", "timeout", "memory")


class FallbackPool:
    """Run tasks on a cluster; on this machine while the cluster has no workers.

    The cluster is used again when workers have come. If it is lost altogether, its
    tasks are reported as failed, and not repeated here.

    Parameters
    ----------
    cluster : ClusterPool
        A `Pool` with an attribute `ready`: whether it has any worker.
    start_here : callable
        Returns a started `Pool` of this machine.
    memory_limit : int or None, default=None
        Bytes for tasks on this machine that have no limit of their own.
    """

    def __init__(
        self,
        cluster,
        start_here: Callable[[], Pool],
        memory_limit: int | None = None,
    ):
        self._cluster = cluster
        self._start_here = start_here
        self._memory_limit = memory_limit
        self._here: Pool | None = None
        self._lost = False
        self._has_warned = False
        # Tasks that the cluster runs, by id, and ids of those of this machine.
        self._there: dict[Hashable, Task] = {}
        self._local: set[Hashable] = set()
        self._suspects: set[Hashable] = set()
        self._failures: list[Failed] = []
        # Since when the cluster has had no workers, on `time.monotonic`.
        self._without_workers: float | None = None

    @property
    def n_workers(self) -> int:
        """Number of tasks that run at one time once all workers have started."""
        if self._lost and self._here is not None:
            return self._here.n_workers
        return self._cluster.n_workers

    @property
    def clock(self):
        """Returns seconds; deadlines refer to it."""
        return self._cluster.clock

    @property
    def place(self) -> Place:
        """Where the next submitted task would run."""
        if self._cluster_is_ready():
            return Place.WORKER
        return Place.STARTING if self._here is None else self._here.place

    @property
    def n_idle(self) -> int:
        """Number of tasks that can be submitted now."""
        if self._cluster_is_ready():
            return self._cluster.n_idle
        return 0 if self._here is None else self._here.n_idle

    @property
    def suspects(self) -> frozenset:
        """Keys of the tasks that have hung or crashed, see `LocalPool`."""
        return frozenset(self._suspects).union(getattr(self._here, "suspects", ()))

    def start(self):
        """Start the nodes without waiting until they are ready."""
        self._without_workers = time.monotonic()
        self._try(self._cluster.start)

    def submit(self, task: Task):
        """Start a task on the cluster, or on this machine.

        Parameters
        ----------
        task : Task
        """
        if self._cluster_is_ready():
            self._there[task.id] = task
            self._try(self._cluster.submit, task)
            return
        assert self._here is not None
        if self._here.place is not Place.WORKER and _key(task) in self._suspects:
            reason = "not begun in this process: it has hung or crashed on the cluster"
            self._failures.append(Failed(task.id, "crashed", reason))
            return
        self._local.add(task.id)
        if task.memory_limit is None:
            task = replace(task, memory_limit=self._memory_limit)
        self._here.submit(task)

    def wait(self, timeout):
        """Return the events so far; wait up to `timeout` seconds if there is none.

        Parameters
        ----------
        timeout : float

        Returns
        -------
        events : list of Payload, Done or Failed
        """
        events = []
        here = self._here
        # A pool that starts has nothing to do but to become ready.
        uses_here = here is not None and (self._local or not self._cluster_is_ready())
        if not self._lost:
            pause = min(timeout, TURN_SECONDS) if uses_here else timeout
            events = self._try(self._cluster.wait, pause) or []
        if not self._cluster_is_ready():
            self._do_without_workers()
        if uses_here:
            pause = timeout if self._lost and not events else 0
            events = [*events, *here.wait(pause)]
        failures, self._failures = self._failures, []
        events = [*events, *failures]
        for event in events:
            if isinstance(event, Done | Failed):
                self._local.discard(event.task_id)
                task = self._there.pop(event.task_id, None)
                if isinstance(event, Failed) and event.kind in DANGEROUS:
                    self._suspect(task)
        return events

    def postpone(self, task_id, deadline):
        """Change the deadline of a task; without effect if the task has ended.

        Parameters
        ----------
        task_id : hashable
        deadline : float
            Instant on `clock`.
        """
        for pool in self._pools():
            pool.postpone(task_id, deadline)

    def cancel(self, task_id):
        """End a task without any further event of it.

        Parameters
        ----------
        task_id : hashable
        """
        self._there.pop(task_id, None)
        self._local.discard(task_id)
        if not self._lost:
            self._try(self._cluster.cancel, task_id)
        if self._here is not None:
            self._here.cancel(task_id)
        self._failures = [f for f in self._failures if f.task_id != task_id]

    def close(self):
        """End all tasks, here and on the cluster."""
        for pool in self._pools():
            pool.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def _pools(self):
        pools = [] if self._lost else [self._cluster]
        return pools if self._here is None else [*pools, self._here]

    def _cluster_is_ready(self):
        if self._lost:
            return False
        is_ready = bool(self._try(lambda: self._cluster.ready))
        if is_ready:
            self._without_workers = None
        return is_ready

    def _try(self, method, *args):
        """Call a method of the pool on the cluster; go on here if it is lost."""
        try:
            return method(*args)
        except PoolError as error:
            self._lose_cluster(error)
            return None

    def _suspect(self, task):
        """Remember a task that may have cost a worker of the cluster."""
        if task is not None and _key(task) is not None:
            self._suspects.add(_key(task))

    def _do_without_workers(self):
        """Start a pool here if the cluster has had no workers for too long."""
        if self._here is not None:
            return
        now = time.monotonic()
        if self._without_workers is None:
            self._without_workers = now
        if now - self._without_workers >= PATIENCE_SECONDS:
            self._go_on_here(
                f"The {self._cluster.cluster.name} cluster has had no free workers for "
                f"{PATIENCE_SECONDS:.0f} s. Until it has, candidates run"
            )

    def _lose_cluster(self, error):
        """Continue without the cluster; report its tasks as failed."""
        if self._lost:
            return
        self._lost = True
        for task in self._there.values():
            self._suspect(task)
            self._failures.append(Failed(task.id, "crashed", "the cluster was lost"))
        self._there.clear()
        self._cluster.close()
        self._go_on_here(f"{error} Candidates run")

    def _go_on_here(self, reason):
        """Start a pool on this machine, and warn once."""
        if self._here is None:
            self._here = self._start_here()
        if not self._has_warned:
            self._has_warned = True
            warn(
                f"{reason} on this machine, with up to {self._here.n_workers} at a "
                "time."
            )


def _key(task):
    """Return what is equal for tasks that run the same code; None if unknown."""
    return getattr(task, "key", None)
