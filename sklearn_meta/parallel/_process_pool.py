"""Killable worker processes.

A pool starts one server process with a fresh interpreter, which imports the scientific
stack, loads the data and forks the workers (`_worker_process`). Compared with
multiprocessing's and loky's ways:

- the user's ``__main__`` is never imported again, so no ``if __name__ == "__main__"``
  is needed, and Jupyter, threads, daemonic processes and other pools are all the same;
- the user's process is never forked, whatever threads it runs;
- a worker that replaces a killed one starts in milliseconds;
- nothing global is touched: no start method, resource tracker, named semaphore, file.
"""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import cloudpickle

from sklearn_meta.parallel import _worker_process as process
from sklearn_meta.parallel._channel import Channel
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
from sklearn_meta.parallel._shared_memory import SharedObject

# What most candidates need; imported once, by the server.
PRELOAD = (
    "scipy.sparse.linalg",
    "sklearn.calibration",
    "sklearn.cluster",
    "sklearn.compose",
    "sklearn.decomposition",
    "sklearn.discriminant_analysis",
    "sklearn.ensemble",
    "sklearn.feature_selection",
    "sklearn.gaussian_process",
    "sklearn.impute",
    "sklearn.kernel_approximation",
    "sklearn.linear_model",
    "sklearn.naive_bayes",
    "sklearn.neighbors",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.svm",
    "sklearn.tree",
    "lightgbm",
)

# One thread for each worker. Spinning OpenMP threads on busy cores make small fits
# fifty times slower (HistGradientBoosting, 442 rows, 2 cores: 19 s instead of 0.3 s).
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}

BOOTSTRAP = (
    "import sys; "
    "control, setup, parent, *sys.path = sys.argv[1:]; "
    "del sys.argv[1:]; "
    "from sklearn_meta.parallel._worker_process import serve; "
    "serve(int(control), int(setup), int(parent))"
)

# A server that takes longer to start, or to fork, will never do it.
START_SECONDS = 120.0
FORK_SECONDS = 30.0
# Wait for the exit status of a worker whose connection has closed.
STATUS_SECONDS = 2.0
# A server may be lost this often (a task can kill it) before the pool gives up.
MAX_LOST_SERVERS = 3
# Workers may die this often in a row without a task, for each worker.
MAX_IDLE_DEATHS = 10
# Between two looks at the memory of the running tasks.
MEMORY_SECONDS = 0.05
# A worker is killed beyond this multiple of its memory limit: within it, the limit that
# the worker has set itself makes the task fail in an orderly way.
KILLED_FOR_MEMORY = 1.25
# A worker that crashes beyond this share of its memory limit crashed because of it.
CRASHED_FOR_MEMORY = 0.8
# Wait for the server to clear up before it is killed as well.
CLOSE_SECONDS = 0.04


def can_start_processes() -> bool:
    """Whether a `ProcessPool` can exist here; if not, there is `InProcessPool`.

    True on Linux, macOS and other Unix systems; false on Windows and in WebAssembly,
    where processes do not fork, and in an interpreter that does not know its own
    executable (embedded ones).
    """
    return (
        hasattr(os, "fork")
        and hasattr(os, "waitid")
        and hasattr(socket, "send_fds")
        and sys.platform not in ("emscripten", "wasi")
        and bool(sys.executable)
    )


@dataclass
class _Running:
    id: Hashable
    deadline: float | None
    memory_limit: int | None
    started: float
    failure: tuple | None = None


@dataclass
class _Worker:
    """The pool's view of one worker."""

    number: int
    channel: Channel
    requested: float
    task: _Running | None = None
    # Largest growth of its memory beyond the server's that was seen in this task.
    memory_growth: int = 0


@dataclass
class _Server:
    """The server process as the pool holds it."""

    popen: subprocess.Popen
    control: Channel
    errors: int | None
    started: float
    is_ready: bool = False
    # What a fresh worker uses, too: it begins as a copy.
    memory: int | None = None


@dataclass
class _Ending:
    """A task whose worker has gone; how, the server will tell."""

    task: _Running
    since: float
    memory_growth: int


