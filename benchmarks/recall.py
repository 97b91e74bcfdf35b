"""Is recall better than the same portfolio for every dataset?

Leave-one-family-out on a knowledge base: for each dataset, the proposals of each method
are scored with the dataset's own row of the matrix, which the method has not seen. The
regret is 0 for the best pipeline of the matrix and 1 for the median one.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import wilcoxon

from sklearn_meta.metalearning._judge import (
    by_belief,
    by_oracle,
    in_random_order,
    leave_one_family_out,
)
from sklearn_meta.metalearning._knn import KNNMetaLearner
from sklearn_meta.metalearning._regret import regrets
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase

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
    """Return the ways to propose pipelines that are compared, by name."""
    hybrid = {
        "metric": meta_learner.metric,
        "n_neighbors": meta_learner.n_neighbors,
        "shrinkage": meta_learner.shrinkage,
        "time_aversion": 0.0,
    }
    # The same for every dataset: no distance counts.
    static = {**hybrid, "metric": "equal", "shrinkage": np.inf}
    by_distance = {**hybrid, "metric": "learned"}
    evidence = meta_learner.evidence
    return {
        "random order": in_random_order(0),
        "static portfolio": by_belief(**static),
        "static, re-ranked": by_belief(**static, evidence=evidence),
        "nearest neighbors by distance": by_belief(**{**by_distance, "shrinkage": 0.0}),
        "hybrid by distance, equal weights": by_belief(**{**hybrid, "metric": "equal"}),
        "hybrid by distance, learned weights": by_belief(**by_distance),
        "hybrid by distance, re-ranked": by_belief(**by_distance, evidence=evidence),
        "nearest neighbors in a forest": by_belief(**{**hybrid, "shrinkage": 0.0}),
        "hybrid": by_belief(**hybrid),
        "hybrid, re-ranked": by_belief(**hybrid, evidence=evidence),
        "hybrid, re-ranked, diverse": by_belief(
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
        "--pool", nargs="+", help="files of pipelines, to look at these alone"
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
    """Return the lines of a file, without notes behind them."""
    with open(path, encoding="utf-8") as file:
        return [line.partition("  # ")[0].strip() for line in file]


def report(matrix):
    """Print the table of one task and metric."""
    judged = {
        name: leave_one_family_out(matrix, propose, LENGTHS)
        for name, propose in methods(KNNMetaLearner()).items()
    }
    static = judged["static portfolio"].values
    print(
        f"\n{matrix.task}, {matrix.metric}: mean regret of the best of the first n, "
        f"{len(static)} datasets, {len(matrix.pipelines)} pipelines\n"
        "(in brackets: p-value of Wilcoxon's test against the static portfolio)\n"
    )
    print("| method | " + " | ".join(f"n = {n}" for n in LENGTHS) + " |")
    print("|---" * (1 + len(LENGTHS)) + "|")
    for name, judgment in judged.items():
        cells = [
            f"{values.mean():.3f}{_p_value(values, other)}"
            for values, other in zip(judgment.values.T, static.T, strict=True)
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nThe first proposal ({ZERO_SHOT}) against untuned models:\n")
    for line in against_untuned(matrix, judged[ZERO_SHOT]):
        print(line)


def against_untuned(matrix, judgment):
    """Compare the first proposal with untuned models, each where it was tried.

    Yields
    ------
    line : str
        Datasets, mean regrets, and the share of datasets that the proposal wins; a tie
        is half a win.
    """
    rows = [matrix.datasets.index(name) for name in judgment.datasets]
    first = judgment.values[:, judgment.lengths.index(1)]
    own = regrets(matrix.mean, matrix.standard_error, matrix.tried)[rows]
    for text in UNTUNED:
        if text in matrix.pipelines:
            theirs = own[:, matrix.pipelines.index(text)]
            known = np.isfinite(theirs)
            wins = (first < theirs) + 0.5 * (first == theirs)
            yield (
                f"{text}: {known.sum()} datasets, mean regret {first[known].mean():.3f}"
                f" against {theirs[known].mean():.3f}, wins {wins[known].mean():.0%}"
            )


def _p_value(values, other):
    if np.array_equal(values, other):
        return ""
    return f" ({wilcoxon(values, other).pvalue:.1g})"


if __name__ == "__main__":
    main()
