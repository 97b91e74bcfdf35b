"""Run the tasks of `faulty_tasks` in a pool and collect their events."""

import time

from sklearn_meta.parallel._pool import Payload, Task

TASKS = "tests.parallel.faulty_tasks:"
# Seconds after which a test has failed; reached by no passing test.
PATIENCE = 60
MEMORY_LIMIT = 128 * 2**20


def collect(pool, n_tasks=1):
    """Wait for the end of some tasks; return all events."""
    events, end = [], time.monotonic() + PATIENCE
    while sum(not isinstance(e, Payload) for e in events) < n_tasks:
        assert time.monotonic() < end, f"only {events} arrived"
        events += pool.wait(1.0)
    return events


def run(pool, function, *args, seconds=None, memory_limit=MEMORY_LIMIT):
    """Run one task; return the values that it yielded, and its end."""
    deadline = None if seconds is None else pool.clock() + seconds
    pool.submit(Task(7, TASKS + function, args, deadline, memory_limit))
    *payloads, end = collect(pool)
    assert all(isinstance(p, Payload) and p.task_id == 7 for p in payloads)
    assert end.task_id == 7
    return [p.value for p in payloads], end
