"""Made-up results of made-up systems: no figure in here was measured."""

import numpy as np

# Name, how good it is, seconds it needs to predict, whether it knows budgets.
SYSTEMS = (
    ("made_up_ours", 1.0, 0.05, True),
    ("made_up_stacker", 0.95, 0.6, True),
    ("made_up_tuner", 0.8, 0.03, True),
    ("made_up_late", 0.6, 0.2, True),
    ("made_up_forest", 0.5, 0.08, False),
    ("made_up_line", 0.3, 0.01, False),
)
OURS = SYSTEMS[0][0]
BUDGETS = (10.0, 60.0)
TASKS = {
    "classification": ("log_loss", "roc_auc", "balanced_accuracy"),
    "regression": ("rmse", "r2"),
}
LOSSES = ("log_loss", "rmse")


def make_record(table, system, score, *, budget=10.0, seed=0, task="regression"):
    """One run whose first metric is `score`, with a constant of 1; None failed."""
    record = {
        "task": task,
        "table": table,
        "seed": seed,
        "system": system,
        "budget": budget,
        "n_cores": 2,
        "commit": "made up",
        "constant": dict.fromkeys(TASKS[task], 1.0),
        "peak_megabytes": 100.0,
        "wall_seconds": 11.0,
    }
    if score is None:
        return record | {"status": "failed", "reason": "fit: MadeUpError: a | b"}
    scores = dict.fromkeys(TASKS[task], score)
    return record | {
        "status": "ok",
        "scores": scores,
        "fit_seconds": 9.0,
        "predict_1000_seconds": 0.1,
        "versions": {"python": "3", system: "1.0"},
    }


def make_records(n_tables=10, seeds=(0, 1)):
    """Return results of all `SYSTEMS`; one of them fails on one table."""
    rng = np.random.default_rng(0)
    records = []
    for task, metrics in TASKS.items():
        for table in range(n_tables):
            hardness = rng.uniform(0.2, 0.9)
            for seed in seeds:
                for name, quality, seconds, searches in SYSTEMS:
                    for budget in BUDGETS if searches else (None,):
                        late = 1.0 if budget is None else 1 - 1 / (1 + budget)
                        gain = hardness * quality * late + rng.normal(0, 0.02)
                        failed = name == "made_up_late" and table == 3
                        record = make_record(
                            f"made_up_{table}",
                            name,
                            None if failed else 1 - gain,
                            budget=budget,
                            seed=seed,
                            task=task,
                        )
                        for metric in metrics:
                            if metric not in LOSSES:
                                record["constant"][metric] = 0.5 - 0.5 * (
                                    metric == "r2"
                                )
                                if not failed:
                                    record["scores"][metric] = 0.5 + gain / 2
                        if not failed:
                            fit = rng.uniform(0.5, 2) if budget is None else budget
                            record["fit_seconds"] = fit
                            record["predict_1000_seconds"] = seconds
                            record["n_candidates"] = 10
                            if budget is not None:
                                over = rng.uniform(-0.1, 0.2) * budget
                                record["overrun_seconds"] = over
                                record["fit_seconds"] += over
                        records.append(record)
    return records
