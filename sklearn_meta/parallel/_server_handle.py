"""Start, address and end the server process of a `ProcessPool`."""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sklearn_meta.parallel._channel import Channel
from sklearn_meta.parallel._cpu_affinity import BINDING, unbound_processors
from sklearn_meta.parallel._descendants import kill_marked, marked
from sklearn_meta.parallel._memory_usage import ServerMemory
from sklearn_meta.parallel._messages import FROM_SERVER, REQUEST
from sklearn_meta.parallel._pool import PoolError
from sklearn_meta.parallel._server_process import PROCESSORS, kill_group
from sklearn_meta.parallel._shared_memory import (
    SharedObject,
    above_standard_streams,
    anonymous_memory,
)

# Modules that most candidates need; imported once, by the server.
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
# Threads are not bound to cores: each worker would choose the first one. Warnings are
# ignored: as errors, they would keep packages from being imported.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_PROC_BIND": "false",
    "PYTHONWARNINGS": "ignore",
}
# Variables of the user's that the server is started without: those that bind threads,
# and the one that would keep it running after an error.
DROPPED = (*BINDING, "KMP_HW_SUBSET", "PYTHONINSPECT")

# The server starts with the module path of this process, not with its ``__main__``.
BOOTSTRAP = (
    "import sys; "
    "control, setup, parent, *sys.path = sys.argv[1:]; "
    "del sys.argv[1:]; "
    "from sklearn_meta.parallel._server_process import serve; "
    "serve(int(control), int(setup), int(parent))"
)

# Names of interpreters, such as python3.13t, python3-dbg, pypy3.11, Python (macOS) and
# .python3-wrapped (NixOS).
INTERPRETER = re.compile(
    r"\.?(python|pypy|graalpy)[\d.]*[a-z]{0,2}(-(dbg|debug|intel64|wrapped))?",
    re.IGNORECASE,
)

# Longest time that a server may take to start, in seconds.
START_SECONDS = 120.0
# Seconds to wait for the server to kill its workers before it is killed itself.
CLOSE_SECONDS = 0.04


def server_environment(mark: str) -> dict[str, str]:
    """Return the environment of a server.

    Parameters
    ----------
    mark : str
        Name of a variable by which its processes are found, see `kill_marked`.

    Returns
    -------
    environment : dict
        That of this process, with changes.
    """
    kept = {name: text for name, text in os.environ.items() if name not in DROPPED}
    processors = ",".join(map(str, unbound_processors()))
    return {
        # The order of sets of strings is the same in each server.
        "PYTHONHASHSEED": "0",
        **kept,
        **ENVIRONMENT,
        mark: "1",
        PROCESSORS: processors,
    }


def can_start_processes() -> bool:
    """Whether a `ProcessPool` can exist here; if not, use `InProcessPool`.

    Returns
    -------
    can_start : bool
        True on Linux, macOS and other Unix systems. False on Windows and in
        WebAssembly, where processes do not fork, and in a process whose
        `sys.executable` is not an interpreter: frozen applications, which would start
        once more, and programs that embed Python.
    """
    return (
        hasattr(os, "fork")
        and hasattr(os, "waitid")
        and hasattr(socket, "send_fds")
        and sys.platform not in ("emscripten", "wasi")
        and not _is_frozen()
        and _is_interpreter(sys.executable)
    )


def _is_frozen():
    """Whether this is an application of PyInstaller, cx_Freeze, Nuitka or the like."""
    main = sys.modules.get("__main__")
    return (
        bool(getattr(sys, "frozen", False))
        or hasattr(sys, "_MEIPASS")
        or hasattr(main, "__compiled__")
    )


def _is_interpreter(path):
    """Whether a file is an interpreter of Python by its name, or that of its target."""
    if not path:
        return False
    names = (os.path.basename(path), os.path.basename(os.path.realpath(path)))
    return any(INTERPRETER.fullmatch(name) for name in names)


