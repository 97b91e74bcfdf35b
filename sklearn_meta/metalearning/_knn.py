"""The k-NN meta-learner: begin where the search on similar datasets ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_meta._threads import one_thread
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning._fixed_portfolio import (
    FixedPortfolio,
    without_idle_preparation,
)
from sklearn_meta.metalearning._gaussian_process import learn_surrogate
from sklearn_meta.metalearning._prior import Neighbor, Prior, Proposal
from sklearn_meta.metalearning._recall_data import believe, remember
from sklearn_meta.metalearning._reranking import Guide
from sklearn_meta.metalearning._tree_encoding import tree_encoder
from sklearn_meta.metalearning.knowledge_base._knowledge_base import (
    KnowledgeBase,
    concatenate,
)
from sklearn_meta.metalearning.metafeatures import describe, read_table
from sklearn_meta.pipelines._compile import compile_pipeline
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.timing._operators import predicted_seconds_on

# Fewer datasets than this are no memory: the fixed portfolio knows more.
MIN_DATASETS = 10

# Variation draws from so many of the best pipelines of each dataset.
N_GOOD = 5
# And from so many values of each hyperparameter.
N_VALUES = 8

# Meta-features may take this share of the budget, and at most so many seconds.
METAFEATURE_SHARE, METAFEATURE_SECONDS = 0.02, 1.0

# A fit that takes less than this share of the budget takes no time worth saving.
LITTLE_TIME_SHARE = 0.002
# A fit that takes this share of the budget makes a proposal half as valuable: all folds
# of it are a quarter of what one worker can do. Replayed on a seventh of the tables,
# leaving out their families, the regret (diversity counted) after a fifth of 10 s falls
# from 0.50 to 0.36 in log loss and from 0.37 to 0.23 in RMSE; in the end, and with
# 60 s, it is the same within 0.02. Shares of 0.02 and 0.01 are alike.
MUCH_TIME_SHARE = 0.05

# Learners of which the knowledge base knows nothing are tried after so many others.
UNKNOWN_AFTER = 10

# What is shown of a neighbor.
N_ALIKE, N_SHOWN_PIPELINES = 5, 3

# A proposal is said to come from a dataset on which its regret is at most this.
REGRET_OF_A_GOOD_PIPELINE = 0.1


class KNNMetaLearner(BaseEstimator):
    """Recall the pipelines that did well on the datasets most like the new one.

    A hybrid of nearest neighbors and of the portfolio that is best for all datasets.
    Each dataset of the knowledge base weighs by how near its meta-features make it,
    mixed with equal weights; the portfolio is chosen greedily, each
    pipeline for what it is expected to gain over those before it. While the search
    runs, the rest of the portfolio is put into a new order by what the finished
    evaluations reveal: a dataset on which the same pipelines compare alike becomes
    heavier.

    Parameters
    ----------
    n_neighbors : int, default=3
        Datasets in a leaf of the forest, at least. With a distance, that of the
        neighbor of this rank is the bandwidth of the kernel that gives datasets their
        weights.
    metric : {"forest", "learned", "equal"}, default="forest"
        What makes two datasets near: how often they share a leaf in a forest that
        predicts from meta-features how all pipelines do; or a distance in which
        meta-features weigh as learned from the knowledge base, so that near datasets
        rank pipelines alike, or all the same. When one family of datasets at a time was
        left out, the first proposal of the forest lost a sixth (log loss) to a quarter
        (RMSE) less to the best pipeline than that of the learned distance.
    shrinkage : float, default=0.02
        Weight of the portfolio for all datasets against that of the neighbors. 0 is
        plain nearest neighbors, ``numpy.inf`` the same portfolio for every dataset. At
        1, both weigh the same if the nearest dataset is at the usual distance. The
        default is as good as none where something is near, and falls back on the
        portfolio where nothing is.
    evidence : float, default=1.0
        How much the finished evaluations of this run count against the meta-features.
        0 leaves the order of the portfolio as it was.
    diversity : float, default=0.5
        What the best pipeline of the second-best learner counts against the best one of
        all, and that of the third-best learner against that of the second, when it is
        asked what a proposal is expected to gain. 0 looks at the best one alone; but
        what is found is combined, and learners that err differently combine better.
    time_aversion : float, default=0.25
        A proposal is worth its expected gain divided by its expected seconds to this
        power. 0 ignores time, 1 is gain per second. Differences below two thousandths
        of the time budget do not count; what takes a twentieth of it for one fit
        is worth half.
    own_weight : float, default=10.0
        What a dataset of a knowledge base of one's own counts against one that ships
        with the package, if both are as near. The tables of one team have more in
        common than meta-features tell. With 10, the first proposals for a table became
        better if the file held others of its family (`python -m benchmarks.related`);
        with 100 and more, they became worse again.
    n_proposals : int, default=30
        Length of the portfolio, before the search varies what it has found.

    Attributes
    ----------
    knowledge_bases_ : tuple of KnowledgeBase
        What it recalls from; of a dataset that several know, the last one counts.

    See Also
    --------
    FixedPortfolio : Recall without a memory.

    References
    ----------
    Nearest neighbors by meta-features begin the search of auto-sklearn (Feurer et al.,
    "Efficient and Robust Automated Machine Learning", 2015); that a greedy portfolio
    beats them is from its second version (Feurer et al., "Auto-Sklearn 2.0", 2022);
    that a few evaluations tell more of a dataset than its meta-features from Pfahringer
    et al., "Meta-learning by landmarking various learning algorithms", 2000.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta.metalearning import KNNMetaLearner
    >>> X, y = load_iris(return_X_y=True)
    >>> meta_learner = KNNMetaLearner().fit()
    >>> recommendations = meta_learner.recommend(X, y, n=3)
    >>> len(recommendations)
    3
    """

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({"forest", "learned", "equal"})],
        "shrinkage": [Interval(Real, 0, None, closed="both")],
        "evidence": [Interval(Real, 0, None, closed="left")],
        "diversity": [Interval(Real, 0, 1, closed="both")],
        "time_aversion": [Interval(Real, 0, None, closed="left")],
        "own_weight": [Interval(Real, 0, None, closed="neither")],
        "n_proposals": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_neighbors=3,
        metric="forest",
        shrinkage=0.02,
        evidence=1.0,
        diversity=0.5,
        time_aversion=0.25,
        own_weight=10.0,
        n_proposals=30,
    ):
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.shrinkage = shrinkage
        self.evidence = evidence
        self.diversity = diversity
        self.time_aversion = time_aversion
        self.own_weight = own_weight
        self.n_proposals = n_proposals

    def fit(self, knowledge_base=None, y=None):
        """Choose what to recall from.

        Nothing is read before it is needed.

        Parameters
        ----------
        knowledge_base : KnowledgeBase, str, path-like or None, default=None
            None is the one that ships with the package; the path of a file adds that
            to it. A `KnowledgeBase` is recalled from alone.
        y : None
            Ignored.

        Returns
        -------
        self : KNNMetaLearner
        """
        self._validate_params()
        if isinstance(knowledge_base, KnowledgeBase):
            self.knowledge_bases_ = (knowledge_base,)
        elif knowledge_base is None:
            self.knowledge_bases_ = (KnowledgeBase(),)
        else:
            self.knowledge_bases_ = (KnowledgeBase(), KnowledgeBase(knowledge_base))
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # It learns from a knowledge base, not from the rows of a table.
        tags.input_tags.two_d_array = False
        return tags

    def recall(self, dataset, *, catalog, time_budget, scoring) -> Prior:
        """Return the prior for a dataset.

        Parameters
        ----------
        dataset : Dataset
        catalog : Catalog
            Operators that pipelines may use; others are left out.
        time_budget : float
            Seconds of the whole search.
        scoring : str
            scikit-learn's name of the metric.

        Returns
        -------
        prior : Prior
            That of `FixedPortfolio` if the knowledge base holds too few datasets.
        """
        with one_thread():
            return self._recall(
                dataset,
                catalog=catalog,
                time_budget=time_budget,
                scoring=scoring,
                n_proposals=self.n_proposals,
            )

    def _recall(self, dataset, *, catalog, time_budget, scoring, n_proposals):
        check_is_fitted(self, "knowledge_bases_")
        if dataset.task.n_outputs > 1:
            return _without_memory(
                "Nothing is known of tables with several outputs.",
                dataset,
                catalog,
                time_budget,
            )
        matrix, own = self._matrix(dataset.task.name, scoring)
        if len(matrix.datasets) < MIN_DATASETS:
            return _without_memory(
                f"The knowledge base holds {len(matrix.datasets)} datasets for "
                f"{dataset.task.name}, which is too few to recall from.",
                dataset,
                catalog,
                time_budget,
            )
        memory = remember(matrix, self.metric, self.n_neighbors)
        metafeatures = describe(
            dataset,
            time_limit=min(METAFEATURE_SECONDS, METAFEATURE_SHARE * time_budget),
        )
        here = _aligned(metafeatures, memory.space.names)
        time_aversion = self.time_aversion if np.isfinite(time_budget) else 0.0
        belief = believe(
            memory,
            here,
            (dataset.n_samples, dataset.n_features, dataset.task.n_classes),
            shrinkage=self.shrinkage,
            time_aversion=time_aversion,
            little_time=LITTLE_TIME_SHARE * min(time_budget, 1e6),
            much_time=MUCH_TIME_SHARE * time_budget if time_aversion else np.inf,
            evidence=self.evidence,
            diversity=self.diversity,
            importance=np.where(own, self.own_weight, 1.0),
        )
        trees = _legal_trees(memory.regrets.pipelines, catalog, dataset)
        seconds = _on_all_rows(
            belief.seconds, trees, memory.seconds.most_rows, dataset, catalog
        )
        belief = replace(belief, seconds=seconds)
        # Of pipelines that are equal on this table, the first one stands for all.
        distinct = {tree: i for i, tree in reversed(trees.items())}
        order = belief.order(n_proposals, among=sorted(distinct.values()))
        neighbors = _neighbors(memory, belief, here, trees, self.n_neighbors)
        weights, values = _preferences(memory, belief, catalog)
        guide = Guide(belief, {format_tree(trees[i]): i for i in order}, UNKNOWN_AFTER)
        known = [_proposal(i, trees[i], memory, belief, matrix) for i in order]
        unknown = _of_unknown_learners(trees.values(), dataset, catalog, time_budget)
        return Prior(
            portfolio=(*known[:UNKNOWN_AFTER], *unknown, *known[UNKNOWN_AFTER:]),
            operator_weights=weights,
            values=values,
            guide=guide,
            surrogate=_surrogate(memory, guide, distinct, catalog, dataset),
            neighbors=neighbors,
            metafeatures=metafeatures,
            note=_note(memory, scoring),
        )

    def _matrix(self, task, scoring):
        """Return what all knowledge bases say in one metric: that of the first one.

        And which datasets are of another one than the first.
        """
        first, *others = self.knowledge_bases_
        matrices = [first.matrix(task, scoring)]
        for other in others:
            more = other.matrix(task, matrices[0].metric)
            if more.metric == matrices[0].metric:
                matrices.append(more)
        matrix = concatenate(matrices)
        own = {name for other in matrices[1:] for name in other.datasets}
        return matrix, np.array([name in own for name in matrix.datasets], dtype=bool)

    def recommend(self, X, y, n=10, *, task=None, scoring=None):
        """Recommend pipelines for a table, without any search.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Raw table, as the estimators take it.
        y : array-like of shape (n_samples,)
        n : int, default=10
            Number of recommendations.
        task : {"classification", "regression"} or None, default=None
            None takes numbers with a fractional part for a regression target and all
            others for labels, as `compute_metafeatures` does.
        scoring : str, default=None
            scikit-learn's name of the metric; log loss or RMSE by default.

        Returns
        -------
        recommendations : tuple of Recommendation
            At most `n`, in the order in which to try them.
        """
        encoding, dataset = read_table(X, y, task)
        task = dataset.task
        catalog = SearchSpace().catalog(task.name)
        with one_thread():
            prior = self._recall(
                dataset,
                catalog=catalog,
                time_budget=np.inf,
                scoring=scoring or task.default_scoring,
                n_proposals=n,
            )
        return tuple(
            Recommendation(
                pipeline=format_tree(proposal.tree),
                estimator=compile_pipeline(
                    proposal.tree,
                    encoding.schema,
                    catalog=catalog,
                    n_classes=task.n_classes,
                    n_outputs=task.n_outputs,
                    random_state=0,
                    encoder=encoding.encoder,
                ),
                reason=proposal.origin,
                expected_score=proposal.expected_score,
                expected_regret=proposal.expected_regret,
                expected_seconds=proposal.expected_seconds,
            )
            for proposal in prior.portfolio[:n]
        )


@dataclass(frozen=True)
class Recommendation:
    """A pipeline that is expected to do well on a table.

    Parameters
    ----------
    pipeline : str
        Its canonical text.
    estimator : sklearn.pipeline.Pipeline
        Ready to be fitted on the raw table.
    reason : str
        Which datasets speak for it.
    expected_score, expected_regret, expected_seconds : float or None
        See `Proposal`.
    """

    pipeline: str
    estimator: Pipeline = field(repr=False)
    reason: str
    expected_score: float | None
    expected_regret: float | None
    expected_seconds: float | None


def _without_memory(reason, dataset, catalog, time_budget) -> Prior:
    fixed = FixedPortfolio().recall(dataset, catalog=catalog, time_budget=time_budget)
    return replace(fixed, note=f"{reason} A fixed portfolio is tried first.")


def _aligned(metafeatures, names):
    """Return meta-features in the order of the memory; NaN for those not computed."""
    known = metafeatures.as_dict()
    return np.array([known.get(name, np.nan) for name in names])


def _legal_trees(texts, catalog, dataset):
    """Return the trees that this search may use, by their number in the memory.

    Preparations that do nothing on this table are left out.
    """
    trees = {}
    for i, text in enumerate(texts):
        try:
            tree = parse(text, catalog=catalog)
        except PipelineSyntaxError:
            continue  # a smaller search space, or a knowledge base of another version
        trees[i] = without_idle_preparation(tree, dataset.schema)
    return trees


def _on_all_rows(seconds, trees, most_rows, dataset, catalog):
    """Let seconds grow as those of the operators, from `most_rows` on."""
    if dataset.n_samples <= most_rows:
        return seconds
    seconds = seconds.copy()
    for i, tree in trees.items():
        known, here = (
            predicted_seconds_on(dataset, tree, catalog=catalog, n_samples=n)
            for n in (most_rows, dataset.n_samples)
        )
        seconds[i] *= here / known
    return seconds


def _proposal(i, tree, memory, belief, matrix):
    weights = belief.weights
    known = np.isfinite(matrix.mean[:, i])
    total = weights[known].sum()
    score = weights[known] @ matrix.mean[known, i] / total if total > 0 else None
    # The heaviest dataset on which it is good: the reason for it, in a word.
    good = np.nan_to_num(memory.regrets.values[:, i], nan=np.inf)
    good = np.where(good <= REGRET_OF_A_GOOD_PIPELINE, weights, 0.0)
    reason = (
        f"portfolio: good on {memory.regrets.datasets[int(np.argmax(good))]}"
        if good.any()
        else "portfolio"
    )
    return Proposal(
        tree,
        origin=reason,
        expected_regret=float(weights @ memory.filled[:, i]),
        expected_score=None if score is None else float(score),
        expected_seconds=float(belief.seconds[i]),
    )


def _of_unknown_learners(known, dataset, catalog, time_budget):
    """Return what the fixed portfolio has of learners that no known pipeline uses.

    One of each, so that an operator which is younger than the knowledge base has its
    chance.
    """
    seen = {node.operator for tree in known for _, node in tree.walk()}
    proposals = []
    fixed = FixedPortfolio().recall(dataset, catalog=catalog, time_budget=time_budget)
    for proposal in fixed.portfolio:
        if proposal.tree.operator not in seen:
            seen.add(proposal.tree.operator)
            proposals.append(proposal)
    return proposals


def _neighbors(memory, belief, here, trees, n):
    differences = memory.space.squared_differences(here)
    distances = memory.neighbors.distances(here)
    usual = np.maximum(differences.mean(axis=0), 1e-12)
    usual = np.where(memory.space.weights > 0, usual, 0.0)
    names = memory.space.names
    result = []
    for d in np.argsort(distances, kind="stable")[:n]:
        # Meta-features count as alike by how much less than usual they differ.
        saved = usual - differences[d]
        alike = tuple(
            names[j]
            for j in np.argsort(-saved, kind="stable")[:N_ALIKE]
            if saved[j] > 0
        )
        values = np.nan_to_num(memory.regrets.values[d], nan=np.inf)
        best = np.argsort(values, kind="stable")[:N_SHOWN_PIPELINES]
        result.append(
            Neighbor(
                dataset=memory.regrets.datasets[d],
                family=memory.regrets.families[d],
                distance=float(distances[d]),
                weight=float(belief.weights[d]),
                alike=alike,
                pipelines=tuple(
                    format_tree(trees[p]) if p in trees else memory.regrets.pipelines[p]
                    for p in best
                ),
            )
        )
    return tuple(result)


def _preferences(memory, belief, catalog):
    """Return the operators and values of good pipelines, by the datasets' weights."""
    merits = Counter()
    for d, weight in enumerate(belief.weights):
        values = memory.regrets.values[d]
        known = np.flatnonzero(np.isfinite(values))
        for p in known[np.argsort(values[known], kind="stable")[:N_GOOD]]:
            merits[p] += weight / N_GOOD
    operators, values = Counter(), {}
    for p, merit in merits.most_common():
        try:
            tree = parse(memory.regrets.pipelines[p], catalog=catalog)
        except PipelineSyntaxError:
            continue
        for _, node in tree.walk():
            operators[node.operator] += merit
            for name, value in node.params:
                known = values.setdefault((node.operator, name), Counter())
                known[value] += merit
    return operators, {
        key: tuple(value for value, _ in known.most_common(N_VALUES))
        for key, known in values.items()
    }


def _surrogate(memory, guide, distinct, catalog, dataset):
    """Return what all known pipelines say of others, the best known of them first."""
    known = np.isfinite(memory.regrets.values).sum(axis=0)
    numbers = sorted(distinct.items(), key=lambda item: -known[item[1]])
    return learn_surrogate(
        tree_encoder(catalog),
        {i: tree for tree, i in numbers},
        guide,
        seconds=lambda tree: predicted_seconds_on(dataset, tree, catalog=catalog),
    )


def _note(memory, scoring):
    if memory.metric == scoring:
        return ""
    return (
        f"The knowledge base holds no {scoring}: pipelines are recalled by "
        f"{memory.metric}."
    )
