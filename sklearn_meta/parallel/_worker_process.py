"""What runs in the other processes: the server, and the workers that it forks.

The server imports the scientific stack and loads the data once, then forks a worker
whenever the pool asks for one; a worker starts in milliseconds, shares the memory of
the server, and talks to the pool over a socket of its own. The server has a single
thread and never runs a task, so forking it is safe and it always answers.

Nothing outlives the pool: the server ends when its connection or its parent goes, and
takes the workers, each with its whole process group, along; workers also get SIGKILL
from the kernel should the server die first (Linux).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
import time
import warnings

from sklearn_meta.parallel._channel import receive_frame, send_frame
from sklearn_meta.parallel._pickled import dumps
from sklearn_meta.parallel._pool import describe_exception
from sklearn_meta.parallel._shared_memory import SharedObject

# Server to pool; bodies are pickled tuples.
READY, BROKEN, FORKED, EXITED = range(1, 5)
# Worker to pool.
PAYLOAD, DONE, LEAVING, FAILED = range(11, 15)
# Pool to worker.
TASK = 21

# Pool to server: what to do with the worker of this number. A fork comes with the
# worker's end of its connection.
REQUEST = struct.Struct("=cQ")
FORK, KILL = b"F", b"K"

# How often the server looks whether its parent is still there, in milliseconds. Only
# needed when the connection is kept open by a fork of a parent that has died.
PARENT_CHECK = 1_000
# After the system refused to fork, in seconds.
FORK_PAUSE = 0.1
# Longest wait for killed workers to be gone before the server ends.
REAP_SECONDS = 1.0
# A worker that has grown by more than this between two tasks collects its garbage.
COLLECT_BYTES = 64 * 2**20
# A worker that keeps more than this share of its memory limit after a task is replaced,
# so that each task has about the whole limit to itself.
KEPT_SHARE = 0.25

_PR_SET_PDEATHSIG = 1


# Memory limit of a task in bytes, before its pickle; -1 for none.
LIMIT = struct.Struct("=q")


def pack_limit(memory_limit) -> bytes:
    """Encode the memory limit of a task."""
    return LIMIT.pack(-1 if memory_limit is None else memory_limit)


def unchanged(state):
    """Return the state as it came: the setup that does nothing."""
    return state


def resolve(name: str):
    """Return the object named ``"package.module:attribute"``."""
    module, _, attribute = name.partition(":")
    value = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


def memory_bytes(pid="self"):
    """Memory that only this process holds, and memory that it has reserved to itself.

    Parameters
    ----------
    pid : int or "self"

    Returns
    -------
    used : int or None
        Resident anonymous memory; None where it cannot be told.
    reserved : int or None
        Private writable memory, touched or not: what RLIMIT_DATA limits.
    """
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            _, resident, shared, _, _, data, _ = map(int, file.read().split())
    except (OSError, ValueError):
        return None, None
    page = os.sysconf("SC_PAGE_SIZE")
    return (resident - shared) * page, data * page


# Server


def serve(control_fd: int, setup_fd: int, parent: int):
    """Run the server until the pool closes.

    Parameters
    ----------
    control_fd : int
        File descriptor of the connection to the pool.
    setup_fd : int
        File descriptor of a `SharedObject`: modules to import, setup function and its
        arguments.
    parent : int
        Process id of the pool's process.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    control = socket.socket(fileno=control_fd)
    with _end_with(parent):
        try:
            state = _set_up(setup_fd)
        except BaseException as exception:
            _, reason, text = describe_exception(exception)
            send_frame(control, BROKEN, pickle.dumps((reason, text)))
            return
    # What exists now is never garbage; frozen, its pages stay shared with the workers.
    gc.collect()
    gc.freeze()
    send_frame(control, READY)
    _Server(control, parent, state).run()
    # Tearing the interpreter down would take as long as stopping all workers.
    os._exit(0)


@contextlib.contextmanager
def _end_with(parent):
    """End this process soon after its parent, also in the middle of an import."""

    def check(*_):
        if os.getppid() != parent:
            os._exit(0)

    signal.signal(signal.SIGALRM, check)
    # Libraries that are being loaded need not know of interrupted system calls.
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.25, 0.25)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _set_up(setup_fd):
    shared = SharedObject(setup_fd)
    preload, setup, arguments = shared.load()
    shared.close()
    for module in preload:
        # What is not installed will be missed by the task that needs it, if any.
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    state = resolve(setup)(*arguments)
    # Nobody reads what tasks print; composing warnings for nobody takes time.
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    return state


