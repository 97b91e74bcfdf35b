"""A worker is for each task as if it had run no other one."""

import contextvars
import mmap
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sklearn_meta.parallel._pool import Done
from tests.parallel.running import MEMORY_LIMIT, run
from tests.parallel.test_process_pool import is_alive, started, wait_until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="not all of it exists elsewhere"
)

VARIABLE = contextvars.ContextVar("variable", default="initial")
KEPT = []


@pytest.fixture(scope="module")
def pool():
    with started(preload=("numpy", "sklearn")) as pool:
        yield pool


def call(pool, function, *args):
    """Run a function in the worker; return the worker's number and the result."""

    def task():
        return os.getpid(), function(*args)

    values, end = run(pool, "call", task)
    assert end == Done(7)
    return values[0]


def change_state():
    os.chdir("/")
    os.environ["LEFT"] = "1"
    os.umask(0)
    VARIABLE.set("changed")
    signal.alarm(60)


def look_at_state():
    mask = os.umask(0o77)
    os.umask(mask)
    seconds = signal.alarm(0)
    return os.getcwd(), os.environ.get("LEFT"), mask, VARIABLE.get(), seconds


def test_state_is_set_back_in_the_same_worker(pool):
    first, before = call(pool, look_at_state)
    assert call(pool, change_state) == (first, None)
    assert call(pool, look_at_state) == (first, before)
    assert before[3:] == ("initial", 0)


def test_state_is_set_back_after_a_failure(pool):
    def fail():
        os.environ["LEFT"] = "1"
        raise ValueError

    first, _ = call(pool, os.getpid)
    assert run(pool, "call", fail)[1].kind == "raised"
    assert call(pool, os.environ.get, "LEFT") == (first, None)


@pytest.mark.parametrize(
    "leave",
    [
        lambda: KEPT.append(os.pipe()),
        lambda: subprocess.Popen(["sleep", "60"], start_new_session=True).pid,
        lambda: setattr(time, "time", None),
    ],
    ids=["descriptor", "child", "patch"],
)
def test_worker_is_replaced(pool, leave):
    first, left = call(pool, leave)
    second, now = call(pool, time.time)
    assert first != second and now > 0
    if left is not None:
        wait_until(lambda: not is_alive(left))


def test_fork_that_returns_from_its_task_reports_nothing(pool):
    def fork():
        return os.fork() == 0

    for _ in range(3):
        values, end = run(pool, "call", fork)
        assert (values, end) == ([False], Done(7))


def test_tasks_draw_the_same_numbers_whatever_ran_before(pool):
    def draw():
        return random.random(), np.random.random()

    _, first = call(pool, draw)
    call(pool, np.random.seed, 5)
    _, second = call(pool, draw)
    assert first == second


def test_lower_limit_of_the_user_stays():
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    limits = (2**36, before[1])
    resource.setrlimit(resource.RLIMIT_DATA, limits)
    try:
        with started() as pool:
            _, found = call(pool, resource.getrlimit, resource.RLIMIT_DATA)
            assert MEMORY_LIMIT < found[0] < 2**36
            # Without a limit of the task.
            args = (resource.getrlimit, resource.RLIMIT_DATA)
            assert run(pool, "call", *args, memory_limit=None)[0] == [limits]
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def keep_shared_memory():
    KEPT.append(mmap.mmap(-1, MEMORY_LIMIT // 2))
    KEPT[-1].write(bytes(MEMORY_LIMIT // 2))


def test_worker_that_keeps_shared_memory_is_replaced(pool):
    first, _ = call(pool, keep_shared_memory)
    assert call(pool, os.getpid)[0] != first
