"""The server process of a `ProcessPool`, which forks the workers.

The server imports the scientific stack and loads the data once, then forks a worker
whenever the pool asks for one: a worker starts in milliseconds and shares the memory of
the server. The server has a single thread and never runs a task, so forking it is safe
and it always answers.

No process outlives the pool. The server ends when its connection or its parent ends,
and kills each worker together with the process group of the worker. On Linux, it also
becomes the parent of what a worker has put into another session, and kills it when the
worker ends; and workers get SIGKILL from the kernel if the server dies first.
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
import sys
import time
import warnings

from sklearn_meta._threads import one_thread
from sklearn_meta.parallel._channel import send_frame
from sklearn_meta.parallel._descendants import (
    PR_SET_CHILD_SUBREAPER,
    children,
    descendants,
    is_resource_tracker,
    kill_processes,
)
from sklearn_meta.parallel._messages import (
    BROKEN,
    EXITED,
    FORK,
    FORKED,
    KILL,
    READY,
    REQUEST,
)
from sklearn_meta.parallel._pool import describe_exception, resolve
from sklearn_meta.parallel._shared_memory import SharedObject
from sklearn_meta.parallel._worker_process import Worker, become_worker

# Variable with the numbers of the processors that the server may use, if this differs
# from what it has inherited.
PROCESSORS = "SKLEARN_META_PROCESSORS"
# Milliseconds between two checks that the parent still exists. Only needed when a fork
# of a dead parent keeps the connection open.
PARENT_CHECK = 1_000
# Seconds to wait after the system has refused to fork.
FORK_PAUSE = 0.1
# Seconds in which resource trackers may remove the shared memory of killed processes;
# less when the pool closes.
TRACKER_SECONDS, TRACKER_SECONDS_AT_END = 1.0, 0.02
# Longest wait for killed workers to end before the server ends, in seconds.
REAP_SECONDS = 1.0


def identity(state):
    """Return `state`: the setup of a pool whose argument is the state itself."""
    return state


def serve(control_fd: int, setup_fd: int, parent: int):
    """Run the server until the pool closes.

    Parameters
    ----------
    control_fd : int
        File descriptor of the connection to the pool.
    setup_fd : int
        File descriptor of a `SharedObject` that holds the modules to import, the name
        of the setup function and its arguments.
    parent : int
        Process id of the pool's process.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    control = socket.socket(fileno=control_fd)
    if os.getppid() == 0:
        reason = "they are in another PID namespace than this process"
        send_frame(control, BROKEN, pickle.dumps((reason, "")))
        return
    if processors := os.environ.pop(PROCESSORS, ""):
        os.sched_setaffinity(0, map(int, processors.split(",")))
    prctl = _find_prctl()
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    data_bytes = os.fstat(setup_fd).st_size
    with _end_with(parent):
        try:
            state = _set_up(setup_fd)
        except BaseException as exception:
            _, reason, text = describe_exception(exception)
            send_frame(control, BROKEN, pickle.dumps((reason, text)))
            return
    # Finds the libraries that have threads, once for all workers.
    with one_thread():
        pass
    # Objects that exist now live as long as the server. The collector leaves frozen
    # objects alone, so that their pages stay shared with the workers.
    gc.collect()
    gc.freeze()
    send_frame(control, READY)
    _Server(control, parent, state, data_bytes, prctl).run()
    # Skip finalizing the interpreter, which takes as long as killing all workers.
    os._exit(0)


@contextlib.contextmanager
def _end_with(parent):
    """End this process soon after its parent ends, even during an import."""

    def check(*_):
        if os.getppid() != parent:
            kill_processes(children(os.getpid()))
            os._exit(0)

    signal.signal(signal.SIGALRM, check)
    # Libraries that are being imported may not handle interrupted system calls.
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.25, 0.25)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _set_up(setup_fd):
    """Import the modules and return what the setup function returns."""
    shared = SharedObject.of(setup_fd)
    preload, setup, arguments = shared.load()
    shared.close()
    for module in preload:
        # A task that needs a missing module, or one without its libraries, reports it.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    state = resolve(setup)(*arguments)
    # The output of tasks goes to /dev/null: formatting warnings would waste time.
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    return state


