"""Loop that submits tasks to a pool and collects their events."""

from __future__ import annotations

import math
from typing import Protocol

from sklearn_meta._threads import released_threads
from sklearn_meta.parallel._pickled import Pickled, UnpicklingError, loads
from sklearn_meta.parallel._pool import Failed, Payload, Place, Pool, Task

# Longest wait between two calls of `Work.is_done`, in seconds.
TICK = 0.25


class Work(Protocol):
    """Source of tasks and receiver of their events."""

    def next_task(self, place: Place) -> Task | None:
        """Return a task that may run in an idle place; None if there is none now."""
        ...

    def collect(self, event: Payload | Failed) -> None:
        """Process an event of a task.

        Events of tasks that were canceled may still arrive and must be ignored.
        """
        ...

    def is_done(self) -> bool:
        """Whether there is no task left to submit or to wait for."""
        ...

    def seconds_left(self) -> float:
        """Return the seconds after which `is_done` must be called again."""
        ...


def run_tasks(pool: Pool, work: Work) -> None:
    """Submit tasks and pass on their events until the work is done.

    A pickled value that cannot be unpickled ends its task as `Failed`. The pool handles
    lost workers, see `LocalPool`.

    Parameters
    ----------
    pool : Pool
    work : Work
    """
    while True:
        while pool.n_idle and (task := work.next_task(pool.place)) is not None:
            pool.submit(task)
        if work.is_done():
            return
        with released_threads():
            events = pool.wait(min(max(work.seconds_left(), 0.0), TICK))
        for event in events:
            work.collect(_unpickled(event, pool))


def run_task(pool: Pool, task: Task):
    """Run a task that yields one value in a worker, where it can be killed.

    Parameters
    ----------
    pool : Pool
    task : Task

    Returns
    -------
    value : object or None
        None if the task fails, has no value by its deadline, or there are no workers.
    """
    work = _OneTask(task, pool)
    run_tasks(pool, work)
    pool.cancel(task.id)
    return work.value


class _OneTask:
    """A single task that yields one value."""

    def __init__(self, task, pool):
        self._task = task
        self._clock = pool.clock
        self._waiting, self._ended = [task], False
        self.value = None

    def next_task(self, place):
        # The workers may have been lost since the caller has looked.
        self._ended |= not place.has_workers
        if place is not Place.WORKER or not self._waiting:
            return None
        return self._waiting.pop()

    def collect(self, event):
        if event.task_id != self._task.id:
            return
        if isinstance(event, Payload):
            self.value = event.value
        else:
            self._ended = True

    def is_done(self):
        return self._ended or self.seconds_left() <= 0

    def seconds_left(self):
        deadline = self._task.deadline
        return math.inf if deadline is None else deadline - self._clock()


def _unpickled(event, pool):
    """Return the event with its value unpickled, or the failure to unpickle it."""
    if not (isinstance(event, Payload) and isinstance(event.value, Pickled)):
        return event
    value = event.value
    try:
        try:
            return Payload(event.task_id, loads(value.data))
        except UnpicklingError:
            # The modules of a model cannot be imported without a free descriptor.
            if not getattr(pool, "free_descriptors", bool)():
                raise
            return Payload(event.task_id, loads(value.data))
    except UnpicklingError as error:
        pool.cancel(event.task_id)
        return Failed(event.task_id, "raised", str(error))
