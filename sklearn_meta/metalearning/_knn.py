"""Meta-learner with nearest neighbors by meta-features, mixed with a portfolio.

`KNNMetaLearner.recall` joins the parts: meta-features (`metafeatures`), weights of the
known datasets (`similarity`), their update by evaluations (`_posterior`), and the
selection of pipelines (`_portfolio`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta._threads import one_thread
from sklearn_meta._warnings import warn
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning._fixed_portfolio import (
    FixedPortfolio,
    without_idle_preparation,
)
from sklearn_meta.metalearning._neighbors import nearest_datasets
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.metalearning._recall_data import prepare
from sklearn_meta.metalearning._reranking import PortfolioReranker
from sklearn_meta.metalearning._text_pipelines import text_first
from sklearn_meta.metalearning.knowledge_base._file import wait_before_search
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._nearest import Nearest
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseLockedError
from sklearn_meta.metalearning.knowledge_base._score_matrix import concatenate
from sklearn_meta.metalearning.metafeatures import describe, encode_dataset
from sklearn_meta.pipelines._compile import compile_pipeline
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines._token_weights import N_COMPONENTS, n_dense_columns
from sklearn_meta.timing._operators import predicted_seconds_on
from sklearn_meta.timing._text_size import text_size

# With fewer datasets than this, the fixed portfolio is used.
MIN_DATASETS = 10

# Time limit of the meta-features: a share of the budget, and seconds.
METAFEATURE_SHARE, METAFEATURE_SECONDS = 0.02, 1.0

# From a large file, as many datasets, evaluations and pipelines are read as take a
# fiftieth of a budget of 10 s or more. The numbers grow with a power of it, since the
# effort grows faster than they do: a part of it with their product. The nearest 65 of
# the datasets that ship recall as good pipelines as all 220: on 71 tables, their
# families left out, the regret of the best of ten is 0.15 with both.
DATASETS, PIPELINES, POWER = 24, 65, 0.7
EVALUATIONS_PER_DATASET = 150
BUDGETS = 1.0, 100.0
# About as many ship, and are always read.
SHIPPED_DATASETS, SHIPPED_PIPELINES = 250, 150

# Share of the budget below which differences between the seconds of a fit do not count.
LITTLE_TIME_SHARE = 0.002
# A fit that takes this share of the budget makes a proposal half as valuable: all folds
# of it are a quarter of what one worker can do. Replayed on a seventh of the tables,
# leaving out their families, the regret (diversity counted) after a fifth of 10 s falls
# from 0.50 to 0.36 in log loss and from 0.37 to 0.23 in RMSE; in the end, and with
# 60 s, it is the same within 0.02. Shares of 0.02 and 0.01 are alike.
MUCH_TIME_SHARE = 0.05

# On dense tables with more columns, ten times those of the widest known dataset, the
# seconds are not extrapolated from known ones alone: 2 000 rounds of LightGBM on 20 000
# columns were expected to take less than a second, and took ten.
WIDE = 5_000

# Number of known pipelines that are tried before learners that are not in the knowledge
# base.
UNKNOWN_AFTER = 10

# The origin of a proposal names a dataset on which its regret is at most this.
REGRET_OF_A_GOOD_PIPELINE = 0.1


class KNNMetaLearner(BaseEstimator):
    """Recall the pipelines that did well on the datasets most similar to a new one.

    Each dataset of the knowledge base has a weight: its proximity to the new one in a
    random forest over meta-features, mixed with equal weights for all families of
    datasets. The portfolio is selected greedily, each pipeline by the expected
    reduction of regret over those before it, per second. While the search runs, the
    rest of the portfolio is re-ranked: datasets on which the evaluated pipelines
    compare as on the new one gain weight.

    Parameters
    ----------
    n_neighbors : int, default=3
        Minimum number of datasets per leaf of the forest: neighbors that share a weight
        in one tree. Of 3 and 5, 3 was the best in leave-one-family-out evaluation.
    shrinkage : float, default=0.02
        Weight of the equal weights for all families against that of the proximities. 0
        is plain nearest neighbors, ``numpy.inf`` the same portfolio for every dataset.
        At 1, both weigh the same if the nearest dataset is at the usual distance. With
        the default, the proximities decide where a dataset is near, and the equal
        weights where none is.
    evidence : float, default=1.0
        Weight of the evaluations of this run against the meta-features. 0 keeps the
        order of the portfolio.
    diversity : float, default=0.5
        Weight of the regret of the second-best learner relative to that of the best
        one, and of the third relative to the second, in the expected reduction of
        regret. 0 considers the best pipeline only; but evaluated pipelines are combined
        in the end, and learners that err differently combine better.
    time_aversion : float, default=0.25
        Exponent of the expected seconds by which the expected reduction of regret is
        divided. 0 ignores time, 1 is reduction per second. Differences below two
        thousandths of the time budget do not count; a pipeline whose fit takes a
        twentieth of the budget has half of its value.
    own_weight : float, default=10.0
        Factor of the weights of datasets from the user's own knowledge base, against
        those that ship with the package. The tables of one team have more in common
        than their meta-features show: with 10, the first proposals for a table became
        better if the file held others of its family (``python -m benchmarks.related``);
        with 100 and more, they became worse again.
    n_proposals : int, default=30
        Length of the portfolio, after which the search varies the best pipelines.

    Attributes
    ----------
    knowledge_bases_ : tuple of KnowledgeBase
        Sources of the records. If several hold a dataset, the last one counts.

    See Also
    --------
    FixedPortfolio : The same portfolio for every dataset.

    References
    ----------
    .. [1] M. Feurer, A. Klein, K. Eggensperger, J. Springenberg, M. Blum, F. Hutter,
       "Efficient and robust automated machine learning", NeurIPS 2015 (nearest
       neighbors by meta-features as the start of a search).
    .. [2] M. Feurer, K. Eggensperger, S. Falkner, M. Lindauer, F. Hutter, "Auto-Sklearn
       2.0: Hands-free AutoML via meta-learning", JMLR 23, 2022 (greedy portfolios).
    .. [3] B. Pfahringer, H. Bensusan, C. Giraud-Carrier, "Meta-learning by landmarking
       various learning algorithms", ICML 2000 (evaluations describe datasets better
       than their meta-features).

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
        shrinkage=0.02,
        evidence=1.0,
        diversity=0.5,
        time_aversion=0.25,
        own_weight=10.0,
        n_proposals=30,
    ):
        self.n_neighbors = n_neighbors
        self.shrinkage = shrinkage
        self.evidence = evidence
        self.diversity = diversity
        self.time_aversion = time_aversion
        self.own_weight = own_weight
        self.n_proposals = n_proposals

    def fit(self, knowledge_base=None, y=None):
        """Choose the knowledge bases to recall from.

        No file is opened before `recall` or `recommend`.

        Parameters
        ----------
        knowledge_base : KnowledgeBase, str, path-like or None, default=None
            None is the one that ships with the package. A path is recalled from in
            addition to it, a `KnowledgeBase` in place of it.
        y : None
            Ignored; for consistency with scikit-learn.

        Returns
        -------
        self : KNNMetaLearner
            The fitted meta-learner.
        """
        validate_params(self)
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
            Encoded table and its task.
        catalog : Catalog
            Operators that pipelines may use; pipelines with others are left out.
        time_budget : float
            Seconds of the whole search.
        scoring : str
            Name of the scikit-learn scorer.

        Returns
        -------
        prior : Prior
            That of `FixedPortfolio` if the knowledge base holds fewer than ten datasets
            for the task, or the dataset has several outputs.
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
        task = dataset.task
        if task.n_outputs > 1:
            reason = "The knowledge base holds no tables with several outputs."
            return _fixed_portfolio(reason, dataset, catalog, time_budget)
        metafeatures = describe(
            dataset,
            time_limit=min(METAFEATURE_SECONDS, METAFEATURE_SHARE * time_budget),
        )
        try:
            matrix, own = self._matrix(
                task.name,
                scoring,
                _nearest(dataset, metafeatures, time_budget),
                wait_before_search(time_budget),
            )
        except KnowledgeBaseLockedError as error:
            warn(f"Nothing is recalled: {error}")
            reason = "The knowledge base is locked by other processes."
            return _fixed_portfolio(reason, dataset, catalog, time_budget)
        if len(matrix.datasets) < MIN_DATASETS:
            reason = (
                f"The knowledge base holds {len(matrix.datasets)} datasets for "
                f"{task.name}, which is too few to recall from."
            )
            return _fixed_portfolio(reason, dataset, catalog, time_budget)
        data = prepare(matrix, self.n_neighbors)
        here = _aligned(metafeatures, matrix.metafeature_names)
        posterior = data.posterior(
            here,
            shrinkage=self.shrinkage,
            evidence=self.evidence,
            importance=np.where(own, self.own_weight, 1.0),
        )
        weights = posterior.weights
        trees = _parse_known(matrix.pipelines, catalog, dataset)
        criterion = self._criterion(data, trees, dataset, catalog, time_budget)
        # Pipelines that are equal on this dataset are represented by the first one.
        distinct = {tree: i for i, tree in reversed(trees.items())}
        order = criterion.select(n_proposals, weights, among=sorted(distinct.values()))
        texts = list(matrix.pipelines)
        for i, tree in trees.items():
            texts[i] = format_tree(tree)
        reranker = PortfolioReranker(
            criterion, posterior, {texts[i]: i for i in order}, UNKNOWN_AFTER
        )
        known = [
            _proposal(i, trees[i], data, weights, criterion.seconds) for i in order
        ]
        unknown = _of_unknown_learners(trees.values(), dataset, catalog, time_budget)
        return Prior(
            portfolio=(*known[:UNKNOWN_AFTER], *unknown, *known[UNKNOWN_AFTER:]),
            reranker=reranker,
            neighbors=nearest_datasets(data, weights, here, texts, self.n_neighbors),
            metafeatures=metafeatures,
            note=_note(matrix.metric, scoring),
        )

    def _matrix(self, task, scoring, nearest, timeout):
        """Return the scores of all knowledge bases, and which datasets are the user's.

        The metric is that of the first knowledge base; others that lack it, or are
        locked for longer than `timeout`, are skipped.
        """
        first, *others = self.knowledge_bases_
        if first.path is not None:
            # A file in the place of the shipped one takes its room as well.
            nearest = replace(
                nearest,
                n_datasets=nearest.n_datasets + SHIPPED_DATASETS,
                n_pipelines=nearest.n_pipelines + SHIPPED_PIPELINES,
            )
        shipped = first.path is None
        matrices = [
            first.matrix(
                task, scoring, nearest=None if shipped else nearest, timeout=timeout
            )
        ]
        for other in others:
            try:
                more = other.matrix(
                    task, matrices[0].metric, nearest=nearest, timeout=timeout
                )
            except KnowledgeBaseLockedError as error:
                warn(f"Pipelines are recalled from the shipped file only: {error}")
                continue
            if more.metric == matrices[0].metric:
                matrices.append(more)
        matrix = concatenate(matrices)
        own = {name for other in matrices[1:] for name in other.datasets}
        return matrix, np.array([name in own for name in matrix.datasets], dtype=bool)

    def _criterion(self, data, trees, dataset, catalog, time_budget):
        """Return the criterion of selection, with the seconds of fits on all rows."""
        has_budget = np.isfinite(time_budget) and self.time_aversion > 0
        criterion = data.criterion(
            _size(dataset),
            diversity=self.diversity,
            time_aversion=self.time_aversion if has_budget else 0.0,
            little_time=LITTLE_TIME_SHARE * min(time_budget, 1e6),
            much_time=MUCH_TIME_SHARE * time_budget if has_budget else np.inf,
        )
        seconds = _extrapolated_seconds(
            criterion.seconds, trees, data.seconds.most_rows, dataset, catalog
        )
        size = text_size(dataset)
        if size is not None:
            seconds = seconds + size.svd_seconds(dataset.n_samples, N_COMPONENTS)
        return replace(
            criterion, seconds=_seconds_if_wide(seconds, trees, dataset, catalog)
        )

    def recommend(self, X, y, n=10, *, task=None, scoring=None):
        """Recommend pipelines for a table, without any search.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Raw table, as the estimators accept it.
        y : array-like of shape (n_samples,)
            Labels or numbers.
        n : int, default=10
            Maximum number of recommendations.
        task : {"classification", "regression"} or None, default=None
            None treats numbers with a fractional part as a regression target and all
            others as labels, as `compute_metafeatures` does.
        scoring : str or None, default=None
            Name of the scikit-learn scorer; None is log loss or RMSE.

        Returns
        -------
        recommendations : tuple of Recommendation
            In the order in which to try them. Nothing is fitted.
        """
        encoding, dataset = encode_dataset(X, y, task)
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
        prior = text_first(prior, dataset, catalog)
        return tuple(
            Recommendation(
                pipeline=format_tree(proposal.tree),
                estimator=compile_pipeline(
                    proposal.tree,
                    encoding.schema,
                    catalog=catalog,
                    n_classes=task.n_classes,
                    n_outputs=task.n_outputs,
                    target_scaler=task.target_scaler,
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
        Canonical text.
    estimator : sklearn.pipeline.Pipeline
        Not fitted; accepts the raw table.
    reason : str
        Source of the recommendation: ``"portfolio"``, or ``"portfolio: good on iris"``.
    expected_score, expected_regret, expected_seconds : float or None
        See `Proposal`.
    """

    pipeline: str
    estimator: Pipeline = field(repr=False)
    reason: str
    expected_score: float | None
    expected_regret: float | None
    expected_seconds: float | None


def _nearest(dataset, metafeatures, time_budget):
    """Return which part of a large file is read within a time budget."""
    scale = np.clip(time_budget, *BUDGETS) ** POWER
    n_datasets = int(DATASETS * scale)
    return Nearest(
        _size(dataset),
        metafeatures.as_dict(),
        n_datasets=n_datasets,
        n_evaluations=EVALUATIONS_PER_DATASET * (n_datasets + SHIPPED_DATASETS),
        n_pipelines=int(PIPELINES * scale),
    )


def _size(dataset):
    """Return the size of a dataset as it is compared with known ones."""
    return (
        dataset.n_samples,
        # No known dataset has text, of which learners get the components.
        n_dense_columns(dataset.schema),
        dataset.task.n_classes,
    )


def _fixed_portfolio(reason, dataset, catalog, time_budget) -> Prior:
    """Return the prior of `FixedPortfolio`, with the reason for it."""
    fixed = FixedPortfolio().recall(dataset, catalog=catalog, time_budget=time_budget)
    return replace(fixed, note=f"{reason} A fixed portfolio is tried first.")


def _aligned(metafeatures, names):
    """Return meta-features in the order of some names; NaN for those not computed."""
    known = metafeatures.as_dict()
    return np.array([known.get(name, np.nan) for name in names])


def _parse_known(texts, catalog, dataset):
    """Return the trees that are legal here, without idle preparations, by column."""
    trees = {}
    for i, text in enumerate(texts):
        try:
            tree = parse(text, catalog=catalog)
        except PipelineSyntaxError:
            continue  # a smaller search space, or a knowledge base of another version
        trees[i] = without_idle_preparation(tree, dataset.schema)
    return trees


def _extrapolated_seconds(seconds, trees, most_rows, dataset, catalog):
    """Scale seconds by the growth that is predicted from `most_rows` rows on."""
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


def _seconds_if_wide(seconds, trees, dataset, catalog):
    """Raise the seconds on very wide tables to those that the catalog predicts."""
    if dataset.schema.sparse or dataset.n_features <= WIDE:
        return seconds
    seconds = seconds.copy()
    for i, tree in trees.items():
        predicted = predicted_seconds_on(dataset, tree, catalog=catalog)
        seconds[i] = max(seconds[i], predicted)
    return seconds


def _proposal(i, tree, data, weights, seconds):
    """Return the proposal of one known pipeline."""
    matrix = data.matrix
    known = np.isfinite(matrix.mean[:, i])
    total = weights[known].sum()
    score = weights[known] @ matrix.mean[known, i] / total if total > 0 else None
    # The origin names the heaviest dataset on which the pipeline is good.
    good = np.nan_to_num(data.regrets[:, i], nan=np.inf) <= REGRET_OF_A_GOOD_PIPELINE
    good = np.where(good, weights, 0.0)
    origin = "portfolio"
    if good.any():
        origin = f"portfolio: good on {matrix.datasets[int(np.argmax(good))]}"
    return Proposal(
        tree,
        origin=origin,
        expected_regret=float(weights @ data.imputed[:, i]),
        expected_score=None if score is None else float(score),
        expected_seconds=float(seconds[i]),
    )


def _of_unknown_learners(known, dataset, catalog, time_budget):
    """Return one default pipeline of each operator that no known pipeline uses.

    Otherwise an operator that is younger than the knowledge base would not be tried.
    """
    seen = {node.operator for tree in known for _, node in tree.walk()}
    proposals = []
    fixed = FixedPortfolio().recall(dataset, catalog=catalog, time_budget=time_budget)
    for proposal in fixed.portfolio:
        if proposal.tree.operator not in seen:
            seen.add(proposal.tree.operator)
            proposals.append(proposal)
    return proposals


def _note(metric, scoring):
    if metric == scoring:
        return ""
    return f"The knowledge base holds no {scoring}: pipelines are recalled by {metric}."
