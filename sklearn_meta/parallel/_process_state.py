"""State of a worker process that tasks may change: saved, compared and restored.

What can be set back is set back after each task. For the rest, it is found out whether
it has changed; the worker is replaced then, which takes milliseconds. What libraries
create on their first use and keep does not count, as it reaches no other task: threads
that sleep, event queues, handlers of signals in C.
"""

from __future__ import annotations

import _thread
import builtins
import decimal
import faulthandler
import gc
import locale
import logging
import multiprocessing
import os
import pickle
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

# Attributes of a decimal context; its flags change with every inexact result.
_DECIMAL = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
# Modules whose functions are replaced by what a candidate patches.
_PATCHED = (
    builtins,
    os,
    time,
    random,
    threading,
    pickle,
    logging,
    warnings,
    np.random,
)

# Seconds until a thread is looked at once more.
THREAD_PAUSE = 0.002
# Beginnings of the targets of descriptors that libraries keep.
_EVENT_QUEUES, _DEVICES, _SHARED_MEMORY = "anon_inode:", "/dev/", "/dev/shm/"


class Aspect(NamedTuple):
    """A part of the state: how it is read, and how it is set to what was read."""

    read: Callable[[], object]
    write: Callable


class ProcessState:
    """What `restore` sets back, as it is now, see `capture`.

    Parameters
    ----------
    aspects : sequence of Aspect
    values : list
        What they read.
    modules : list of (dict, dict)
        Attributes of modules, and a copy of them.
    descriptors : frozenset of int
    n_threads : int
        Number of threads that Python has started.
    """

    def __init__(self, aspects, values, modules, descriptors, n_threads):
        self._aspects = aspects
        self._values = values
        self._modules = modules
        self._descriptors = descriptors
        self._n_threads = n_threads

    @classmethod
    def capture(cls) -> ProcessState:
        """Return the present state of this process."""
        aspects = _aspects()
        attributes = [vars(module) for module in _PATCHED]
        return cls(
            aspects,
            [_value(aspect) for aspect in aspects],
            [(module, dict(module)) for module in attributes],
            _descriptors(),
            _thread._count(),
        )

    def restore(self) -> bool:
        """Set the process back to this state.

        Returns
        -------
        is_restored : bool
            False if something has changed that cannot be set back: the process must
            run no other task.
        """
        try:
            return (
                # First: an alarm must not interrupt the rest.
                all(map(_is_restored, self._aspects, self._values))
                and all(
                    copy.items() <= module.items() for module, copy in self._modules
                )
                and not self._has_threads()
                and not self._has_descriptors()
                and not _has_children()
            )
        except BaseException:
            # Also what a handler of the task's has raised.
            return False

    def _has_threads(self):
        """Whether threads of Python are left, or others that are running."""
        return _thread._count() > self._n_threads or _other_threads_run()

    def _has_descriptors(self):
        """Whether files are left open, or some of the worker were closed."""
        if _descriptors() == self._descriptors:
            return False
        # Files may be open in garbage, such as the frames of an exception.
        gc.collect()
        now = _descriptors()
        return not now >= self._descriptors or not all(
            map(_is_kept_by_library, now - self._descriptors)
        )


def _value(aspect):
    """Return what an aspect reads; None if that fails, as in a deleted directory."""
    try:
        return aspect.read()
    except Exception:
        return None


def _is_restored(aspect, value):
    """Set one aspect back if it differs; return whether it is as it was."""
    if _value(aspect) == value:
        return True
    aspect.write(value)
    return _value(aspect) == value


def _descriptors():
    """Return the numbers of the open files; none where they are not known."""
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return frozenset()
    return frozenset(filter(_is_open, map(int, names)))


