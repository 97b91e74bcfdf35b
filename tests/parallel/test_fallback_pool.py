"""A cluster that may be without workers, or be lost, with a pool here."""

import warnings
from dataclasses import dataclass

import pytest

from sklearn_meta.parallel import _fallback_pool
from sklearn_meta.parallel._cluster import Lost
from sklearn_meta.parallel._fallback_pool import FallbackPool
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, Task
from tests.parallel.scripted_cluster import Clock, make_pool
from tests.parallel.scripted_pool import ScriptedPool


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_fallback_pool.time, "monotonic", clock)
    return clock


@pytest.fixture
def here():
    return ScriptedPool(2)


def task(id):
    return Task(id, "module:function")


def make(here, *slots, memory_limit=None):
    remote, cluster, _ = make_pool(*slots)
    pool = FallbackPool(remote, lambda: here, memory_limit)
    pool.start()
    return pool, cluster


def test_tasks_run_on_the_cluster(here, time):
    pool, cluster = make(here, "x")
    assert pool.place is Place.WORKER and pool.n_idle == 1
    pool.submit(task("a"))
    cluster.answer("x", Payload(0, 1), Done(0))
    assert [e.task_id for e in pool.wait(0)] == ["a", "a"]
    pool.close()
    assert cluster.log[-1] == ("close",) and here.log == []


def test_workers_that_come_late_are_waited_for(here, time):
    pool, cluster = make(here)
    assert pool.place is Place.STARTING and pool.n_idle == 0
    time.now += 9
    assert pool.wait(0) == [] and pool.n_idle == 0
    cluster.ready("x")
    assert pool.n_idle == 1 and pool.place is Place.WORKER


def test_without_workers_tasks_run_here_until_there_are_some(here, time):
    pool, cluster = make(here, memory_limit=77)
    pool.wait(0)
    time.now += 11
    with pytest.warns(UserWarning, match="no free workers for 10 s.*up to 2 at a time"):
        pool.wait(0)
    assert pool.place is Place.WORKER and pool.n_idle == 2
    here.script = {"a": [[], [Done("a")]]}
    pool.submit(task("a"))
    assert here.log == [("submit", "a")]
    cluster.ready("x")
    # The next tasks run there; the one here ends here.
    assert pool.n_idle == 1
    pool.submit(task("b"))
    assert cluster.calls and here.log == [("submit", "a")]
    cluster.answer("x", Done(0))
    assert pool.wait(0) == [Done("b")]
    assert pool.wait(0) == [Done("a")]


def test_a_task_here_gets_the_memory_of_this_machine(here, time):
    pool, cluster = make(here, memory_limit=77)
    cluster.is_lost = True
    with pytest.warns(UserWarning):
        pool.wait(0)
    limits = []
    here.submit = lambda task: limits.append(task.memory_limit)
    pool.submit(task("a"))
    pool.submit(Task("b", "module:function", memory_limit=5))
    assert limits == [77, 5]


def test_a_lost_cluster_costs_its_tasks_and_warns_once(here, time):
    pool, cluster = make(here, "x")
    pool.submit(task("a"))
    cluster.is_lost = True
    with pytest.warns(UserWarning, match="cluster was lost. Candidates run on this"):
        events = pool.wait(0)
    assert events == [Failed("a", "crashed", "the cluster was lost")]
    assert cluster.log[-1] == ("close",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool.submit(task("b"))
        assert pool.wait(0) == [Done("b")]
    assert pool.n_workers == 2
    pool.close()
    assert here.log[-1] == ("close",)


def test_a_cluster_that_loses_all_workers_is_left_after_some_seconds(here, time):
    pool, cluster = make(here, "x")
    pool.submit(task("a"))
    cluster.reports.append(Lost("x", "gone"))
    assert pool.wait(0) == [Failed("a", "crashed", "gone")]
    time.now += 9
    assert pool.wait(0) == [] and pool.n_idle == 0
    time.now += 2
    with pytest.warns(UserWarning, match="no free workers"):
        pool.wait(0)
    assert pool.n_idle == 2


@dataclass(frozen=True)
class TaskOfKey(Task):
    """A task with a key, whether or not tasks have one by themselves."""

    key: str | None = None


@pytest.mark.parametrize("place", [Place.WORKER, Place.STARTING])
@pytest.mark.parametrize("ends", ["lost", "crashed", "timeout", "raised"])
def test_what_may_have_cost_a_worker_is_not_run_in_this_process(here, ends, place):
    pool, cluster = make(here, "x")
    pool.submit(TaskOfKey("a", "module:function", key="text"))
    if ends != "lost":
        cluster.answer("x", Failed(0, ends, "reason"))
        assert [e.kind for e in pool.wait(0)] == [ends]
    cluster.is_lost = True
    with pytest.warns(UserWarning):
        pool.wait(0)
    here.place = place
    dangerous = ends != "raised"
    assert pool.suspects == (frozenset({"text"}) if dangerous else frozenset())
    pool.submit(TaskOfKey("b", "module:function", key="text"))
    pool.submit(TaskOfKey("c", "module:function", key="other"))
    if dangerous and place is not Place.WORKER:
        assert here.log == [("submit", "c")]
        assert "not begun in this process" in pool.wait(0)[-1].reason
    else:
        assert here.log == [("submit", "b"), ("submit", "c")]


def test_cancel_and_postpone_reach_both(here, time):
    pool, cluster = make(here, "x")
    pool.submit(task("a"))
    cluster.is_lost = True
    with pytest.warns(UserWarning):
        assert pool.n_idle == 0 or pool.place
        pool._lose_cluster("Lost.")
    pool.cancel("a")
    assert pool.wait(0) == []
    pool.postpone("b", 3.0)
    assert ("postpone", "b", 3.0) in here.log and ("cancel", "a") in here.log
