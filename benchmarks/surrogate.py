"""Does the surrogate know which pipelines are good, before they are evaluated?

Leave-one-family-out on a knowledge base, and a third of the pipelines left out as well:
these play the offspring of a search, which no knowledge base knows. For each dataset,
the first pipelines of the portfolio are evaluated (looked up in the dataset's own row
of the matrix), then the regrets of the pipelines that were left out are predicted.
Judged by the rank correlation with the true regrets, and by the true regret of the one
that is predicted to be best among `--choices` random ones.

The last line is the price: milliseconds of one proposal of `EvolutionarySearch`, with
and without screening, told of made-up scores.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr, wilcoxon

from sklearn_meta.metalearning import KnowledgeBase, Prior
from sklearn_meta.metalearning._gaussian_process import (
    UNKNOWN_REGRET,
    learn_surrogate,
    nothing_observed,
    without_memory,
)
from sklearn_meta.metalearning._knn import KNNMetaLearner
from sklearn_meta.metalearning._leave_one_family_out import HeldOutDataset
from sklearn_meta.metalearning._recall_data import prepare
from sklearn_meta.metalearning._regret import regrets_of
from sklearn_meta.metalearning._reranking import PortfolioReranker
from sklearn_meta.metalearning._tree_encoding import tree_encoder
from sklearn_meta.pipelines import SearchSpace, default_catalog, parse
from sklearn_meta.search import EvolutionarySearch
from sklearn_meta.testing import make_problem, run_search

LENGTHS = (5, 10, 20)
METRICS = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
}
SHARE_LEFT_OUT = 1 / 3
# Datasets on which fewer pipelines have a score are not judged.
MIN_PIPELINES = 75
N_DRAWS = 200


@dataclass(frozen=True)
class Episode:
    """One dataset that plays the new one.

    Parameters
    ----------
    trees : list of Node
        Of all pipelines.
    known, left_out : list of int
        Pipelines in the knowledge base, and others that have a true regret.
    reranker : PortfolioReranker
        After the longest portfolio; its pipelines are those of `known`.
    truth, scores : ndarray of shape (n_pipelines,)
    """

    task: str
    trees: list
    known: list
    left_out: list
    reranker: PortfolioReranker
    truth: np.ndarray
    scores: np.ndarray

    def after(self, n) -> Episode:
        """Return what was known after the first `n` evaluations."""
        posterior = self.reranker.posterior
        posterior = replace(
            posterior, tried=posterior.tried[:n], scores=posterior.scores[:n]
        )
        return replace(self, reranker=replace(self.reranker, posterior=posterior))


def episodes(matrix, every):
    """Yield an episode for each dataset, or for one in `every`."""
    truth = regrets_of(matrix)
    catalog = default_catalog(matrix.task)
    trees = [parse(p, catalog=catalog) for p in matrix.pipelines]
    families = np.asarray(matrix.families)
    judged = np.flatnonzero(np.isfinite(truth).sum(axis=1) >= MIN_PIPELINES)
    parameters = KNNMetaLearner()
    for i in judged[::every]:
        order = np.random.default_rng(i).permutation(len(trees))
        n_out = round(SHARE_LEFT_OUT * len(trees))
        known = np.sort(order[n_out:])
        others = matrix.take_datasets(families != families[i]).take_pipelines(known)
        new = HeldOutDataset(matrix, i)
        reranker = _reranker(others, new.metafeatures, new.size, parameters)
        criterion, posterior = reranker.criterion, reranker.posterior
        there = [j for j, p in enumerate(known) if np.isfinite(truth[i, p])]
        while len(posterior.tried) < max(LENGTHS):
            [chosen] = criterion.select(
                1, posterior.weights, posterior.tried, among=there
            )
            posterior = posterior.updated(chosen, new.evaluate(known[chosen]))
        reranker = replace(reranker, posterior=posterior)
        left_out = [p for p in order[:n_out] if np.isfinite(truth[i, p])]
        yield Episode(
            matrix.task,
            trees,
            list(known),
            left_out,
            reranker,
            truth[i],
            matrix.mean[i],
        )


def _reranker(matrix, metafeatures, size, parameters):
    data = prepare(matrix, parameters.n_neighbors)
    posterior = data.posterior(
        metafeatures, shrinkage=parameters.shrinkage, evidence=parameters.evidence
    )
    criterion = data.criterion(size, diversity=parameters.diversity)
    texts = {text: j for j, text in enumerate(matrix.pipelines)}
    return PortfolioReranker(criterion, posterior, texts)


def by_chance(episode):
    """No screening."""
    return np.random.default_rng(len(episode.left_out)).random(len(episode.left_out))


def by_posterior(episode):
    """Posterior mean of the regrets on the datasets, smoothed over similar trees."""
    surrogate = _surrogate(episode)
    vectors = surrogate.encoder.encode([episode.trees[p] for p in episode.left_out])
    expected = episode.reranker.posterior.weights @ surrogate.regrets
    return UNKNOWN_REGRET + surrogate.mixture(vectors) @ (expected - UNKNOWN_REGRET)


def by_run(episode):
    """The surrogate without a knowledge base."""
    encoder = tree_encoder(default_catalog(episode.task))
    return _predictions(without_memory(encoder), np.empty(0), episode)


def by_surrogate(episode):
    """The surrogate as it is."""
    return _predictions(
        _surrogate(episode), episode.reranker.posterior.weights, episode
    )


METHODS = {
    "no screening": by_chance,
    "posterior alone": by_posterior,
    "surrogate of the run alone": by_run,
    "surrogate": by_surrogate,
}


def _surrogate(episode):
    return learn_surrogate(
        tree_encoder(default_catalog(episode.task)),
        {j: episode.trees[p] for j, p in enumerate(episode.known)},
        episode.reranker,
    )


def _predictions(surrogate, weights, episode):
    tried = [episode.known[j] for j in episode.reranker.posterior.tried]
    observed = nothing_observed(surrogate).with_trees([episode.trees[p] for p in tried])
    scores = np.nan_to_num(episode.scores[tried], nan=-np.inf)
    expectation = observed.expectation(scores, np.ones(len(tried)), weights)
    return expectation.predict([episode.trees[p] for p in episode.left_out])[0]


def judge(episode, predicted, n_choices):
    """Rank correlation with the truth, and true regret of the choice of some."""
    truth = episode.truth[episode.left_out]
    rng = np.random.default_rng(len(truth))
    chosen = []
    for _ in range(N_DRAWS):
        drawn = rng.choice(len(truth), n_choices, replace=False)
        chosen.append(truth[drawn[np.argmin(predicted[drawn])]])
    return spearmanr(truth, predicted).statistic, np.mean(chosen)


def report(matrix, every, n_choices):
    """Print the figures of one task."""
    all_episodes = list(episodes(matrix, every))
    print(
        f"\n{matrix.task}, {matrix.metric}: {len(all_episodes)} datasets, "
        f"{len(matrix.pipelines)} pipelines. After n evaluations: rank correlation / "
        f"regret of the choice of 1 of {n_choices}\n(in brackets: p-value of "
        "Wilcoxon's test of the regret against the posterior alone)\n"
    )
    print("| method | " + " | ".join(f"n = {n}" for n in LENGTHS) + " |")
    print("|---" * (1 + len(LENGTHS)) + "|")
    judged = {
        (name, n): np.array(
            [
                judge(e, method(e), n_choices)
                for e in (episode.after(n) for episode in all_episodes)
            ]
        )
        for name, method in METHODS.items()
        for n in LENGTHS
    }
    for name in METHODS:
        cells = []
        for n in LENGTHS:
            correlation, regret = np.nanmean(judged[name, n], axis=0)
            cell = f"{correlation:.2f} / {regret:.3f}"
            if name != "posterior alone":
                other = judged["posterior alone", n][:, 1]
                p_value = wilcoxon(judged[name, n][:, 1], other).pvalue
                cell += f" ({p_value:.1g})"
            cells.append(cell)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def report_overhead(matrix, n_proposals):
    """Print the milliseconds of a proposal with a knowledge base of this size."""
    catalog = default_catalog(matrix.task)
    parameters = KNNMetaLearner()
    reranker = _reranker(matrix, matrix.metafeatures[0], (500, 20, 2), parameters)
    trees = {j: parse(p, catalog=catalog) for j, p in enumerate(matrix.pipelines)}
    began = time.process_time()
    encoder = tree_encoder(catalog)
    surrogate = learn_surrogate(encoder, trees, reranker)
    learning = time.process_time() - began
    problem = make_problem(
        prior=Prior(surrogate=surrogate), space=SearchSpace(), n_features=20
    )
    seconds = {}
    for n_offspring in (1, EvolutionarySearch().n_offspring):
        search = EvolutionarySearch(n_offspring=n_offspring).start(problem)
        began = time.process_time()
        run_search(search, n_proposals)
        seconds[n_offspring] = (time.process_time() - began) / n_proposals
    first, second = seconds
    print(
        f"\n{n_proposals} proposals, {matrix.shape[0]} datasets, {matrix.shape[1]} "
        f"pipelines: {1e3 * seconds[first]:.2f} ms for one without screening, "
        f"{1e3 * seconds[second]:.2f} ms with {second} offspring; {1e3 * learning:.0f} "
        "ms once for learning the surrogate"
    )


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--knowledge-base", help="file; the one of the package by default"
    )
    parser.add_argument("--tasks", nargs="+", choices=METRICS, default=list(METRICS))
    parser.add_argument("--every", type=int, default=1, help="judge one in so many")
    parser.add_argument("--choices", type=int, default=8)
    parser.add_argument("--proposals", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        knowledge_base = _snapshot(arguments.knowledge_base, folder)
        for task in arguments.tasks:
            matrix = knowledge_base.matrix(task, METRICS[task])
            report(matrix, arguments.every, arguments.choices)
            if task == "classification":
                report_overhead(matrix, arguments.proposals)


def _snapshot(path, folder):
    """Return a copy of a knowledge base that is perhaps being written to."""
    if path is None:
        return KnowledgeBase()
    copy = Path(folder) / "knowledge.sqlite"
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    target = sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    return KnowledgeBase(copy)


if __name__ == "__main__":
    main()
