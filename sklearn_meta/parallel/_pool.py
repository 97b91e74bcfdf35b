"""The protocol of pools: tasks, the places where they run, and what they report."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from sklearn_meta.exceptions import SklearnMetaError

MAX_REASON = 1_000
MAX_TRACEBACK = 20_000


class PoolError(SklearnMetaError, RuntimeError):
    """Worker processes cannot be started, or have been lost too often."""


class Place(Enum):
    """Where the next task of a pool would run."""

    WORKER = "a worker process, which can be killed"
    MEANWHILE = "this process, while the workers start"
    IN_PROCESS = "this process, because there are no workers"


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
    deadline : float or None, default=None
        Instant on the clock of the pool at which the task is killed; None for no limit.
    memory_limit : int or None, default=None
        Bytes that the task may add to the memory of its worker; None for no limit.
    """

    id: Hashable
    function: str
    args: tuple = field(default=(), repr=False)
    deadline: float | None = None
    memory_limit: int | None = None


class Pool(Protocol):
    """Runs tasks and reports what they yield and how they end.

    Implementations: `ProcessPool` (worker processes), `InProcessPool` (this process),
    `LocalPool` (worker processes with this process as their substitute). A pool for
    another backend implements these members and nothing else.

    Attributes
    ----------
    n_workers : int
        Number of tasks that run at one time when all workers are there.
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
        """Begin to start the workers; return at once."""
        ...

    def submit(self, task: Task) -> None:
        """Start a task in an idle place."""
        ...

    def wait(self, timeout: float) -> list[Payload | Done | Failed]:
        """Return what has happened; wait up to `timeout` seconds for something."""
        ...

    def postpone(self, task_id: Hashable, deadline: float) -> None:
        """Give a running task another deadline; without effect if it has ended."""
        ...

    def cancel(self, task_id: Hashable) -> None:
        """End a task; nothing more is reported of it."""
        ...

    def close(self) -> None:
        """End all tasks and release every process and descriptor."""
        ...


@dataclass(frozen=True)
class Payload:
    """A value that a task yielded.

    Parameters
    ----------
    task_id : hashable
    value : object
    """

    task_id: Hashable
    value: object = field(repr=False)


@dataclass(frozen=True)
class Done:
    """A task that ended well; nothing more comes from it.

    Parameters
    ----------
    task_id : hashable
    """

    task_id: Hashable


@dataclass(frozen=True)
class Failed:
    """A task that ended badly; nothing more comes from it.

    Parameters
    ----------
    task_id : hashable
    kind : {"raised", "timeout", "memory", "crashed"}
    reason : str
        One line for people: type and message of the exception and where it was
        raised, the signal of which the worker died, or the limit that was passed.
    traceback : str, default=""
        Of an exception.
    """

    task_id: Hashable
    kind: str
    reason: str
    traceback: str = field(default="", repr=False)


def describe_exception(exception: BaseException):
    """Tell an exception as `Failed` does.

    Parameters
    ----------
    exception : BaseException

    Returns
    -------
    kind : {"raised", "memory"}
    reason : str
    traceback : str
    """
    # Kept apart from the exception so that nothing here holds its frames, and with
    # them the memory of the task.
    try:
        summary = traceback.TracebackException.from_exception(exception)
        message = " ".join("".join(summary.format_exception_only()).split())
        text = "".join(summary.format())
        where = summary.stack[-1] if summary.stack else None
    except Exception:
        # An exception may fail even to tell itself.
        message, text, where = type(exception).__name__, "", None
    if len(message) > MAX_REASON:
        message = message[: MAX_REASON - 4] + " ..."
    if where is not None:
        file = os.path.basename(where.filename)
        message += f" ({file}, line {where.lineno}, in {where.name})"
    is_memory = isinstance(exception, MemoryError) or "bad_alloc" in message
    return "memory" if is_memory else "raised", message, text[-MAX_TRACEBACK:]


def describe_timeout(seconds):
    """Reason of a task that was stopped at its deadline after some seconds."""
    return f"stopped at its deadline after {seconds:.1f} s"
