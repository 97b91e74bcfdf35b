"""Tasks on a real local cluster of Ray."""

import gc
import os
import signal
import time

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_validate

from sklearn_meta.parallel import _cluster_pool, _fallback_pool
from sklearn_meta.parallel._cluster import check_versions, installed
from sklearn_meta.parallel._fallback_pool import FallbackPool
from sklearn_meta.parallel._pool import Done, Payload, PoolError
from sklearn_meta.parallel._ray import RayCluster
from tests.contract.small import classifier
from tests.parallel import cluster_scenarios as scenarios
from tests.parallel.cluster_scenarios import make_pool, submit, until
from tests.parallel.running import run
from tests.parallel.scripted_pool import ScriptedPool

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    # Of Ray and what it needs.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def local():
    """A cluster of two CPUs."""
    from ray.util.joblib import register_ray

    try:
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            object_store_memory=200 * 2**20,
        )
    except Exception as error:
        pytest.skip(f"Ray cannot start here: {error}")
    register_ray()
    yield
    ray.shutdown()
    # Here its warnings of open sockets are ignored, in the next test not.
    gc.collect()


@pytest.fixture
def pool(local):
    pool = make_pool(RayCluster())
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


def test_nothing_is_left(pool):
    scenarios.check_nothing_is_left(pool)
    end = time.monotonic() + 20
    while ray.available_resources().get("CPU", 0) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_context_is_loaded_once_a_slot(local, tmp_path):
    scenarios.check_the_context_is_loaded_once_a_slot(RayCluster(), tmp_path)


def test_the_driver_replaces_a_stopped_worker(pool, monkeypatch):
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
        assert run(pool, "echo", 1)[1] == Done(7)
    finally:
        if scenarios.alive(pid):
            os.kill(pid, signal.SIGCONT)
    until(pool, lambda: pool.n_idle == 2)


def test_cpus_that_are_busy_are_waited_for(local, monkeypatch):
    monkeypatch.setattr(_fallback_pool, "PATIENCE_SECONDS", 1.0)
    others = [ray.remote(_sleep).remote() for _ in range(2)]
    time.sleep(1)
    here = ScriptedPool(1)
    pool = FallbackPool(make_pool(RayCluster()), lambda: here)
    with pool:
        pool.start()
        assert pool.n_idle == 0
        with pytest.warns(UserWarning, match="Ray cluster has had no free workers"):
            until(pool, lambda: pool.n_idle)
        assert run(pool, "echo", 1)[1] == Done(7) and len(here.log) == 1
        for other in others:
            ray.cancel(other, force=True)
        until(pool, lambda: pool.n_idle == 2)
        assert run(pool, "echo", 1)[0] == [1]


def _sleep():
    time.sleep(60)


def test_a_worker_of_another_version_is_not_used(local):
    check_versions(RayCluster())
    assert list(RayCluster().versions().values()) == [installed()]
    pool = make_pool(RayCluster(), versions={**installed(), "numpy": "0.1"})
    pool.start()
    with pytest.raises(PoolError, match=r"No node .* numpy .*here 0\.1"):
        until(pool, lambda: False)
    pool.close()


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_a_counted_fit_is_the_same_as_here(local, n_jobs):
    X, y = load_iris(return_X_y=True)
    here = classifier(max_evaluations=6).fit(X, y)
    with joblib.parallel_config(backend="ray"):
        there = classifier(max_evaluations=6, n_jobs=n_jobs).fit(X, y)
    assert there.time_report_["n_workers"] == (n_jobs or 2)
    assert scenarios.histories(there) == scenarios.histories(here)
    np.testing.assert_array_equal(there.predict_proba(X), here.predict_proba(X))


def test_a_fit_in_a_task_uses_one_worker_of_its_node(local):
    X, y = load_iris(return_X_y=True)
    with joblib.parallel_config(backend="ray", n_jobs=2):
        found = cross_validate(classifier(n_jobs=-1), X, y, cv=2, return_estimator=True)
    assert [e.time_report_["n_workers"] for e in found["estimator"]] == [1, 1]


def test_without_ray_a_task_is_lost_and_the_pool_says_so(pool):
    submit(pool, "a", "busy")
    scenarios.first_value(pool)
    ray.shutdown()
    begin = time.monotonic()
    with pytest.raises(PoolError, match="Ray"):
        until(pool, lambda: False)
    assert time.monotonic() - begin < 30
    pool.close()
    # A call of an actor would have started it again.
    assert not ray.is_initialized()


def test_nodes_that_come_and_go(monkeypatch):
    """The last test: it ends the cluster of this module."""
    from ray.cluster_utils import Cluster

    ray.shutdown()
    monkeypatch.setattr(_fallback_pool, "PATIENCE_SECONDS", 1.0)
    head = {"num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        ray.init(cluster.address, log_to_driver=False, configure_logging=False)
        here = ScriptedPool(1)
        with FallbackPool(make_pool(RayCluster()), lambda: here) as pool:
            pool.start()
            # None at the start: tasks run here.
            with pytest.warns(UserWarning, match="no free workers"):
                until(pool, lambda: pool.n_idle)
            assert run(pool, "echo", 1)[1] == Done(7) and len(here.log) == 1
            # One comes.
            node = cluster.add_node(num_cpus=1)
            until(pool, lambda: len(here.log) == 1 and pool._cluster.n_idle)
            assert run(pool, "echo", 1)[0] == [1] and len(here.log) == 1
            # It goes, with a task.
            submit(pool, "a", "busy")
            cluster.remove_node(node, allow_graceful=False)
            events = until(pool, lambda: pool.n_idle)
            ends = [event for event in events if not isinstance(event, Payload)]
            assert [event.kind for event in ends] == ["crashed"]
            assert run(pool, "echo", 1)[1] == Done(7) and len(here.log) == 2
    finally:
        ray.shutdown()
        cluster.shutdown()
        gc.collect()
