"""Tasks that do everything that a candidate should not do."""

import ctypes
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
import warnings

import numpy as np


def load(*args):
    return args


def load_badly(message):
    raise ValueError(message)


def load_with_a_message(message):
    print(message, file=sys.stderr, flush=True)
    os._exit(4)


def load_slowly(seconds):
    time.sleep(seconds)


def state(state):
    yield state


def echo(state, *values):
    yield from values


def pids(state):
    yield os.getpid(), os.getppid()


def environment(state):
    yield {name: value for name, value in os.environ.items() if "THREADS" in name}


def call(state, function, *args):
    yield function(*args)


def call_often(state, function):
    while True:
        yield function()


def is_read_only(state):
    array = state[0]
    try:
        array[0] = 1
    except ValueError:
        yield True
    else:
        yield False


def several_then_raise(state, n):
    yield from range(n)
    raise KeyError("after them")


def raise_exception(state, exception):
    yield from ()
    raise exception


def raise_error_that_cannot_be_told(state):
    class BadError(Exception):
        def __str__(self):
            raise RuntimeError("not even this")

    yield from ()
    raise BadError


def recurse(state):
    def down():
        down()

    yield from ()
    down()


def warn_and_print_endlessly(state):
    yield os.getpid()
    while True:
        warnings.warn("again", stacklevel=1)
        print("x" * 10_000)
        print("x" * 10_000, file=sys.stderr)
        os.write(1, b"x" * 10_000)


def warn_a_lot(state):
    for _ in range(1_000):
        warnings.warn("again", stacklevel=1)
        print("x" * 1_000, file=sys.stderr, flush=True)
    yield "fine"


def sleep(state, seconds):
    yield os.getpid()
    time.sleep(seconds)
    yield "awake"


def busy(state):
    yield os.getpid()
    while True:
        pass


def hang_in_c_with_the_gil(state):
    yield os.getpid()
    # PyDLL keeps the interpreter lock: no signal handler of Python would ever run.
    ctypes.PyDLL(None).sleep(1000)


def ignore_all_signals(state):
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            # Reserved by the C library.
            continue
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    yield os.getpid()
    while True:
        time.sleep(1)


def stop_itself(state):
    yield os.getpid()
    os.kill(os.getpid(), signal.SIGSTOP)


def exit_at_once(state, code):
    yield "one"
    os._exit(code)


def segfault(state):
    yield "one"
    ctypes.string_at(0)


def abort(state):
    yield from ()
    os.abort()


def kill_itself(state, number):
    yield from ()
    os.kill(os.getpid(), number)
    time.sleep(1000)


def kill_its_group(state):
    yield from ()
    os.killpg(0, signal.SIGKILL)


def kill_the_server(state):
    yield from ()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)


def stop_the_server(state):
    yield from ()
    os.kill(os.getppid(), signal.SIGSTOP)


def close_all_files(state):
    yield "one"
    os.closerange(3, 1000)
    time.sleep(1000)


def write_into_sockets(state):
    for fd in range(3, 100):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.write(fd, struct.pack("=BQ", 11, 2**39) + b"[Info] Total Bins 255")
        except OSError:
            continue
    time.sleep(1000)
    yield "never"


def one_huge_array(state):
    yield "one"
    yield np.ones(2**40).sum()


def small_pieces(state, total):
    yield "one"
    pieces = []
    while 8 * 1000 * len(pieces) < total:
        pieces.append(np.ones(1000))
    yield len(pieces)


def hold(state, n_bytes):
    array = np.ones(n_bytes // 8)
    time.sleep(1000)
    yield array


def keep_in_state(state, n_bytes):
    echo.kept = np.ones(n_bytes // 8)
    yield os.getpid()


def crash_when_memory_is_short(state):
    pieces = []
    yield "one"
    try:
        while True:
            pieces.append(np.ones(2**17))
            time.sleep(0.001)
    except MemoryError:
        time.sleep(0.2)
        os.abort()


def unpicklable(state):
    yield "one"
    yield threading.Lock()


class _Explosive:
    def __reduce__(self):
        return int, ("not a number",)


def cannot_be_unpickled(state):
    yield _Explosive()


def large(state, n):
    yield np.arange(n)


def leave_a_thread(state):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    yield os.getpid()


def leave_a_process(state):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    yield os.getpid(), os.getppid(), child.pid
    time.sleep(1000)


def leave_a_process_and_crash(state):
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(1000)"], close_fds=False
    )
    yield child.pid
    os._exit(1)


not_callable = 3


def not_a_generator(state):
    return None
