"""Slots on the workers of a Dask cluster.

A slot is a thread of a worker. Its calls are tasks that are pinned to this worker: the
process that was prepared there has the context, which is sent once to each worker, and
a worker that hangs is not given another candidate. The context is submitted as bytes,
not scattered, so that the scheduler can make it again if all its holders are lost. The
functions below the class run on the workers.
"""

from __future__ import annotations

import asyncio
import itertools
import pickle
import queue
import threading
import time
import uuid
from collections import deque

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

# Seconds between two looks at the workers of the cluster, and between two signs of life
# to them.
REFRESH_SECONDS, KEEP_SECONDS = 0.5, 20.0
# Seconds after which a scheduler that does not answer counts as lost, and for which
# workers are asked for their versions.
SCHEDULER_SECONDS, VERSIONS_SECONDS = 10.0, 5.0
# Longest wait for the workers to end their processes, in seconds.
CLOSE_SECONDS = 0.3
# A worker is given up after this many failures in a row.
MAX_FAILURES = 3
# Dask warns of a task whose arguments are larger than 10 MB.
CHUNK_BYTES = 8 * 2**20


class DaskCluster:
    """The workers that a client of Dask reaches.

    All requests are made on the event loop of the client, so that a scheduler or worker
    that hangs never blocks this thread.

    Parameters
    ----------
    client : distributed.Client
    """

    name = "Dask"

    def __init__(self, client):
        self._client = client
        self._fit = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._reports: queue.SimpleQueue = queue.SimpleQueue()
        self._limit: int | None = None
        self._data = None
        self._refresh = None
        # Threads of each worker, and the worker and future of the call of each slot.
        self._workers: dict[str, int] = {}
        self._calls: dict[tuple, tuple] = {}
        self._slots: set[tuple] = set()
        self._failures: dict[str, int] = {}
        self._reason = ""

    def n_slots(self) -> int:
        """Return the number of threads of all workers."""
        if self._workers:
            return sum(self._workers.values())
        return sum(self._wait_for(self._n_threads, SCHEDULER_SECONDS, {}).values())

    def versions(self) -> dict[str, dict]:
        """Return the versions that each worker has that answers."""
        return self._wait_for(self._versions, 2 * VERSIONS_SECONDS, {})

    def start(self, setup: Setup, limit: int | None):
        """Send the context to the cluster and prepare up to `limit` slots.

        Parameters
        ----------
        setup : Setup
        limit : int or None
        """
        self._limit = limit
        self._send_context(pickle.dumps(setup, protocol=5))
        self._refresh = self._run(self._watch)

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
            If the scheduler is lost, or no worker can be prepared.
        """
        end = time.monotonic() + timeout
        reports: list = []
        while True:
            left = end - time.monotonic()
            try:
                handle, *args = self._reports.get(
                    timeout=max(0.0, left) if not reports else 0
                )
            except queue.Empty:
                return reports
            reports += handle(*args)

    def call(self, slot, step: Step):
        """Run a step in a slot.

        Parameters
        ----------
        slot : tuple
        step : Step
        """
        self._submit(slot, False, run_step, self._fit, slot, dumps(step))

    def interrupt(self, slot):
        """End the task of a slot; it is ready again when its worker has answered.

        Parameters
        ----------
        slot : tuple
        """
        # Without the context: its only copy may be on a worker that hangs.
        self._submit(slot, True, free_node, self._fit, slot)

    replace = interrupt

    def close(self):
        """Cancel all calls, end the processes on the workers and drop the context."""
        for *_, future in self._calls.values():
            future.cancel()
        self._calls.clear()
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None
            self._wait_for(self._end_fit, CLOSE_SECONDS, None)
        if self._data is not None:
            self._data.release()
            self._data = None

    # On the event loop of the client

    def _run(self, function):
        """Start a coroutine function on the event loop of the client."""
        loop = self._client.loop.asyncio_loop
        return asyncio.run_coroutine_threadsafe(function(), loop)

    def _wait_for(self, function, seconds, otherwise):
        """Return the result of a coroutine function, or something else without one."""
        try:
            running = self._run(function)
        except RuntimeError:  # the client is closed
            return otherwise
        try:
            return running.result(seconds)
        except Exception:
            running.cancel()
            return otherwise

    async def _n_threads(self):
        return dict(await self._client.ncores())

    async def _versions(self):
        async def ask(worker):
            # By their event loops: busy workers answer too.
            return (await self._client.run(eval, INSTALLED, workers=[worker]))[worker]

        asked = {asyncio.ensure_future(ask(w)): w for w in await self._n_threads()}
        if not asked:
            return {}
        done, late = await asyncio.wait(asked, timeout=VERSIONS_SECONDS)
        for task in late:
            task.cancel()
        return {asked[task]: task.result() for task in done if not task.exception()}

    async def _watch(self):
        """Look at the workers of the cluster again and again."""
        keep_at = 0.0
        while True:
            try:
                threads = await asyncio.wait_for(self._n_threads(), SCHEDULER_SECONDS)
            except TimeoutError:
                reason = f"no answer of its scheduler in {SCHEDULER_SECONDS:.0f} s"
                self._reports.put((self._lose, reason))
                return
            except Exception as error:
                self._reports.put((self._lose, f"{type(error).__name__}: {error}"))
                return
            self._reports.put((self._see_workers, threads))
            if time.monotonic() >= keep_at:
                keep_at = time.monotonic() + KEEP_SECONDS
                asyncio.ensure_future(self._tell_workers(keep_fit))
            await asyncio.sleep(REFRESH_SECONDS)

    async def _tell_workers(self, function):
        """Run a function on the event loop of each worker."""
        try:
            await self._client.run(function, self._fit, on_error="ignore")
        except Exception:
            # The workers find out by themselves, see `_end_unused`.
            pass

    async def _end_fit(self):
        await self._tell_workers(end_fit)

    async def _follow(self, call, future):
        """Report the result of a call."""
        try:
            outcome = await future
        except BaseException as error:
            outcome = error
        self._reports.put((self._see_outcome, call, outcome))

    # Calls

    def _send_context(self, data):
        """Submit the pickled setup in parts, and the task that loads them."""
        parts = [
            self._client.submit(
                bytes, data[start : start + CHUNK_BYTES], key=self._key(), pure=False
            )
            for start in range(0, len(data), CHUNK_BYTES)
        ]
        self._data = self._client.submit(load_setup, parts, key=self._key(), pure=False)

    def _key(self):
        return f"sklearn_meta-{self._fit}-{next(self._numbers)}"

    def _submit(self, slot, prepares, function, *args):
        """Submit a task to the worker of a slot, in place of the previous one."""
        if slot in self._calls:
            self._calls.pop(slot)[-1].cancel()
        if self._client.status != "running":
            self._lose("no connection to its scheduler")
        call = next(self._numbers)
        future = self._client.submit(
            function,
            *args,
            key=self._key(),
            pure=False,
            workers=[slot[0]],
            allow_other_workers=False,
        )
        self._calls[slot] = call, prepares, future
        self._run(lambda: self._follow((slot, call), future))

    def _prepare(self, slot):
        """Make the worker of a slot ready for the next task."""
        if self._data.status == "error":
            self._lose("the data of the fit cannot be loaded there")
        if self._data.status in ("cancelled", "lost"):
            # The client was restarted: there is nothing left of this fit.
            self._lose("the data of the fit was removed")
        self._submit(slot, True, prepare_node, self._data, self._fit, slot)

    # Handlers of what the event loop reports; they return reports of the cluster

    def _lose(self, reason):
        raise PoolError(f"The Dask cluster was lost: {reason}.")

    def _see_workers(self, threads):
        """Take slots of new workers, and give up those of workers that have left."""
        gone = [slot for slot in self._slots if slot[0] not in threads]
        reports = [self._lost(slot, "its worker has left the cluster") for slot in gone]
        self._workers = threads
        # Workers in turn, so that a few slots are on different ones.
        slots = sorted(
            (place, worker) for worker, n in threads.items() for place in range(n)
        )
        for place, worker in slots:
            if self._limit is not None and len(self._slots) >= self._limit:
                break
            slot = worker, place
            if slot not in self._slots and self._failures.get(worker, 0) < MAX_FAILURES:
                self._slots.add(slot)
                self._prepare(slot)
        if threads and not self._slots:
            raise PoolError(f"No worker of the Dask cluster is usable: {self._reason}.")
        return reports

    def _see_outcome(self, call, outcome):
        slot, number = call
        current, prepares, _ = self._calls.get(slot, (None, False, None))
        if current != number:
            return []
        del self._calls[slot]
        worker = slot[0]
        if isinstance(outcome, BaseException):
            if self._client.status != "running":
                # What it has computed is forgotten, even if it connects again.
                self._lose("no connection to its scheduler")
            self._failures[worker] = self._failures.get(worker, 0) + 1
            self._reason = f"{worker}: {type(outcome).__name__}: {outcome}"
            return [self._lost(slot, f"its worker failed: {self._reason}")]
        if prepares:
            return [Ready(slot)]
        self._failures.pop(worker, None)
        return [Answer(slot, outcome)]

    def _lost(self, slot, reason):
        self._slots.discard(slot)
        if slot in self._calls:
            self._calls.pop(slot)[-1].cancel()
        return Lost(slot, reason)


# On the workers

# The nodes of each fit in this process, by their slots, and when the driver was last
# heard of. The tasks of a worker share nothing but its process; several workers may be
# in one.
_fits: dict[str, dict[tuple, Node]] = {}
_heard: dict[str, float] = {}
# Fits that have ended: a call that was under way may still begin.
_ended: deque[str] = deque(maxlen=1000)
_lock = threading.Lock()
# Seconds after which the processes of a fit are ended whose driver is not heard of.
UNUSED_SECONDS = 6 * KEEP_SECONDS


def load_setup(parts) -> Setup:
    """Join the parts of a pickled `Setup` and load it.

    Parameters
    ----------
    parts : list of bytes

    Returns
    -------
    setup : Setup
    """
    return pickle.loads(b"".join(parts))


def prepare_node(setup, fit, slot):
    """Prepare the node of a slot in this process.

    Parameters
    ----------
    setup : Setup
    fit : str
    slot : tuple of (str, int)

    Raises
    ------
    PoolError
        If this worker cannot run the tasks of the fit.
    """
    if differences := differing_versions(setup.versions, installed()):
        raise PoolError(f"The worker has other versions: {differences}.")
    _node_of(fit, slot, setup).prepare(_is_canceled())


def free_node(fit, slot):
    """End the task that the node of a slot runs.

    Parameters
    ----------
    fit : str
    slot : tuple of (str, int)
    """
    _node_of(fit, slot).prepare(_is_canceled())


def run_step(fit, slot, step) -> bytes:
    """Run a step of a task in the node of a slot.

    Parameters
    ----------
    fit : str
    slot : tuple of (str, int)
    step : bytes
        Pickled `Step`.

    Returns
    -------
    events : bytes
        Pickled list.
    """
    return dumps(_node_of(fit, slot).step(pickle.loads(step), _is_canceled()))


def keep_fit(fit):
    """Note that the driver of a fit is there.

    Parameters
    ----------
    fit : str
    """
    with _lock:
        if fit in _fits:
            _heard[fit] = time.monotonic()


def end_fit(fit):
    """End the processes of a fit.

    Parameters
    ----------
    fit : str
    """
    with _lock:
        _ended.append(fit)
        _heard.pop(fit, None)
        nodes = _fits.pop(fit, {})
    for node in nodes.values():
        node.close()


def _node_of(fit, slot, setup=None):
    """Return the node of a slot; make it if there is a setup."""
    from distributed import get_worker

    with _lock:
        if fit in _ended:
            raise PoolError("The fit has ended.")
        nodes = _fits.get(fit, {})
        node = nodes.get(tuple(slot))
        if node is None:
            if setup is None:
                raise PoolError("The worker was restarted.")
            state = get_worker()
            limit = getattr(state.memory_manager, "memory_limit", None)
            node = Node(setup, share_of_memory(limit, state.state.nthreads))
            if not _fits:
                threading.Thread(target=_end_unused, daemon=True).start()
            _fits.setdefault(fit, nodes)[tuple(slot)] = node
            _heard[fit] = time.monotonic()
        return node


def _end_unused():
    """End the processes of fits whose driver is gone, until there is no fit left."""
    while True:
        time.sleep(REFRESH_SECONDS)
        late = time.monotonic() - UNUSED_SECONDS
        with _lock:
            gone = [fit for fit, heard in _heard.items() if heard < late]
        for fit in gone:
            end_fit(fit)
        with _lock:
            if not _fits:
                return


def _is_canceled():
    """Return what tells whether the task of this thread was canceled."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def is_canceled():
        task = worker.state.tasks.get(key)
        return task is None or task.state != "executing"

    return is_canceled
