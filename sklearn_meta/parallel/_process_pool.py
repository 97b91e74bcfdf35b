"""Killable worker processes.

A pool starts one server process with a fresh interpreter, which imports the scientific
stack, loads the data and forks the workers (`_server_process`, `_worker_process`). In
contrast to multiprocessing and loky:

- the user's ``__main__`` is never imported again, so scripts need no
  ``if __name__ == "__main__"``, and the pool works in Jupyter, in threads, in daemonic
  processes and beside other pools;
- the user's process is never forked, whatever threads it runs;
- a worker that replaces a killed one starts in milliseconds;
- nothing global changes: no start method, resource tracker, named semaphore or file.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

import cloudpickle

from sklearn_meta.parallel._channel import Channel
from sklearn_meta.parallel._memory_usage import (
    MEMORY_CHECK_SECONDS,
    ServerMemory,
    crash_reason,
    excess_reason,
    memory_growth,
)
from sklearn_meta.parallel._messages import (
    BROKEN,
    EXITED,
    FAILED,
    FORK,
    FORKED,
    FROM_WORKER,
    KILL,
    LEAVING,
    PAYLOAD,
    READY,
    TASK,
    CorruptMessageError,
    pack_limit,
    unpack_fields,
)
from sklearn_meta.parallel._pickled import UnpicklingError, loads
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Payload,
    Place,
    PoolError,
    Task,
    describe_exception,
    describe_exit,
    describe_timeout,
)
from sklearn_meta.parallel._server_handle import (
    PRELOAD,
    ServerHandle,
    can_start_processes,
)
from sklearn_meta.parallel._shared_memory import SharedObject

# Longest time that the server may take to fork a worker, in seconds.
FORK_SECONDS = 30.0
# Longest wait for the exit status of a worker whose connection has closed, in seconds.
STATUS_SECONDS = 2.0
# Maximum number of servers that are replaced: a task can kill its server.
MAX_LOST_SERVERS = 3
# Maximum number of workers in a row that die without a task, per worker of the pool.
MAX_IDLE_DEATHS = 10
# Maximum number of workers in a row that the system refuses while there is no other
# one, and the seconds until the next try: without other workers, and with some.
MAX_REFUSALS = 20
REFUSAL_SECONDS, REFUSAL_SECONDS_WITH_OTHERS = 0.1, 1.0
# A payload is at most this multiple of the memory limit of its task, in which it was
# made; a longer one is garbage.
PAYLOAD_SHARE = 2

CORRUPT = "something wrote what is no message into the connection of the worker"
LIMITS = (
    "Raise the limits on processes, open files and memory (see 'ulimit -a', and those "
    "of the container) to use worker processes."
)


@dataclass(frozen=True)
class _Running:
    id: Hashable
    deadline: float | None
    memory_limit: int | None
    started: float
    failure: tuple | None = None


@dataclass
class _Worker:
    """A worker, as the pool sees it."""

    number: int
    channel: Channel
    requested: float = field(default_factory=time.monotonic)
    task: _Running | None = None
    # What the task was sent as, in case this worker is never forked.
    message: bytes = field(default=b"", repr=False)
    # Largest memory use beyond that of the server that was measured in this task.
    memory_growth: int = 0
    # Whether it is to be killed and replaced.
    is_retired: bool = False
    # When its connection was found closed, in which case the server will report its
    # exit status; when the system refused to fork it, in which case another one will
    # take over its task.
    closed: float | None = None
    refused: float | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it can be given a task."""
        return self.task is None and self.is_present

    @property
    def is_present(self) -> bool:
        """Whether it is expected to report anything."""
        return not self.is_retired and self.closed is None and self.refused is None


