"""Pool whose tasks run on the nodes of a cluster."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from sklearn_meta.parallel._cluster import Answer, Cluster, Lost, Ready
from sklearn_meta.parallel._node import Setup, Step
from sklearn_meta.parallel._pickled import UnpicklingError, loads
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Payload,
    Place,
    PoolError,
    Task,
    describe_timeout,
)

# Seconds after its deadline at which a task is given up whose node does not answer.
# The node stops it at the deadline; its answer takes some milliseconds.
GRACE_SECONDS = 2.0


@dataclass
class _Running:
    """A task, as the driver sees it."""

    id: Hashable
    deadline: float | None
    started: float
    # Whether its last step has returned and the next one has not begun.
    pauses: bool = False


class ClusterPool:
    """Run each task in a slot of a cluster.

    The nodes enforce the limits of tasks. This side gives up a task after its deadline
    and a grace, also if its node is stopped or cannot be reached. A slot that is lost
    costs the task that it runs, which is reported as failed.

    Parameters
    ----------
    cluster : Cluster
    setup : Setup
    limit : int or None
        Maximum number of tasks at one time; None for as many as the cluster can run,
        also if that changes.
    clock : callable
        Returns seconds; deadlines refer to it.
    end : float, default=inf
        Instant after which there is no grace.
    """

    def __init__(
        self,
        cluster: Cluster,
        setup: Setup,
        *,
        limit: int | None,
        clock: Callable[[], float],
        end: float = math.inf,
    ):
        self.cluster = cluster
        self.setup = setup
        self.limit = limit
        self.clock = clock
        self.end = end
        # The task of each slot that exists; None for an idle one.
        self._slots: dict[Hashable, _Running | None] = {}
        self._events: list[Payload | Done | Failed] = []
        # Why the cluster is lost.
        self._error: PoolError | None = None

    place = Place.WORKER

    @property
    def n_workers(self) -> int:
        """Number of tasks that run at one time once all slots are ready."""
        return self.limit or max(1, self.cluster.n_slots())

    @property
    def n_idle(self) -> int:
        """Number of tasks that can be submitted now."""
        return sum(task is None for task in self._slots.values())

    @property
    def ready(self) -> bool:
        """Whether there is a slot, idle or not."""
        if not self._slots:
            self._handle(self._ask(self.cluster.poll, 0))
        return bool(self._slots)

    def start(self):
        """Start the nodes without waiting until they are ready."""
        self._ask(self.cluster.start, self.setup, self.limit)

    def submit(self, task: Task):
        """Begin a task in an idle slot.

        Parameters
        ----------
        task : Task
        """
        slot = next(slot for slot, running in self._slots.items() if running is None)
        now = self.clock()
        self._slots[slot] = _Running(task.id, task.deadline, now)
        begin = replace(task, id=0, deadline=None)
        step = Step(self._seconds_left(task.deadline), begin)
        self._ask(self.cluster.call, slot, step)

    def wait(self, timeout):
        """Return the events so far; wait up to `timeout` seconds if there is none.

        Parameters
        ----------
        timeout : float

        Returns
        -------
        events : list of Payload, Done or Failed
            Empty after `timeout`, and when a slot has become ready.

        Raises
        ------
        PoolError
            If the cluster is lost.
        """
        try:
            self._go_on()
            seconds = min(timeout, self._seconds_to_next_check())
            pause = 0.0 if self._events else max(0.0, seconds)
            self._handle(self._ask(self.cluster.poll, pause))
            self._give_up_late_tasks()
        except PoolError:
            # What has arrived before is told before.
            if not self._events:
                raise
        events, self._events = self._events, []
        return events

    def _go_on(self):
        """Send the next steps of tasks that have reported values."""
        # Not before: the deadline may have been postponed in response to a value.
        for slot, task in self._slots.items():
            if task is not None and task.pauses:
                task.pauses = False
                step = Step(self._seconds_left(task.deadline))
                self._ask(self.cluster.call, slot, step)

    def postpone(self, task_id, deadline):
        """Change the deadline of a task; without effect if the task has ended.

        Parameters
        ----------
        task_id : hashable
        deadline : float
            Instant on `clock`.
        """
        slot = self._slot_of(task_id)
        if slot is not None:
            self._slots[slot].deadline = deadline

    def cancel(self, task_id):
        """End a task without any further event of it.

        Parameters
        ----------
        task_id : hashable
        """
        slot = self._slot_of(task_id)
        self._events = [e for e in self._events if e.task_id != task_id]
        if slot is not None:
            del self._slots[slot]
            self._ask(self.cluster.interrupt, slot)

    def close(self):
        """End all tasks and what was started on the nodes."""
        self._slots.clear()
        # A cluster that is lost cannot be told.
        with contextlib.suppress(Exception):
            self.cluster.close()

    def _ask(self, method, *args):
        """Call a method of the cluster; any failure of its engine loses the cluster."""
        if self._error is not None:
            raise self._error
        try:
            return method(*args)
        except PoolError as error:
            self._error = error
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            name = self.cluster.name
            self._error = PoolError(f"The {name} cluster was lost: {reason}.")
            self._error.__cause__ = error
        raise self._error

    def _slot_of(self, task_id):
        """Return the slot of a running task; None if it has ended."""
        for slot, running in self._slots.items():
            if running is not None and running.id == task_id:
                return slot
        return None

    def _seconds_left(self, deadline):
        return None if deadline is None else max(0.0, deadline - self.clock())

    # Reports of the cluster

    def _handle(self, reports):
        for report in reports:
            slot = report.slot
            if isinstance(report, Ready):
                self._slots[slot] = None
            elif isinstance(report, Lost):
                running = self._slots.pop(slot, None)
                if running is not None:
                    self._events.append(Failed(running.id, "crashed", report.reason))
            elif isinstance(report, Answer) and self._slots.get(slot) is not None:
                self._handle_answer(slot, self._slots[slot], report)

    def _handle_answer(self, slot, running, answer):
        try:
            events = loads(answer.events)
        except UnpicklingError as error:
            self._events.append(Failed(running.id, "raised", str(error)))
            del self._slots[slot]
            self._ask(self.cluster.interrupt, slot)
            return
        self._events += [replace(event, task_id=running.id) for event in events]
        if events and not isinstance(events[-1], Payload):
            self._slots[slot] = None
        else:
            running.pauses = True

    # Limits

    def _give_up_at(self, running):
        """Return the instant after which the answer of a node is not waited for."""
        deadline = running.deadline
        if deadline is None:
            return math.inf
        return min(deadline + GRACE_SECONDS, max(deadline, self.end))

    def _seconds_to_next_check(self):
        tasks = [task for task in self._slots.values() if task is not None]
        now = self.clock()
        return min((self._give_up_at(task) - now for task in tasks), default=math.inf)

    def _give_up_late_tasks(self):
        now = self.clock()
        for slot, running in list(self._slots.items()):
            if running is None or now < self._give_up_at(running):
                continue
            del self._slots[slot]
            reason = describe_timeout(now - running.started)
            reason += ", without an answer of its node"
            self._events.append(Failed(running.id, "timeout", reason))
            self._ask(self.cluster.replace, slot)
