"""The tables of a report."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from benchmarks.peers._markdown import Table, number
from benchmarks.peers._summary import (
    Competitor,
    compare,
    confidence_interval,
    duel,
    holm,
    normalized,
    ranks,
    wins,
)


def competitors_at(records, budget):
    """Return who ran with a budget, and the systems that use none."""
    return sorted(
        {
            Competitor(r["system"], r["budget"])
            for r in records
            if r["budget"] in (None, budget)
        },
        key=lambda who: who.system,
    )


def all_competitors(records):
    """Return every system with every budget, by name and budget."""
    return sorted(
        {Competitor(r["system"], r["budget"]) for r in records},
        key=lambda who: (who.system, who.budget or 0.0),
    )


def budgets_of(records, systems=None):
    """Return the budgets with which there are runs (of some systems), ascending."""
    return sorted(
        {
            r["budget"]
            for r in records
            if r["budget"] is not None and (systems is None or r["system"] in systems)
        }
    )


def scores_table(comparison, budget):
    """Scores of every table; the best is bold."""
    rows = []
    for table, scores, constant in zip(
        comparison.tables, comparison.scores, comparison.constants, strict=True
    ):
        cells = [number(value) for value in comparison.shown(scores)]
        best = scores == scores.max()
        cells = [f"**{c}**" if b else c for c, b in zip(cells, best, strict=True)]
        rows.append([table, *cells, number(comparison.shown(constant))])
    return Table(
        _name(comparison, budget, "scores"),
        f"{comparison.metric.title} after {budget:g} s",
        ["table", *(who.system for who in comparison.competitors), "constant"],
        rows,
    )


def summary_table(comparison, budget):
    """Mean rank, wins and normalized score of every system, the best rank first."""
    mean_rank = ranks(comparison).mean(axis=0)
    won = wins(comparison)
    values = normalized(comparison)
    low, high = confidence_interval(values)
    rows = [
        [
            comparison.competitors[i].system,
            f"{mean_rank[i]:.2f}",
            f"{won[i]:g}" if won[i] == round(won[i]) else f"{won[i]:.1f}",
            f"{values[:, i].mean():.3f}",
            f"{low[i]:.3f} to {high[i]:.3f}",
            str(comparison.failures[:, i].sum()),
        ]
        for i in np.argsort(mean_rank, kind="stable")
    ]
    return Table(
        _name(comparison, budget, "summary"),
        f"{comparison.metric.title} after {budget:g} s, {len(comparison.tables)} "
        "tables (score: 0 is the constant prediction, 1 the best system)",
        ["system", "mean rank", "wins", "score", "95 % interval", "failed runs"],
        rows,
    )


def duels_table(comparison, ours, name, title):
    """One competitor against every other one of a comparison."""
    others = [who for who in comparison.competitors if who.system != ours.system]
    duels = [duel(comparison, ours, other) for other in others]
    rows = [
        [
            other.system,
            *(str(n) for n in (d.win, d.tie, d.loss)),
            f"{d.gain:+.2%}",
            number(d.loss_ratio, 3),
            number(d.p_value, 2),
            number(p, 2),
        ]
        for other, d, p in zip(
            others, duels, holm([d.p_value for d in duels]), strict=True
        )
    ]
    header = [
        "against",
        "win",
        "tie",
        "loss",
        "median gain",
        "loss ratio",
        "p",
        "p (Holm)",
    ]
    return Table(name, title, header, rows)


def metric_tables(records, metric, ours):
    """Return the tables of one metric for every budget of the peers."""
    tables = []
    for budget in peer_budgets(records, ours):
        comparison = compare(records, metric, competitors_at(records, budget))
        if not comparison.tables:
            continue
        tables += [scores_table(comparison, budget), summary_table(comparison, budget)]
        us = Competitor(ours, budget)
        if us in comparison.competitors:
            title = (
                f"{ours} against each, {metric.title} after {budget:g} s, "
                f"{len(comparison.tables)} tables"
            )
            name = _name(comparison, budget, "duels")
            tables.append(duels_table(comparison, us, name, title))
    return [
        *tables,
        *early_tables(records, metric, ours),
        *over_time_tables(records, metric),
    ]


def early_tables(records, metric, ours):
    """Return duels of ours with a small budget against others with a larger one."""
    tables = []
    budgets = peer_budgets(records, ours)
    for early in budgets:
        for late in budgets:
            us = Competitor(ours, early)
            others = [w for w in competitors_at(records, late) if w.system != ours]
            comparison = compare(records, metric, [us, *others])
            if early < late and comparison.tables:
                title = (
                    f"{ours} after {early:g} s against each after {late:g} s, "
                    f"{metric.title}, {len(comparison.tables)} tables"
                )
                name = f"{metric.name}-{early:g}s-against-{late:g}s"
                tables.append(duels_table(comparison, us, name, title))
    return tables


def over_time_tables(records, metric):
    """Return the normalized scores of all systems and budgets, on one scale."""
    comparison = compare(records, metric, all_competitors(records))
    budgets = budgets_of(records)
    if not comparison.tables or len(budgets) < 2:
        return []
    scores = dict(
        zip(comparison.competitors, normalized(comparison).mean(axis=0), strict=True)
    )
    rows = [
        [
            system,
            *(number(scores.get((system, b), np.nan), 3) for b in [None, *budgets]),
        ]
        for system in sorted({who.system for who in scores})
    ]
    title = f"{metric.title}: score over time, {len(comparison.tables)} tables"
    header = ["system", "no budget", *(f"{b:g} s" for b in budgets)]
    return [Table(f"{metric.name}-over-time", title, header, rows)]


def peer_budgets(records, ours):
    """Return the budgets of the other systems; of ours if there are no others."""
    others = {r["system"] for r in records} - {ours}
    return budgets_of(records, others) or budgets_of(records)


def cost_table(records):
    """Seconds, memory and failures of every system and budget."""
    rows = []

    def who(record):
        return record["system"], record["budget"] or 0.0

    for (system, budget), group in groupby(sorted(records, key=who), who):
        group = list(group)
        late = _values(group, "overrun_seconds")
        rows.append(
            [
                system,
                f"{budget:g}" if budget else "–",
                str(len(group)),
                str(sum(r["status"] != "ok" for r in group)),
                number(_median(_values(group, "fit_seconds")), 3),
                f"{max(late):+.2f} ({max(late) / budget:+.0%})" if late else "–",
                number(_median(_values(group, "peak_megabytes")), 4),
                number(max(_values(group, "peak_megabytes")), 4),
                number(1000 * _median(_values(group, "predict_1000_seconds")), 3),
                number(1000 * max(_values(group, "predict_1000_seconds") or [np.nan])),
                number(_median(_values(group, "n_candidates")), 3),
            ]
        )
    return Table(
        "cost",
        "What it costs",
        [
            "system",
            "budget (s)",
            "runs",
            "failed",
            "median fit (s)",
            "largest overrun (s)",
            "median memory (MB)",
            "largest memory (MB)",
            "median prediction of 1 000 rows (ms)",
            "longest (ms)",
            "median candidates",
        ],
        rows,
    )


def failures_table(records):
    """Why runs failed, the same reasons of a system together."""
    reasons = {}
    for r in records:
        if r["status"] != "ok":
            key = r["system"], r["status"], r["reason"]
            where = f"{r['table']} ({_seconds(r)})"
            reasons.setdefault(key, {}).setdefault(where, []).append(r["seed"])
    rows = [
        # A bar would end the cell.
        [
            system,
            status,
            str(sum(map(len, where.values()))),
            reason.replace("|", "/"),
            ", ".join(where),
        ]
        for (system, status, reason), where in sorted(reasons.items())
    ]
    header = ["system", "status", "runs", "reason", "tables"]
    return Table("failures", "Failures", header, rows)


def versions_table(records):
    """The versions that ran."""
    found = {}
    for r in records:
        if "versions" in r:
            versions = ", ".join(f"{k} {v}" for k, v in r["versions"].items())
            found.setdefault((r["system"], versions), set()).add(str(r["commit"]))
    rows = [
        [system, versions, ", ".join(sorted(commits))]
        for (system, versions), commits in sorted(found.items())
    ]
    return Table("versions", "Versions", ["system", "versions", "checkout"], rows)


def _name(comparison, budget, kind):
    return f"{comparison.metric.name}-{budget:g}s-{kind}"


def _seconds(record):
    return "no budget" if record["budget"] is None else f"{record['budget']:g} s"


def _values(records, key):
    return [r[key] for r in records if r.get(key) is not None]


def _median(values):
    return float(np.median(values)) if values else float("nan")
