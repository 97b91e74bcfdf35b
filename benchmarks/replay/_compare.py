"""Compare settings of simulated fits table by table."""

from __future__ import annotations

import argparse
import ast
from dataclasses import fields

import numpy as np

from benchmarks.replay._orders import Orders
from benchmarks.replay._simulate import Settings, simulate
from benchmarks.replay._stored import read_tables

N_DRAWS = 2000
# Losses below this share of that of the constant prediction are equally good.
SMALLEST_SHARE = 0.002


def parse_settings(text):
    """Return the order and the `Settings` that a text such as "order=recall" names."""
    values = {"order": "recall"}
    names = {f.name for f in fields(Settings)}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name not in names | {"order"}:
            raise argparse.ArgumentTypeError(
                f"{name!r} is no setting; there are order, {', '.join(sorted(names))}"
            )
        try:
            values[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            values[name] = float(value) if value == "inf" else value
    return text, values.pop("order"), Settings(**values)


def log_ratios(losses, base, scales):
    """Return the logarithms of the ratios of two losses, table by table.

    Parameters
    ----------
    losses, base, scales : ndarray of shape (n_tables,)
        Losses of two settings and of the constant prediction, of which a small share is
        added to both.

    Returns
    -------
    ratios : ndarray of shape (n_tables,)
    """
    small = SMALLEST_SHARE * scales
    return np.log(losses + small) - np.log(base + small)


def interval(values, families, n_draws=N_DRAWS, seed=0):
    """Return the 95 % interval of a mean, drawing families with replacement."""
    rng = np.random.default_rng(seed)
    names, codes = np.unique(families, return_inverse=True)
    sums = np.bincount(codes, values)
    counts = np.bincount(codes)
    drawn = rng.integers(len(names), size=(n_draws, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return np.quantile(means, [0.025, 0.975])


def compare(folder, task, texts, base, others):
    """Print a table of mean differences of the logarithm of the test loss."""
    tables = read_tables(folder, task, texts)
    if not tables:
        print(f"{task}: no table has all {len(texts)} pipelines yet")
        return
    orders = Orders(task, texts)
    families = np.array([table.family for table in tables])
    scales = np.array([table.scale for table in tables])

    def run(settings):
        _, order, parameters = settings
        return [
            simulate(table, orders.order(order, table, parameters.budget), parameters)
            for table in tables
        ]

    reference = run(base)
    of_base = np.array([outcome.loss for outcome in reference])
    print(f"\n{task}: {len(tables)} tables, base: {base[0]}\n")
    print("| settings | difference of the loss | smaller / larger | evaluations |")
    print("|---|---|---|---|")
    print(f"| {base[0]} | | | {_mean_count(reference)} |")
    for settings in others:
        outcomes = run(settings)
        losses = np.array([outcome.loss for outcome in outcomes])
        ratios = log_ratios(losses, of_base, scales)
        low, high = 100 * interval(ratios, families)
        better, worse = (ratios < -1e-9).sum(), (ratios > 1e-9).sum()
        difference = f"{100 * ratios.mean():+.2f} % ({low:+.2f} to {high:+.2f})"
        count = _mean_count(outcomes)
        print(
            f"| {settings[0]} | {difference} | {better} / {worse} | {count} |",
            flush=True,
        )


def _mean_count(outcomes):
    return f"{np.mean([outcome.n_evaluations for outcome in outcomes]):.1f}"