class ProcessPool:
    """Worker processes that run one task at a time and can be killed.

    A task that raises, hangs, crashes its process or uses too much memory is reported
    as `Failed`; the others do not notice. A pool is used by one thread, which may be
    any. Needs a Unix system, see `can_start_processes`; memory can be watched, and
    orphans are killed by the kernel, on Linux only.

    Parameters
    ----------
    n_workers : int
        Number of processes that run tasks.
    setup : tuple of (str, tuple)
        ``"package.module:function"`` and its arguments. Called once, in the server;
        what it returns is handed to each task as its first argument. The workers
        share its memory: large arrays in the arguments, however deeply nested, are
        read-only and exist once. The arguments may hold functions and classes that
        are defined in ``__main__``.
    preload : tuple of str
        Modules that the server imports beforehand; those not installed are skipped.
    clock : callable, default=time.monotonic
        What deadlines refer to.
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
        self._server: _Server | None = None
        self._selector = None
        self._workers: dict[int, _Worker] = {}
        self._ending: dict[int, _Ending] = {}
        # Of every worker that the server has not yet reported as ended.
        self._pids: dict[int, int] = {}
        self._events: list[Payload | Done | Failed] = []
        self._n_forked = 0
        self._n_lost = 0
        self._n_idle_deaths = 0
        self._next_look = 0.0

    # Life

    def start(self):
        """Start the server and return at once; `ready` tells when it is up.

        Raises
        ------
        PoolError
            If no process can be started here.
        Exception
            Whatever pickling the arguments of the setup raises.
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
        ours, theirs = socket.socketpair()
        errors = os.memfd_create("errors") if hasattr(os, "memfd_create") else None
        path = [p for p in sys.path if isinstance(p, str)]
        try:
            popen = subprocess.Popen(
                # -P: the working directory comes with the path, if it belongs there.
                [sys.executable, "-P", "-c", BOOTSTRAP,
                 str(theirs.fileno()), str(self._setup.descriptor),
                 str(self._owner), *path],
                pass_fds=[theirs.fileno(), self._setup.descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if errors is None else errors,
                env={**os.environ, **ENVIRONMENT},
                # Ctrl-C is for the user's process alone.
                start_new_session=True,
            )  # fmt: skip
        except BaseException as error:
            ours.close()
            if errors is not None:
                os.close(errors)
            if isinstance(error, OSError):
                raise PoolError(
                    f"The interpreter {sys.executable!r} cannot be started as a worker "
                    f"process: {error}. Use n_jobs=1 to do without."
                ) from error
            raise
        finally:
            theirs.close()
        self._server = _Server(popen, Channel(ours), errors, time.monotonic())
        self._selector.register(ours, selectors.EVENT_READ, self._server)

    def close(self):
        """Kill every worker; running tasks are lost. May be called more than once."""
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
        if self._owner != os.getpid():
            # In a fork of the process that owns the pool, only its handles are closed.
            server.popen.returncode = 0
        else:
            # Before it is ready it does not listen, and has no workers to clear up.
            if not server.is_ready or not _says_goodbye(server):
                for pid in self._pids.values():
                    process.kill_group(pid)
                server.popen.kill()
            server.popen.wait()
        self._pids.clear()
        server.control.close()
        if server.errors is not None:
            os.close(server.errors)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __del__(self):
        # Also when __init__ has failed.
        if getattr(self, "_server", None) is not None:
            self.close()

    # State

    @property
    def ready(self) -> bool:
        """Whether the server has imported and loaded everything.

        Raises
        ------
        PoolError
            If the server could not start, or the setup raised.
        """
        if self._server is None:
            return False
        if not self._server.is_ready:
            self._look(0)
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
            What it yields arrives at once. More memory than its limit cannot be
            allocated (the task sees a `MemoryError`), and a worker that uses a quarter
            more nevertheless is killed (looked at every 50 ms, during `wait`).

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
        limit = process.pack_limit(task.memory_limit)
        worker.task = _Running(task.id, task.deadline, task.memory_limit, self.clock())
        worker.memory_growth = 0
        worker.channel.send(process.TASK, limit + body)
        self._listen(worker)

    def postpone(self, task_id, deadline):
        """Give a task that is running another deadline.

        Parameters
        ----------
        task_id : int
            Of a task that has ended: nothing happens.
        deadline : float
            Instant on `clock`.
        """
        for worker in self._workers.values():
            if worker.task is not None and worker.task.id == task_id:
                worker.task.deadline = deadline

    def cancel(self, task_id):
        """Kill a task; no event comes from it any more."""
        for worker in list(self._workers.values()):
            if worker.task is not None and worker.task.id == task_id:
                self._replace(worker)
        for number, ending in list(self._ending.items()):
            if ending.task.id == task_id:
                del self._ending[number]
        self._events = [e for e in self._events if e.task_id != task_id]

    def wait(self, timeout: float):
        """Wait until something happens.

        Parameters
        ----------
        timeout : float
            Seconds to wait at most.

        Returns
        -------
        events : list of Payload, Done or Failed
            In the order in which they happened; those of one task always in theirs.
            Empty after `timeout`, and when the pool has become ready.

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
            self._look(0 if self._events else max(0.0, min(left, self._nap())))
            first = False
            is_ready = self._server is not None and self._server.is_ready
            if self._events or (is_ready and not was_ready):
                break
        # Kept until here, so that an interrupted wait loses nothing.
        events, self._events = self._events, []
        return events

    def _nap(self):
        """Seconds after which there is something to do even if nobody reports."""
        nap = 1.0
        now = self.clock()
        for worker in self._workers.values():
            if worker.task is None:
                continue
            if worker.task.deadline is not None:
                nap = min(nap, worker.task.deadline - now)
            if worker.task.memory_limit is not None:
                nap = min(nap, MEMORY_SECONDS)
        return max(0.0, nap)

    def _look(self, timeout):
        """Take in what has been reported within `timeout`, and enforce the limits."""
        heard_server = False
        for key, mask in self._selector.select(timeout):
            source = key.data
            if isinstance(source, _Server):
                heard_server = True
                self._hear_server(source)
            elif self._workers.get(source.number) is source:
                if mask & selectors.EVENT_WRITE:
                    source.channel.flush()
                    self._listen(source)
                if mask & selectors.EVENT_READ:
                    self._hear_worker(source)
        self._enforce_deadlines()
        self._enforce_memory()
        if not heard_server:
            self._enforce_answers()

    def _listen(self, worker):
        events = selectors.EVENT_READ
        if worker.channel.has_unsent:
            events |= selectors.EVENT_WRITE
        if self._selector.get_key(worker.channel.connection).events != events:
            self._selector.modify(worker.channel.connection, events, worker)

    # What workers say

    def _hear_worker(self, worker):
        if self._read(worker):
            return
        # Its connection is closed. The exit status follows; the worker is killed in
        # case it only closed its files.
        self._retire(worker)

    def _read(self, worker):
        """Take what a worker has sent; return whether it may send more."""
        frames, is_open = worker.channel.receive()
        for kind, body in frames:
            task = worker.task
            if task is None:
                # From a thread that a finished task left behind.
                continue
            if kind == process.PAYLOAD:
                try:
                    self._events.append(Payload(task.id, loads(body)))
                except UnpicklingError as error:
                    self._events.append(Failed(task.id, "raised", str(error)))
                    worker.task = None
                    self._replace(worker)
                    return True
            elif kind == process.FAILED:
                task.failure = pickle.loads(body)
            else:
                worker.task = None
                self._n_idle_deaths = 0
                if task.failure is not None:
                    self._events.append(Failed(task.id, *task.failure))
                else:
                    self._events.append(Done(task.id))
                if kind == process.LEAVING:
                    self._replace(worker)
                    return True
        return is_open

    # What the server says

    def _hear_server(self, server):
        frames, is_open = server.control.receive()
        for kind, body in frames:
            if kind == process.READY:
                server.is_ready = True
                server.memory, _ = process.memory_bytes(server.popen.pid)
                for _ in range(self.n_workers):
                    self._fork()
            elif kind == process.BROKEN:
                reason, text = pickle.loads(body)
                self.close()
                error = PoolError(f"The setup of the worker processes failed: {reason}")
                error.add_note(text)
                raise error
            elif kind == process.FORKED:
                number, pid = pickle.loads(body)
                self._pids[number] = pid
            elif kind == process.EXITED:
                self._hear_exit(*pickle.loads(body))
        if not is_open and self._server is server:
            self._lose_server()

    def _hear_exit(self, number, code, error):
        self._pids.pop(number, None)
        worker = self._workers.get(number)
        if worker is not None:
            # What it had sent is still there to be read. Its end may never come, where
            # a process that the task has left behind holds the connection as well.
            self._read(worker)
        if self._workers.get(number) is worker and worker is not None:
            self._retire(worker)
        ending = self._ending.pop(number, None)
        if ending is not None:
            self._end_task(ending, code, error)

    def _retire(self, worker):
        """Replace a worker that died by itself."""
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
        task = ending.task
        self._n_idle_deaths = 0
        if task.failure is not None:
            self._events.append(Failed(task.id, *task.failure))
            return
        kind = "crashed"
        if error:
            reason = f"no worker process could be started: {error}"
        elif code is None:
            reason = "the worker process closed its connection"
        elif code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else -code
            text = signal.strsignal(-code) if -code in signal.valid_signals() else None
            reason = f"the worker process died of signal {name} ({text})"
        else:
            reason = f"the worker process ended with exit code {code}"
        limit = task.memory_limit
        if limit is not None and ending.memory_growth > CRASHED_FOR_MEMORY * limit:
            kind = "memory"
            reason += f", near its memory limit of {_megabytes(limit)}"
        self._events.append(Failed(task.id, kind, reason))

    def _lose_server(self):
        """The server has gone, and its workers with it: start another one."""
        server = self._server
        last_words = _read_text(server.errors).strip().splitlines()
        code = None
        try:
            code = server.popen.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
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
            how = f"exit code {code}" + (f": {last_words[-1]}" if last_words else "")
            self.close()
            when = "before it was ready" if not server.is_ready else "again and again"
            raise PoolError(
                f"The server of the worker processes ended {when}, with {how}. Use "
                "n_jobs=1 to do without worker processes."
            )
        self._start_server()

    # Forking and killing

    def _fork(self):
        """Ask the server for another worker; it can be given a task at once."""
        number = self._n_forked
        self._n_forked += 1
        ours, theirs = socket.socketpair()
        worker = _Worker(number, Channel(ours), time.monotonic())
        self._workers[number] = worker
        self._selector.register(ours, selectors.EVENT_READ, worker)
        try:
            self._ask_server(process.FORK, number, [theirs.fileno()])
        finally:
            theirs.close()

    def _replace(self, worker):
        """Kill a worker and start another one; its task is forgotten."""
        del self._workers[worker.number]
        self._selector.unregister(worker.channel.connection)
        worker.channel.close()
        self._ask_server(process.KILL, worker.number)
        self._fork()

    def _ask_server(self, action, number, fds=()):
        request = process.REQUEST.pack(action, number)
        control = self._server.control.connection
        try:
            socket.send_fds(control, [request], fds)
        except OSError:
            # Gone, or so far behind that the connection is full: either way of no use.
            # Killed, it is found lost by the next look.
            self._server.popen.kill()

    # Limits

    def _enforce_deadlines(self):
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
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + MEMORY_SECONDS
        for worker in list(self._workers.values()):
            pid = self._pids.get(worker.number)
            if worker.task is None or worker.task.memory_limit is None or pid is None:
                continue
            limit = worker.task.memory_limit
            used, _ = process.memory_bytes(pid)
            if used is None or self._server.memory is None:
                continue
            growth = used - self._server.memory
            worker.memory_growth = max(worker.memory_growth, growth)
            if growth > KILLED_FOR_MEMORY * limit:
                task = worker.task
                self._replace(worker)
                reason = (
                    f"used {_megabytes(growth)} of memory; the limit is "
                    f"{_megabytes(limit)}"
                )
                self._events.append(Failed(task.id, "memory", reason))

    def _enforce_answers(self):
        """Do not wait for a server, or for an exit status, that never comes."""
        now = time.monotonic()
        server = self._server
        if server is None:
            return
        is_stuck = (
            any(
                worker.number not in self._pids
                and now - worker.requested > FORK_SECONDS
                for worker in self._workers.values()
            )
            if server.is_ready
            else now - server.started > START_SECONDS
        )
        if is_stuck:
            server.popen.kill()
        for number, ending in list(self._ending.items()):
            if now - ending.since > STATUS_SECONDS:
                del self._ending[number]
                self._end_task(ending, None)


def _says_goodbye(server):
    """Tell the server to end; return whether it has cleared up in time."""
    control = server.control.connection
    end = time.monotonic() + CLOSE_SECONDS
    try:
        # Unlike closing it, reaches the server even if a fork of this process holds
        # the socket as well.
        control.shutdown(socket.SHUT_WR)
        while (left := end - time.monotonic()) > 0:
            control.settimeout(left)
            if not control.recv(4096):
                break
        # Having cleared up, it exits with 0; killed by somebody, it has not.
        return server.popen.wait(max(0.0, end - time.monotonic())) == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _megabytes(n_bytes):
    return f"{n_bytes / 2**20:.0f} MiB"


def _read_text(descriptor):
    if descriptor is None:
        return ""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, 100_000, max(0, size - 100_000)).decode(
        errors="replace"
    )
