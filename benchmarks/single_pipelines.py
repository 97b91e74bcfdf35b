"""Which single pipeline is good on most tables?

    python -m benchmarks.single_pipelines

Mean regret of single pipelines over all tables of a knowledge base, one setting for all
of them: 0 is the best pipeline of a table, 1 the median one. Of each learner only its
best pipeline is shown. Scores and seconds are those of the matrix, so that the command
takes a moment.
"""

from __future__ import annotations

import argparse

import numpy as np

from sklearn_meta.metalearning import KnowledgeBase
from sklearn_meta.metalearning._regret import regrets_of

METRICS = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
}
SHOWN = 10


def best_of_each_learner(matrix):
    """Rank the learners of a matrix by their best pipeline.

    Parameters
    ----------
    matrix : ScoreMatrix

    Returns
    -------
    rows : list of tuple
        Pipeline, mean regret, standard error of the mean, tables on which it is the
        best of all pipelines, median seconds of one fit; the smallest regret first.
        Where a pipeline has no score, it has the largest regret.
    """
    values = regrets_of(matrix)
    values = np.where(np.isfinite(values), values, np.nanmax(values))
    means = values.mean(axis=0)
    errors = values.std(axis=0) / np.sqrt(len(values))
    wins = (values == values.min(axis=1, keepdims=True)).sum(axis=0)
    rows = {}
    for i in np.argsort(means, kind="stable"):
        text = matrix.pipelines[i]
        seconds = float(np.nanmedian(matrix.fit_seconds[:, i]))
        row = (text, float(means[i]), float(errors[i]), int(wins[i]), seconds)
        rows.setdefault(text.partition("(")[0], row)
    return list(rows.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--knowledge-base", help="file; the one of the package by default"
    )
    arguments = parser.parse_args()
    knowledge_base = KnowledgeBase(arguments.knowledge_base)
    for task, metric in METRICS.items():
        matrix = knowledge_base.matrix(task, metric)
        print(f"\n{task}, {metric}, {len(matrix.datasets)} tables\n")
        print(
            "| pipeline | mean regret | best on | seconds of a fit |\n|---|---|---|---|"
        )
        for text, mean, error, wins, seconds in best_of_each_learner(matrix)[:SHOWN]:
            print(f"| `{text}` | {mean:.3f} ± {error:.3f} | {wins} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
