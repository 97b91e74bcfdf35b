"""The recipe of the winners: which tables are searched, and what is kept."""

import pandas as pd

from benchmarks.peers.tables import tables_of_record
from benchmarks.select_tables import select
from recipes import winners


def test_no_family_of_a_benchmark_is_searched():
    manifest = [
        {"name": f"t{i}", "task": task, "family": f"{task}{i // 2}", "n_rows": rows}
        for task in ("classification", "regression")
        for i, rows in enumerate([100, 400, 700, 3_000] * 60)
    ]
    chosen = winners.training_tables(manifest)
    assert len(chosen) == sum(winners.NUMBER.values())
    tested = {e["family"] for e in [*select(manifest), *tables_of_record(manifest)]}
    assert not tested & {entry["family"] for entry in chosen}
    assert min(entry["n_rows"] for entry in chosen) >= winners.LEAST_ROWS


def board(*rows):
    columns = ["score", "standard_error", "status", "pipeline"]
    return pd.DataFrame(rows, columns=columns)


def test_the_best_and_its_equal_of_another_learner():
    leaderboard = board(
        (-0.29, 0.02, "ok", "maml(standard_scaler(X))"),
        (-0.30, 0.02, "ok", "ridge(X)"),
        (-0.31, 0.02, "ok", "ridge(standard_scaler(X))"),
        (-0.315, 0.02, "ok", "svr(X)"),
        (-0.316, 0.02, "ok", "lightgbm(X)"),
        (-0.2, 0.02, "pruned", "mlp(X)"),
    )
    assert winners.winners(leaderboard) == ["ridge(X)", "svr(X)"]


def test_a_learner_that_is_far_behind_is_no_equal():
    leaderboard = board((-0.30, 0.02, "ok", "ridge(X)"), (-0.33, 0.02, "ok", "svr(X)"))
    assert winners.winners(leaderboard) == ["ridge(X)"]
