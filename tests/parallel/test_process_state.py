"""What tasks change is set back, or found."""

import ctypes
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
import subprocess
import sys
import tempfile
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import sklearn

from sklearn_meta.parallel._process_state import ProcessState

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="not all of it exists elsewhere"
    ),
    # Raised by forks of a process that has threads.
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]

KEPT = []


def report_of(change):
    """Apply a change in a fork; return what becomes of it."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            before = ProcessState.capture()
            change()
            restored = before.restore()
            # Another look finds nothing left.
            os.write(write, b"%d%d" % (restored, restored and before.restore()))
        finally:
            os._exit(0)
    os.close(write)
    answer = os.read(read, 2)
    os.close(read)
    os.waitpid(pid, 0)
    return {b"11": "restored", b"00": "replace", b"": "died"}.get(answer, answer)


def alarm_soon():
    signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
    signal.alarm(1)


def pending_signal():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    os.kill(os.getpid(), signal.SIGTERM)


def lower_limit():
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, hard))


def other_directory():
    os.chdir(tempfile.gettempdir())


def patch(module, name):
    return lambda: setattr(module, name, lambda *args: None)


def change_context():
    context = decimal.getcontext()
    context.prec = 3
    context.traps[decimal.Inexact] = True


def change_zone():
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()


def errstate_is_left():
    np.seterr(all="raise")
    np.seterrcall(print)


def unfinished_generator():
    def generator():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield

    KEPT.append(generator())
    next(KEPT[-1])


def close_stdout():
    sys.stdout = open(os.devnull, "w")
    sys.stderr = sys.stdout


def trace(*_):
    return None


RESTORED = {
    "alarm": alarm_soon,
    "virtual timer": lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 5, 5),
    "profiling timer": lambda: signal.setitimer(signal.ITIMER_PROF, 5),
    "handler": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "mask": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}),
    "directory": other_directory,
    "new variable": lambda: os.environ.update(LEFT="1"),
    "no variable": lambda: os.environ.pop("PATH"),
    "other variable": lambda: os.environ.update(PATH="/"),
    "umask": lambda: os.umask(0),
    "limit": lower_limit,
    "affinity": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    "filters": lambda: warnings.simplefilter("error"),
    "filters of a generator": unfinished_generator,
    "settings of sklearn": lambda: sklearn.set_config(assume_finite=True),
    "errors of numpy": errstate_is_left,
    "printing of numpy": lambda: np.set_printoptions(precision=1),
    "decimals": change_context,
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"),
    "module path": lambda: sys.path.insert(0, "/"),
    "new module path": lambda: setattr(sys, "path", []),
    "importer": lambda: sys.meta_path.clear(),
    "output": close_stdout,
    "excepthook": lambda: setattr(sys, "excepthook", print),
    "trace": lambda: sys.settrace(trace),
    "profile": lambda: threading.setprofile(trace),
    "recursion": lambda: sys.setrecursionlimit(100_000),
    "digits": lambda: sys.set_int_max_str_digits(0),
    "collector": gc.disable,
    "thresholds": lambda: gc.set_threshold(1),
    "callbacks": lambda: gc.callbacks.append(trace),
    "folder of temporary files": lambda: setattr(tempfile, "tempdir", "/nowhere"),
    "logging": lambda: logging.disable(logging.CRITICAL),
    "log file": lambda: logging.root.addHandler(logging.NullHandler()),
    "watchdog": lambda: faulthandler.dump_traceback_later(60, exit=True),
    "time zone": change_zone,
    "sockets": lambda: socket.setdefaulttimeout(0.001),
    "start of processes": lambda: multiprocessing.set_start_method("spawn", force=True),
    "backend of joblib": lambda: joblib.parallel_config("threading", n_jobs=8),
    "breakpoint": lambda: setattr(sys, "breakpointhook", print),
    "generator of numpy": lambda: np.random.set_bit_generator(np.random.PCG64()),
    "size of stacks": lambda: threading.stack_size(2**20),
    "wakeup": lambda: signal.set_wakeup_fd(os.eventfd(0, os.EFD_NONBLOCK)),
}


@pytest.mark.parametrize("name", RESTORED)
def test_restored(name):
    if name == "affinity" and len(os.sched_getaffinity(0)) == 1:
        pytest.skip("there is a single processor")
    assert report_of(RESTORED[name]) == "restored"


def open_a_file():
    KEPT.append(open(__file__))


def thread():
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()


def thread_in_c(name, argument):
    """Start a thread that Python does not know, in a function of the C library."""
    function = getattr(ctypes.CDLL(None), name)
    identifier = ctypes.c_ulong()
    ctypes.CDLL(None).pthread_create(ctypes.byref(identifier), None, function, argument)
    time.sleep(0.05)


def busy_thread_in_c():
    lock = ctypes.c_int()
    KEPT.append(lock)
    ctypes.CDLL(None).pthread_spin_init(ctypes.byref(lock), 0)
    ctypes.CDLL(None).pthread_spin_lock(ctypes.byref(lock))
    # A spin lock waits without ever sleeping.
    thread_in_c("pthread_spin_lock", ctypes.byref(lock))


def child(**kwargs):
    return lambda: KEPT.append(
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3)"], **kwargs)
    )


REPLACED = {
    "patched pickle": patch(pickle, "dumps"),
    "patched warning": patch(warnings, "showwarning"),
    "pending signal": pending_signal,
    "thread": thread,
    "thread of C": busy_thread_in_c,
    "child": child(),
    "child in its own session": child(start_new_session=True),
    "file": open_a_file,
    "socket": lambda: KEPT.append(socket.socketpair()),
    "memory file": lambda: KEPT.append(os.memfd_create("left")),
    "closed output": lambda: os.close(1),
    "redirected output": lambda: os.dup2(os.open("/", os.O_RDONLY), 1),
    "patched builtin": patch(__import__("builtins"), "len"),
    "patched clock": patch(time, "monotonic"),
    "patched generator": patch(random, "random"),
    "removed function": lambda: delattr(os, "fsync"),
    "nice": lambda: os.nice(5) if os.geteuid() else thread(),
}


@pytest.mark.parametrize("name", REPLACED)
def test_cannot_be_restored(name):
    assert report_of(REPLACED[name]) == "replace"


def child_that_has_ended():
    subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)


def file_in_a_cycle():
    cycle = [open(__file__)]
    cycle.append(cycle)


HARMLESS = {
    "nothing": lambda: None,
    "child that has ended": child_that_has_ended,
    "file in garbage": file_in_a_cycle,
    "event queue of a library": lambda: os.eventfd(0),
    "device of a library": lambda: os.open("/dev/urandom", os.O_RDONLY),
    "thread of a library": lambda: thread_in_c("sleep", ctypes.c_void_p(30)),
    "import": lambda: __import__("wave"),
}


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_harmless(name):
    assert report_of(HARMLESS[name]) == "restored"