def _is_open(descriptor):
    """Whether a descriptor is open; that of the listing is not any more."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _is_kept_by_library(descriptor):
    """Whether a library may have opened a file to keep it."""
    target = os.readlink(f"/proc/self/fd/{descriptor}")
    if target.startswith(_SHARED_MEMORY):
        return False
    return target.startswith((_EVENT_QUEUES, _DEVICES))


def _other_threads_run():
    """Whether a thread other than this one is running, such as one of a C library."""
    if not _running_threads():
        return False
    # It may have been about to end, or to wait for work.
    time.sleep(THREAD_PAUSE)
    return bool(_running_threads())


def _running_threads():
    """Return the other threads of this process that do not sleep."""
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return []
    if len(threads) == 1:
        return []
    return [thread for thread in threads if _runs(thread)]


def _runs(thread):
    """Whether another thread is running."""
    if int(thread) == threading.get_native_id():
        return False
    try:
        with open(f"/proc/self/task/{thread}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "R"
    except OSError:  # it has ended
        return False


def _has_children():
    """Whether child processes are running; those that have ended are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _aspects():
    """Return all aspects, in the order in which they are restored."""
    return (
        *_of_signals(),
        *_of_the_system(),
        *_of_the_interpreter(),
        *_of_libraries(),
    )


def _impossible(value):
    raise NotImplementedError


def _of_signals():
    timers = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
    # Not the real-time signals: each would take a microsecond.
    numbers = [
        number
        for number in sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
        if number < 32
    ]
    # Without converting numbers to the enumeration, in a tenth of the time.
    handler_of = getattr(signal.getsignal, "__wrapped__", signal.getsignal)

    def stop_timers(value):
        for timer in timers:
            signal.setitimer(timer, 0)

    def set_handlers(handlers):
        for number, handler in zip(numbers, handlers, strict=True):
            if handler_of(number) is not handler:
                signal.signal(number, handler)

    return (
        Aspect(lambda: [signal.getitimer(timer) for timer in timers], stop_timers),
        # These two are set back by being read.
        Aspect(faulthandler.cancel_dump_traceback_later, lambda value: None),
        Aspect(lambda: signal.set_wakeup_fd(-1), lambda value: None),
        # One that was blocked would come as soon as the mask is set back.
        Aspect(signal.sigpending, _impossible),
        Aspect(lambda: [handler_of(n) for n in numbers], set_handlers),
        Aspect(
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
            lambda mask: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
        ),
    )


def _of_the_system():
    import resource

    limits = [v for n, v in sorted(vars(resource).items()) if n.startswith("RLIMIT_")]

    # The bytes: decoding them takes longer than all the rest.
    variables = vars(os.environ)["_data"]

    def set_environment(values):
        for name in variables.keys() - values.keys():
            del os.environb[name]
        os.environb.update(values)
        # The zone of TZ is read at the first use, or here.
        time.tzset()

    def umask():
        mask = os.umask(0o77)
        os.umask(mask)
        return mask

    def set_limits(values):
        for limit, value in zip(limits, values, strict=True):
            if resource.getrlimit(limit) != value:
                resource.setrlimit(limit, value)

    def standard_files():
        return [(s.st_dev, s.st_ino, s.st_rdev) for s in map(os.fstat, range(3))]

    aspects = [
        Aspect(lambda: [resource.getrlimit(limit) for limit in limits], set_limits),
        Aspect(os.getcwd, os.chdir),
        Aspect(lambda: dict(variables), set_environment),
        Aspect(lambda: time.tzname, lambda value: time.tzset()),
        Aspect(umask, os.umask),
        Aspect(
            lambda: os.getpriority(os.PRIO_PROCESS, 0),
            lambda value: os.setpriority(os.PRIO_PROCESS, 0, value),
        ),
        Aspect(standard_files, _impossible),
        Aspect(lambda: (os.geteuid(), os.getegid()), _impossible),
    ]
    if hasattr(os, "sched_getaffinity"):
        aspects += [
            Aspect(
                lambda: os.sched_getaffinity(0),
                lambda cpus: os.sched_setaffinity(0, cpus),
            ),
            Aspect(lambda: os.sched_getscheduler(0), _impossible),
        ]
    return aspects


