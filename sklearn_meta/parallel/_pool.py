"""Protocol of pools: tasks, the places where they run, and the events they report."""

from __future__ import annotations

import importlib
import os
import signal
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from sklearn_meta.exceptions import SklearnMetaError

# Maximum number of characters.
MAX_REASON = 1_000
MAX_TRACEBACK = 20_000


class PoolError(SklearnMetaError, RuntimeError):
    """Raised when worker processes cannot be started or are lost too often."""


class Place(Enum):
    """Where the next task of a pool would run."""

    WORKER = "a worker process, which can be killed"
    STARTING = "this process, while the workers start"
    IN_PROCESS = "this process, because there are no workers by design"
    NOT_STARTED = "this process, because the workers could not be started"
    LOST = "this process, because the workers were lost while they ran tasks"

    @property
    def has_workers(self) -> bool:
        """Whether there are worker processes, which may still be starting."""
        return self in (Place.WORKER, Place.STARTING)


@dataclass(frozen=True)
class Task:
    """A call of a generator function, with its limits.

    Parameters
    ----------
    id : hashable
        Unique among the tasks that a pool runs at one time.
    function : str
        ``"package.module:function"``, called as ``function(state, *args)`` with the
        state of the pool.
    args : tuple, default=()
        Arguments after the state; they are pickled if the task runs in a worker.
    deadline : float or None, default=None
        Instant on the clock of the pool at which the task is killed; None for no limit.
    memory_limit : int or None, default=None
        Bytes that the task may add to the memory of its worker; None for no limit.
    key : hashable, default=None
        Equal for all tasks that run the same code, such as the text of a pipeline. What
        has hung or crashed in a worker is not run in this process, see `LocalPool`.
        None if that does not matter.
    """

    id: Hashable
    function: str
    args: tuple = field(default=(), repr=False)
    deadline: float | None = None
    memory_limit: int | None = None
    key: Hashable = None


class Pool(Protocol):
    """Runs tasks and reports what they yield and how they end.

    Implementations: `ProcessPool` (worker processes), `InProcessPool` (this process),
    `LocalPool` (worker processes, with this process as fallback). A pool for another
    backend implements these members and no others.

    Attributes
    ----------
    n_workers : int
        Number of tasks that run at one time once all workers have started.
    clock : callable
        Returns seconds; deadlines refer to it.
    n_idle : int
        Number of tasks that can be submitted now.
    place : Place
        Where the next submitted task would run.
    """

    n_workers: int
    clock: Callable[[], float]

    @property
    def n_idle(self) -> int: ...

    @property
    def place(self) -> Place: ...

    def start(self) -> None:
        """Start the workers without waiting until they are ready."""
        ...

    def submit(self, task: Task) -> None:
        """Start a task; only while `n_idle` is positive."""
        ...

    def wait(self, timeout: float) -> list[Payload | Done | Failed]:
        """Return the events so far; wait up to `timeout` seconds if there is none."""
        ...

    def postpone(self, task_id: Hashable, deadline: float) -> None:
        """Change the deadline of a task; without effect if the task has ended."""
        ...

    def cancel(self, task_id: Hashable) -> None:
        """End a task without any further event of it."""
        ...

    def close(self) -> None:
        """End all tasks and release every process and descriptor."""
        ...


@dataclass(frozen=True)
class Payload:
    """Event: a task has yielded a value.

    Parameters
    ----------
    task_id : hashable
        `Task.id`.
    value : object
    """

    task_id: Hashable
    value: object = field(repr=False)


@dataclass(frozen=True)
class Done:
    """Event: a task has returned; it is the last event of the task.

    Parameters
    ----------
    task_id : hashable
        `Task.id`.
    """

    task_id: Hashable


@dataclass(frozen=True)
class Failed:
    """Event: a task has failed or was stopped; it is the last event of the task.

    Parameters
    ----------
    task_id : hashable
        `Task.id`.
    kind : {"raised", "timeout", "memory", "crashed"}
    reason : str
        One line for the user: type and message of the exception and where it was
        raised, the signal that killed the worker, or the limit that was exceeded.
    traceback : str, default=""
        Traceback of an exception.
    """

    task_id: Hashable
    kind: str
    reason: str
    traceback: str = field(default="", repr=False)


def resolve(name: str):
    """Return the object that a name stands for.

    Parameters
    ----------
    name : str
        ``"package.module:attribute"``, as in `Task`.

    Returns
    -------
    value : object
    """
    module, _, attribute = name.partition(":")
    value = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


def describe_exception(exception: BaseException):
    """Return the fields of the `Failed` event for an exception.

    Parameters
    ----------
    exception : BaseException

    Returns
    -------
    kind : {"raised", "memory"}
    reason : str
    traceback : str
    """
    # A TracebackException does not refer to the frames of the exception, which hold the
    # memory of the task.
    try:
        summary = traceback.TracebackException.from_exception(exception)
        message = " ".join("".join(summary.format_exception_only()).split())
        text = "".join(summary.format())
        where = summary.stack[-1] if summary.stack else None
    except Exception:
        # Formatting calls the exception's own methods, which may raise.
        message, text, where = type(exception).__name__, "", None
    if len(message) > MAX_REASON:
        message = message[: MAX_REASON - 4] + " ..."
    if where is not None:
        file = os.path.basename(where.filename)
        message += f" ({file}, line {where.lineno}, in {where.name})"
    is_memory = isinstance(exception, MemoryError) or "bad_alloc" in message
    return "memory" if is_memory else "raised", message, text[-MAX_TRACEBACK:]


def describe_timeout(seconds) -> str:
    """Return in words that a task was stopped at its deadline.

    Parameters
    ----------
    seconds : float
        Seconds that the task ran.

    Returns
    -------
    reason : str
    """
    return f"stopped at its deadline after {seconds:.1f} s"


def describe_exit(code) -> str:
    """Return in words how a worker process ended.

    Parameters
    ----------
    code : int or None
        Exit code, negative for a signal; None if it is not known.

    Returns
    -------
    reason : str
    """
    if code is None:
        return "the worker process closed its connection"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else -code
        text = signal.strsignal(-code) if -code in signal.valid_signals() else None
        return f"the worker process died of signal {name} ({text})"
    return f"the worker process ended with exit code {code}"
