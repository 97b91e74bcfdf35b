"""Slots on a Ray cluster: actors of one CPU each."""

from __future__ import annotations

import itertools
import pickle
import time

from sklearn_meta.parallel._cluster import (
    INSTALLED,
    Answer,
    Lost,
    Ready,
    differing_versions,
    installed,
)
from sklearn_meta.parallel._node import Node, Setup, Step, share_of_memory
from sklearn_meta.parallel._pickled import dumps
from sklearn_meta.parallel._pool import PoolError

# Seconds between two looks at the size of the cluster, and for which nodes are asked
# for their versions.
REFRESH_SECONDS, VERSIONS_SECONDS = 1.0, 10.0
# Longest wait for the nodes to end their processes, in seconds.
CLOSE_SECONDS = 0.5
# Actors that are lost before they were ready, in a row, after which Ray is given up.
MAX_FAILURES = 5


class RayNode:
    """A `Node` as an actor, which is told to cancel a task while it runs.

    Parameters
    ----------
    setup : Setup
    """

    def __init__(self, setup: Setup):
        self._setup = setup
        self._node: Node | None = None
        self._canceled = -1

    def prepare(self):
        """Start the process of the node, or end its task.

        Raises
        ------
        PoolError
            If this node cannot run the tasks of the fit.
        """
        if self._node is None:
            there = installed()
            if differences := differing_versions(self._setup.versions, there):
                raise PoolError(f"The node has other versions: {differences}.")
            import ray

            here = ray.get_runtime_context().get_node_id()
            cpus = {n["NodeID"]: n["Resources"].get("CPU", 1) for n in ray.nodes()}
            n_places = max(1, int(cpus.get(here, 1)))
            self._node = Node(self._setup, share_of_memory(None, n_places))
        self._node.prepare()

    def step(self, number, step) -> bytes:
        """Run a step of a task.

        Parameters
        ----------
        number : int
            Of the call; later calls have larger ones.
        step : bytes
            Pickled `Step`.

        Returns
        -------
        events : bytes
            Pickled list.
        """
        assert self._node is not None
        return dumps(
            self._node.step(pickle.loads(step), lambda: self._canceled >= number)
        )

    def cancel(self, number):
        """End the call of a number.

        Parameters
        ----------
        number : int
        """
        self._canceled = number

    def close(self):
        """End the process of the node."""
        if self._node is not None:
            self._node.close()