def _of_the_interpreter():
    def set_filters(filters):
        # Unlike an assignment, it also empties the caches that depend on the filters.
        warnings.resetwarnings()
        warnings.filters[:] = filters

    def set_path(paths):
        sys.path[:], sys.meta_path[:], sys.path_hooks[:] = paths

    def streams():
        found = (sys.stdin, sys.stdout, sys.stderr)
        return found, [getattr(stream, "closed", None) for stream in found]

    def set_streams(value):
        (sys.stdin, sys.stdout, sys.stderr), _ = value

    def hooks():
        return (
            sys.excepthook,
            sys.displayhook,
            sys.unraisablehook,
            sys.breakpointhook,
            threading.excepthook,
            sys.gettrace(),
            sys.getprofile(),
            threading.gettrace(),
            threading.getprofile(),
        )

    def set_hooks(value):
        sys.excepthook, sys.displayhook, sys.unraisablehook, sys.breakpointhook = value[
            :4
        ]
        threading.excepthook = value[4]
        sys.settrace(value[5])
        sys.setprofile(value[6])
        threading.settrace(value[7])
        threading.setprofile(value[8])

    def collector():
        return gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks)

    def set_collector(value):
        (gc.enable if value[0] else gc.disable)()
        gc.set_threshold(*value[1])
        gc.set_debug(value[2])
        gc.callbacks[:] = value[3]

    return (
        Aspect(lambda: list(warnings.filters), set_filters),
        Aspect(
            lambda: [list(p) for p in (sys.path, sys.meta_path, sys.path_hooks)],
            set_path,
        ),
        Aspect(streams, set_streams),
        Aspect(hooks, set_hooks),
        Aspect(collector, set_collector),
        Aspect(threading.stack_size, threading.stack_size),
        Aspect(sys.getrecursionlimit, sys.setrecursionlimit),
        Aspect(sys.getswitchinterval, sys.setswitchinterval),
        Aspect(sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    )


def _of_libraries():
    def decimal_context():
        context = decimal.getcontext()
        fields = [getattr(context, name) for name in _DECIMAL]
        return fields, dict(context.traps)

    def set_decimal(value):
        fields, traps = value
        context = decimal.getcontext()
        for name, field in zip(_DECIMAL, fields, strict=True):
            setattr(context, name, field)
        context.traps.update(traps)

    def set_locale(name):
        locale.setlocale(locale.LC_ALL, name)

    def set_tempdir(folder):
        tempfile.tempdir = folder

    def log():
        root = logging.root
        return root.level, root.manager.disable, list(root.handlers)

    def set_log(value):
        logging.root.setLevel(value[0])
        logging.disable(value[1])
        logging.root.handlers[:] = value[2]

    def set_start_method(name):
        multiprocessing.set_start_method(name, force=True)

    aspects = [
        Aspect(decimal_context, set_decimal),
        Aspect(lambda: locale.setlocale(locale.LC_ALL), set_locale),
        Aspect(lambda: tempfile.tempdir, set_tempdir),
        Aspect(log, set_log),
        Aspect(socket.getdefaulttimeout, socket.setdefaulttimeout),
        Aspect(lambda: multiprocessing.get_start_method(True), set_start_method),
        Aspect(np.geterr, lambda value: np.seterr(**value)),
        Aspect(np.geterrcall, np.seterrcall),
        Aspect(np.get_printoptions, lambda value: np.set_printoptions(**value)),
    ]
    if hasattr(np.random, "set_bit_generator"):
        aspects.append(Aspect(np.random.get_bit_generator, np.random.set_bit_generator))
    # Those that the server has imported.
    if (sklearn := sys.modules.get("sklearn")) is not None:
        aspects.append(
            Aspect(sklearn.get_config, lambda value: sklearn.set_config(**value))
        )
    if (joblib := sys.modules.get("joblib.parallel")) is not None:
        # The backend that was chosen without a context.
        chosen = vars(getattr(joblib, "_backend", threading.local()))
        aspects.append(Aspect(lambda: dict(chosen), partial(_set_mapping, chosen)))
    if (torch := sys.modules.get("torch")) is not None:
        aspects += [
            Aspect(torch.get_default_dtype, torch.set_default_dtype),
            Aspect(torch.is_grad_enabled, torch.set_grad_enabled),
            Aspect(torch.get_num_threads, torch.set_num_threads),
        ]
    return aspects


def _set_mapping(mapping, content):
    mapping.clear()
    mapping.update(content)
