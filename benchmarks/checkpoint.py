"""How much of a fit does a checkpoint take?

    python -m benchmarks.checkpoint --budget 60 --rows 1000 50000 --seeds 3

Each table is fitted with `checkpoint` in a fresh folder. The time that the fitting
process spends in the methods of the file, opening and closing included, is measured,
and divided by the seconds of the fit. The tables are generated, of 20 columns and ten
classes, whose predictions are larger than those of two.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.evaluation import _checkpoint, _checkpoint_file


class Timer:
    """Seconds spent in functions, those that call each other counted once."""

    def __init__(self):
        self.seconds, self._depth = 0.0, 0

    def timed(self, function):
        """Return the function with its seconds added to those of this timer."""

        @functools.wraps(function)
        def call(*args, **kwargs):
            self._depth += 1
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - began

        return call


def instrument(timer):
    """Let a timer measure all that is done with checkpoints in this process."""
    kind = _checkpoint_file.CheckpointFile
    for name, value in list(vars(kind).items()):
        if callable(value):
            setattr(kind, name, timer.timed(value))
    _checkpoint.open_file = timer.timed(_checkpoint.open_file)


def measure(rows, budget, seed, timer):
    """Fit once; return seconds in the checkpoint, of the fit, and evaluations."""
    X, y = make_classification(
        n_samples=rows, n_features=20, n_informative=12, n_classes=10, random_state=seed
    )
    timer.seconds = 0.0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MetaAutoClassifier(
            time_budget=budget, n_jobs=2, random_state=seed, checkpoint=folder
        )
        began = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - began
        size = sum(p.stat().st_size for p in Path(folder).iterdir())
    return timer.seconds, seconds, model.n_evaluations_, size


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 50_000])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    timer = Timer()
    instrument(timer)
    for rows in arguments.rows:
        shares = []
        for seed in range(arguments.seeds):
            spent, seconds, n, size = measure(rows, arguments.budget, seed, timer)
            shares.append(spent / seconds)
            print(
                f"{rows} rows, seed {seed}: {spent:.3f} s of {seconds:.1f} s "
                f"({spent / seconds:.2%}), {n} evaluations, {size / 2**20:.1f} MiB",
                flush=True,
            )
        print(f"{rows} rows: {np.mean(shares):.2%} in the mean of {len(shares)} fits")


if __name__ == "__main__":
    main()
