"""What a pool of workers reports, and how an exception is told in words."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass, field

MAX_REASON = 1_000
MAX_TRACEBACK = 20_000


@dataclass(frozen=True)
class Payload:
    """A value that a task yielded.

    Parameters
    ----------
    task_id : int
    value : object
    """

    task_id: int
    value: object = field(repr=False)


@dataclass(frozen=True)
class Done:
    """A task that ended well; nothing more comes from it.

    Parameters
    ----------
    task_id : int
    """

    task_id: int


@dataclass(frozen=True)
class Failed:
    """A task that ended badly; nothing more comes from it.

    Parameters
    ----------
    task_id : int
    kind : {"raised", "timeout", "memory", "crashed"}
    reason : str
        One line for people: type and message of the exception and where it was
        raised, the signal of which the worker died, or the limit that was passed.
    traceback : str, default=""
        Of an exception.
    """

    task_id: int
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
