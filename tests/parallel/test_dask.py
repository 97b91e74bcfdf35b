"""Tasks on a real cluster of Dask."""

import gc
import os
import signal
import time

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_validate

from sklearn_meta.parallel import _cluster_pool, _dask, _fallback_pool
from sklearn_meta.parallel._cluster import ClusterError, check_versions, installed
from sklearn_meta.parallel._dask import DaskCluster
from sklearn_meta.parallel._fallback_pool import FallbackPool
from sklearn_meta.parallel._pool import Done, Payload, PoolError
from tests.contract.small import classifier
from tests.parallel import cluster_scenarios as scenarios
from tests.parallel.cluster_scenarios import make_pool, submit, until
from tests.parallel.running import run
from tests.parallel.scripted_pool import ScriptedPool

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    # Of Dask and what it needs.
    pytest.mark.filterwarnings("ignore:::distributed"),
    pytest.mark.filterwarnings("ignore:::tornado"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def local():
    """Two workers in processes of their own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster
    # Here its warnings of open sockets are ignored, in the next test not.
    gc.collect()


@pytest.fixture
def client(local):
    with distributed.Client(local) as client:
        local.scale(2)
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture
def pool(client):
    pool = make_pool(DaskCluster(client))
    pool.start()
    yield pool
    pool.close()


def test_limits_hold_on_the_node(pool):
    scenarios.check_limits_hold_on_the_node(pool)


def test_values_arrive_while_the_task_runs(pool):
    scenarios.check_values_arrive_while_the_task_runs(pool)


def test_a_canceled_task_ends_and_its_slot_is_free(pool):
    scenarios.check_a_canceled_task_ends_and_its_slot_is_free(pool)


def test_a_lost_worker_costs_its_task_only(pool):
    def kill(pids):
        os.kill(pids[2], signal.SIGKILL)

    scenarios.check_a_lost_worker_costs_its_task_only(pool, kill)


def test_nothing_is_left(pool, client):
    scenarios.check_nothing_is_left(pool)

    def n_fits():
        return len(_dask._fits)

    assert set(client.run(n_fits).values()) == {0}
    # The scheduler has forgotten the context and all calls.
    end = time.monotonic() + 20
    while client.run_on_scheduler(n_tasks):
        assert time.monotonic() < end
        time.sleep(0.1)


def n_tasks(dask_scheduler):
    return len(dask_scheduler.tasks)


def test_the_context_is_loaded_once_a_slot(client, tmp_path):
    scenarios.check_the_context_is_loaded_once_a_slot(DaskCluster(client), tmp_path)


def test_the_driver_gives_up_a_stopped_worker(pool, monkeypatch):
    monkeypatch.setattr(_cluster_pool, "GRACE_SECONDS", 0.5)
    until(pool, lambda: pool.n_idle == 2)
    submit(pool, "a", "busy", seconds=3.0)
    pid = scenarios.pids_of(scenarios.first_value(pool))[2]
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        (end,) = scenarios.collect(pool)
        assert end.kind == "timeout" and "without an answer" in end.reason
        assert time.monotonic() - begin < 20
        # The other one takes the next task, and nothing goes to the stopped one.
        assert pool.n_idle == 1
        assert run(pool, "echo", 1)[1] == Done(7)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(pool, lambda: pool.n_idle == 2)


def test_workers_that_are_busy_are_waited_for(client, monkeypatch):
    monkeypatch.setattr(_fallback_pool, "PATIENCE_SECONDS", 1.0)
    others = client.map(time.sleep, [60, 61], pure=False)
    while sum(len(keys) for keys in client.processing().values()) < 2:
        time.sleep(0.05)
    pool = FallbackPool(make_pool(DaskCluster(client)), lambda: ScriptedPool(1))
    with pool:
        pool.start()
        assert pool.n_idle == 0
        with pytest.warns(UserWarning, match="Dask cluster has had no free workers"):
            until(pool, lambda: pool.n_idle)
        assert run(pool, "echo", 1)[1] == Done(7)
        client.cancel(others)
        # Those threads are busy until they end: only the restart ends them.
        client.cancel(others, force=True)


def test_workers_that_come_and_go(local, client, monkeypatch):
    monkeypatch.setattr(_fallback_pool, "PATIENCE_SECONDS", 1.0)
    local.scale(0)
    while client.ncores():
        time.sleep(0.05)
    here = ScriptedPool(1)
    pool = FallbackPool(make_pool(DaskCluster(client)), lambda: here)
    with pool:
        pool.start()
        # None at the start: tasks run here.
        with pytest.warns(UserWarning, match="no free workers"):
            until(pool, lambda: pool.n_idle)
        assert run(pool, "echo", 1)[1] == Done(7) and len(here.log) == 1
        # They come.
        local.scale(2)
        until(pool, lambda: pool.n_idle == 2)
        assert run(pool, "echo", 1)[0] == [1] and len(here.log) == 1
        # One goes.
        local.scale(1)
        until(pool, lambda: pool.n_idle == 1 and len(client.ncores()) == 1)
        assert run(pool, "echo", 1)[0] == [1]
        # All go, with a task.
        submit(pool, "a", "busy")
        local.scale(0)
        ends = [
            e for e in until(pool, lambda: pool.n_idle) if not isinstance(e, Payload)
        ]
        assert [e.kind for e in ends] == ["crashed"]
        assert run(pool, "echo", 1)[1] == Done(7) and len(here.log) == 2


def test_a_lost_scheduler_is_noticed():
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        client = distributed.Client(cluster)
        pool = make_pool(DaskCluster(client))
        pool.start()
        submit(pool, "a", "busy")
        cluster.close()
        begin = time.monotonic()
        with pytest.raises(PoolError, match="Dask cluster was lost"):
            until(pool, lambda: False, seconds=30)
        pool.close()
        assert time.monotonic() - begin < 30
        client.close(timeout=1)


def test_workers_of_one_process_have_nodes_of_their_own():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        with distributed.Client(cluster) as client:
            pool = make_pool(DaskCluster(client))
            pool.start()
            until(pool, lambda: pool.n_idle == 4)
            for number in range(4):
                submit(pool, number, "busy")
            pids = {event.value for event in scenarios.until_values(pool, 4)}
            assert len(pids) == 4
            pool.close()
            assert pool.cluster._fit not in _dask._fits


def test_a_restart_of_the_cluster_is_noticed(pool, client):
    until(pool, lambda: pool.n_idle == 2)
    client.restart(wait_for_workers=False)
    with pytest.raises(PoolError, match="data of the fit was removed"):
        until(pool, lambda: False)


def test_a_worker_of_another_version_is_not_used(client, monkeypatch):
    check_versions(DaskCluster(client))
    assert set(map(str, DaskCluster(client).versions().values())) == {str(installed())}
    pool = make_pool(DaskCluster(client), versions={**installed(), "numpy": "0.1"})
    pool.start()
    with pytest.raises(PoolError, match=r"No worker .* numpy .*here 0\.1"):
        until(pool, lambda: False)
    pool.close()


def test_a_worker_without_the_package_is_an_error():
    without = "import sys; sys.modules['sklearn_meta'] = None"
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, preload=without
    ) as cluster:
        with distributed.Client(cluster), joblib.parallel_config(backend="dask"):
            X, y = load_iris(return_X_y=True)
            with pytest.raises(ClusterError, match="sklearn_meta is missing .here"):
                classifier().fit(X, y)


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_a_counted_fit_is_the_same_as_here(client, n_jobs):
    X, y = load_iris(return_X_y=True)
    here = classifier(max_evaluations=6).fit(X, y)
    with joblib.parallel_config(backend="dask"):
        there = classifier(max_evaluations=6, n_jobs=n_jobs).fit(X, y)
    assert there.time_report_["n_workers"] == (n_jobs or 2)
    assert scenarios.histories(there) == scenarios.histories(here)
    np.testing.assert_array_equal(there.predict_proba(X), here.predict_proba(X))


def test_a_fit_in_a_task_uses_one_worker_of_its_node(client):
    X, y = load_iris(return_X_y=True)
    with joblib.parallel_config(backend="dask"):
        found = cross_validate(classifier(n_jobs=-1), X, y, cv=2, return_estimator=True)
    assert [e.time_report_["n_workers"] for e in found["estimator"]] == [1, 1]


def test_a_slot_is_free_again_without_the_context(pool):
    """The only copy of the context may be on a worker that hangs."""
    until(pool, lambda: pool.n_idle == 2)
    pool.cluster._data.cancel()
    submit(pool, "a", "busy")
    scenarios.first_value(pool)
    pool.cancel("a")
    until(pool, lambda: pool.n_idle == 2)
    assert run(pool, "echo", 1)[1] == Done(7)
