"""Worker processes under real faults."""

import contextlib
import gc
import importlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sklearn_meta.parallel import _process_pool, _server_handle
from sklearn_meta.parallel._pool import Done, Failed, Payload, PoolError, Task
from sklearn_meta.parallel._process_pool import ProcessPool, can_start_processes
from tests.parallel.running import MEMORY_LIMIT, PATIENCE, TASKS, collect, run

pytestmark = pytest.mark.skipif(
    not can_start_processes(), reason="processes do not fork here"
)

ROOT = Path(__file__).parents[2]


def make_pool(n_workers=1, args=(), *, setup="load", **kwargs):
    kwargs.setdefault("preload", ("numpy",))
    return ProcessPool(n_workers, setup=(TASKS + setup, args), **kwargs)


@contextlib.contextmanager
def started(*args, **kwargs):
    with make_pool(*args, **kwargs) as pool:
        pool.start()
        wait_until(lambda: pool.ready, pool)
        yield pool


def wait_until(condition, pool=None):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        if pool is None:
            time.sleep(0.01)
        else:
            assert pool.wait(0.05) == []


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A zombie has died and only waits to be counted.
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def n_descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(scope="module")
def shared_pool():
    with started(2) as pool:
        yield pool


@pytest.fixture
def pool(shared_pool):
    """A pool that must work as well after the test as before it."""
    assert shared_pool.n_idle == 2
    yield shared_pool
    assert shared_pool.n_idle == 2
    for task_id in range(2):
        shared_pool.submit(Task(task_id, TASKS + "echo", ("a", task_id)))
    events = collect(shared_pool, 2)
    for task_id in range(2):
        mine = [e for e in events if e.task_id == task_id]
        payloads = [Payload(task_id, "a"), Payload(task_id, task_id)]
        assert mine == [*payloads, Done(task_id)]


# What tasks give back


def test_values_arrive_in_order_and_then_the_end(pool):
    assert run(pool, "echo", 1, "two", None) == ([1, "two", None], Done(7))


def test_each_value_arrives_at_once(pool):
    pool.submit(Task(1, TASKS + "sleep", (1000,)))
    (event,) = pool.wait(PATIENCE)
    assert isinstance(event, Payload)
    pool.cancel(1)


def test_task_without_values(pool):
    assert run(pool, "echo") == ([], Done(7))


def test_large_values_in_both_directions(pool):
    values = np.random.default_rng(0).normal(size=2_000_000)
    (returned, n), end = run(pool, "echo", values, 3)
    assert end == Done(7) and n == 3
    np.testing.assert_array_equal(returned, values)
    returned[0] = 1.0


def test_many_values(pool):
    values, end = run(pool, "echo", *range(20_000))
    assert values == list(range(20_000)) and end == Done(7)


def test_functions_defined_in_a_test_travel_by_value(pool):
    offset = 5
    assert run(pool, "call", lambda x: x + offset, 2)[0] == [7]


def test_workers_run_one_thread(pool):
    (names,), _ = run(pool, "environment")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        assert names[name] == "1"


def test_wait_returns_after_its_timeout(pool):
    began = time.monotonic()
    assert pool.wait(0.2) == []
    assert 0.2 <= time.monotonic() - began < 5
    assert pool.wait(0) == []


def test_submitting_to_a_busy_pool_is_an_error(pool):
    for task_id in range(2):
        pool.submit(Task(task_id, TASKS + "sleep", (1000,)))
    with pytest.raises(RuntimeError, match="Task 2 .* no worker is idle"):
        pool.submit(Task(2, TASKS + "echo"))
    for task_id in range(2):
        pool.cancel(task_id)


# Exceptions


def test_exception_is_told_with_its_place(pool):
    values, end = run(pool, "several_then_raise", 3)
    assert values == [0, 1, 2]
    assert end.kind == "raised"
    assert end.reason.startswith("KeyError: 'after them' (faulty_tasks.py, line ")
    assert end.reason.endswith("in several_then_raise)")
    assert "Traceback (most recent call last)" in end.traceback


