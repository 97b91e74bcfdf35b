"""Pool of worker processes that falls back to this process."""

from __future__ import annotations

from sklearn_meta._warnings import warn
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Place,
    Pool,
    PoolError,
    Task,
)


class LocalPool:
    """Run tasks in worker processes, or in this process while there are none.

    While the workers start, one task at a time may run in this process
    (`Place.STARTING`). If they cannot be started, or are lost too often, a warning
    says so and all further tasks run in this process (`Place.IN_PROCESS`). Tasks that
    were running in the lost workers are reported as failed and not repeated here: one
    of them may have killed the workers.

    Parameters
    ----------
    processes : ProcessPool or None
        None to run everything in this process.
    in_process : InProcessPool
        Its clock is the clock of this pool.
    """

    def __init__(self, processes: Pool | None, in_process: Pool):
        self._processes = processes
        self._in_process = in_process
        # Ids of the tasks that the worker processes run.
        self._in_workers: set = set()
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
        return Place.IN_PROCESS if self._processes is None else Place.STARTING

    @property
    def n_idle(self) -> int:
        """Number of tasks that can be submitted now."""
        if self._processes is not None and self._workers_are_ready():
            return self._processes.n_idle
        return self._in_process.n_idle

    def start(self):
        """Start the worker processes without waiting until they are ready."""
        if self._processes is None:
            return
        try:
            self._processes.start()
        except PoolError as error:
            self._lose_workers(error)

    def submit(self, task: Task):
        """Start a task in an idle worker or in this process.

        Parameters
        ----------
        task : Task
        """
        if self._processes is not None and self._workers_are_ready():
            self._in_workers.add(task.id)
            self._processes.submit(task)
        else:
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
            try:
                events = self._processes.wait(timeout)
            except PoolError as error:
                self._lose_workers(error)
        failures, self._failures = self._failures, []
        events = [*events, *failures]
        ended = (e.task_id for e in events if isinstance(e, Done | Failed))
        self._in_workers.difference_update(ended)
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
        for pool in self._pools():
            pool.cancel(task_id)
        self._in_workers.discard(task_id)
        self._failures = [f for f in self._failures if f.task_id != task_id]

    def close(self):
        """End all tasks and the worker processes."""
        for pool in self._pools():
            pool.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def _pools(self):
        return [p for p in (self._processes, self._in_process) if p is not None]

    def _workers_are_ready(self):
        try:
            return self._processes is not None and self._processes.ready
        except PoolError as error:
            self._lose_workers(error)
            return False

    def _lose_workers(self, error):
        """Continue without worker processes; report their tasks as failed."""
        processes, self._processes = self._processes, None
        processes.close()
        self._failures += [
            Failed(task_id, "crashed", "the worker processes were lost")
            for task_id in self._in_workers
        ]
        self._in_workers.clear()
        warn(
            f"Worker processes are not available: {error} Pipelines are fitted in this "
            "process, one at a time, and a fit that hangs cannot be stopped."
        )