class _Server:
    """Forks, kills and reaps workers for the pool."""

    def __init__(self, control, parent, state, data_bytes, prctl):
        self.control = control
        self.parent = parent
        self.state = state
        self.data_bytes = data_bytes
        self.prctl = prctl
        self.workers: dict[int, int] = {}
        # Processes that the imports or the setup have started.
        self.own = frozenset(children(os.getpid()))
        # Resource trackers of killed workers, and when they are killed as well.
        self.trackers: dict[int, float] = {}
        self.tracker_seconds = TRACKER_SECONDS

    def run(self):
        """Answer requests until the pool or its process ends."""
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
                elif self.trackers:
                    self.kill_orphans()
                if self.control.fileno() in ready and not self.answer(wake, waker):
                    break
        self.end()

    def answer(self, *private):
        """Carry out a request of the pool; return False when the pool is closed."""
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
                    self.kill_worker(pid)
        return True

    def fork(self, number, connection, private):
        """Fork a worker and report its process id."""
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            # Reported like a worker that ended at once. The pool requests another one;
            # the pause keeps that from becoming a busy loop.
            time.sleep(FORK_PAUSE)
            self.report(EXITED, number, None, str(error))
            return
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for other in (self.control, *private):
                    other.close()
                become_worker(server, self.prctl)
                Worker(connection, self.state, self.data_bytes).run()
                os._exit(0)
            finally:
                # A fork must neither return into the code of the server nor run the
                # exit handlers that it has inherited.
                os._exit(1)
        self.workers[pid] = number
        self.report(FORKED, number, pid)

    def kill_worker(self, pid):
        """Kill a worker and what it has started; the worker may have ended."""
        started = {*descendants(pid), *self.orphans()}
        spared = self.spared(started)
        if not spared:
            kill_group(pid)
        kill_processes({pid, *started} - spared)

    def spared(self, pids):
        """Return the resource trackers among processes that still have time."""
        now = time.monotonic()
        for pid in filter(is_resource_tracker, pids):
            self.trackers.setdefault(pid, now + self.tracker_seconds)
        return {pid for pid in pids if self.trackers.get(pid, now) > now}

    def kill_orphans(self):
        """Kill what workers that have ended have left behind."""
        orphans = self.orphans()
        kill_processes(orphans - self.spared(orphans))

    def reap(self):
        """Report the workers that have ended, and kill what they have left behind."""
        while (pid := self.ended()) is not None:
            # The process group is killed before the worker is reaped: until then, the
            # system cannot give its number to another process.
            if pid in self.workers:
                self.kill_worker(pid)
            _, status = os.waitpid(pid, 0)
            self.trackers.pop(pid, None)
            number = self.workers.pop(pid, None)
            if number is not None:
                self.report(EXITED, number, os.waitstatus_to_exitcode(status), "")
        self.kill_orphans()

    def ended(self):
        """Return the process id of a child that has ended; None if there is none."""
        try:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            found = os.waitid(os.P_ALL, 0, flags)
        except ChildProcessError:
            return None
        return None if found is None else found.si_pid

    def orphans(self):
        """Return the processes whose worker has ended and has become their parent.

        They are children of the server now. Those of a worker that lives are not, since
        the worker is a subreaper as well.
        """
        return set(children(os.getpid())) - self.workers.keys() - self.own

    def report(self, kind, *body):
        """Send a frame to the pool."""
        send_frame(self.control, kind, pickle.dumps(body))

    def end(self):
        """Kill every worker and reap it, so that no zombie remains."""
        self.tracker_seconds = TRACKER_SECONDS_AT_END
        for pid in self.workers:
            self.kill_worker(pid)
        end = time.monotonic() + REAP_SECONDS
        while time.monotonic() < end:
            # Among them are the orphans of the workers that have ended.
            left = set(children(os.getpid()))
            kill_processes(left - self.spared(left))
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            time.sleep(0.001)


def kill_group(pid):
    """Kill a worker and the processes that its tasks have started.

    Parameters
    ----------
    pid : int
        Process id of the worker; it may have ended already.
    """
    # A worker leads its own process group, except right after the fork.
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _find_prctl():
    """Return the function prctl of the C library; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "prctl", None)
