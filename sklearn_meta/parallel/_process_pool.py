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

import os
import pickle
import selectors
import socket
import sys
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

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
    KILL,
    LEAVING,
    PAYLOAD,
    READY,
    TASK,
    pack_limit,
)
from sklearn_meta.parallel._pickled import UnpicklingError, loads
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Payload,
    Place,
    PoolError,
    Task,
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


@dataclass
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
    requested: float
    task: _Running | None = None
    # Largest memory use beyond that of the server that was measured in this task.
    memory_growth: int = 0


@dataclass
class _Ending:
    """A task whose worker has ended; the server will report the exit status."""

    task: _Running
    since: float
    memory_growth: int


class ProcessPool:
    """Worker processes that run one task at a time and can be killed.

    A task that raises, hangs, crashes its process or uses too much memory is reported
    as `Failed` and does not affect other tasks. A pool may be used by one thread only.
    It needs a Unix system, see `can_start_processes`; only on Linux is memory measured
    and does the kernel kill orphaned workers.

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
        self._selector = None
        self._workers: dict[int, _Worker] = {}
        self._ending: dict[int, _Ending] = {}
        # Process ids of the workers that the server has not yet reported as ended.
        self._pids: dict[int, int] = {}
        self._events: list[Payload | Done | Failed] = []
        self._n_forked = 0
        self._n_lost = 0
        self._n_idle_deaths = 0
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
        self._setup = SharedObject.create((self.preload, function, args))
        self._selector = selectors.PollSelector()
        try:
            self._start_server()
        except BaseException:
            self.close()
            raise

    def _start_server(self):
        server = ServerHandle.start(self._setup, self._owner)
        self._server = server
        self._selector.register(server.control.connection, selectors.EVENT_READ, server)

    def close(self):
        """Kill every worker and the server; running tasks are lost.

        A pool may be closed more than once.
        """
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        if self._server is not None:
            self._end_server()
        if self._setup is not None:
            self._setup.close()
            self._setup = None

    def _end_server(self):
        server, self._server = self._server, None
        for worker in self._workers.values():
            worker.channel.close()
        self._workers.clear()
        self._ending.clear()
        if self._owner == os.getpid():
            server.end(self._pids.values())
        else:
            # A fork of the process that owns the pool must not end its server.
            server.close()
        self._pids.clear()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __del__(self):
        # __init__ may have raised.
        if getattr(self, "_server", None) is not None:
            self.close()

    # State

    @property
    def ready(self) -> bool:
        """Whether the server has imported the modules and run the setup.

        Raises
        ------
        PoolError
            If the server could not start, or the setup raised.
        """
        if self._server is None:
            return False
        if not self._server.is_ready:
            self._poll(0)
        return self._server is not None and self._server.is_ready

    @property
    def n_idle(self) -> int:
        """Number of tasks that can be submitted now; 0 until `ready`."""
        return sum(worker.task is None for worker in self._workers.values())

    place = Place.WORKER

    # Tasks

    def submit(self, task: Task):
        """Send a task to an idle worker.

        Parameters
        ----------
        task : Task
            Each value that it yields is sent at once. Allocations beyond its memory
            limit raise a `MemoryError` in the task; a worker that uses a quarter more
            nevertheless is killed (checked every 50 ms, during `wait`).

        Raises
        ------
        RuntimeError
            If no worker is idle.
        """
        worker = next((w for w in self._workers.values() if w.task is None), None)
        if worker is None:
            raise RuntimeError(
                f"Task {task.id} was submitted while no worker is idle. Submit only "
                "when 'n_idle' is positive."
            )
        body = cloudpickle.dumps((task.function, task.args), protocol=5)
        limit = pack_limit(task.memory_limit)
        worker.task = _Running(task.id, task.deadline, task.memory_limit, self.clock())
        worker.memory_growth = 0
        worker.channel.send(TASK, limit + body)
        self._listen(worker)

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
                worker.task.deadline = deadline

    def cancel(self, task_id):
        """Kill a task without any further event of it.

        Parameters
        ----------
        task_id : hashable
        """
        for worker in list(self._workers.values()):
            if worker.task is not None and worker.task.id == task_id:
                self._replace(worker)
        for number, ending in list(self._ending.items()):
            if ending.task.id == task_id:
                del self._ending[number]
        self._events = [e for e in self._events if e.task_id != task_id]

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
            If the server could not start, the setup raised, or the server was lost
            too often.
        """
        end = time.monotonic() + timeout
        was_ready = self._server is not None and self._server.is_ready
        first = True
        while self._server is not None:
            left = end - time.monotonic()
            if left < 0 and not first:
                break
            pause = min(left, self._seconds_to_next_check())
            self._poll(0 if self._events else max(0.0, pause))
            first = False
            is_ready = self._server is not None and self._server.is_ready
            if self._events or (is_ready and not was_ready):
                break
        # Taken only here, so that Ctrl-C during the wait loses no event.
        events, self._events = self._events, []
        return events

    def _seconds_to_next_check(self):
        """Seconds after which a limit has to be checked even if no process reports."""
        seconds = 1.0
        now = self.clock()
        for worker in self._workers.values():
            if worker.task is None:
                continue
            if worker.task.deadline is not None:
                seconds = min(seconds, worker.task.deadline - now)
            if worker.task.memory_limit is not None:
                seconds = min(seconds, MEMORY_CHECK_SECONDS)
        return max(0.0, seconds)

    def _poll(self, timeout):
        """Handle what is reported within `timeout`, and enforce the limits."""
        server_answered = False
        for key, mask in self._selector.select(timeout):
            source = key.data
            if isinstance(source, ServerHandle):
                server_answered = True
                self._handle_server(source)
            elif self._workers.get(source.number) is source:
                if mask & selectors.EVENT_WRITE:
                    source.channel.flush()
                    self._listen(source)
                if mask & selectors.EVENT_READ:
                    self._handle_worker(source)
        self._enforce_deadlines()
        self._enforce_memory()
        if not server_answered:
            self._enforce_answers()

    def _listen(self, worker):
        """Wait for room to send as well, as long as there is something to send."""
        events = selectors.EVENT_READ
        if worker.channel.has_unsent:
            events |= selectors.EVENT_WRITE
        if self._selector.get_key(worker.channel.connection).events != events:
            self._selector.modify(worker.channel.connection, events, worker)

    # Reports of the workers

    def _handle_worker(self, worker):
        """Read from a worker, and replace it if it has closed its connection."""
        if self._read(worker):
            return
        # The connection is closed and the exit status will follow. The worker is killed
        # in case it has only closed its files.
        self._replace_dead(worker)

    def _read(self, worker):
        """Handle the frames of a worker; return whether its connection is open."""
        frames, is_open = worker.channel.receive()
        for kind, body in frames:
            task = worker.task
            if task is None:
                # Sent by a thread that a finished task has left behind.
                continue
            if kind == PAYLOAD:
                try:
                    self._events.append(Payload(task.id, loads(body)))
                except UnpicklingError as error:
                    self._events.append(Failed(task.id, "raised", str(error)))
                    worker.task = None
                    self._replace(worker)
                    return True
            elif kind == FAILED:
                task.failure = pickle.loads(body)
            else:
                worker.task = None
                self._n_idle_deaths = 0
                if task.failure is not None:
                    self._events.append(Failed(task.id, *task.failure))
                else:
                    self._events.append(Done(task.id))
                if kind == LEAVING:
                    self._replace(worker)
                    return True
        return is_open

    # Reports of the server

    def _handle_server(self, server):
        """Handle the frames of the server, and replace it if it has ended."""
        frames, is_open = server.control.receive()
        for kind, body in frames:
            if kind == READY:
                server.is_ready = True
                server.memory = ServerMemory.measure(
                    server.popen.pid, self._setup.descriptor
                )
                for _ in range(self.n_workers):
                    self._fork()
            elif kind == BROKEN:
                reason, text = pickle.loads(body)
                self.close()
                error = PoolError(f"The setup of the worker processes failed: {reason}")
                error.add_note(text)
                raise error
            elif kind == FORKED:
                number, pid = pickle.loads(body)
                self._pids[number] = pid
            elif kind == EXITED:
                self._handle_exit(*pickle.loads(body))
        if not is_open and self._server is server:
            self._replace_server()

    def _handle_exit(self, number, code, error):
        """Handle the exit status of a worker."""
        self._pids.pop(number, None)
        worker = self._workers.get(number)
        if worker is not None:
            # Frames that it has sent may still be unread. The connection may stay open,
            # if a process that the task has left behind holds it as well.
            self._read(worker)
        if self._workers.get(number) is worker and worker is not None:
            self._replace_dead(worker)
        ending = self._ending.pop(number, None)
        if ending is not None:
            self._end_task(ending, code, error)

    def _replace_dead(self, worker):
        """Replace a worker that has died without having been killed by the pool."""
        self._replace(worker)
        if worker.task is not None:
            growth = worker.memory_growth
            self._ending[worker.number] = _Ending(worker.task, time.monotonic(), growth)
            return
        self._n_idle_deaths += 1
        if self._n_idle_deaths > MAX_IDLE_DEATHS * self.n_workers:
            self.close()
            raise PoolError(
                "Worker processes die, or cannot be started, before they are given a "
                "task; perhaps the system allows no more processes. Use a smaller "
                "n_jobs, or n_jobs=1 to do without worker processes."
            )

    def _end_task(self, ending, code, error=""):
        """Report the task of a worker that has ended."""
        task = ending.task
        self._n_idle_deaths = 0
        if task.failure is not None:
            self._events.append(Failed(task.id, *task.failure))
            return
        if error:
            reason = f"no worker process could be started: {error}"
        else:
            reason = describe_exit(code)
        kind = "crashed"
        if for_memory := crash_reason(ending.memory_growth, task.memory_limit):
            kind = "memory"
            reason += f", {for_memory}"
        self._events.append(Failed(task.id, kind, reason))

    def _replace_server(self):
        """Start another server after the server and its workers have ended."""
        server = self._server
        how = server.how_it_ended()
        tasks = [w.task for w in self._workers.values() if w.task is not None]
        tasks += [ending.task for ending in self._ending.values()]
        self._selector.unregister(server.control.connection)
        for worker in self._workers.values():
            self._selector.unregister(worker.channel.connection)
        self._end_server()
        for task in tasks:
            failure = ("crashed", "the server of the worker processes died", "")
            self._events.append(Failed(task.id, *(task.failure or failure)))
        self._n_lost += 1
        if not server.is_ready or self._n_lost > MAX_LOST_SERVERS:
            self.close()
            when = "before it was ready" if not server.is_ready else "again and again"
            raise PoolError(
                f"The server of the worker processes ended {when}, with {how}. Use "
                "n_jobs=1 to do without worker processes."
            )
        self._start_server()

    # Forking and replacing workers

    def _fork(self):
        """Request another worker; it can be given a task at once."""
        number = self._n_forked
        self._n_forked += 1
        ours, theirs = socket.socketpair()
        worker = _Worker(number, Channel(ours), time.monotonic())
        self._workers[number] = worker
        self._selector.register(ours, selectors.EVENT_READ, worker)
        try:
            self._server.request(FORK, number, [theirs.fileno()])
        finally:
            theirs.close()

    def _replace(self, worker):
        """Kill a worker and request another one."""
        del self._workers[worker.number]
        self._selector.unregister(worker.channel.connection)
        worker.channel.close()
        self._server.request(KILL, worker.number)
        self._fork()

    # Limits

    def _enforce_deadlines(self):
        """Kill the workers whose tasks have passed their deadlines."""
        now = self.clock()
        for worker in list(self._workers.values()):
            task = worker.task
            if task is None or task.deadline is None or now < task.deadline:
                continue
            failure = task.failure
            if failure is None:
                failure = ("timeout", describe_timeout(now - task.started))
            self._replace(worker)
            self._events.append(Failed(task.id, *failure))

    def _enforce_memory(self):
        """Kill the workers whose tasks use too much memory."""
        now = time.monotonic()
        if now < self._next_memory_check:
            return
        self._next_memory_check = now + MEMORY_CHECK_SECONDS
        for worker in list(self._workers.values()):
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
                self._replace(worker)
                self._events.append(Failed(task.id, "memory", reason))

    def _enforce_answers(self):
        """Stop waiting for a server, or for an exit status, that never comes."""
        server = self._server
        if server is None:
            return
        now = time.monotonic()
        if server.takes_too_long_to_start() or (
            server.is_ready
            and any(
                worker.number not in self._pids
                and now - worker.requested > FORK_SECONDS
                for worker in self._workers.values()
            )
        ):
            server.popen.kill()
        for number, ending in list(self._ending.items()):
            if now - ending.since > STATUS_SECONDS:
                del self._ending[number]
                self._end_task(ending, None)
