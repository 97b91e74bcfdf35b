"""Pool of worker processes that falls back to this process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Hashable, Iterable

from sklearn_meta._warnings import warn
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Place,
    Pool,
    PoolError,
    Task,
)

# What a pool raises when the system has no process, descriptor or memory for it.
LOSSES = (PoolError, OSError, MemoryError)
# How tasks end in a worker that must not be run in this process, which nothing ends.
DANGEROUS = ("crashed", "timeout", "memory")
CONSEQUENCE = (
    "Pipelines are fitted in this process, one at a time, where a fit that hangs "
    "cannot be stopped: those that are not known to be safe are left out."
)


class LocalPool:
    """Run tasks in worker processes, or in this process while there are none.

    While the workers start, one task at a time may run in this process
    (`Place.STARTING`). If they cannot be started, or are lost too often, whatever was
    called at that moment, a warning says so and all further tasks run in this process
    (`Place.NOT_STARTED`, `Place.LOST`). Tasks that were running in the lost workers are
    reported as failed and not repeated here: one of them may have killed the workers.
    The same holds for all that hangs or crashes in a worker: a task with the same
    `Task.key` is never run in this process, but reported as failed.

    Parameters
    ----------
    processes : ProcessPool or None
        None to run everything in this process.
    in_process : InProcessPool
        Its clock is the clock of this pool.
    without : Place, default=Place.IN_PROCESS
        The place while there are no workers from the beginning.
    suspects : iterable of hashable, default=()
        Keys of tasks that are not run in this process.
    """

    def __init__(
        self,
        processes: Pool | None,
        in_process: Pool,
        *,
        without: Place = Place.IN_PROCESS,
        suspects: Iterable[Hashable] = (),
    ):
        self._processes = processes
        self._in_process = in_process
        self._without = without
        self._suspects = set(suspects)
        # Tasks that the worker processes run, by id.
        self._in_workers: dict[Hashable, Task] = {}
        self._was_used = False
        self._failures: list[Failed] = []

    @property
    def n_workers(self) -> int:
        """Number of tasks that run at one time once all workers have started."""
        return 1 if self._processes is None else self._processes.n_workers

    @property
    def clock(self):
        """Returns seconds; deadlines refer to it."""
        return self._in_process.clock

    @property
    def place(self) -> Place:
        """Where the next submitted task would run."""
        if self._workers_are_ready():
            return Place.WORKER
        return self._without if self._processes is None else Place.STARTING

    @property
    def n_idle(self) -> int:
        """Number of tasks that can be submitted now."""
        if self._workers_are_ready():
            return self._ask(lambda processes: processes.n_idle, 0)
        return self._in_process.n_idle

    @property
    def suspects(self) -> frozenset:
        """Keys of the tasks that have hung or crashed in a worker."""
        return frozenset(self._suspects)

    def start(self):
        """Start the worker processes without waiting until they are ready."""
        self._ask(lambda processes: processes.start())

    def submit(self, task: Task):
        """Start a task in an idle worker or in this process.

        Parameters
        ----------
        task : Task
        """
        if self._workers_are_ready():
            self._was_used = True
            self._in_workers[task.id] = task
            self._ask(lambda processes: processes.submit(task))
        elif task.key is not None and task.key in self._suspects:
            reason = "not begun in this process: it has hung or crashed in a worker"
            self._failures.append(Failed(task.id, "crashed", reason))
        else:
            # It may have to import modules.
            self.free_descriptors()
            self._in_process.submit(task)

    def wait(self, timeout):
        """Wait for events, or run a step of the task in this process.

        Parameters
        ----------
        timeout : float
            Maximum number of seconds to wait.

        Returns
        -------
        events : list of Payload, Done or Failed
        """
        events = []
        if self._in_process.n_idle == 0:
            events = self._in_process.wait(0)
        elif self._processes is not None:
            timeout = 0 if self._failures else timeout
            events = self._ask(lambda processes: processes.wait(timeout), [])
        failures, self._failures = self._failures, []
        for event in events:
            if isinstance(event, Done | Failed):
                task = self._in_workers.pop(event.task_id, None)
                if task is not None and isinstance(event, Failed):
                    self._suspect(task, event.kind)
        return [*events, *failures]

    def postpone(self, task_id, deadline):
        """Change the deadline of a task; without effect if the task has ended.

        Parameters
        ----------
        task_id : hashable
        deadline : float
            Instant on `clock`.
        """
        self._ask(lambda processes: processes.postpone(task_id, deadline))
        self._in_process.postpone(task_id, deadline)

    def cancel(self, task_id):
        """End a task without any further event of it.

        Parameters
        ----------
        task_id : hashable
        """
        self._ask(lambda processes: processes.cancel(task_id))
        self._in_process.cancel(task_id)
        self._in_workers.pop(task_id, None)
        self._failures = [f for f in self._failures if f.task_id != task_id]

    def free_descriptors(self) -> bool:
        """Give up the workers if this process can open no more files.

        Returns
        -------
        are_free : bool
            Whether descriptors were freed.
        """
        if self._processes is None:
            return False
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            self._lose_workers(self._processes, error)
            return True
        return False

    def close(self):
        """End all tasks and the worker processes."""
        self._in_process.close()
        if self._processes is not None:
            _close(self._processes)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def _workers_are_ready(self):
        return self._ask(lambda processes: processes.ready, False)

    def _ask(self, call, otherwise=None):
        """Call the worker processes, if there are any; the only place they are lost."""
        processes = self._processes
        if processes is None:
            return otherwise
        try:
            return call(processes)
        except LOSSES as error:
            self._lose_workers(processes, error)
            return otherwise

    def _lose_workers(self, processes, error):
        """Continue without worker processes; report their tasks as failed."""
        lost = list(self._in_workers.values())
        for task in lost:
            self._suspect(task, "crashed")
        failures = [
            Failed(task.id, "crashed", "the worker processes were lost")
            for task in lost
        ]
        place = Place.LOST if self._was_used else Place.NOT_STARTED
        # In one statement, which Ctrl-C cannot interrupt. A pool that is dropped before
        # it is closed closes itself.
        self._processes, self._without, self._in_workers, self._failures = (
            None,
            place,
            {},
            self._failures + failures,
        )
        _close(processes)
        warn(f"Worker processes are not available: {_sentence(error)} {CONSEQUENCE}")

    def _suspect(self, task, kind):
        """Remember a task that has failed in a worker if it is dangerous here."""
        if kind in DANGEROUS and task.key is not None:
            self._suspects.add(task.key)


def this_process_only(pool: Pool, state) -> LocalPool:
    """Return a pool of this process that runs nothing that was dangerous in another.

    Parameters
    ----------
    pool : Pool
    state : object
        First argument of each task.

    Returns
    -------
    local : LocalPool
        Its place is that of `pool`, if that has lost its workers.
    """
    place = pool.place
    return LocalPool(
        None,
        InProcessPool(state=state, clock=pool.clock),
        without=Place.IN_PROCESS if place.has_workers else place,
        suspects=getattr(pool, "suspects", ()),
    )


def _close(processes):
    """Close a pool; what it fails of no longer matters."""
    with contextlib.suppress(*LOSSES):
        processes.close()


def _sentence(error):
    """Return the message of an error, with its type if it is not one of a pool."""
    if isinstance(error, PoolError):
        return str(error)
    return f"the system has refused what they need ({type(error).__name__}: {error})."