class RayCluster:
    """The cluster that this process is connected to; one is started if there is none.

    An actor ends with the process that has made it, and so do the processes of its
    node.
    """

    name = "Ray"

    def __init__(self):
        self._numbers = itertools.count()
        self._limit: int | None = None
        self._setup = None
        # Actor of each slot, and its current call: number and whether it prepares.
        self._actors: dict = {}
        self._calls: dict[int, tuple] = {}
        # Slots by the references of calls.
        self._slots: dict = {}
        self._ready: set[int] = set()
        self._failures = 0
        self._look_at = 0.0

    def n_slots(self) -> int:
        """Return the number of CPUs of the cluster."""
        return int(_connected().cluster_resources().get("CPU", 0))

    def versions(self) -> dict[str, dict]:
        """Return the versions that each node has that answers."""
        ray = _connected()
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Nested, so that it is pickled by value: the package may be missing there.
        text = INSTALLED

        def ask():
            return eval(text)

        asked = {
            ray.remote(ask)
            .options(
                num_cpus=0,
                max_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(
                    node["NodeID"], soft=False
                ),
            )
            .remote(): node["NodeManagerAddress"]
            for node in ray.nodes()
            if node["Alive"]
        }
        done, late = ray.wait(
            list(asked), num_returns=len(asked), timeout=VERSIONS_SECONDS
        )
        for reference in late:
            ray.cancel(reference, force=True)
        found = {}
        for reference in done:
            try:
                found[asked[reference]] = ray.get(reference)
            except ray.exceptions.RayError:
                continue
        return found

    def start(self, setup: Setup, limit: int | None):
        """Put the context into the object store and prepare up to `limit` slots.

        Parameters
        ----------
        setup : Setup
        limit : int or None
        """
        self._limit = limit
        self._setup = _ray().put(setup)
        self._add_actors()

    def poll(self, timeout):
        """Return the reports so far; wait up to `timeout` seconds if there is none.

        Parameters
        ----------
        timeout : float

        Returns
        -------
        reports : list of Ready, Answer or Lost

        Raises
        ------
        PoolError
            If Ray was shut down, or no node can be prepared.
        """
        ray = _ray()
        end = time.monotonic() + timeout
        reports: list = []
        while True:
            if time.monotonic() >= self._look_at:
                self._add_actors()
            left = max(0.0, min(end, self._look_at) - time.monotonic())
            if not self._slots:
                time.sleep(left)
                return reports
            done, _ = ray.wait(list(self._slots), timeout=left)
            if done:
                done, _ = ray.wait(
                    list(self._slots), num_returns=len(self._slots), timeout=0
                )
            for reference in done:
                reports += self._see(reference)
            if reports or time.monotonic() >= end:
                return reports

    def call(self, slot, step: Step):
        """Run a step in a slot.

        Parameters
        ----------
        slot : int
        step : Step
        """
        number = next(self._numbers)
        reference = self._actor(slot).step.remote(number, dumps(step))
        self._expect(slot, number, False, reference)

    def interrupt(self, slot):
        """End the task of a slot; it is ready again when its actor has answered.

        Parameters
        ----------
        slot : int
        """
        number, *_ = self._calls.get(slot, (-1,))
        self._actor(slot).cancel.remote(number)
        self._prepare(slot)

    def replace(self, slot):
        """Kill the actor of a slot and make another one.

        Parameters
        ----------
        slot : int
        """
        self._remove(slot)
        self._look_at = 0.0

    def close(self):
        """Kill all actors and drop the context."""
        if self._actors:
            ray = _ray()
            # Those that still wait for a CPU have nothing to end, and do not answer.
            closing = [self._actors[slot].close.remote() for slot in self._ready]
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
            for slot in list(self._actors):
                self._remove(slot)
        self._setup = None

    def _add_actors(self):
        """Make actors for slots that are missing; they wait for free CPUs."""
        ray = _ray()
        self._look_at = time.monotonic() + REFRESH_SECONDS
        wanted = max(1, self.n_slots()) if self._limit is None else self._limit
        for _ in range(wanted - len(self._actors)):
            slot = next(self._numbers)
            self._actors[slot] = (
                ray.remote(RayNode)
                .options(
                    num_cpus=1,
                    max_restarts=0,
                    max_task_retries=0,
                    # One call that runs, and one that cancels it.
                    max_concurrency=2,
                )
                .remote(self._setup)
            )
            self._prepare(slot)

    def _actor(self, slot):
        """Return the actor of a slot; its calls would start Ray if it is shut down."""
        _ray()
        return self._actors[slot]

    def _prepare(self, slot):
        reference = self._actor(slot).prepare.remote()
        self._expect(slot, next(self._numbers), True, reference)

    def _expect(self, slot, number, prepares, reference):
        self._calls[slot] = number, prepares, reference
        self._slots[reference] = slot

    def _see(self, reference):
        """Return the report of a finished call, if it is the last one of its slot."""
        slot = self._slots.pop(reference, None)
        _, prepares, current = self._calls.get(slot, (None, False, None))
        if current != reference:
            return []
        del self._calls[slot]
        try:
            outcome = _ray().get(reference)
        except Exception as error:
            return [self._see_failure(slot, error)]
        if not prepares:
            return [Answer(slot, outcome)]
        self._ready.add(slot)
        self._failures = 0
        return [Ready(slot)]

    def _see_failure(self, slot, error):
        was_ready = slot in self._ready
        self._remove(slot)
        reason = str(getattr(error, "cause", None) or error).strip().splitlines()[0]
        self._failures += not was_ready
        if self._failures >= MAX_FAILURES:
            raise PoolError(f"No node of the Ray cluster is usable: {reason}.")
        return Lost(slot, f"its node failed: {reason}")

    def _remove(self, slot):
        """Kill the actor of a slot."""
        actor = self._actors.pop(slot)
        self._calls.pop(slot, None)
        self._ready.discard(slot)
        self._slots = {r: s for r, s in self._slots.items() if s != slot}
        _ray().kill(actor)


def _connected():
    """Return the module, connected to a cluster as by the backend of joblib."""
    import ray

    if not ray.is_initialized():
        # To RAY_ADDRESS, or to a new local cluster.
        ray.init()
    return ray


def _ray():
    """Return the module if it is still connected."""
    import ray

    if not ray.is_initialized():
        raise PoolError("The Ray cluster was lost: ray was shut down.")
    return ray
