"""Zero-shot: fit what is recommended, without a search and without cross-validation."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_meta.ensemble import Combination
from sklearn_meta.ensemble._final_model import FinalModel, Member
from sklearn_meta.ensemble._refits import REFIT_MARGIN
from sklearn_meta.evaluation._engine import STATUS_OF_FAILURE
from sklearn_meta.evaluation._fit_and_score import (
    candidate_seed,
    fit_pipeline,
    refit_candidate,
)
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.parallel._process_pool import (
    Failed,
    InProcessPool,
    Payload,
    WorkerPoolError,
)
from sklearn_meta.pipelines._compile import early_stopping_learner
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.pipelines._tree import Node, X

# Recommendations that are averaged. Nothing tells which of them is wrong here: each
# further one is expected to be worse than those before.
MAX_TOGETHER = 4

# A fit is expected to end within this share of the time left: predictions are right to
# a factor of about two, and where it does not, another one has to fit into the rest.
SHARE_OF_REST = 0.5

FIT = "sklearn_meta.ensemble._zero_shot:fit_recommendation"

# Longest sleep between two looks at the clock.
TICK = 0.25


def fit_recommendation(context, tree, text):
    """Fit a pipeline on all rows. Runs in a worker or in process.

    Parameters
    ----------
    context : EvaluationContext
    tree : Node
    text : str

    Yields
    ------
    iterations : int or None
        Boosting rounds that early stopping chose on a part of the rows.
    model : bytes
        The pickled fitted pipeline; see `refit_candidate`.
    """
    dataset, iterations = context.dataset, None
    stops_early = early_stopping_learner(
        tree,
        catalog=context.catalog,
        n_outputs=dataset.task.n_outputs,
    )
    if stops_early:
        _, iterations = fit_pipeline(
            tree, dataset, dataset.X, dataset.y, dataset.sample_weight,
            context.catalog, candidate_seed(context.seed, text), early_stopping=True,
        )  # fmt: skip
    yield iterations
    yield from refit_candidate(context, tree, text, iterations)


@dataclass(frozen=True)
class Recommended:
    """Pipelines in the order in which they are worth fitting without a search.

    Parameters
    ----------
    candidates : tuple of Candidate
    seconds : tuple of float
        Predicted seconds of fitting each.
    """

    candidates: tuple[Candidate, ...]
    seconds: tuple[float, ...]

    def chosen(self, n, seconds_left, members=(), failed=()) -> list[int]:
        """Choose what to fit.

        Parameters
        ----------
        n : int
            Number of pipelines in all, each with another last operator.
        seconds_left : float
            What is chosen is predicted to end in a share of it.
        members, failed : collection of int
            What was fitted before, and what could not be.

        Returns
        -------
        chosen : list of int
            Indices, the best one first.
        """
        kinds = {self.candidates[i].tree.operator for i in members}
        chosen, left = [], SHARE_OF_REST * seconds_left
        for i, (candidate, seconds) in enumerate(
            zip(self.candidates, self.seconds, strict=True)
        ):
            kind = candidate.tree.operator
            if len(kinds) < n and i not in failed and kind not in kinds:
                if seconds <= left:
                    chosen.append(i)
                    kinds.add(kind)
                    left -= seconds
        return chosen


def recommended(
    prior: Prior, *, catalog: Catalog, n_outputs, predict_seconds: Callable
) -> Recommended:
    """Order the recommendations of a prior for fitting them without a search.

    The portfolio is in an order in which each pipeline makes up for those before it,
    and cheap ones come early: right for pipelines that are compared. Here the one with
    the least expected regret comes first. Where regrets are not known, the order stays.
    Where the search space allows none of the portfolio, the defaults of its learners
    take its place.

    Parameters
    ----------
    prior : Prior
    catalog : Catalog
    n_outputs : int
    predict_seconds : callable
        ``predict_seconds(tree)``: seconds of one fit on all rows, where the prior does
        not know.

    Returns
    -------
    recommended : Recommended
    """
    proposals = prior.portfolio or _defaults(catalog)
    proposals = sorted(proposals, key=_expected_regret)
    seconds = []
    for proposal in proposals:
        fits = 1 + early_stopping_learner(
            proposal.tree, catalog=catalog, n_outputs=n_outputs
        )
        one = proposal.expected_seconds
        one = predict_seconds(proposal.tree) if one is None else one
        seconds.append(float(one * fits * REFIT_MARGIN))
    candidates = [Candidate(p.tree, format_tree(p.tree), p.origin) for p in proposals]
    return Recommended(tuple(candidates), tuple(seconds))


def _expected_regret(proposal):
    return 0.0 if proposal.expected_regret is None else proposal.expected_regret


def _defaults(catalog):
    """Every learner with its defaults, cheap ones first."""
    learners = sorted(catalog.select("learner"), key=lambda o: o.cost.seconds)
    return [Proposal(Node(o.name, (X,)), origin="default") for o in learners]


def fit_recommended(
    recommended: Recommended, context, history, *, n_members, pool, budget, observe
):
    """Fit the first recommendation, or the first few.

    Parameters
    ----------
    recommended : Recommended
    context : EvaluationContext
    history : History
        Gets an evaluation without folds for each fit.
    n_members : int
        Largest number of pipelines that are averaged.
    pool : WorkerPool or None
        None fits in this process.
    budget : Budget
    observe : callable
        ``observe(evaluation, history)``, called after each; returns True to stop.

    Returns
    -------
    model : FinalModel or None
        None if nothing could be fitted in time.
    stop_reason : str
    """
    fits = _Fits(recommended, context, pool, budget)
    members, failed, stopped = {}, set(), False
    while not stopped:
        # Chosen anew after each round, never by who was first: the same for any number
        # of workers.
        left = budget.remaining()
        chosen = recommended.chosen(n_members, left, members, failed)
        if not chosen:
            break
        for i, (evaluation, member) in fits.run(chosen, len(history)).items():
            if member is None:
                failed.add(i)
            else:
                members[i] = member
            stopped |= bool(observe(history.add(evaluation), history))
    reason = "stopped by a callback" if stopped else "fitted without a search"
    if not members:
        return None, reason
    models = tuple(members[i] for i in sorted(members))
    n = len(models)
    combination = Combination.single(0)
    if n > 1:
        combination = Combination("average", tuple(range(n)), np.full(n, 1 / n))
    return FinalModel(models, combination, models[0], fits.seconds), reason


class _Fits:
    """Fits recommendations, as many at a time as there are workers."""

    def __init__(self, recommended, context, pool, budget):
        self.recommended = recommended
        self.context = context
        self.budget = budget
        self.pool = pool or self._in_process()
        self.seconds = 0.0

    def _in_process(self):
        return InProcessPool(state=self.context, clock=self.budget.clock)

    def run(self, chosen, number):
        """Return the evaluation and the member of each, in the order of `chosen`."""
        budget = self.budget
        deadline = budget.clock() + SHARE_OF_REST * budget.remaining()
        waiting, began, values, ended = list(chosen), {}, {}, {}
        while len(ended) < len(chosen):
            try:
                while waiting and self.pool.n_idle:
                    i = waiting.pop(0)
                    candidate = self.recommended.candidates[i]
                    began[i], values[i] = budget.clock(), []
                    self.pool.submit(i, FIT, (candidate.tree, candidate.text), deadline)
                events = self.pool.wait(TICK)
            except WorkerPoolError:
                # The workers are lost: go on in this process.
                self.pool = self._in_process()
                waiting = [i for i in chosen if i not in ended]
                continue
            for event in events:
                if isinstance(event, Payload):
                    values[event.task_id].append(event.value)
                else:
                    ended[event.task_id] = event, budget.clock()
        return {
            i: self._result(number + k, i, *ended[i], began[i], values[i])
            for k, i in enumerate(chosen)
        }

    def _result(self, number, i, event, now, began, values):
        status, reason, member = Status.OK, "", None
        if isinstance(event, Failed):
            status, reason = STATUS_OF_FAILURE[event.kind], event.reason
        evaluation = Evaluation(
            number=number,
            candidate=self.recommended.candidates[i],
            status=status,
            reason=reason,
            seconds=now - began,
        )
        self.seconds += now - began
        if status is Status.OK:
            iterations, model = values
            member = Member(evaluation, (pickle.loads(model),), iterations)
        return evaluation, member
