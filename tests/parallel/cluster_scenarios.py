"""What happens to tasks on a real cluster, the same for each engine."""

import os
import time
from pathlib import Path

import numpy as np

from sklearn_meta.parallel._cluster import installed
from sklearn_meta.parallel._cluster_pool import ClusterPool
from sklearn_meta.parallel._node import Packed, Setup
from sklearn_meta.parallel._pool import Done, Payload, Task
from tests.parallel.running import MEMORY_LIMIT, PATIENCE, TASKS, collect, run


class CountsLoads:
    """A context that leaves a file for each process that loads it."""

    def __init__(self, folder, n_bytes):
        self.folder = str(folder)
        self.ballast = np.zeros(n_bytes, np.uint8)

    def __reduce__(self):
        return _loaded, (self.folder, self.ballast)

    def n_loads(self):
        return len(os.listdir(self.folder))


def _loaded(folder, ballast):
    Path(folder, str(os.getpid())).touch()
    return ballast.nbytes


def make_pool(cluster, context="context", limit=None, versions=None, **kwargs):
    setup = Setup(Packed.of(context), (), versions or installed())
    clock = kwargs.pop("clock", time.monotonic)
    return ClusterPool(cluster, setup, limit=limit, clock=clock, **kwargs)


def until(pool, condition, seconds=PATIENCE):
    """Wait on a pool until a condition holds; return the events meanwhile."""
    end, events = time.monotonic() + seconds, []
    while not condition():
        assert time.monotonic() < end, f"only {events} arrived"
        events += pool.wait(0.1)
    return events


def submit(pool, id, function, *args, seconds=None, memory_limit=MEMORY_LIMIT):
    until(pool, lambda: pool.n_idle)
    deadline = None if seconds is None else pool.clock() + seconds
    pool.submit(Task(id, TASKS + function, args, deadline, memory_limit))


def first_value(pool):
    """Return the first value that a running task yields."""
    (event, *_) = until_values(pool, 1)
    assert isinstance(event, Payload)
    return event.value


def check_limits_hold_on_the_node(pool):
    until(pool, lambda: pool.n_idle == 2)
    values, end = run(pool, "echo", 1, 2)
    assert values == [1, 2] and end == Done(7)
    # A deadline ends a task on its node, which then takes the next one.
    _, end = run(pool, "hang_in_c_with_the_gil", seconds=0.5)
    assert end.kind == "timeout" and "without an answer" not in end.reason
    assert run(pool, "hold", 2 * MEMORY_LIMIT)[1].kind == "memory"
    assert run(pool, "segfault")[1].kind == "crashed"
    assert run(pool, "kill_the_server")[1].kind == "crashed"
    assert run(pool, "raise_exception", ValueError("no"))[1].kind == "raised"
    values, _ = run(pool, "environment")
    assert values[0]["OMP_NUM_THREADS"] == "1"
    assert run(pool, "state")[0] == ["context"]


def check_values_arrive_while_the_task_runs(pool):
    submit(pool, "a", "sleep", 60)
    assert isinstance(first_value(pool), int)
    pool.postpone("a", pool.clock() + 0.5)
    (end,) = collect(pool)
    assert end.kind == "timeout"


def check_a_canceled_task_ends_and_its_slot_is_free(pool):
    submit(pool, "a", "busy")
    pid = first_value(pool)
    pool.cancel("a")
    assert until(pool, lambda: pool.n_idle == 2 and not alive(pid)) == []


def check_a_lost_worker_costs_its_task_only(pool, kill_parent):
    """Kill the process of a node by the process id of its server."""
    submit(pool, "a", "sleep", 60)
    submit(pool, "b", "sleep", 1.5)
    (payload,) = until_values(pool, 1)
    kill_parent(pids_of(payload.value))
    ends = {e.task_id: e for e in collect(pool, 2) if not isinstance(e, Payload)}
    lost = ends[payload.task_id]
    other = ends["b" if payload.task_id == "a" else "a"]
    assert lost.kind == "crashed"
    if payload.task_id == "a":
        assert other == Done("b")
    # Another one takes its place.
    until(pool, lambda: pool.n_idle == 2)
    assert run(pool, "echo", 1)[1] == Done(7)


def until_values(pool, n):
    events = []
    end = time.monotonic() + PATIENCE
    while len(events) < n:
        assert time.monotonic() < end
        events += pool.wait(0.1)
    return events


def pids_of(worker):
    """Return the ids of a worker process, its server, and the process of the node."""
    server = parent_of(worker)
    return worker, server, parent_of(server)


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def alive(pid):
    """Whether a process exists that is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def check_nothing_is_left(pool):
    """Close a pool whose tasks run, and look for their processes."""
    until(pool, lambda: pool.n_idle == 2)
    submit(pool, "a", "busy")
    submit(pool, "b", "busy")
    workers = [event.value for event in until_values(pool, 2)]
    pids = {pid for worker in workers for pid in pids_of(worker)[:2]}
    pool.close()
    pool.close()
    end = time.monotonic() + 20
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < end, "processes of the fit are left"
        time.sleep(0.05)


def check_the_context_is_loaded_once_a_slot(cluster, folder):
    context = CountsLoads(folder, 12 * 2**20)
    pool = make_pool(cluster, context)
    pool.start()
    try:
        until(pool, lambda: pool.n_idle == 2)
        for _ in range(6):
            assert run(pool, "state")[0] == [12 * 2**20]
        assert context.n_loads() == 2
    finally:
        pool.close()


def histories(estimator):
    return [
        (e.candidate.text, [fold.score for fold in e.folds], e.status)
        for e in estimator.history_
    ]
