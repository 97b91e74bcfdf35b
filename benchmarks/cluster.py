"""Fits on a cluster: evaluations per second, overhead, traffic, and where it saturates.

    python -m benchmarks.cluster speed --engines local dask ray --workers 1 2 4
    python -m benchmarks.cluster overhead --engines dask ray
    python -m benchmarks.cluster traffic --engines dask ray
    python -m benchmarks.cluster driver
    python -m benchmarks.cluster simulate

Speed: a counted search over candidates that fit in some milliseconds on each of five
folds. With more workers than cores, only the overhead is measured. Overhead: seconds
from the submission of an empty task to its end, and tasks a second. Traffic: bytes on
the loopback interface, for a context of 40 MB and some tasks. Driver: seconds of a
proposal with the evaluation that is told, and of writing the evaluations of a fit into
a knowledge base. Simulate: the share of the workers' seconds that candidates get, for
up to 1 000 workers, from the overhead that the other commands measure.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

# Of `PredictionIndex`, for one evaluation.
INDEX_BYTES = 1024


# Tasks


def nothing(context):
    """Task without work."""
    yield from ()


def values(context, n_bytes):
    """Task with a result of some bytes."""
    yield np.zeros(n_bytes, np.uint8)


# Engines


@contextlib.contextmanager
def cluster_of(engine, n_workers):
    """Start a cluster of one thread or CPU a worker; yield its `Cluster`."""
    if engine == "dask":
        from distributed import Client, LocalCluster

        from sklearn_meta.parallel._dask import DaskCluster

        with LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=None
        ) as local:
            with Client(local) as client:
                client.wait_for_workers(n_workers)
                yield DaskCluster(client)
    else:
        import ray
        from ray.util.joblib import register_ray

        from sklearn_meta.parallel._ray import RayCluster

        ray.init(
            address="local",
            num_cpus=n_workers,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
        )
        register_ray()
        try:
            yield RayCluster()
        finally:
            ray.shutdown()


@contextlib.contextmanager
def started_pool(cluster, context, n_workers):
    """Start a pool and wait until all its slots are ready."""
    from sklearn_meta.parallel._cluster import installed
    from sklearn_meta.parallel._cluster_pool import ClusterPool
    from sklearn_meta.parallel._node import Packed, Setup

    setup = Setup(Packed.of(context), (), installed())
    pool = ClusterPool(cluster, setup, limit=n_workers, clock=time.monotonic)
    begin = time.perf_counter()
    pool.start()
    try:
        while pool.n_idle < n_workers:
            pool.wait(0.1)
        pool.seconds_to_start = time.perf_counter() - begin
        yield pool
    finally:
        pool.close()


def run_all(pool, function, args, n_tasks):
    """Run some tasks in all slots; return the seconds of all and of each."""
    from sklearn_meta.parallel._pool import Payload, Task

    name = f"benchmarks.cluster:{function.__name__}"
    begun, seconds, n_begun = {}, [], 0
    begin = time.perf_counter()
    while len(seconds) < n_tasks:
        while pool.n_idle and n_begun < n_tasks:
            begun[n_begun] = time.perf_counter()
            pool.submit(Task(n_begun, name, args))
            n_begun += 1
        for event in pool.wait(1.0):
            if not isinstance(event, Payload):
                seconds.append(time.perf_counter() - begun.pop(event.task_id))
    return time.perf_counter() - begin, np.array(seconds)


# Measurements


def speed(engines, workers, n_evaluations):
    import joblib
    from sklearn.datasets import make_classification

    from benchmarks.engine import tiny_learner
    from sklearn_meta import MetaAutoClassifier
    from sklearn_meta.metalearning import FixedPortfolio
    from sklearn_meta.pipelines import SearchSpace
    from sklearn_meta.search import EvolutionarySearch

    X, y = make_classification(1_000, 5, random_state=0)
    space = SearchSpace(include=["standard_scaler"], operators=[tiny_learner()])
    told = []

    class TimedSearch(EvolutionarySearch):
        """Notes when it is told of an evaluation."""

        def start(self, problem):
            search = super().start(problem)
            tell = search.tell

            def tell_and_note(evaluations):
                told.append(time.perf_counter())
                tell(evaluations)

            search.tell = tell_and_note
            return search

    def fit(n_workers):
        told.clear()
        MetaAutoClassifier(
            time_budget=600,
            max_evaluations=n_evaluations,
            n_jobs=n_workers,
            cv=5,
            ensemble_size=1,
            search=TimedSearch(look_ahead=4 * n_workers),
            search_space=space,
            meta_learner=FixedPortfolio(),
            random_state=0,
        ).fit(X, y)
        return np.array(told)

    for engine in engines:
        for n_workers in workers:
            with contextlib.ExitStack() as stack:
                if engine != "local":
                    stack.enter_context(cluster_of(engine, n_workers))
                    stack.enter_context(joblib.parallel_config(backend=engine))
                begin = time.perf_counter()
                times = fit(n_workers)
            # Without the first ones, which begin while workers start.
            late = times[len(times) // 5 :]
            print(
                f"{engine:6s} {n_workers} workers: "
                f"{(len(late) - 1) / (late[-1] - late[0]):6.1f} evaluations a second; "
                f"{times[0] - begin:.1f} s until the first",
                flush=True,
            )


def overhead(engines, n_workers, n_tasks):
    for engine in engines:
        with (
            cluster_of(engine, n_workers) as cluster,
            started_pool(cluster, None, n_workers) as pool,
        ):
            run_all(pool, nothing, (), 20)
            total, each = run_all(pool, nothing, (), n_tasks)
            _, large = run_all(pool, values, (8 * 10**6,), 20)
            cpu = time.process_time()
            run_all(pool, nothing, (), n_tasks)
            cpu = time.process_time() - cpu
            print(
                f"{engine}: nodes ready in {pool.seconds_to_start:.1f} s; "
                f"{1000 * np.median(each):.1f} ms a task (median), "
                f"{n_tasks / total:.0f} tasks a second with {n_workers} slots, "
                f"{1000 * cpu / n_tasks:.2f} ms of this process a task; "
                f"{1000 * np.median(large):.0f} ms with a result of 8 MB",
                flush=True,
            )


def loopback_bytes():
    """Bytes that the loopback interface has received so far."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == "lo":
            return int(rest.split()[0])
    raise SystemExit("There is no loopback interface.")