class _Server:
    """Forks, kills and reaps workers for the pool."""

    def __init__(self, control, parent, state):
        self.control = control
        self.parent = parent
        self.state = state
        self.workers: dict[int, int] = {}
        self.prctl = _find_prctl()

    def run(self):
        wake, waker = socket.socketpair()
        wake.setblocking(False)
        waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        poller.register(self.control, select.POLLIN)
        with contextlib.suppress(OSError):
            while os.getppid() == self.parent:
                ready = {fd for fd, _ in poller.poll(PARENT_CHECK)}
                if wake.fileno() in ready:
                    with contextlib.suppress(BlockingIOError):
                        wake.recv(4096)
                    self.reap()
                if self.control.fileno() in ready and not self.answer(wake, waker):
                    break
        self.end()

    def answer(self, *private):
        """Do what the pool asks for; return False when the pool is closed."""
        data, fds, _, _ = socket.recv_fds(self.control, REQUEST.size, 1)
        if len(data) < REQUEST.size:
            return False
        action, number = REQUEST.unpack(data)
        if action == FORK:
            connection = socket.socket(fileno=fds[0])
            self.fork(number, connection, private)
            connection.close()
        elif action == KILL:
            for pid, other in self.workers.items():
                if other == number:
                    kill_group(pid)
        return True

    def fork(self, number, connection, private):
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            # No room for another process: told like a worker that ended at once. The
            # pool will ask again, which must not become a race.
            time.sleep(FORK_PAUSE)
            self.tell(EXITED, number, None, str(error))
            return
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for other in (self.control, *private):
                    other.close()
                _become_worker(server, self.prctl)
                _Worker(connection, self.state).run()
                os._exit(0)
            finally:
                # Never back into the server's code, nor through the clean-up of an
                # interpreter that is not this process's own.
                os._exit(1)
        self.workers[pid] = number
        self.tell(FORKED, number, pid)

    def reap(self):
        """Report the workers that have ended."""
        while self.workers:
            try:
                # The process group is cleared while the worker is not yet reaped: its
                # number cannot belong to anybody else until then.
                flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
                found = os.waitid(os.P_ALL, 0, flags)
            except ChildProcessError:
                return
            if found is None:
                return
            kill_group(found.si_pid)
            _, status = os.waitpid(found.si_pid, 0)
            number = self.workers.pop(found.si_pid, None)
            if number is not None:
                self.tell(EXITED, number, os.waitstatus_to_exitcode(status), "")

    def tell(self, kind, *body):
        send_frame(self.control, kind, pickle.dumps(body))

    def end(self):
        """Kill every worker and wait for them, so that no zombie is left either."""
        for pid in self.workers:
            kill_group(pid)
        end = time.monotonic() + REAP_SECONDS
        while self.workers and time.monotonic() < end:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                time.sleep(0.001)


def kill_group(pid):
    """Kill a worker and the processes that its tasks have started."""
    # A worker leads its own group, except in the first moments of its life.
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _find_prctl():
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "prctl", None)


# Worker


def _become_worker(server, prctl):
    """Turn a fork of the server into a process that can harm only itself."""
    import resource

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nowhere, fd)
    os.close(nowhere)
    # No core files.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    # Should memory run out, the kernel takes a worker and not the user's process.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


class _Worker:
    """Runs one task after the other for the pool."""

    def __init__(self, connection, state):
        self.connection = connection
        self.state = state
        # Of the task at hand.
        self.memory_limit: int | None = None
        self.used_at_start, self.reserved_at_start = memory_bytes()

    def run(self):
        while True:
            kind, body = receive_frame(self.connection)
            if kind != TASK:
                return
            if self.work(body):
                self.send(LEAVING)
                return
            self.send(DONE)

    def work(self, body):
        """Run a task; return whether the worker is of no more use."""
        failure = None
        try:
            (limit,) = LIMIT.unpack_from(body)
            self.memory_limit = None if limit < 0 else limit
            self.limit_memory()
            function, arguments = pickle.loads(memoryview(body)[LIMIT.size :])
            for value in resolve(function)(self.state, *arguments):
                self.send(PAYLOAD, dumps(value))
        except BaseException as exception:
            # Also SystemExit and KeyboardInterrupt: tasks have no say over the worker.
            self.unlimit_memory()
            failure = describe_exception(exception)
        self.unlimit_memory()
        if failure is not None:
            self.send(FAILED, pickle.dumps(failure))
        return (failure is not None and failure[0] == "memory") or self.is_worn()

    def send(self, kind, body=b""):
        try:
            send_frame(self.connection, kind, body)
        except OSError:
            # Nobody listens any more.
            os._exit(0)

    def limit_memory(self):
        if self.memory_limit is None or self.reserved_at_start is None:
            return
        self.set_limit(self.reserved_at_start + self.memory_limit)

    def unlimit_memory(self):
        if self.memory_limit is not None and self.reserved_at_start is not None:
            self.set_limit(None)

    def set_limit(self, n_bytes):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        soft = hard if n_bytes is None else n_bytes
        if hard != resource.RLIM_INFINITY and n_bytes is not None:
            soft = min(n_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    def is_worn(self):
        """Whether the last task left threads or much memory behind."""
        if threading.active_count() > 1:
            return True
        if self.used_at_start is None:
            gc.collect()
            return False
        used, reserved = memory_bytes()
        if used - self.used_at_start > COLLECT_BYTES:
            gc.collect()
            used, reserved = memory_bytes()
        if self.memory_limit is None:
            return False
        kept = max(used - self.used_at_start, reserved - self.reserved_at_start)
        return kept > KEPT_SHARE * self.memory_limit
