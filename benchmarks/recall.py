"""Compare recall with the same portfolio for every dataset.

Leave-one-family-out on a knowledge base: for each dataset, the proposals of each method
are scored with the dataset's own row of the matrix, which the method has not seen. The
regret is 0 for the best pipeline of the matrix and 1 for the median one.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import wilcoxon

from sklearn_meta.metalearning import KNNMetaLearner, KnowledgeBase
from sklearn_meta.metalearning._leave_one_family_out import (
    by_oracle,
    by_recall,
    in_random_order,
    leave_one_family_out,
)
from sklearn_meta.metalearning._regret import regrets_of

LENGTHS = (1, 3, 5, 10, 25)
ZERO_SHOT = "hybrid"
UNTUNED = (
    "lightgbm(X)",
    "hist_gradient_boosting(X)",
    "random_forest(X)",
    "logistic_regression(standard_scaler(X))",
    "ridge(standard_scaler(X))",
)
METRICS = {
    "classification": ("neg_log_loss", "roc_auc"),
    "regression": ("neg_root_mean_squared_error", "neg_mean_absolute_error"),
}


def methods(meta_learner):
    """Return the methods that are compared, by name."""
    hybrid = {
        "min_datasets_leaf": meta_learner.n_neighbors,
        "shrinkage": meta_learner.shrinkage,
    }
    static = {**hybrid, "shrinkage": np.inf}
    evidence = meta_learner.evidence
    return {
        "random order": in_random_order(0),
        "static portfolio": by_recall(**static),
        "static, re-ranked": by_recall(**static, evidence=evidence),
        "nearest neighbors in a forest": by_recall(**{**hybrid, "shrinkage": 0.0}),
        "hybrid": by_recall(**hybrid),
        "hybrid, re-ranked": by_recall(**hybrid, evidence=evidence),
        "hybrid, re-ranked, diverse": by_recall(
            **hybrid, evidence=evidence, diversity=meta_learner.diversity
        ),
        "oracle": by_oracle(),
    }


def main():
    """Print the regrets of all methods."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--knowledge-base", help="file; the one of the package by default"
    )
    parser.add_argument(
        "--pool", nargs="+", help="files of pipelines, to evaluate these only"
    )
    parser.add_argument("--tasks", nargs="+", choices=METRICS, default=list(METRICS))
    arguments = parser.parse_args()
    knowledge_base = KnowledgeBase(arguments.knowledge_base)
    if arguments.pool:
        texts = {text for path in arguments.pool for text in lines(path)}
        knowledge_base = knowledge_base.with_pipelines(texts)
    for task in arguments.tasks:
        for metric in METRICS[task]:
            report(knowledge_base.matrix(task, metric))


def lines(path):
    """Return the lines of a file, without the notes behind them."""
    with open(path, encoding="utf-8") as file:
        return [line.partition("  # ")[0].strip() for line in file]


def report(matrix):
    """Print the table of one task and metric."""
    results = {
        name: leave_one_family_out(matrix, propose, LENGTHS)
        for name, propose in methods(KNNMetaLearner()).items()
    }
    static = results["static portfolio"].values
    print(
        f"\n{matrix.task}, {matrix.metric}: mean regret of the best of the first n, "
        f"{len(static)} datasets, {len(matrix.pipelines)} pipelines\n"
        "(in brackets: p-value of Wilcoxon's test against the static portfolio)\n"
    )
    print("| method | " + " | ".join(f"n = {n}" for n in LENGTHS) + " |")
    print("|---" * (1 + len(LENGTHS)) + "|")
    for name, regrets in results.items():
        cells = [
            f"{values.mean():.3f}{_p_value(values, other)}"
            for values, other in zip(regrets.values.T, static.T, strict=True)
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nThe first proposal ({ZERO_SHOT}) against untuned models:\n")
    for line in against_untuned(matrix, results[ZERO_SHOT]):
        print(line)


def against_untuned(matrix, regrets):
    """Compare the first proposal with untuned models, each where it was tried.

    Parameters
    ----------
    matrix : ScoreMatrix
    regrets : HeldOutRegrets

    Yields
    ------
    line : str
        Number of datasets, mean regrets, and the share of datasets on which the
        proposal is better; a tie is half a win.
    """
    rows = [matrix.datasets.index(name) for name in regrets.datasets]
    first = regrets.values[:, regrets.lengths.index(1)]
    truth = regrets_of(matrix)[rows]
    for text in UNTUNED:
        if text in matrix.pipelines:
            untuned = truth[:, matrix.pipelines.index(text)]
            known = np.isfinite(untuned)
            wins = (first < untuned) + 0.5 * (first == untuned)
            yield (
                f"{text}: {known.sum()} datasets, mean regret {first[known].mean():.3f}"
                f" against {untuned[known].mean():.3f}, wins {wins[known].mean():.0%}"
            )


def _p_value(values, other):
    if np.array_equal(values, other):
        return ""
    return f" ({wilcoxon(values, other).pvalue:.1g})"


if __name__ == "__main__":
    main()
