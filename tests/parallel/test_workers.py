"""How many candidates run at one time, and where."""

import subprocess
import sys
import types

import joblib
import pytest
from joblib.parallel import get_active_backend

from sklearn_meta.parallel import _workers
from sklearn_meta.parallel._workers import Workers
from tests.parallel.scripted_cluster import ScriptedCluster


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of 10 slots that the active backend stands for."""
    cluster = ScriptedCluster(10)
    monkeypatch.setattr(_workers, "_cluster_of", lambda backend: cluster)
    return cluster


@pytest.mark.parametrize(("n_jobs", "n"), [(None, 1), (1, 1), (3, 3)])
def test_without_a_cluster_the_number_is_that_of_joblib(n_jobs, n):
    assert Workers.find(n_jobs) == Workers(n)
    assert Workers.find(-1) == Workers(joblib.effective_n_jobs(-1))


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_backends_of_one_machine_change_the_number_only(backend):
    with joblib.parallel_config(backend=backend, n_jobs=3):
        assert Workers.find(None) == Workers(3)
        assert Workers.find(2) == Workers(2)


def test_no_engine_is_imported_that_is_not_used():
    code = (
        "import sys, joblib; from sklearn_meta.parallel._workers import Workers\n"
        "with joblib.parallel_config(backend='loky'): Workers.find(2)\n"
        "import sklearn_meta.parallel._dask, sklearn_meta.parallel._ray\n"
        "print({'dask', 'distributed', 'ray'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True).strip() == "set()"


def test_inside_of_a_task_all_cores_are_one():
    def count(n_jobs):
        return Workers.find(n_jobs).n

    find = joblib.delayed(count)
    found = joblib.Parallel(n_jobs=2)(find(n) for n in (-1, None, 2))
    assert found == [1, 1, 2]


@pytest.mark.parametrize(
    ("n_jobs", "n", "limit"),
    [
        (None, 10, None),
        (-1, 10, None),
        (-3, 8, 8),
        (-99, 1, 1),
        (4, 4, 4),
        (25, 25, 25),
    ],
)
def test_n_jobs_counts_slots_of_the_cluster(cluster, n_jobs, n, limit):
    assert Workers.find(n_jobs) == Workers(n, cluster, limit)


def test_n_jobs_of_the_context_counts_unless_the_estimator_has_its_own(cluster):
    with joblib.parallel_config(backend="threading", n_jobs=3):
        assert Workers.find(None) == Workers(3, cluster, 3)
        assert Workers.find(5) == Workers(5, cluster, 5)


def test_an_empty_cluster_has_one_worker_to_come(cluster):
    cluster.size = 0
    assert Workers.find(-1) == Workers(1, cluster, None)


def test_only_the_node_knows_its_memory(cluster):
    assert Workers.find(-1).memory_limit(None) is None
    assert Workers.find(-1).memory_limit(1.5) == 3 * 2**19
    assert Workers(2).memory_limit(1.5) == 3 * 2**19
    assert Workers(2).memory_limit(None) > 0


def test_inside_of_a_task_of_dask_there_is_one_worker(cluster, monkeypatch):
    dask = types.SimpleNamespace(get_worker=lambda: "worker")
    monkeypatch.setitem(sys.modules, "distributed", dask)
    assert Workers.find(-1) == Workers(1) and Workers.find(8) == Workers(1)

    def fail():
        raise ValueError("No worker found")

    dask.get_worker = fail
    assert Workers.find(8).n == 8


@pytest.mark.parametrize(
    ("is_initialized", "mode", "n"), [(0, 1, 8), (1, 1, 1), (1, 0, 8)]
)
def test_inside_of_a_task_of_ray_there_is_one_worker(
    cluster, monkeypatch, is_initialized, mode, n
):
    context = types.SimpleNamespace(worker=types.SimpleNamespace(mode=mode))
    ray = types.SimpleNamespace(
        is_initialized=lambda: bool(is_initialized),
        get_runtime_context=lambda: context,
        WORKER_MODE=1,
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    assert Workers.find(8).n == n


def test_what_the_driver_computes_stays_in_its_process(cluster):
    class Estimator:
        n_jobs = None

        @_workers.runs_on_workers
        def fit(self, inner=None):
            if inner is not None:
                # As of a scorer that fits another one.
                cluster_of_fit = Workers.of_this_fit()
                inner.fit()
                assert Workers.of_this_fit() is cluster_of_fit
            return Workers.of_this_fit(), get_active_backend()

    with joblib.parallel_config(backend="threading", n_jobs=3):
        workers, (backend, n_jobs) = Estimator().fit(Estimator())
        assert type(get_active_backend()[0]).__name__ == "ThreadingBackend"
    assert workers == Workers(3, cluster, 3)
    assert type(backend).__name__ == "LokyBackend" and n_jobs == 1
    with pytest.raises(LookupError):
        Workers.of_this_fit()


def test_backends_are_told_by_their_classes():
    class RayBackend:
        pass

    assert _workers._cluster_of(RayBackend()) is None
    RayBackend.__module__ = "ray.util.joblib.ray_backend"
    assert _workers._cluster_of(RayBackend()).name == "Ray"

    class DaskDistributedBackend:
        client = "client"

    cluster = _workers._cluster_of(DaskDistributedBackend())
    assert cluster.name == "Dask" and cluster._client == "client"
