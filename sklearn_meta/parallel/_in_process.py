"""Pool without worker processes: tasks run in this process, during `wait`."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from sklearn_meta._threads import one_thread
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Payload,
    Place,
    Task,
    describe_exception,
    describe_timeout,
    resolve,
)


@dataclass
class _Running:
    id: Hashable
    generator: object
    deadline: float | None
    started: float


class InProcessPool:
    """Run tasks in this process, one step in each `wait`.

    It serves for tables so small that sending tasks to workers would take longer than
    the tasks, while the workers of a `ProcessPool` start, and where a `ProcessPool`
    cannot exist (Windows, WebAssembly). A task cannot be killed: its deadline is only
    checked after each value that it yields, its memory is not limited, and a task that
    crashes ends this process.

    Parameters
    ----------
    state : object
        First argument of each task.
    clock : callable, default=time.monotonic
        Returns seconds; deadlines refer to it.

    Attributes
    ----------
    n_workers : int
        Always 1.
    n_idle : int
        1 if a task can be submitted, else 0.
    place : Place
        Always this process.
    """

    n_workers = 1
    place = Place.IN_PROCESS

    def __init__(self, state=None, *, clock: Callable[[], float] = time.monotonic):
        self.state = state
        self.clock = clock
        self._task: _Running | None = None

    @property
    def n_idle(self) -> int:
        """Number of tasks that can be submitted now."""
        return int(self._task is None)

    def start(self):
        """Do nothing: there are no workers."""

    def submit(self, task: Task):
        """Accept a task, which runs in the next calls of `wait`.

        Parameters
        ----------
        task : Task

        Raises
        ------
        RuntimeError
            If another task is still running.
        """
        if self._task is not None:
            raise RuntimeError(
                f"Task {task.id} was submitted while task {self._task.id} is still "
                "running. Submit only when 'n_idle' is positive."
            )
        steps = self._steps(task.function, task.args)
        self._task = _Running(task.id, steps, task.deadline, self.clock())

    def _steps(self, function, args):
        """Resolve the function at the first step, so that failures are reported."""
        yield from resolve(function)(self.state, *args)

    def wait(self, timeout=None):
        """Run the task until it yields, ends or fails.

        Parameters
        ----------
        timeout : float or None, default=None
            Not used: a step cannot be interrupted.

        Returns
        -------
        events : list of Payload, Done or Failed
            Empty without a task.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C; the task is dropped.
        """
        task = self._task
        if task is None:
            return []
        self._task = None
        if self._is_late(task):
            return [self._timeout(task)]
        try:
            with one_thread():
                value = next(task.generator)
        except StopIteration:
            return [Done(task.id)]
        except KeyboardInterrupt:
            raise
        except BaseException as exception:
            # As in a worker: a task that exits, or is canceled, must not end the fit.
            return [Failed(task.id, *describe_exception(exception))]
        # A late task is stopped by the next call, unless its deadline is postponed in
        # response to the value.
        self._task = task
        return [Payload(task.id, value)]

    def _is_late(self, task):
        return task.deadline is not None and self.clock() > task.deadline

    def _timeout(self, task):
        seconds = self.clock() - task.started
        return Failed(task.id, "timeout", describe_timeout(seconds))

    def postpone(self, task_id, deadline):
        """Change the deadline of a task; without effect if the task has ended.

        Parameters
        ----------
        task_id : hashable
        deadline : float
            Instant on `clock`.
        """
        if self._task is not None and self._task.id == task_id:
            self._task.deadline = deadline

    def cancel(self, task_id):
        """Drop a task without any further event of it.

        Parameters
        ----------
        task_id : hashable
        """
        if self._task is not None and self._task.id == task_id:
            self._task = None

    def close(self):
        """Drop the running task."""
        self._task = None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()
