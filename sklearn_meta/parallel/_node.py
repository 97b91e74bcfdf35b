"""The node of a cluster: runs tasks of a fit in a killable process of its machine.

A task runs in a `ProcessPool` of one worker, so that its limits of time and memory hold
on the node, and a task that crashes costs the node nothing. The driver runs the task in
steps: a step returns when the task has ended, or after `REPORT_SECONDS` if it has
yielded values. The next step brings the deadline of the driver up to date, which may
have been postponed in response to the values.
"""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass, field, replace

import cloudpickle
import numpy as np

from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._memory_limit import default_memory_limit
from sklearn_meta.parallel._pool import Payload, PoolError, Task
from sklearn_meta.parallel._process_pool import ProcessPool
from sklearn_meta.parallel._server_handle import can_start_processes

# A step that has values returns after this time; shorter tasks take a single step.
REPORT_SECONDS = 1.0
# Longest wait before a node sees that its task was canceled, in seconds.
POLL_SECONDS = 0.02
# Id of the task in the pool of the node.
ONLY = 0


@dataclass(frozen=True)
class Packed:
    """A pickled value whose arrays are kept apart, to be shared by processes.

    Parameters
    ----------
    data : bytes
        The pickle.
    buffers : tuple of ndarray of uint8
        Contents of its arrays.
    """

    data: bytes = field(repr=False)
    buffers: tuple[np.ndarray, ...] = field(repr=False)

    @classmethod
    def of(cls, value) -> Packed:
        """Pickle a value; its arrays are not copied.

        Parameters
        ----------
        value : object
            Functions and classes of ``__main__`` in it are pickled by value.

        Returns
        -------
        packed : Packed
        """
        buffers: list[pickle.PickleBuffer] = []
        data = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        arrays = (np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers)
        return cls(data, tuple(arrays))

    def load(self):
        """Return the value; its arrays are views of the buffers."""
        return pickle.loads(self.data, buffers=self.buffers)


def load_packed(packed):
    """Unpack the context of a fit; runs in the server of a node's pool.

    Parameters
    ----------
    packed : Packed

    Returns
    -------
    value : object
    """
    return packed.load()


@dataclass(frozen=True)
class Setup:
    """What a node needs for the tasks of a fit.

    Parameters
    ----------
    context : Packed
        First argument of each task.
    preload : tuple of str
        Modules to import before the first task.
    versions : dict of str to (str or None)
        Versions of the driver, as of `installed`.
    """

    context: Packed
    preload: tuple[str, ...]
    versions: dict


@dataclass(frozen=True)
class Step:
    """Request to begin a task, or to go on with it.

    Parameters
    ----------
    seconds : float or None
        Seconds after which the task is stopped, from now on; None for no limit. The
        clocks of the machines differ, so that no instants are sent.
    task : Task or None, default=None
        The task to begin; its id and deadline are not used. None to go on.
    """

    seconds: float | None
    task: Task | None = None


class Node:
    """Runs the tasks of a fit on a machine of a cluster, one after the other.

    Parameters
    ----------
    setup : Setup
    memory_limit : int or None
        Bytes that a task may use that has no limit of its own; None for no limit.
    """

    def __init__(self, setup: Setup, memory_limit: int | None):
        self.setup = setup
        self.memory_limit = memory_limit
        self._pool: ProcessPool | InProcessPool | None = None
        # A call that the driver has given up may still be running.
        self._lock = threading.Lock()
        self._closed = False

    def prepare(self, is_canceled=lambda: False):
        """Start the process, if there is none, and end the task that may run in it.

        Parameters
        ----------
        is_canceled : callable, default=lambda: False
            Asked every 20 ms; True to return.

        Raises
        ------
        PoolError
            If the process cannot be started, or the context cannot be loaded there.
        """
        with self._lock:
            if self._pool is not None:
                self._pool.cancel(ONLY)
                return
            if not can_start_processes():
                self._pool = InProcessPool(self.setup.context.load())
                return
            loads = f"{__name__}:{load_packed.__name__}", (self.setup.context,)
            pool = ProcessPool(1, setup=loads, preload=self.setup.preload)
            try:
                pool.start()
                while not pool.ready and not (self._closed or is_canceled()):
                    pool.wait(POLL_SECONDS)
                if pool.ready:
                    self._pool, pool = pool, None
            finally:
                if pool is not None:
                    pool.close()

    def step(self, step: Step, is_canceled=lambda: False) -> list:
        """Run a task until it ends, or has values to report.

        Parameters
        ----------
        step : Step
        is_canceled : callable, default=lambda: False
            Asked every 20 ms; True to end the task and return.

        Returns
        -------
        events : list of Payload, Done or Failed

        Raises
        ------
        PoolError
            If the node was not prepared, or its process is lost too often.
        """
        with self._lock:
            pool = self._pool
            if pool is None:
                raise PoolError("The node has no process for this fit.")
            try:
                return self._run(pool, step, is_canceled)
            except PoolError:
                self._end()
                raise

    def _run(self, pool, step, is_canceled):
        if step.task is not None:
            pool.cancel(ONLY)
            # The previous task may have ended the server as well.
            while not pool.n_idle:
                if self._closed or is_canceled():
                    return []
                pool.wait(POLL_SECONDS)
        deadline = None if step.seconds is None else pool.clock() + step.seconds
        if step.task is not None:
            limit = step.task.memory_limit
            limit = self.memory_limit if limit is None else limit
            pool.submit(
                replace(step.task, id=ONLY, deadline=deadline, memory_limit=limit)
            )
        elif deadline is not None:
            pool.postpone(ONLY, deadline)
        events: list = []
        report_at = pool.clock() + REPORT_SECONDS
        while not events or isinstance(events[-1], Payload):
            if events and pool.clock() >= report_at:
                break
            if self._closed or is_canceled():
                pool.cancel(ONLY)
                break
            events += pool.wait(POLL_SECONDS)
        return events

    def close(self):
        """End the process; a running call returns soon."""
        self._closed = True
        with self._lock:
            self._end()

    def _end(self):
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()


def share_of_memory(n_bytes, n_places) -> int | None:
    """Return the memory limit of a task that has none of its own.

    Parameters
    ----------
    n_bytes : int or None
        Memory that the engine grants a node; None if it does not say.
    n_places : int
        Number of tasks that share the memory.

    Returns
    -------
    limit : int or None
        Bytes.
    """
    free = default_memory_limit(n_places)
    if not n_bytes:
        return free
    share = int(n_bytes / n_places)
    return share if free is None else min(share, free)