@pytest.mark.parametrize(
    "exception, kind, reason",
    [
        (ValueError("a\n  b"), "raised", "ValueError: a b ("),
        (SystemExit(3), "raised", "SystemExit: 3 ("),
        (KeyboardInterrupt(), "raised", "KeyboardInterrupt ("),
        (GeneratorExit(), "raised", "GeneratorExit ("),
        (BrokenPipeError("no"), "raised", "BrokenPipeError: no ("),
        (MemoryError("much"), "memory", "MemoryError: much ("),
        (RuntimeError("std::bad_alloc"), "memory", "RuntimeError: std::bad_alloc ("),
        (StopIteration(), "raised", "RuntimeError: generator raised StopIteration ("),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_exception_is_a_failure(pool, exception, kind, reason):
    values, end = run(pool, "raise_exception", exception)
    assert (values, end.kind) == ([], kind)
    assert end.reason.startswith(reason)


def test_long_message_is_shortened(pool):
    _, end = run(pool, "raise_exception", ValueError("x" * 10**6))
    assert len(end.reason) < 1_200 and len(end.traceback) < 30_000


@pytest.mark.parametrize(
    "function, reason",
    [
        ("raise_error_that_cannot_be_told", "BadError"),
        ("recurse", "RecursionError"),
        ("unpicklable", "cannot pickle"),
        ("cannot_be_unpickled", "its result cannot be unpickled: ValueError"),
        ("not_a_generator", "TypeError: 'NoneType' object is not iterable"),
        ("not_callable", "TypeError: 'int' object is not callable"),
        ("not_there", "AttributeError: module"),
    ],
)
def test_other_ways_to_raise(pool, function, reason):
    _, end = run(pool, function)
    assert isinstance(end, Failed) and end.kind == "raised"
    assert reason in end.reason


def test_warnings_and_prints_go_nowhere(pool, capfd):
    assert run(pool, "warn_a_lot") == (["fine"], Done(7))
    assert capfd.readouterr() == ("", "")


# Hanging


@pytest.mark.parametrize(
    "function, args",
    [
        ("sleep", (1000,)),
        ("busy", ()),
        ("warn_and_print_endlessly", ()),
        ("hang_in_c_with_the_gil", ()),
        ("ignore_all_signals", ()),
        ("stop_itself", ()),
    ],
)
def test_hanging_task_ends_at_its_deadline(pool, function, args):
    began = time.monotonic()
    (pid,), end = run(pool, function, *args, seconds=0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert end.kind == "timeout"
    assert end.reason.startswith("stopped at its deadline after 0.")
    wait_until(lambda: not is_alive(pid))


def test_deadline_can_be_postponed(pool):
    began = time.monotonic()
    pool.submit(Task(1, TASKS + "sleep", (1.0,), pool.clock() + 0.5))
    pool.postpone(1, pool.clock() + 1000)
    pool.postpone(2, pool.clock())  # of nobody
    assert [type(e) for e in collect(pool)] == [Payload, Payload, Done]
    assert time.monotonic() - began >= 1.0

    pool.submit(Task(3, TASKS + "sleep", (1000,), pool.clock() + 1000))
    pool.postpone(3, pool.clock() + 0.3)
    assert [type(e) for e in collect(pool)] == [Payload, Failed]


def test_hanging_task_does_not_disturb_another_one(pool):
    pool.submit(Task(1, TASKS + "busy", (), pool.clock() + 0.3))
    pool.submit(Task(2, TASKS + "sleep", (0.6,)))
    events = collect(pool, 2)
    assert [type(e) for e in events if e.task_id == 1] == [Payload, Failed]
    assert [type(e) for e in events if e.task_id == 2] == [Payload, Payload, Done]


def test_worker_can_be_given_a_task_right_after_a_kill(pool):
    for _ in range(10):
        pool.submit(Task(1, TASKS + "busy"))
        pool.submit(Task(2, TASKS + "busy"))
        pool.cancel(1)
        pool.cancel(2)
        assert pool.n_idle == 2
    assert run(pool, "echo", 1) == ([1], Done(7))


def test_finished_task_is_not_late_because_nobody_looked():
    now = [0.0]
    with started(clock=lambda: now[0]) as pool:
        pool.submit(Task(1, TASKS + "echo", ("x",), 10.0))
        time.sleep(0.5)
        now[0] = 11.0
        assert collect(pool) == [Payload(1, "x"), Done(1)]
        # An unfinished one is, and the deadline is one of this clock.
        pool.submit(Task(2, TASKS + "sleep", (1000,), 20.0))
        assert [type(e) for e in pool.wait(PATIENCE)] == [Payload]
        assert pool.wait(0.1) == []
        now[0] = 20.0
        assert [(e.task_id, e.kind) for e in pool.wait(PATIENCE)] == [(2, "timeout")]


def test_cancelled_task_is_never_heard_of(pool):
    pool.submit(Task(1, TASKS + "sleep", (1000,)))
    assert len(pool.wait(PATIENCE)) == 1
    pool.cancel(1)
    pool.cancel(1)
    pool.cancel(99)
    pool.submit(Task(2, TASKS + "exit_at_once", (0,)))
    time.sleep(0.2)
    pool.cancel(2)
    assert pool.n_idle == 2
    assert pool.wait(0.3) == []


# Crashing


@pytest.mark.parametrize(
    "function, args, reason",
    [
        ("exit_at_once", (0,), "ended with exit code 0"),
        ("exit_at_once", (3,), "ended with exit code 3"),
        ("segfault", (), "died of signal SIGSEGV"),
        ("abort", (), "died of signal SIGABRT"),
        ("kill_itself", (signal.SIGKILL,), "died of signal SIGKILL"),
        ("kill_itself", (signal.SIGTERM,), "died of signal SIGTERM"),
        ("kill_itself", (signal.SIGRTMIN + 2,), "died of signal"),
        ("kill_its_group", (), "died of signal SIGKILL"),
        ("close_all_files", (), "died of signal SIGKILL"),
    ],
)
def test_crash_is_told_with_its_cause(pool, function, args, reason):
    values, end = run(pool, function, *args, seconds=PATIENCE)
    assert values in ([], ["one"])
    assert end.kind == "crashed"
    assert reason in end.reason


def test_values_before_a_crash_are_kept(pool):
    assert run(pool, "segfault")[0] == ["one"]


def test_crashes_leave_no_core_file(pool, tmp_path):
    before = set(os.listdir())
    run(pool, "segfault")
    assert set(os.listdir()) == before


def test_processes_of_a_task_die_with_it(pool):
    (found,), _ = run(pool, "leave_a_process", seconds=1.0)
    wait_until(lambda: not is_alive(found[-1]))
    # Also if they hold the worker's connection open.
    (child,), end = run(pool, "leave_a_process_and_crash")
    assert "exit code 1" in end.reason
    wait_until(lambda: not is_alive(child))


def test_lost_server_is_replaced():
    with started(2, (np.ones(100_000),)) as pool:
        for _ in range(2):
            pool.submit(Task(1, TASKS + "leave_a_process"))
            (event,) = pool.wait(PATIENCE)
            pool.submit(Task(2, TASKS + "kill_the_server"))
            events = collect(pool, 2)
            ends = [e for e in events if isinstance(e, Failed)]
            assert {(e.task_id, e.kind) for e in ends} == {
                (1, "crashed"),
                (2, "crashed"),
            }
            wait_until(lambda pids=event.value: not any(map(is_alive, pids)))
            wait_until(lambda: pool.ready, pool)
            assert pool.n_idle == 2
            (state,), _ = run(pool, "state")
            assert state[0].sum() == 100_000


def test_server_lost_too_often_is_an_error(monkeypatch):
    monkeypatch.setattr(_process_pool, "MAX_LOST_SERVERS", 1)
    with started() as pool:
        with pytest.raises(PoolError, match="again and again"):
            for _ in range(10):
                run(pool, "kill_the_server")
                wait_until(lambda: pool.ready, pool)
        pool.close()


def test_stopped_server_is_replaced(monkeypatch):
    monkeypatch.setattr(_process_pool, "FORK_SECONDS", 0.5)
    with started() as pool:
        assert run(pool, "stop_the_server")[1] == Done(7)
        # Killed without the server, at once; its successor needs another server.
        _, end = run(pool, "sleep", 1000, seconds=0.2)
        assert end.kind == "timeout"
        wait_until(lambda: not pool.ready, pool)
        wait_until(lambda: pool.ready, pool)
        assert run(pool, "echo", 1) == ([1], Done(7))


# Memory


@pytest.mark.parametrize(
    "function, args", [("one_huge_array", ()), ("small_pieces", (4 * MEMORY_LIMIT,))]
)
def test_task_that_wants_too_much_memory_sees_an_error(pool, function, args):
    values, end = run(pool, function, *args)
    assert values == ["one"]
    assert end.kind == "memory"
    assert "MemoryError" in end.reason


def test_task_within_the_limit_is_left_alone(pool):
    for _ in range(6):
        assert run(pool, "small_pieces", MEMORY_LIMIT // 2)[1] == Done(7)


def test_memory_is_watched_from_outside_as_well(pool, monkeypatch):
    # As if the worker had not limited itself.
    unlimited = _process_pool.pack_limit(None)
    monkeypatch.setattr(_process_pool, "pack_limit", lambda limit: unlimited)
    task = Task(1, TASKS + "hold", (MEMORY_LIMIT // 2,), memory_limit=MEMORY_LIMIT // 4)
    pool.submit(task)
    *_, end = collect(pool)
    assert end.kind == "memory"
    assert end.reason.endswith("the limit is 32 MiB")


def test_crash_for_want_of_memory_is_told_apart(pool):
    _, end = run(pool, "crash_when_memory_is_short")
    assert end.kind == "memory"
    assert end.reason.startswith("the worker process died of signal SIGABRT")
    assert end.reason.endswith("near its memory limit of 128 MiB")


def test_worker_that_keeps_memory_is_replaced(pool):
    seen = {run(pool, "keep_in_state", MEMORY_LIMIT // 2)[0][0] for _ in range(4)}
    assert len(seen) == 4


def test_worker_that_keeps_a_thread_is_replaced(pool):
    seen = {run(pool, "leave_a_thread")[0][0] for _ in range(4)}
    assert len(seen) == 4


def test_without_a_limit_a_worker_may_use_what_there_is():
    with started() as pool:
        _, end = run(pool, "small_pieces", 2 * MEMORY_LIMIT, memory_limit=None)
        assert end == Done(7)


# Setup


def test_state_is_shared_and_read_only():
    array = np.arange(1_000_000.0)
    with started(args=(array, {"inner": array})) as pool:
        (loaded,), _ = run(pool, "state")
        np.testing.assert_array_equal(loaded[0], array)
        np.testing.assert_array_equal(loaded[1]["inner"], array)
        assert run(pool, "is_read_only")[0] == [True]


def test_start_does_not_wait():
    with make_pool(setup="load_slowly", args=(1000,)) as pool:
        began = time.monotonic()
        pool.start()
        assert time.monotonic() - began < 5
        assert not pool.ready
        assert pool.n_idle == 0
        with pytest.raises(RuntimeError, match="no worker is idle"):
            pool.submit(Task(1, TASKS + "echo"))


def test_wait_returns_when_the_pool_becomes_ready():
    with make_pool() as pool:
        pool.start()
        assert pool.wait(PATIENCE) == []
        assert pool.ready and pool.n_idle == 1


def test_setup_that_raises_is_an_error_with_its_cause():
    before = n_descriptors()
    with make_pool(setup="load_badly", args=("no such table",)) as pool:
        pool.start()
        with pytest.raises(PoolError, match="ValueError: no such table") as info:
            wait_until(lambda: pool.ready)
        assert "load_badly" in info.value.__notes__[0]
        # It is an error from now on.
        with pytest.raises(PoolError, match="ValueError: no such table"):
            pool.wait(0)
        with pytest.raises(PoolError, match="ValueError: no such table"):
            assert pool.ready
        assert pool.n_idle == 0
    assert n_descriptors() <= before


def test_setup_that_exits_is_an_error_with_its_last_words():
    with make_pool(setup="load_with_a_message", args=("farewell",)) as pool:
        pool.start()
        with pytest.raises(PoolError, match="exit code 4: farewell"):
            pool.wait(PATIENCE)


def test_setup_that_is_not_there_is_an_error():
    with make_pool(setup="nowhere") as pool:
        pool.start()
        with pytest.raises(PoolError, match="AttributeError"):
            pool.wait(PATIENCE)


def test_arguments_that_cannot_be_pickled_are_an_error():
    before = n_descriptors()
    with make_pool(args=(threading.Lock(),)) as pool:
        with pytest.raises(TypeError, match="cannot pickle"):
            pool.start()
    assert n_descriptors() <= before


def test_missing_modules_are_not_preloaded():
    with started(preload=("numpy", "no_such_module", "numpy.nothing_there")) as pool:
        assert run(pool, "echo", 1) == ([1], Done(7))


def test_modules_without_their_libraries_are_not_preloaded(tmp_path, monkeypatch):
    (tmp_path / "without_libgomp.py").write_text(
        "raise OSError('libgomp.so.1: cannot open shared object file')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with started(preload=("without_libgomp", "numpy")) as pool:
        assert run(pool, "echo", 1) == ([1], Done(7))
        _, end = run(pool, "call", importlib.import_module, "without_libgomp")
        assert end.kind == "raised" and "libgomp" in end.reason


def test_garbage_in_a_connection_costs_its_task(pool):
    _, end = run(pool, "write_into_sockets", seconds=PATIENCE)
    assert end.kind == "crashed"
    assert end.reason == _process_pool.CORRUPT


def test_server_that_takes_too_long_is_an_error(monkeypatch):
    monkeypatch.setattr(_server_handle, "START_SECONDS", 0.3)
    with make_pool(setup="load_slowly", args=(1000,)) as pool:
        pool.start()
        with pytest.raises(PoolError, match="before it was ready"):
            for _ in range(20):
                pool.wait(0.5)


def test_interpreter_that_cannot_be_started_is_an_error(monkeypatch):
    before = n_descriptors()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with make_pool() as pool, pytest.raises(PoolError, match="/no/such/python"):
        pool.start()
    assert n_descriptors() <= before


def test_system_without_fork_is_an_error(monkeypatch):
    monkeypatch.delattr(os, "fork")
    assert not can_start_processes()
    with make_pool() as pool, pytest.raises(PoolError, match="InProcessPool"):
        pool.start()


# Ending


@pytest.mark.alone
def test_close_is_quick_and_leaves_nothing():
    gc.collect()
    before = n_descriptors()
    with started(3, (np.ones(1_000_000),)) as pool:
        for task_id in range(3):
            pool.submit(Task(task_id, TASKS + "leave_a_process"))
        events = []
        while len(events) < 3:
            events += pool.wait(PATIENCE)
        found = {pid for e in events for pid in e.value}
        began = time.monotonic()
        pool.close()
        seconds = time.monotonic() - began
        pool.close()
        assert not pool.ready and pool.n_idle == 0 and pool.wait(0) == []
    # 20 ms on an idle machine.
    assert seconds < 1.0
    wait_until(lambda: not any(map(is_alive, found)))
    assert n_descriptors() <= before


def test_close_does_not_depend_on_the_server(monkeypatch):
    # As on a machine so busy that the server does not get its turn.
    monkeypatch.setattr(_server_handle, "CLOSE_SECONDS", 0.0)
    with started() as pool:
        pool.submit(Task(1, TASKS + "leave_a_process"))
        (event,) = pool.wait(PATIENCE)
    wait_until(lambda: not any(map(is_alive, event.value)))


def test_no_descriptors_are_lost_while_it_runs():
    with started(2) as pool:
        run(pool, "echo", 1)
        before = n_descriptors()
        for _ in range(20):
            run(pool, "exit_at_once", 1)
            pool.submit(Task(1, TASKS + "busy"))
            pool.cancel(1)
        run(pool, "echo", 1)
        assert n_descriptors() <= before


def test_close_before_start_and_before_ready():
    make_pool().close()
    with make_pool() as pool:
        pool.start()
        began = time.monotonic()
        pool.close()
        assert time.monotonic() - began < 5


def test_forgotten_pool_ends_its_processes():
    def forget():
        pool = make_pool()
        pool.start()
        wait_until(lambda: pool.ready, pool)
        return run(pool, "pids")[0][0]

    found = forget()
    gc.collect()
    wait_until(lambda: not any(map(is_alive, found)))


def test_interrupted_wait_loses_nothing():
    with started(2) as pool:
        pool.submit(Task(1, TASKS + "sleep", (1.5,)))
        assert [e.task_id for e in pool.wait(PATIENCE)] == [1]
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in range(5):
                assert pool.wait(1.0) == []
        # The workers did not get the signal.
        assert collect(pool) == [Payload(1, "awake"), Done(1)]
        pool.close()


# Where it runs


def run_script(tmp_path, body, **kwargs):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(body))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment,
        cwd=tmp_path,
        **kwargs,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


USE_POOL = """
import sys
from sklearn_meta.parallel._pool import Done, Failed, Payload, Task
from sklearn_meta.parallel._process_pool import ProcessPool
TASKS = "tests.parallel.faulty_tasks:"

def use_pool(value=3):
    with ProcessPool(2, setup=(TASKS + "load", ()), preload=()) as pool:
        pool.start()
        while not pool.ready:
            pool.wait(1)
        pool.submit(Task(1, TASKS + "call", (lambda x: x + 1, value)))
        events = []
        while len(events) < 2:
            events += pool.wait(1)
        assert isinstance(events[1], Done), events
        return events[0].value
"""


def test_process_without_standard_streams(tmp_path):
    # The next files that it opens have their numbers.
    closed = "import os\nos.close(0)\nos.close(1)\n"
    run_script(tmp_path, closed + USE_POOL + "assert use_pool() == 4\n")


def test_script_without_main_guard(tmp_path):
    body = """
    print("once", use_pool())

    class Mine:
        def __init__(self, value):
            self.value = value

    back = use_pool.__globals__["ProcessPool"]
    with ProcessPool(1, setup=(TASKS + "load", (Mine(5),)), preload=()) as pool:
        pool.start()
        while not pool.ready:
            pool.wait(1)
        pool.submit(Task(1, TASKS + "state"))
        events = []
        while len(events) < 2:
            events += pool.wait(1)
        (mine,) = events[0].value
        print(type(mine) is Mine, mine.value)
    """
    out = run_script(tmp_path, USE_POOL + textwrap.dedent(body))
    assert out == "once 4\nTrue 5\n"
    assert os.listdir(tmp_path) == ["script.py"]


def test_in_a_thread(tmp_path):
    results = []

    def use():
        with started() as pool:
            results.append(run(pool, "echo", 1))

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert results == [([1], Done(7))] * 2


def test_in_a_loky_worker(tmp_path):
    body = """
    from joblib import Parallel, delayed
    print(Parallel(n_jobs=2, backend="loky")(delayed(use_pool)(i) for i in range(2)))
    """
    out = run_script(tmp_path, USE_POOL + textwrap.dedent(body))
    assert out == "[1, 2]\n"


@pytest.mark.parametrize(
    "method",
    [
        "fork",
        pytest.param("spawn", marks=pytest.mark.slow),
        pytest.param("forkserver", marks=pytest.mark.slow),
    ],
)
def test_in_a_daemonic_process(tmp_path, method):
    body = f"""
    import multiprocessing
    if __name__ == "__main__":
        with multiprocessing.get_context("{method}").Pool(1) as processes:
            print(processes.map(use_pool, [1, 2]))
    """
    out = run_script(tmp_path, USE_POOL + textwrap.dedent(body))
    assert out == "[2, 3]\n"


def test_fork_of_the_owner_does_not_close_the_pool():
    with started() as pool:
        pid = os.fork()
        if pid == 0:
            pool.close()
            os._exit(0)
        os.waitpid(pid, 0)
        assert run(pool, "echo", 1) == ([1], Done(7))


def test_nothing_survives_a_killed_parent(tmp_path):
    body = """
    import subprocess, time
    pool = ProcessPool(2, setup=(TASKS + "load", ()), preload=())
    pool.start()
    while not pool.ready:
        pool.wait(1)
    pool.submit(Task(1, TASKS + "leave_a_process"))
    pool.submit(Task(2, TASKS + "ignore_all_signals"))
    events = []
    while len(events) < 2:
        events += pool.wait(1)
    print(*events[0].value if events[0].task_id == 1 else [events[0].value], end=" ")
    print(*events[1].value if events[1].task_id == 1 else [events[1].value], flush=True)
    time.sleep(1000)
    """
    assert_nothing_survives(tmp_path, body, n_pids=4)


def test_nothing_survives_a_parent_killed_during_setup(tmp_path):
    body = """
    import time
    pool = ProcessPool(2, setup=(TASKS + "load_slowly", (1000,)), preload=())
    pool.start()
    print(pool._server.popen.pid, flush=True)
    time.sleep(1000)
    """
    assert_nothing_survives(tmp_path, body, n_pids=1)


def test_nothing_survives_a_killed_parent_whose_fork_lives_on(tmp_path):
    body = """
    import os, time
    pool = ProcessPool(1, setup=(TASKS + "load", ()), preload=())
    pool.start()
    while not pool.ready:
        pool.wait(1)
    pool.submit(Task(1, TASKS + "leave_a_process"))
    (event,) = pool.wait(30)
    if os.fork() == 0:
        # Holds the connections of its parent.
        os.close(1)
        time.sleep(8)
        os._exit(0)
    print(*event.value, flush=True)
    time.sleep(1000)
    """
    assert_nothing_survives(tmp_path, body, n_pids=3)


def assert_nothing_survives(tmp_path, body, n_pids):
    script = tmp_path / "script.py"
    script.write_text(USE_POOL + textwrap.dedent(body))
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with parent:
        found = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(found) == n_pids and all(map(is_alive, found))
        parent.kill()
        parent.wait()
    began = time.monotonic()
    wait_until(lambda: not any(map(is_alive, found)))
    assert time.monotonic() - began < 6
