"""The worker process of a `ProcessPool`, which runs one task after the other.

A worker is a fork of the server (`_server_process`). It receives tasks from the pool
over a connection of its own, limits its memory while a task runs, and sends each value
that the task yields. Afterwards it sets its state back (`_process_state`), and leaves
if that is not possible: no task can tell which ones ran before it.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import os
import pickle
import signal
import zlib

from sklearn_meta._threads import one_thread
from sklearn_meta.parallel._channel import receive_frame, send_frame
from sklearn_meta.parallel._descendants import PR_SET_CHILD_SUBREAPER
from sklearn_meta.parallel._memory_usage import memory_bytes, shared_bytes
from sklearn_meta.parallel._messages import (
    DONE,
    FAILED,
    LEAVING,
    PAYLOAD,
    TASK,
    unpack_limit,
)
from sklearn_meta.parallel._pickled import dumps
from sklearn_meta.parallel._pool import describe_exception, resolve
from sklearn_meta.parallel._process_state import ProcessState
from sklearn_meta.parallel._random_state import seed_global_generators

# A worker that has grown by more than this between two tasks collects its garbage.
COLLECT_BYTES = 64 * 2**20
# A worker that keeps more than this share of its memory limit after a task is replaced,
# so that each task has about the whole limit available.
KEPT_SHARE = 0.25

# Option of the system call prctl: signal to receive when the parent dies.
_PR_SET_PDEATHSIG = 1


def become_worker(server, prctl):
    """Isolate a fork of the server from the server and from the user's process.

    Parameters
    ----------
    server : int
        Process id of the server.
    prctl : callable or None
        The function of the C library, with which the kernel kills the worker when the
        server dies; None where there is none.
    """
    import resource

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(0)
        # Processes that tasks detach stay children of the worker, and become children
        # of the server when it ends.
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.close(null)
    # A crash writes no core file.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    # If memory runs out, the kernel kills a worker rather than the user's process.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


class Worker:
    """Run tasks for the pool, one after the other.

    Parameters
    ----------
    connection : socket.socket
        The worker's end of its connection to the pool.
    state : object
        First argument of each task.
    data_bytes : int
        Size of the shared memory that `state` lies in.
    """

    def __init__(self, connection, state, data_bytes):
        self.connection = connection
        self.state = state
        self.data_bytes = data_bytes
        # Of the current task.
        self.memory_limit: int | None = None
        self.used_at_start, self.reserved_at_start = memory_bytes()

    def run(self):
        """Run tasks until the pool closes the connection or the worker must leave."""
        import resource

        self.pid = os.getpid()
        self.data_limit = resource.getrlimit(resource.RLIMIT_DATA)
        self.start = ProcessState.capture()
        while True:
            kind, body = receive_frame(self.connection)
            if kind != TASK:
                return
            if self.run_task(body):
                self.send(LEAVING)
                return
            self.send(DONE)

    def run_task(self, body):
        """Run a task; return whether the worker must be replaced."""
        failure = None
        try:
            self.memory_limit, call = unpack_limit(body)
            # The same state whenever the task runs, whatever ran before it.
            seed_global_generators(zlib.crc32(call))
            self.limit_memory()
            # Variables of the context are set in a copy of it.
            with one_thread():
                contextvars.copy_context().run(self.call, call)
        except BaseException as exception:
            # Also SystemExit and KeyboardInterrupt: a task must not end the worker.
            self.unlimit_memory()
            failure = describe_exception(exception)
        self.unlimit_memory()
        if failure is not None:
            self.send(FAILED, pickle.dumps(failure))
        return (failure is not None and failure[0] == "memory") or self.must_leave()

    def call(self, data):
        """Call a pickled function, and send each value that it yields."""
        function, arguments = pickle.loads(data)
        for value in resolve(function)(self.state, *arguments):
            self.send(PAYLOAD, dumps(value))

    def send(self, kind, body=b""):
        """Send a frame to the pool; end this process if the pool is closed."""
        if os.getpid() != self.pid:
            # A fork that a task has made returns from the task as well.
            os._exit(0)
        try:
            send_frame(self.connection, kind, body)
        except OSError:
            os._exit(0)

    def limit_memory(self):
        """Make allocations beyond the limit of the task fail."""
        if self.memory_limit is None or self.reserved_at_start is None:
            return
        self.set_data_limit(self.reserved_at_start + self.memory_limit)

    def unlimit_memory(self):
        """Lift the limit of the task."""
        if self.memory_limit is not None and self.reserved_at_start is not None:
            self.set_data_limit(None)

    def set_data_limit(self, n_bytes):
        """Set RLIMIT_DATA, as far as it was at the start; None for what it was."""
        import resource

        soft, hard = self.data_limit
        if n_bytes is not None and (soft == resource.RLIM_INFINITY or n_bytes < soft):
            soft = n_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    def must_leave(self):
        """Whether the last task has left something behind that would reach others."""
        return not self.start.restore() or self.keeps_memory()

    def keeps_memory(self):
        """Whether the last task has left much memory behind."""
        if self.used_at_start is None:
            gc.collect()
            return False
        used, reserved = memory_bytes()
        if used - self.used_at_start > COLLECT_BYTES:
            gc.collect()
            used, reserved = memory_bytes()
        if self.memory_limit is None:
            return False
        shared = max(shared_bytes() - self.data_bytes, 0)
        kept = max(
            used - self.used_at_start + shared, reserved - self.reserved_at_start
        )
        return kept > KEPT_SHARE * self.memory_limit
