"""Many processes add to one knowledge base: seconds of an addition, records lost.

``python -m benchmarks.knowledge_writers --writers 50 --additions 10``. Each writer adds
the records of a search of 60 pipelines, as often as it can; in fact a team of 50 with
searches of ten minutes makes one addition in 12 s.
"""

import argparse
import multiprocessing
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from sklearn_meta.metalearning import DatasetRecord, EvaluationRecord, KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._metrics import STORED_METRICS

N_PIPELINES, N_METAFEATURES = 60, 150


def records(writer, number):
    """Return a dataset and evaluations as a search adds them."""
    rng = np.random.default_rng([writer, number])
    metafeatures = {f"m{i}": v for i, v in enumerate(rng.normal(size=N_METAFEATURES))}
    name = f"{writer}-{number}"
    return (
        DatasetRecord(name, "classification", name, 500, 10, 2, metafeatures),
        [
            EvaluationRecord(
                f"lightgbm(X, num_leaves={3 + (number + i) % 400})",
                "ok",
                {m: (rng.normal(), 0.01) for m in STORED_METRICS["classification"]},
                fit_seconds=0.2,
                n_rows=500,
            )
            for i in range(N_PIPELINES)
        ],
    )


def write(path, writer, n_additions, start, results):
    """Add records; put the seconds of each addition, or the error."""
    knowledge_base = KnowledgeBase(path)
    prepared = [records(writer, i) for i in range(n_additions)]
    start.wait()
    seconds = []
    for record in prepared:
        began = time.perf_counter()
        try:
            knowledge_base.add(*record)
        except Exception as error:
            results.put(repr(error))
            return
        seconds.append(time.perf_counter() - began)
    results.put(seconds)


def write_from(n_writers, n_additions, path):
    """Return the seconds of all additions, and errors."""
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    processes = [
        context.Process(target=write, args=(path, i, n_additions, start, results))
        for i in range(n_writers)
    ]
    for process in processes:
        process.start()
    began = time.perf_counter()
    start.set()
    answers = [results.get() for _ in processes]
    whole = time.perf_counter() - began
    for process in processes:
        process.join()
    errors = [a for a in answers if isinstance(a, str)]
    return np.concatenate([a for a in answers if not isinstance(a, str)]), errors, whole


def main():
    """Print a table of numbers of writers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--additions", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    for n_writers in arguments.writers:
        folder = Path(tempfile.mkdtemp(dir=arguments.folder))
        path = folder / "team.sqlite"
        seconds, errors, whole = write_from(n_writers, arguments.additions, path)
        stored = KnowledgeBase(path).records()
        n_lost = n_writers * arguments.additions - len(stored)
        n_lost += sum(len(known) != N_PIPELINES for _, known in stored)
        print(
            f"{n_writers} writers, {len(seconds)} additions in {whole:.1f} s: median "
            f"{np.median(seconds):.3f} s, 95 % {np.quantile(seconds, 0.95):.3f} s, "
            f"longest {seconds.max():.2f} s; {len(errors)} errors, {n_lost} lost",
            *errors[:3],
            sep="\n  ",
        )
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