class ProcessPool:
    """Worker processes that run one task at a time and can be killed.

    A task that raises, hangs, crashes its process or uses too much memory is reported
    as `Failed` and does not affect other tasks. A pool may be used by one thread only.
    It needs a Unix system, see `can_start_processes`; only on Linux is memory measured
    and does the kernel kill orphaned workers.

    Ctrl-C may interrupt any method at any statement. Therefore each step of the state
    is one statement that can be repeated, objects own their descriptors, and what a
    method has not finished is found and done by the next one (`_repair`). A task whose
    `submit` was interrupted has to be canceled.

    Parameters
    ----------
    n_workers : int
        Number of processes that run tasks.
    setup : tuple of (str, tuple)
        ``"package.module:function"`` and its arguments. The function is called once,
        in the server; each task receives its return value as first argument. The
        workers share the memory: large arrays in the arguments, however deeply nested,
        are read-only and exist once. The arguments may contain functions and classes
        that are defined in ``__main__``.
    preload : tuple of str
        Modules that the server imports before the setup, by default those that most
        candidates need; modules that are not installed are skipped.
    clock : callable, default=time.monotonic
        Returns seconds; deadlines refer to it.
    """

    def __init__(
        self,
        n_workers: int,
        *,
        setup: tuple[str, tuple],
        preload: tuple[str, ...] = PRELOAD,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.n_workers = n_workers
        self.setup = setup
        self.preload = preload
        self.clock = clock
        self._owner = None
        self._setup: SharedObject | None = None
        self._server: ServerHandle | None = None
        # A worker that is not in here any more has been killed, or will be.
        self._workers: dict[int, _Worker] = {}
        # Process ids of the workers that the server has not yet reported as ended.
        self._pids: dict[int, int] = {}
        self._events: list[Payload | Done | Failed] = []
        self._failure: PoolError | None = None
        self._n_forked = 0
        self._n_lost = 0
        self._n_idle_deaths = 0
        self._n_refusals = 0
        self._next_fork = 0.0
        self._next_memory_check = 0.0

    # Starting and closing

    def start(self):
        """Start the server and return at once; `ready` is true when it has started.

        Raises
        ------
        PoolError
            If no process can be started here.
        Exception
            If the arguments of the setup cannot be pickled.
        """
        if self._server is not None:
            return
        if not can_start_processes():
            raise PoolError(
                f"Worker processes need a Unix system that can fork; this is "
                f"{sys.platform!r} with the interpreter {sys.executable!r}. Use "
                "InProcessPool instead."
            )
        self._owner = os.getpid()
        function, args = self.setup
        try:
            with self._failing():
                self._setup = SharedObject.create((self.preload, function, args))
                self._repair()
        except BaseException:
            self.close()
            raise

    def close(self):
        """Kill every worker and the server; running tasks are lost.

        A pool may be closed more than once.
        """
        interrupt = None
        while True:
            try:
                self._release()
                break
            except KeyboardInterrupt as exception:
                interrupt = exception
        if interrupt is not None:
            raise interrupt

    def _release(self):
        """Release all processes and descriptors; may be repeated at any step."""
        for worker in self._workers.values():
            worker.channel.close()
        if self._server is not None:
            if self._owner == os.getpid():
                self._server.end(self._pids.values())
            else:
                # A fork of the process that owns the pool must not end its server.
                self._server.close()
        if self._setup is not None:
            self._setup.close()
        self._workers, self._pids, self._server, self._setup = {}, {}, None, None

    def _fail(self, message, note=""):
        """Close the pool and raise an error."""
        # Kept for the next call, because Ctrl-C may interrupt this one.
        self._failure = PoolError(message)
        if note:
            self._failure.add_note(note)
        self._raise_failure()

    def _raise_failure(self):
        """Close the pool and raise its error, if it has failed."""
        if self._failure is not None:
            self.close()
            raise self._failure.with_traceback(None)

    @contextlib.contextmanager
    def _failing(self):
        """Let the pool fail where the system has no descriptor or memory for it."""
        try:
            yield
        except (OSError, MemoryError) as error:
            text = f"{type(error).__name__}: {error}"
            self._fail(f"The system refuses what they need ({text}). {LIMITS}")

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __del__(self):
        # __init__ may have raised.
        if getattr(self, "_server", None) or getattr(self, "_setup", None):
            self.close()

    # State

    @property
    def ready(self) -> bool:
        """Whether the server has run the setup and forked a worker.

        Raises
        ------
        PoolError
            If the server could not start, or the setup raised.
        """
        self._raise_failure()
        if self._setup is None:
            return False
        if not self._is_ready:
            with self._failing():
                self._poll(0)
        return self._is_ready

    @property
    def _is_ready(self):
        return self._server is not None and self._server.has_forked

    @property
    def n_idle(self) -> int:
        """Number of tasks that can be submitted now; 0 until `ready`."""
        if not self._is_ready:
            return 0
        return sum(worker.is_idle for worker in self._workers.values())

    place = Place.WORKER

    # Tasks

    def submit(self, task: Task):
        """Send a task to an idle worker.

        Parameters
        ----------
        task : Task
            Each value that it yields is sent at once. Allocations beyond its memory
            limit raise a `MemoryError` in the task; a worker that uses a quarter more
            nevertheless is killed (checked every 50 ms, during `wait`). A task that
            cannot be pickled is reported as failed.

        Raises
        ------
        RuntimeError
            If no worker is idle.
        """
        worker = self._idle_worker() if self._is_ready else None
        if worker is None:
            raise RuntimeError(
                f"Task {task.id} was submitted while no worker is idle. Submit only "
                "when 'n_idle' is positive."
            )
        limit = task.memory_limit
        try:
            call = cloudpickle.dumps((task.function, task.args), protocol=5)
            message = pack_limit(limit) + call
        except Exception as exception:
            failed = Failed(task.id, *describe_exception(exception))
            self._events = [*self._events, failed]
            return
        running = _Running(task.id, task.deadline, limit, self.clock())
        self._give(worker, running, message)

    def _idle_worker(self):
        """Return an idle worker, if possible one that is forked already; or None."""
        idle = [worker for worker in self._workers.values() if worker.is_idle]
        forked = [worker for worker in idle if worker.number in self._pids]
        return next(iter(forked or idle), None)

    def _give(self, worker, task, message):
        """Send a task to an idle worker."""
        limit = task.memory_limit
        if limit is not None:
            worker.channel.limits = {**FROM_WORKER, PAYLOAD: PAYLOAD_SHARE * limit}
        worker.memory_growth = 0
        worker.message = b"" if worker.number in self._pids else message
        worker.task = task
        worker.channel.send(TASK, message)

    def postpone(self, task_id, deadline):
        """Change the deadline of a task; without effect if the task has ended.

        Parameters
        ----------
        task_id : hashable
        deadline : float
            Instant on `clock`.
        """
        for worker in self._workers.values():
            if worker.task is not None and worker.task.id == task_id:
                worker.task = replace(worker.task, deadline=deadline)

    def cancel(self, task_id):
        """Kill a task without any further event of it.

        Parameters
        ----------
        task_id : hashable

        Raises
        ------
        PoolError
            If the system has no descriptors or memory left for the pool.
        """
        for worker in self._workers.values():
            if worker.task is not None and worker.task.id == task_id:
                worker.task, worker.is_retired = None, True
        self._events = [e for e in self._events if e.task_id != task_id]
        with self._failing():
            self._repair()

    def wait(self, timeout: float):
        """Return the events so far; wait if there is none.

        Parameters
        ----------
        timeout : float
            Maximum number of seconds to wait.

        Returns
        -------
        events : list of Payload, Done or Failed
            In the order in which they arrived; the events of one task are in the order
            in which they happened. Empty after `timeout`, and when the pool has become
            ready.

        Raises
        ------
        PoolError
            If the server could not start, the setup raised, the server was lost too
            often, or the system has no processes, descriptors or memory for the pool.
        """
        self._raise_failure()
        end = time.monotonic() + timeout
        was_ready = self._is_ready
        first = True
        while self._setup is not None:
            left = end - time.monotonic()
            if left < 0 and not first:
                break
            pause = min(left, self._seconds_to_next_check())
            with self._failing():
                self._poll(0 if self._events else max(0.0, pause))
            first = False
            if self._events or (self._is_ready and not was_ready):
                break
        # Taken only here, so that Ctrl-C during the wait loses no event.
        events, self._events = self._events, []
        return events

    def _seconds_to_next_check(self):
        """Seconds after which a limit has to be checked even if no process reports."""
        seconds = 1.0
        now = self.clock()
        for worker in self._workers.values():
            if worker.refused is not None:
                seconds = min(seconds, REFUSAL_SECONDS)
            if worker.task is None:
                continue
            if worker.task.deadline is not None:
                seconds = min(seconds, worker.task.deadline - now)
            if worker.task.memory_limit is not None:
                seconds = min(seconds, MEMORY_CHECK_SECONDS)
        if len(self._workers) < self.n_workers and self._server is not None:
            if self._server.is_ready:
                seconds = min(seconds, self._next_fork - time.monotonic())
        return max(0.0, seconds)

    def _poll(self, timeout):
        """Handle what is reported within `timeout`, and enforce the limits."""
        self._repair()
        server = self._server
        present = [w for w in self._workers.values() if w.is_present]
        channels = [server.control, *(w.channel for w in present)]
        # A new poll object each time, which has no state that could be out of date.
        poller = select.poll()
        for channel in channels:
            events = select.POLLIN | (select.POLLOUT if channel.has_unsent else 0)
            poller.register(channel.connection.fileno(), events)
        if any(channel.has_unread for channel in channels):
            timeout = 0
        ready = {fd for fd, _ in poller.poll(math.ceil(timeout * 1e3))}
        server_answered = _is_in(ready, server.control)
        if server_answered:
            self._handle_server(server)
        for worker in present:
            is_here = self._workers.get(worker.number) is worker
            if is_here and worker.is_present and _is_in(ready, worker.channel):
                worker.channel.flush()
                self._handle_worker(worker)
        self._enforce_deadlines()
        self._enforce_memory()
        if not server_answered:
            self._enforce_answers()
        self._repair()

    # Reports of the workers

    def _handle_worker(self, worker):
        """Read from a worker, and kill it if it has closed its connection."""
        if self._read(worker) or worker.is_retired:
            return
        if worker.channel.is_corrupt and worker.task is not None:
            self._end_task(worker, "crashed", CORRUPT)
            return
        # The exit status will follow. The worker is killed in case it has only closed
        # its files.
        self._server.request(KILL, worker.number)
        worker.closed = time.monotonic()

    def _read(self, worker):
        """Handle the frames of a worker; return whether its connection is open."""
        is_open = worker.channel.receive()
        task, is_retired, events = worker.task, worker.is_retired, []
        for kind, body in worker.channel.frames:
            if task is None or is_retired:
                # Sent by a thread that a finished task has left behind.
                break
            try:
                if kind == PAYLOAD:
                    events.append(Payload(task.id, loads(body)))
                elif kind == FAILED:
                    task = replace(task, failure=unpack_fields(FAILED, body))
                else:
                    failure = task.failure
                    end = Failed(task.id, *failure) if failure else Done(task.id)
                    events.append(end)
                    task, is_retired = None, kind == LEAVING
            except (UnpicklingError, CorruptMessageError) as error:
                events.append(Failed(task.id, "raised", str(error)))
                task, is_retired = None, True
        if task is None and worker.task is not None:
            self._n_idle_deaths = 0
        # In one statement: Ctrl-C before it leaves the frames where they are.
        self._events, worker.task, worker.is_retired, worker.channel.frames = (
            self._events + events,
            task,
            is_retired,
            [],
        )
        return is_open

    def _end_task(self, worker, kind, reason, traceback=""):
        """Report the end of a task whose worker has to be replaced."""
        failure = worker.task.failure or (kind, reason, traceback)
        self._n_idle_deaths = 0
        self._events, worker.task, worker.is_retired = (
            [*self._events, Failed(worker.task.id, *failure)],
            None,
            True,
        )

    # Reports of the server

    def _handle_server(self, server):
        """Handle the frames of the server, and replace it if it has ended."""
        is_open = server.control.receive()
        try:
            while server.control.frames:
                self._handle_report(server, *server.control.frames[0])
                # Every report can be handled twice, if Ctrl-C comes in between.
                server.control.frames = server.control.frames[1:]
        except CorruptMessageError:
            is_open = False
        if not is_open:
            server.kill()
            server.is_lost = True

    def _handle_report(self, server, kind, body):
        """Handle a frame of the server."""
        if kind == READY:
            server.memory = ServerMemory.measure(
                server.popen.pid, self._setup.descriptor
            )
            server.is_ready = True
            return
        fields = unpack_fields(kind, body)
        if kind == BROKEN:
            reason, text = fields
            self._fail(f"The setup of the worker processes failed: {reason}", text)
        elif kind == FORKED:
            number, pid = fields
            self._pids[number] = pid
            self._n_refusals, server.has_forked = 0, True
            if number in self._workers:
                self._workers[number].message = b""
            else:
                # Ctrl-C interrupted the pool between the request and its record.
                server.request(KILL, number)
        elif kind == EXITED:
            self._handle_exit(*fields)

    def _handle_exit(self, number, code, error):
        """Handle the exit status of a worker, or that it could not be forked."""
        self._pids.pop(number, None)
        worker = self._workers.get(number)
        if worker is None:
            return
        if error:
            worker.refused = time.monotonic()
            self._refused(error)
            return
        # Frames that it has sent may still be unread. The connection may stay open, if
        # a process that the task has left behind holds it as well.
        self._read(worker)
        self._end_dead(worker, code)

    def _end_dead(self, worker, code):
        """Retire a worker that has died without having been killed by the pool."""
        if worker.task is not None:
            kind, reason = "crashed", describe_exit(code)
            limit = worker.task.memory_limit
            if for_memory := crash_reason(worker.memory_growth, limit):
                kind = "memory"
                reason += f", {for_memory}"
            self._end_task(worker, kind, reason)
        elif not worker.is_retired:
            worker.is_retired = True
            self._n_idle_deaths += 1
            if self._n_idle_deaths > MAX_IDLE_DEATHS * self.n_workers:
                self._fail(
                    "Worker processes die before they are given a task, the last one "
                    f"because {describe_exit(code)}. {LIMITS}"
                )

    def _refused(self, error):
        """Note that the system has refused a worker; fail if it does so always."""
        self._n_refusals += 1
        pause = REFUSAL_SECONDS_WITH_OTHERS if self._pids else REFUSAL_SECONDS
        self._next_fork = time.monotonic() + pause
        if self._n_refusals > MAX_REFUSALS and not self._pids:
            self._fail(f"No worker process can be started: {error}. {LIMITS}")

    # Repairing

    def _repair(self):
        """Start, kill and replace servers and workers until the state is as it should.

        Each step can be interrupted, and is then repeated by the next call.
        """
        self._raise_failure()
        if self._setup is None:
            return
        if self._server is not None and self._server.is_lost:
            self._lose_server(self._server)
        if self._server is None:
            self._server = ServerHandle.create()
        if self._server.popen is None:
            self._launch_server()
        for worker in list(self._workers.values()):
            if worker.is_retired:
                self._server.request(KILL, worker.number)
                worker.channel.close()
                self._workers.pop(worker.number, None)
        if self._server.is_ready:
            self._fork_missing()

    def _launch_server(self):
        """Launch the server of a new handle."""
        try:
            self._server.launch(self._setup, self._owner)
        except PoolError as error:
            self._failure = error
            self._raise_failure()

    def _lose_server(self, server):
        """Release a server that has ended, and report its tasks as failed."""
        how = server.how_it_ended()
        reason = "the server of the worker processes died"
        events = [
            Failed(w.task.id, *(w.task.failure or ("crashed", reason, "")))
            for w in self._workers.values()
            if w.task is not None
        ]
        for worker in self._workers.values():
            worker.channel.close()
        server.end(self._pids.values())
        self._events, self._workers, self._pids, self._server, self._n_lost = (
            self._events + events,
            {},
            {},
            None,
            self._n_lost + 1,
        )
        if not server.is_ready or self._n_lost > MAX_LOST_SERVERS:
            when, advice = "before it was ready", LIMITS
            if server.is_ready:
                when = "again and again"
                advice = "A candidate may have killed it, or the system to free memory."
            self._fail(
                f"The server of the worker processes ended {when}, with {how}. {advice}"
            )

    def _fork_missing(self):
        """Request the workers that are missing, and those that were refused."""
        refused = [w for w in self._workers.values() if w.refused is not None]
        for old in refused:
            idle = self._idle_worker()
            if old.task is not None and idle is not None and idle.number in self._pids:
                task, old.task = old.task, None
                self._give(idle, task, old.message)
        missing = self.n_workers - len(self._workers)
        for old in [*refused, *(None for _ in range(missing))]:
            if time.monotonic() < self._next_fork:
                return
            try:
                self._fork(old)
            except OSError as error:
                self._refused(str(error))

    def _fork(self, old=None):
        """Request a worker, which takes the place and the task of another one.

        It can be given a task at once.
        """
        number = self._n_forked
        self._n_forked += 1
        ours, theirs = socket.socketpair()
        worker = _Worker(number, Channel(ours, FROM_WORKER))
        self._server.request(FORK, number, [theirs.fileno()])
        theirs.close()
        others = self._workers
        if old is not None:
            others = {n: w for n, w in others.items() if w is not old}
            worker.channel.limits = old.channel.limits
            worker.task, worker.message = old.task, old.message
            if worker.task is not None:
                worker.channel.send(TASK, worker.message)
        self._workers = {**others, number: worker}
        if old is not None:
            old.channel.close()

    # Limits

    def _enforce_deadlines(self):
        """Kill the workers whose tasks have passed their deadlines."""
        now = self.clock()
        for worker in self._workers.values():
            task = worker.task
            if task is None or task.deadline is None or now < task.deadline:
                continue
            self._end_task(worker, "timeout", describe_timeout(now - task.started))

    def _enforce_memory(self):
        """Kill the workers whose tasks use too much memory."""
        now = time.monotonic()
        if now < self._next_memory_check or self._server is None:
            return
        self._next_memory_check = now + MEMORY_CHECK_SECONDS
        for worker in self._workers.values():
            task, pid = worker.task, self._pids.get(worker.number)
            if task is None or task.memory_limit is None or pid is None:
                continue
            if self._server.memory is None:
                continue
            growth = memory_growth(pid, self._server.memory, task.memory_limit)
            if growth is None:
                continue
            worker.memory_growth = max(worker.memory_growth, growth)
            if reason := excess_reason(growth, task.memory_limit):
                self._end_task(worker, "memory", reason)

    def _enforce_answers(self):
        """Stop waiting for a server, or for an exit status, that never comes."""
        server = self._server
        if server is None:
            return
        now = time.monotonic()
        waiting = [
            worker
            for worker in self._workers.values()
            if worker.number not in self._pids and worker.refused is None
        ]
        if server.takes_too_long_to_start() or any(
            now - worker.requested > FORK_SECONDS for worker in waiting
        ):
            server.kill()
        for worker in self._workers.values():
            if worker.closed is not None and now - worker.closed > STATUS_SECONDS:
                self._end_dead(worker, None)


def _is_in(ready, channel):
    """Whether a channel has something to do, according to a poll or by itself."""
    return channel.has_unread or channel.connection.fileno() in ready
