"""Write the winners of long searches, for the pool of the knowledge base.

    python -m recipes.winners --data FOLDER

`FOLDER` holds ``manifest.json`` and the tables (see `benchmarks/README.md`). The result
is ``recipes/winners.txt``: of each search the best pipeline, and the best one of
another learner if it is within one standard error of it. Tables are chosen by the rule
of `benchmarks.select_tables`, of at least 300 rows and of families from which no
benchmark chose a table, so that no benchmark tests a pipeline on a table on which it
was found. Recall is without the family of the table. Pipelines with MAML are left out:
its initialization was meta-trained on these tables. A command that was stopped resumes
when it is started again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks._tables import CLASSIFICATION, REGRESSION, read_manifest, read_split
from benchmarks.peers.tables import tables_of_record
from benchmarks.select_tables import select
from recipes.pool import learner
from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.metalearning import KnowledgeBase

NUMBER = {CLASSIFICATION: 10, REGRESSION: 8}
LEAST_ROWS = 300
ESTIMATORS = {CLASSIFICATION: MetaAutoClassifier, REGRESSION: MetaAutoRegressor}
OUT = Path(__file__).parent / "winners.txt"
HEADER = "# Winners of long searches; written by recipes/winners.py.\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of each")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if not arguments.out.exists():
        arguments.out.write_text(HEADER, encoding="utf-8")
    done = arguments.out.read_text(encoding="utf-8")
    for entry in training_tables(read_manifest(arguments.data)):
        task, name = entry["task"], entry["name"]
        if f"  # {name}," in done:
            continue
        split = read_split(arguments.data, task, name, seed=0)
        search = ESTIMATORS[task](
            time_budget=arguments.budget,
            knowledge_base=KnowledgeBase().without_families([entry["family"]]),
            n_jobs=2,
            random_state=0,
        ).fit(split.X_train, split.y_train)
        lines = [
            f"{text}  # {name}, {search.n_evaluations_} evaluations\n"
            for text in winners(search.leaderboard_)
        ]
        with arguments.out.open("a", encoding="utf-8") as file:
            file.write(f"[{task}]\n" + "".join(lines))
        print(task, name, *lines, sep="\n", flush=True)


def training_tables(manifest):
    """Return the entries to search on, classification first."""
    tested = [*select(manifest), *tables_of_record(manifest)]
    families = {entry["family"] for entry in tested}
    return select(
        [
            entry
            for entry in manifest
            if entry["family"] not in families and entry["n_rows"] >= LEAST_ROWS
        ],
        NUMBER,
    )


def winners(leaderboard):
    """Return the text of the best pipeline, and of its equal of another learner.

    Parameters
    ----------
    leaderboard : DataFrame
        Best first, of a fitted search.

    Returns
    -------
    texts : list of str
    """
    finished = leaderboard[leaderboard["status"] == "ok"]
    finished = finished[~finished["pipeline"].str.contains("maml(", regex=False)]
    best = finished.iloc[0]
    learners = finished["pipeline"].map(learner)
    near = best["score"] - finished["score"] <= best["standard_error"]
    others = finished[near & (learners != learners.iloc[0])]
    return [best["pipeline"], *others["pipeline"][:1]]


if __name__ == "__main__":
    main()
