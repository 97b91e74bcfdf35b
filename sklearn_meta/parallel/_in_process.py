"""The pool that has no processes: tasks run where they are waited for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from sklearn_meta._threads import one_thread
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Payload,
    Place,
    Task,
    describe_exception,
    describe_timeout,
)
from sklearn_meta.parallel._worker_process import resolve


@contextmanager
def _global_generators_kept():
    """Leave the user's generators as they were: some learners draw from them.

    scikit-learn's SVR does, and has no parameter for its seed.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


@dataclass
class _Running:
    id: Hashable
    generator: object
    deadline: float | None
    started: float


class InProcessPool:
    """Run tasks in this process, one step in each `wait`.

    For tables so small that sending tasks about costs more than the tasks, while the
    workers of a `ProcessPool` start, and where a `ProcessPool` cannot exist (Windows,
    WebAssembly). A task cannot be killed here: a deadline is only looked at between
    the values that the task yields, its memory is not limited, and a crash is a crash
    of this process.

    Parameters
    ----------
    state : object
        Handed to each task as its first argument.
    clock : callable, default=time.monotonic
        What deadlines refer to.

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
        return int(self._task is None)

    def start(self):
        """Do nothing: there is nothing to start."""

    def submit(self, task: Task):
        """Take a task; it runs in the next calls of `wait`.

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
            The task is given up.
        """
        task = self._task
        if task is None:
            return []
        self._task = None
        if self._is_late(task):
            return [self._timeout(task)]
        try:
            with one_thread(), _global_generators_kept():
                value = next(task.generator)
        except StopIteration:
            return [Done(task.id)]
        except (Exception, SystemExit) as exception:
            return [Failed(task.id, *describe_exception(exception))]
        # If it is late, the next call ends it, unless it gets another deadline for
        # what it has just yielded.
        self._task = task
        return [Payload(task.id, value)]

    def _is_late(self, task):
        return task.deadline is not None and self.clock() > task.deadline

    def _timeout(self, task):
        seconds = self.clock() - task.started
        return Failed(task.id, "timeout", describe_timeout(seconds))

    def postpone(self, task_id, deadline):
        """Give the task another deadline; nothing happens if it has ended."""
        if self._task is not None and self._task.id == task_id:
            self._task.deadline = deadline

    def cancel(self, task_id):
        """Give up a task; no event comes from it any more."""
        if self._task is not None and self._task.id == task_id:
            self._task = None

    def close(self):
        """Give up what is running."""
        self._task = None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()