def traffic(engines, n_workers, megabytes, n_tasks):
    context = np.random.default_rng(0).bytes(int(megabytes * 1e6))
    for engine in engines:
        with cluster_of(engine, n_workers) as cluster:
            before = loopback_bytes()
            with started_pool(cluster, context, n_workers) as pool:
                started = loopback_bytes()
                run_all(pool, nothing, (), n_tasks)
                ended = loopback_bytes()
            print(
                f"{engine}: a context of {megabytes:g} MB on {n_workers} workers: "
                f"{(started - before) / 1e6:.1f} MB until they are ready, "
                f"{(ended - started) / 1e6:.2f} MB for {n_tasks} tasks",
                flush=True,
            )


def driver(n_evaluations):
    """Measure what the driver does for each evaluation."""
    from sklearn_meta.evaluation import Evaluation, FoldResult, Status
    from sklearn_meta.metalearning import KnowledgeBase
    from sklearn_meta.metalearning.knowledge_base._records import (
        DatasetRecord,
        EvaluationRecord,
    )
    from sklearn_meta.search import EvolutionarySearch
    from sklearn_meta.testing import make_problem

    rng = np.random.default_rng(0)
    search = EvolutionarySearch().start(make_problem("classification"))
    seconds = []
    for number in range(n_evaluations):
        begin = time.perf_counter()
        (candidate,) = search.ask(1) or (None,)
        if candidate is None:
            break
        fold = FoldResult(0, float(rng.normal()), np.zeros(1), 0.1, 0.1)
        search.tell([Evaluation(number, candidate, Status.OK, (fold,))])
        seconds.append(time.perf_counter() - begin)
    print(
        f"{len(seconds)} proposals: {1000 * np.median(seconds):.2f} ms each (median), "
        f"{1000 * np.mean(seconds):.2f} ms (mean)"
    )
    evaluations = [
        EvaluationRecord(
            f"knn(X, n_neighbors={number + 1})",
            scores={"accuracy": (0.9, 0.01), "neg_log_loss": (-0.2, 0.02)},
            fit_seconds=0.25,
            predict_seconds=0.001,
            n_rows=1000,
        )
        for number in range(n_evaluations)
    ]
    with TemporaryDirectory() as folder:
        file = KnowledgeBase(Path(folder, "own.sqlite"))
        begin = time.perf_counter()
        file.add(DatasetRecord("a", "classification", "a", 1000, 5, 2), evaluations)
        total = time.perf_counter() - begin
    print(f"knowledge base: {total:.2f} s for {n_evaluations} evaluations of a fit")


# Simulation


