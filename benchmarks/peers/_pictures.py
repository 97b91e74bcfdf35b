"""The pictures of a report, with matplotlib."""

from __future__ import annotations

import numpy as np

from benchmarks.peers._report_tables import (
    all_competitors,
    competitors_at,
    peer_budgets,
)
from benchmarks.peers._summary import (
    compare,
    confidence_interval,
    normalized,
    ranks,
)

OURS = "#c1121f"
SCORE = "score (0: constant, 1: best)"
INCHES = (5.2, 3.8)  # of one panel


def mean_ranks(records, metrics, ours):
    """Draw the mean rank of every system, one panel for each metric and budget."""
    panels = [
        (metric, budget, comparison)
        for metric in metrics
        for budget in peer_budgets(records, ours)
        if (
            comparison := compare(records, metric, competitors_at(records, budget))
        ).tables
    ]
    figure, axes = _panels(len(panels))
    for ax, (metric, budget, comparison) in zip(axes, panels, strict=True):
        mean = ranks(comparison).mean(axis=0)
        order = np.argsort(-mean, kind="stable")
        names = [comparison.competitors[i].system for i in order]
        colors = _colors(sorted(names), ours)
        ax.hlines(names, 1, mean[order], colors="0.85")
        ax.scatter(mean[order], names, c=[colors[n] for n in names], s=45, zorder=3)
        for name, value in zip(names, mean[order], strict=True):
            ax.annotate(
                f"{value:.1f}",
                (value, name),
                (7, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        ax.set_xlim(0.8, len(names) + 1)
        ax.set_xlabel("mean rank (1 is the best)")
        ax.set_title(f"{metric.title}, {budget:g} s, {len(comparison.tables)} tables")
    return figure


def score_over_time(records, metrics, ours):
    """Draw the normalized score against the seconds of ``fit``.

    Budgets are joined to a line; a system without one is a point at its median
    seconds. One scale for all: 1 is the best of all systems and budgets on a table.
    """
    everyone = all_competitors(records)
    panels = [
        comparison
        for metric in metrics
        if (comparison := compare(records, metric, everyone)).tables
    ]
    figure, axes = _panels(len(panels))
    colors = _colors(sorted({who.system for who in everyone}), ours)
    for ax, comparison in zip(axes, panels, strict=True):
        values = normalized(comparison)
        low, high = confidence_interval(values)
        mean = values.mean(axis=0)
        for system in sorted(colors, key=lambda name: name == ours):
            at = [i for i, who in enumerate(everyone) if who.system == system]
            seconds = [_median_seconds(records, everyone[i]) for i in at]
            style = {"color": colors[system], "label": system, "marker": "o"}
            if everyone[at[0]].budget is None:
                style |= {"marker": "D", "linestyle": "none"}
            ax.plot(seconds, mean[at], markersize=4, **style)
            if system == ours:
                ax.fill_between(
                    seconds, low[at], high[at], color=OURS, alpha=0.12, linewidth=0
                )
        _log_scale(ax)
        ax.set_xlabel("seconds (budget; untuned models: median fit)")
        ax.set_ylabel(SCORE)
        n = len(comparison.tables)
        ax.set_title(f"{comparison.metric.title}, {n} tables")
    _legend(figure, axes)
    return figure


def score_against_predict_time(records, metrics, ours):
    """Draw the normalized score against the time to predict 1 000 rows.

    With the largest budget of the peers; bars are 95 % intervals.
    """
    budgets = peer_budgets(records, ours)
    budget = budgets[-1] if budgets else None
    everyone = competitors_at(records, budget)
    panels = [
        comparison
        for metric in metrics
        if (comparison := compare(records, metric, everyone)).tables
    ]
    figure, axes = _panels(len(panels))
    colors = _colors([who.system for who in everyone], ours)
    for ax, comparison in zip(axes, panels, strict=True):
        values = normalized(comparison)
        low, high = confidence_interval(values)
        mean = values.mean(axis=0)
        for i, who in enumerate(everyone):
            seconds = _values(records, who, "predict_1000_seconds")
            if not seconds:
                continue  # it never predicted anything
            ax.errorbar(
                1000 * np.median(seconds),
                mean[i],
                [[max(mean[i] - low[i], 0.0)], [max(high[i] - mean[i], 0.0)]],
                fmt="o",
                color=colors[who.system],
                label=who.system,
                elinewidth=0.8,
            )
        _log_scale(ax)
        ax.set_xlabel("prediction of 1 000 rows (ms, median)")
        ax.set_ylabel(SCORE)
        n = len(comparison.tables)
        ax.set_title(f"{comparison.metric.title}, {budget:g} s, {n} tables")
    _legend(figure, axes)
    return figure


PICTURES = {
    "mean_ranks": mean_ranks,
    "score_over_time": score_over_time,
    "score_against_predict_time": score_against_predict_time,
}


def _panels(n):
    from matplotlib.figure import Figure

    n_columns = min(max(n, 1), 2)
    n_rows = max(-(-n // n_columns), 1)
    figure = Figure((INCHES[0] * n_columns, INCHES[1] * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.2)
    for ax in axes[n:]:
        ax.set_visible(False)
    return figure, axes[:n]


def _log_scale(ax):
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")


def _legend(figure, axes):
    if len(axes):
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside right upper", frameon=False, fontsize=8
        )


def _colors(systems, ours):
    """Return a color for each system; ours is red, and nobody else."""
    from matplotlib import colormaps

    others = [name for name in systems if name != ours]
    palette = [c for i, c in enumerate(colormaps["tab10"].colors) if i != 3]
    colors = {name: palette[i % len(palette)] for i, name in enumerate(others)}
    return {**colors, ours: OURS} if ours in systems else colors


def _median_seconds(records, who):
    if who.budget is not None:
        return who.budget
    return float(np.median(_values(records, who, "fit_seconds")))


def _values(records, who, key):
    return [
        r[key]
        for r in records
        if (r["system"], r["budget"]) == who and r.get(key) is not None
    ]
