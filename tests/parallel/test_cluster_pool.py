"""Tasks in the slots of a cluster that reports what the test says."""

import pytest

from sklearn_meta.parallel._cluster import Answer, Lost
from sklearn_meta.parallel._cluster_pool import GRACE_SECONDS
from sklearn_meta.parallel._node import Step
from sklearn_meta.parallel._pickled import dumps
from sklearn_meta.parallel._pool import (
    Done,
    Failed,
    Payload,
    Place,
    PoolError,
    Task,
)
from tests.parallel.faulty_tasks import _Explosive
from tests.parallel.scripted_cluster import make_pool


def task(id="a", deadline=110.0):
    return Task(id, "module:function", (1,), deadline, 1000)


def test_slots_that_are_ready_are_idle_workers():
    pool, cluster, _ = make_pool()
    assert not pool.ready and pool.n_idle == 0 and pool.n_workers == cluster.size
    cluster.ready("x", "y")
    assert pool.ready and pool.n_idle == 2 and pool.place is Place.WORKER
    assert cluster.log == [("start", "setup", None)]
    assert make_pool(limit=7)[0].n_workers == 7


def test_a_task_is_sent_with_the_seconds_that_it_has():
    pool, cluster, clock = make_pool("x")
    clock.now = 103.0
    pool.submit(task())
    sent = Task(0, "module:function", (1,), None, 1000)
    assert cluster.calls == [("x", Step(7.0, sent))] and pool.n_idle == 0


def test_a_task_without_a_deadline_has_no_limit_and_is_not_given_up():
    pool, cluster, clock = make_pool("x")
    pool.submit(task(deadline=None))
    assert cluster.calls[0][1].seconds is None
    clock.now = 1e6
    assert pool.wait(0) == []


def test_events_are_those_of_the_task():
    pool, cluster, _ = make_pool("x")
    pool.submit(task())
    cluster.answer("x", Payload(0, "one"), Failed(0, "raised", "reason", "trace"))
    one, failed = pool.wait(0)
    assert (one.task_id, one.value) == ("a", "one")
    assert failed == Failed("a", "raised", "reason", "trace")
    assert pool.n_idle == 1


def test_the_next_step_has_the_postponed_deadline():
    pool, cluster, clock = make_pool("x")
    pool.submit(task())
    cluster.answer("x", Payload(0, "one"))
    assert len(pool.wait(0)) == 1 and pool.n_idle == 0
    # The work that gets the value postpones the deadline before it waits again.
    pool.postpone("a", 150.0)
    clock.now = 105.0
    pool.wait(0)
    assert cluster.calls[1:] == [("x", Step(45.0))]
    pool.wait(0)
    assert len(cluster.calls) == 2
    cluster.answer("x", Done(0))
    assert pool.wait(0) == [Done("a")]


def test_a_node_that_does_not_answer_is_given_up_after_a_grace():
    pool, cluster, clock = make_pool("x", "y")
    pool.submit(task())
    clock.now = 110.0 + GRACE_SECONDS - 0.1
    assert pool.wait(0) == []
    clock.now = 110.0 + GRACE_SECONDS
    (failed,) = pool.wait(0)
    assert failed.kind == "timeout" and "12.0 s, without an answer" in failed.reason
    assert cluster.log[-1] == ("replace", "x") and pool.n_idle == 1
    # What it says afterwards is not heard, until it is ready.
    cluster.answer("x", Done(0))
    assert pool.wait(0) == [] and pool.n_idle == 1
    cluster.ready("x")
    assert pool.wait(0) == [] and pool.n_idle == 2


def test_a_postponed_deadline_is_waited_for():
    pool, cluster, clock = make_pool("x")
    pool.submit(task())
    pool.postpone("a", 200.0)
    pool.postpone("b", 0.0)
    clock.now = 199.0
    assert pool.wait(0) == []


@pytest.mark.parametrize(("end", "given_up"), [(110.0, 110.0), (111.0, 111.0)])
def test_there_is_no_grace_after_the_end_of_the_budget(end, given_up):
    pool, cluster, clock = make_pool("x", end=end)
    pool.submit(task())
    clock.now = given_up - 0.01
    assert pool.wait(0) == []
    clock.now = given_up
    assert [e.kind for e in pool.wait(0)] == ["timeout"]


def test_what_is_lost_costs_its_task_only():
    pool, cluster, _ = make_pool("x", "y")
    pool.submit(task("a"))
    pool.submit(task("b"))
    cluster.reports.append(Lost("x", "its worker has left"))
    cluster.answer("y", Done(0))
    assert pool.wait(0) == [Failed("a", "crashed", "its worker has left"), Done("b")]
    assert pool.n_idle == 1


def test_a_canceled_task_reports_nothing_and_its_slot_is_used_again_when_ready():
    pool, cluster, _ = make_pool("x")
    pool.submit(task())
    pool.cancel("a")
    pool.cancel("unknown")
    assert cluster.log[-1] == ("interrupt", "x") and pool.n_idle == 0
    cluster.answer("x", Payload(0, 1), Done(0))
    assert pool.wait(0) == []
    cluster.ready("x")
    pool.wait(0)
    assert pool.n_idle == 1


def test_a_cancel_between_two_waits_removes_what_has_arrived():
    pool, cluster, _ = make_pool("x")
    pool.submit(task())
    cluster.answer("x", Payload(0, "one"))
    pool._handle(cluster.poll(0))
    pool.cancel("a")
    assert pool.wait(0) == []


def test_values_that_cannot_be_unpickled_cost_their_task():
    pool, cluster, _ = make_pool("x")
    pool.submit(task())
    cluster.reports.append(Answer("x", dumps([Payload(0, _Explosive())])))
    (failed,) = pool.wait(0)
    assert failed.kind == "raised" and "cannot be unpickled" in failed.reason
    assert cluster.log[-1] == ("interrupt", "x")


def test_what_has_arrived_is_told_before_the_cluster_is_lost():
    pool, cluster, clock = make_pool("x", "y")
    pool.submit(task("a"))
    pool.submit(task("b"))
    cluster.answer("x", Payload(0, 1), Done(0))
    clock.now = 112.0

    def fail(slot):
        raise OSError("no connection")

    cluster.replace = fail
    events = pool.wait(0)
    assert [type(e) for e in events] == [Payload, Done, Failed]
    for _ in range(2):
        with pytest.raises(PoolError, match="scripted cluster was lost: OSError: no c"):
            pool.wait(0)


def test_close_closes_the_cluster():
    pool, cluster, _ = make_pool("x")
    pool.submit(task())
    pool.close()
    assert cluster.log[-1] == ("close",) and pool.wait(0) == []