@dataclass
class ServerHandle:
    """A server process, as the pool that started it sees it.

    It owns its descriptors and the process from the moment that they exist: `end`
    releases all of them, whatever has interrupted `launch` or an earlier `end`.

    Parameters
    ----------
    control : Channel
        Connection to the server.
    theirs : socket.socket
        The end of the connection that the server gets.
    errors : io.FileIO or None
        Its standard error; None where it is not kept.
    popen : subprocess.Popen or None, default=None
        The process; None before `launch`.
    mark : str
        Variable in the environment of the server and of all that it starts.
    started : float
        Time of the start, on ``time.monotonic``.
    is_ready : bool, default=False
        Whether it has imported the modules and run the setup.
    has_forked : bool, default=False
        Whether it has forked a worker.
    is_lost : bool, default=False
        Whether it has ended without having been told to.
    memory : ServerMemory or None, default=None
        What it uses once it is ready, and so does a new worker, which begins as its
        copy; None where this is not known.
    """

    control: Channel
    theirs: socket.socket
    errors: io.FileIO | None
    popen: subprocess.Popen | None = None
    mark: str = field(
        default_factory=lambda: f"SKLEARN_META_SERVER_{secrets.token_hex(8)}"
    )
    started: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    has_forked: bool = False
    is_lost: bool = False
    memory: ServerMemory | None = None

    @classmethod
    def create(cls) -> ServerHandle:
        """Return a handle whose server is not launched yet.

        Returns
        -------
        server : ServerHandle

        Raises
        ------
        OSError
            If the system has no descriptors for it.
        """
        ours, theirs = socket.socketpair()
        try:
            errors = anonymous_memory("errors")
        except OSError:
            errors = None
        return cls(Channel(ours, FROM_SERVER), above_standard_streams(theirs), errors)

    def launch(self, setup: SharedObject, parent: int):
        """Start the process and return at once.

        Parameters
        ----------
        setup : SharedObject
            Modules to import, name of the setup function and its arguments.
        parent : int
            Process id; the server ends when this process does.

        Raises
        ------
        PoolError
            If the interpreter cannot be started.
        """
        path = [p for p in sys.path if isinstance(p, str)]
        control = self.theirs.fileno()
        try:
            self.popen = subprocess.Popen(
                # -P: the working directory is part of the path only if it is here.
                [sys.executable, "-P", "-c", BOOTSTRAP,
                 str(control), str(setup.descriptor), str(parent), *path],
                pass_fds=[control, setup.descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors or subprocess.DEVNULL,
                env=server_environment(self.mark),
                # Ctrl-C interrupts the user's process only.
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise PoolError(
                f"The interpreter {sys.executable!r} cannot be started as a worker "
                f"process: {error}. Raise the limit on processes or open files, if "
                "that is the cause."
            ) from error
        self.theirs.close()

    def request(self, action: bytes, number: int, fds=()):
        """Send a request about a worker.

        Parameters
        ----------
        action : {FORK, KILL}
        number : int
            Number of the worker.
        fds : sequence of int, default=()
            File descriptors that go with the request.
        """
        request = REQUEST.pack(action, number)
        try:
            socket.send_fds(self.control.connection, [request], fds)
        except OSError:
            # The server has ended, or reads nothing, so that the connection is full.
            # The pool finds a killed server lost at its next poll.
            self.kill()

    def kill(self):
        """Kill the server, if it is launched, without waiting for its end."""
        if self.popen is not None:
            self.popen.kill()

    def takes_too_long_to_start(self) -> bool:
        """Whether it is still not ready after `START_SECONDS`."""
        return not self.is_ready and time.monotonic() - self.started > START_SECONDS

    def how_it_ended(self) -> str:
        """Return the exit code and the last line of standard error of a lost server."""
        code = None
        if self.popen is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.popen.wait(CLOSE_SECONDS)
        lines = _read_text(self.errors).strip().splitlines()
        return f"exit code {code}" + (f": {lines[-1]}" if lines else "")

    def end(self, worker_pids: Iterable[int]):
        """End the server and its workers, and close its descriptors.

        It may be called again, also after an interrupt.

        Parameters
        ----------
        worker_pids : iterable of int
            Process ids of the workers that the server has not reported as ended.
        """
        if self.control.is_closed:
            return
        if self.popen is not None:
            self._end_processes(self.popen, list(worker_pids))
        self.close()

    def close(self):
        """Close the descriptors without ending the process."""
        # Keeps Popen from waiting for, or warning of, a process of another parent.
        if self.popen is not None and self.popen.returncode is None:
            self.popen.returncode = 0
        self.theirs.close()
        if self.errors is not None:
            self.errors.close()
        # The last step: `end` has nothing left to do.
        self.control.close()

    def _end_processes(self, popen, workers):
        """End the server, its workers, and what these have put into other sessions."""
        # Before it is ready it does not listen, and has no workers to kill.
        if self.is_ready and self._shuts_down():
            return
        # Looked for before they are killed: then, they have no environment any more.
        found = marked(self.mark)
        for pid in workers:
            kill_group(pid)
        popen.kill()
        popen.wait()
        kill_marked(self.mark, [*workers, *found])

    def _shuts_down(self):
        """Tell the server to end; return whether it has killed its workers in time."""
        control = self.control.connection
        end = time.monotonic() + CLOSE_SECONDS
        try:
            # Unlike closing, this reaches the server even if a fork of this process
            # holds the socket as well.
            control.shutdown(socket.SHUT_WR)
            while (left := end - time.monotonic()) > 0:
                control.settimeout(left)
                if not control.recv(4096):
                    break
            # It exits with 0 only after it has killed its workers.
            return self.popen.wait(max(0.0, end - time.monotonic())) == 0
        except (OSError, subprocess.TimeoutExpired):
            return False


def _read_text(file):
    """Return the last 100 kB of a file as text."""
    if file is None or file.closed:
        return ""
    size = os.fstat(file.fileno()).st_size
    text = os.pread(file.fileno(), 100_000, max(0, size - 100_000))
    return text.decode(errors="replace")