def simulate_fit(
    n_workers,
    seconds,
    *,
    budget,
    proposal,
    result,
    calls_a_second,
    latency,
    bytes_a_second=1e9,
    look_ahead=None,
    n_folds=5,
):
    """Return the share of the workers' seconds in candidates, and evaluations a second.

    The driver and the scheduler serve one request at a time, in the order of arrival.

    Parameters
    ----------
    n_workers : int
    seconds : float
        Median seconds of a candidate; they are lognormal with a standard deviation of
        the logarithm of 1.
    budget : float
        Seconds of the search.
    proposal, result : float
        Seconds of the driver for a proposal, and for the result of a candidate.
    calls_a_second : float
        Calls that the scheduler can serve.
    latency : float
        Seconds of a call beyond those of the scheduler.
    bytes_a_second : float
        Rate at which the driver sends tasks. Each has `INDEX_BYTES` for every earlier
        evaluation: their predictions, to recognize duplicates.
    look_ahead : int, default=None
        Maximum number of proposals beyond the evaluations that were told in order;
        None to tell them at once.
    """
    rng = np.random.default_rng(0)
    # (time, what, number and seconds of the candidate); what the driver does next
    # depends on what has arrived at its time.
    events: list[tuple] = []
    idle, n_asked, n_told, n_done, busy = n_workers, 0, 0, 0, 0.0
    finished: set[int] = set()
    running: dict[int, float] = {}
    now = driver_free = scheduler_free = 0.0

    def serve(at, n_calls):
        """Return when the scheduler has served some calls that arrive now."""
        nonlocal scheduler_free
        scheduler_free = max(scheduler_free, at) + n_calls / calls_a_second
        return scheduler_free + latency / 2

    while now < budget:
        may_ask = look_ahead is None or n_asked - n_told < look_ahead
        if idle and may_ask and driver_free <= now:
            driver_free = now + proposal + INDEX_BYTES * n_told / bytes_a_second
            heapq.heappush(events, (driver_free, "sent", n_asked, 0.0))
            idle -= 1
            n_asked += 1
            continue
        if not events:
            break
        now, what, number, length = heapq.heappop(events)
        if what == "sent":
            length = seconds * rng.lognormal(0.0, 1.0)
            begins = serve(now, 1)
            running[number] = begins
            ends = begins + length
            heapq.heappush(events, (ends, "ended", number, length))
        elif what == "ended":
            busy += now - running.pop(number)
            # The first call was served; one more for each second with values.
            n_calls = min(int(length), n_folds - 1)
            arrives = serve(now, n_calls)
            heapq.heappush(events, (arrives, "arrived", number, length))
        elif what == "arrived":
            driver_free = max(driver_free, now) + result
            heapq.heappush(events, (driver_free, "told", number, length))
        else:
            idle += 1
            n_done += 1
            finished.add(number)
            while n_told in finished:
                n_told += 1
    busy += sum(max(0.0, now - begins) for begins in running.values())
    return busy / (now * n_workers), n_done / now


def simulate(settings):
    workers = (1, 2, 4, 16, 64, 256, 1000)
    for name, parameters in settings.items():
        for look_ahead in ("none", "8", "4 a worker", "16 a worker"):
            print(f"\n{name}, look-ahead: {look_ahead}")
            print("seconds of a candidate " + "".join(f"{n:>8d}" for n in workers))
            for seconds in (0.1, 1.0, 10.0, 60.0):
                shares = []
                for n in workers:
                    ahead = {"none": None, "8": 8, "4 a worker": 4 * n}.get(
                        look_ahead, 16 * n
                    )
                    share, rate = simulate_fit(
                        n,
                        seconds,
                        budget=max(60.0, 20 * seconds),
                        look_ahead=ahead,
                        **parameters,
                    )
                    shares.append(f"{share:8.0%}")
                print(f"{seconds:22g} " + "".join(shares), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("speed", "overhead", "traffic"):
        command = commands.add_parser(name)
        command.add_argument("--engines", nargs="+", default=["dask", "ray"])
        command.add_argument("--workers", nargs="+", type=int, default=[2])
    commands.choices["speed"].add_argument("--evaluations", type=int, default=300)
    for name in ("overhead", "traffic"):
        commands.choices[name].add_argument("--tasks", type=int, default=200)
    commands.choices["traffic"].add_argument("--megabytes", type=float, default=40.0)
    commands.add_parser("driver").add_argument("--evaluations", type=int, default=2000)
    command = commands.add_parser("simulate")
    # As measured on two cores, see benchmarks/README.md.
    command.add_argument("--proposal", type=float, default=0.002, help="seconds")
    command.add_argument("--result", type=float, default=0.003, help="seconds")
    command.add_argument("--dask", type=float, nargs=2, default=[400.0, 0.006])
    command.add_argument("--ray", type=float, nargs=2, default=[2000.0, 0.002])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.command == "speed":
        speed(options.engines, options.workers, options.evaluations)
    elif options.command == "overhead":
        for n in options.workers:
            overhead(options.engines, n, options.tasks)
    elif options.command == "traffic":
        for n in options.workers:
            traffic(options.engines, n, options.megabytes, options.tasks)
    elif options.command == "driver":
        driver(options.evaluations)
    else:
        driver_seconds = {"proposal": options.proposal, "result": options.result}
        simulate(
            {
                name: {**driver_seconds, "calls_a_second": rate, "latency": latency}
                for name, (rate, latency) in (
                    ("Dask", options.dask),
                    ("Ray", options.ray),
                )
            }
        )


if __name__ == "__main__":
    main()
