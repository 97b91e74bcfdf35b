"""The loop that submits tasks to a pool and collects what they give."""

from __future__ import annotations

from typing import Protocol

from sklearn_meta.parallel._pickled import Pickled, UnpicklingError, loads
from sklearn_meta.parallel._pool import Failed, Payload, Place, Pool, Task

# Longest wait between two looks at the clock, in seconds.
TICK = 0.25


class Work(Protocol):
    """What is to be done: gives tasks, and takes in what they report."""

    def next_task(self, place: Place) -> Task | None:
        """Return a task for an idle place; None if there is none for it now."""
        ...

    def collect(self, event: Payload | Failed) -> None:
        """Take in an event of one of the tasks.

        Events of tasks that were cancelled may still come and are to be ignored.
        """
        ...

    def is_done(self) -> bool:
        """Whether there is nothing more to submit nor to wait for."""
        ...

    def seconds_left(self) -> float:
        """Seconds after which `is_done` must be asked again."""
        ...


def run_tasks(pool: Pool, work: Work) -> None:
    """Submit the tasks of some work, and hand over what they report, until it is done.

    A pickled value that cannot be loaded ends its task as `Failed`. What a pool does
    about lost workers is its own affair, see `LocalPool`.

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
        for event in pool.wait(min(max(work.seconds_left(), 0.0), TICK)):
            work.collect(_unpickled(event, pool))


def _unpickled(event, pool):
    """Return the event with its value loaded, or the failure to load it."""
    if not (isinstance(event, Payload) and isinstance(event.value, Pickled)):
        return event
    try:
        return Payload(event.task_id, loads(event.value.data))
    except UnpicklingError as error:
        pool.cancel(event.task_id)
        return Failed(event.task_id, "raised", str(error))
