"""Memory that a task takes outside of the private memory of its worker."""

import mmap
import os
import subprocess
import sys
import time
from multiprocessing import shared_memory

import numpy as np
import pytest

from sklearn_meta.parallel._memory_usage import (
    ServerMemory,
    crash_reason,
    excess_reason,
    memory_growth,
)
from sklearn_meta.parallel._pool import Done, Task
from tests.parallel.running import collect, run
from tests.parallel.test_process_pool import started

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is measured on Linux only"
)

MB = 2**20
LIMIT = 64 * MB
TOO_MUCH = 100 * MB
# Until the worker is killed.
LONG = 60
# Longer than the time between two checks.
SHORT = 0.3


@pytest.fixture(scope="module")
def pool():
    with started(args=(np.ones(TOO_MUCH // 8),)) as pool:
        yield pool


# What takes memory


def program(**kwargs):
    """Start a program that takes memory."""
    code = f"import time; held = b'x' * {TOO_MUCH}; time.sleep({LONG})"
    subprocess.Popen([sys.executable, "-c", code], **kwargs)
    time.sleep(LONG)


def fork(n_bytes, seconds, n_forks=1):
    """Fork processes that take memory."""
    pids = []
    for _ in range(n_forks):
        pids.append(os.fork())
        if pids[-1] == 0:
            held = bytearray(b"x" * n_bytes)
            time.sleep(seconds)
            os._exit(len(held) * 0)
    for pid in pids:
        os.waitpid(pid, 0)


def shared_mapping():
    with mmap.mmap(-1, TOO_MUCH) as memory:
        for _ in range(TOO_MUCH // MB):
            memory.write(bytes(MB))
        time.sleep(LONG)


def memory_file():
    """Fill a file that is not mapped."""
    descriptor = os.memfd_create("held")
    for _ in range(TOO_MUCH // MB):
        os.write(descriptor, bytes(MB))
    time.sleep(LONG)


def memory_file_with_a_name():
    memory = shared_memory.SharedMemory(create=True, size=TOO_MUCH)
    memory.unlink()
    np.frombuffer(memory.buf, np.uint8)[:] = 1
    time.sleep(LONG)


@pytest.mark.parametrize(
    "take, kwargs",
    [
        (program, {}),
        (program, {"start_new_session": True}),
        (fork, {"n_bytes": TOO_MUCH // 4, "seconds": LONG, "n_forks": 4}),
        (shared_mapping, {}),
        (memory_file, {}),
        (memory_file_with_a_name, {}),
    ],
)
def test_counts(pool, take, kwargs):
    def task():
        take(**kwargs)

    _, end = run(pool, "call", task, memory_limit=LIMIT)
    assert end.kind == "memory" and end.reason.endswith("the limit is 64 MiB")


def read_data(state):
    yield float(state[0].sum())
    time.sleep(SHORT)


def test_data_do_not_count(pool):
    name = f"{__name__}:read_data"
    pool.submit(Task(1, name, memory_limit=LIMIT))
    assert [type(e) for e in collect(pool)][-1] is Done


def test_what_forks_share_with_the_server_does_not_count(pool):
    # Each has the memory of the server, some 30 MB.
    _, end = run(pool, "call", fork, 0, SHORT, 6, memory_limit=LIMIT)
    assert end == Done(7)


def test_measure_of_this_process():
    with mmap.mmap(-1, MB) as data:
        data.write(bytes(MB))
        descriptor = os.memfd_create("data")
        try:
            memory = ServerMemory.measure(os.getpid(), descriptor)
            grown = memory_growth(os.getpid(), memory, 1)
            # Mapped, as freed memory of this process may be used again otherwise.
            with mmap.mmap(-1, 32 * MB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as held:
                held.write(bytes(32 * MB))
                assert memory_growth(os.getpid(), memory, 1) - grown > 30 * MB
        finally:
            os.close(descriptor)
        assert memory_growth(2**22 + 1, memory, 1) is None


def test_reasons():
    assert excess_reason(1.2 * LIMIT, LIMIT) == crash_reason(0.7 * LIMIT, LIMIT) == ""
    assert excess_reason(2 * LIMIT, LIMIT).startswith("used 128 MiB of memory")
    assert crash_reason(0.9 * LIMIT, LIMIT) == "near its memory limit of 64 MiB"
    assert crash_reason(LIMIT, None) == ""


@pytest.mark.alone
def test_a_usual_worker_is_measured_in_no_time(pool):
    (worker,), _ = run(pool, "call", os.getpid)
    memory = pool._server.memory
    seconds = []
    for _ in range(50):
        began = time.perf_counter()
        assert memory_growth(worker, memory, 2**30) < LIMIT
        seconds.append(time.perf_counter() - began)
    # 50 microseconds on an idle machine.
    assert min(seconds) < 0.001
