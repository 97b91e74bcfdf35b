"""Tasks in this process, step by step."""

import asyncio

import pytest

from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._pool import Done, Failed, Payload, Task
from tests.parallel.running import TASKS, collect, run


@pytest.fixture
def local():
    return InProcessPool(("the state",))


def test_in_process_pool_gives_the_same_events(local):
    assert local.n_workers == 1 and local.n_idle == 1
    assert local.wait(1) == []
    assert run(local, "echo", 1, 2) == ([1, 2], Done(7))
    assert run(local, "state") == ([("the state",)], Done(7))
    values, end = run(local, "several_then_raise", 2)
    assert values == [0, 1]
    assert end.kind == "raised" and end.reason.startswith("KeyError: 'after them' (")
    assert local.n_idle == 1


def test_in_process_pool_runs_step_by_step(local):
    local.submit(Task(1, TASKS + "echo", (1, 2)))
    assert local.n_idle == 0
    assert local.wait(0) == [Payload(1, 1)]
    with pytest.raises(RuntimeError, match="task 1 is still running"):
        local.submit(Task(2, TASKS + "echo"))
    local.cancel(2)
    assert local.wait(0) == [Payload(1, 2)]
    local.cancel(1)
    assert local.wait(0) == [] and local.n_idle == 1


def test_in_process_pool_stops_between_steps_at_the_deadline():
    now = [0.0]
    pool = InProcessPool(clock=lambda: now[0])

    def tick():
        now[0] += 1.0

    pool.submit(Task(1, TASKS + "call_often", (tick,), 2.5))
    events = collect(pool)
    assert [type(e) for e in events] == [Payload, Payload, Payload, Failed]
    assert (events[-1].kind, events[-1].reason) == (
        "timeout",
        "stopped at its deadline after 3.0 s",
    )
    pool.submit(Task(2, TASKS + "call_often", (tick,), 1.0))
    assert [e.kind for e in pool.wait(0)] == ["timeout"]
    pool.submit(Task(3, TASKS + "call_often", (tick,), 3.5))
    pool.postpone(2, 0.0)  # it has ended
    pool.postpone(3, 5.5)
    assert [type(e) for e in collect(pool)] == [Payload, Payload, Payload, Failed]
    pool.submit(Task(4, TASKS + "call_often", (tick,), 6.5))
    assert [type(e) for e in pool.wait(0)] == [Payload]
    pool.postpone(4, 8.5)  # late after its first step, which shows that it ends
    assert [type(e) for e in collect(pool)] == [Payload, Payload, Failed]


@pytest.mark.parametrize(
    "exception, kind",
    [
        (SystemExit(1), "raised"),
        (MemoryError(), "memory"),
        (asyncio.CancelledError(), "raised"),
    ],
)
def test_in_process_pool_survives(local, exception, kind):
    assert run(local, "raise_exception", exception)[1].kind == kind


def test_in_process_pool_lets_an_interrupt_through(local):
    local.submit(Task(1, TASKS + "raise_exception", (KeyboardInterrupt(),)))
    with pytest.raises(KeyboardInterrupt):
        local.wait(0)
    assert local.n_idle == 1
    local.close()


def test_in_process_pool_uses_one_thread_and_restores_the_limits(local):
    from threadpoolctl import threadpool_info

    before = [(i["filepath"], i["num_threads"]) for i in threadpool_info()]
    (inside,), _ = run(local, "call", threadpool_info)
    assert inside and {i["num_threads"] for i in inside} == {1}
    assert [(i["filepath"], i["num_threads"]) for i in threadpool_info()] == before
