"""Zero-shot prediction: fit recommended pipelines without a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._fallbacks import without_candidate
from sklearn_meta.ensemble._members import FinalModel, Member
from sklearn_meta.evaluation._fit_and_score import (
    candidate_seed,
    fit_pipeline,
    refit_candidate,
)
from sklearn_meta.evaluation._places import NOT_SAFE, may_fit
from sklearn_meta.evaluation._records import (
    STATUS_OF_FAILURE,
    Candidate,
    Evaluation,
    Status,
)
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, Task
from sklearn_meta.parallel._run_tasks import run_tasks
from sklearn_meta.pipelines._compile import early_stopping_learner
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._losses import without_log_target
from sklearn_meta.timing._refits import REFIT_MARGIN

# Maximum number of recommendations that are averaged. Without cross-validation, bad
# ones cannot be detected, and each is expected to be worse than the one before.
MAX_TOGETHER = 4

# Share of the time left within which the chosen fits are predicted to end. Predicted
# times are accurate to a factor of about two; after a time-out, another fit must be
# possible in the rest.
SHARE_OF_REST = 0.5

FIT = "sklearn_meta.ensemble._zero_shot:fit_recommendation"


def fit_recommendation(context, tree, text):
    """Fit a recommended pipeline on all rows, in a worker or in this process.

    Parameters
    ----------
    context : EvaluationContext
    tree : Node
    text : str
        Canonical text of `tree`.

    Yields
    ------
    iterations : int or None
        Number of boosting rounds, selected by early stopping on a part of the rows;
        None if early stopping does not apply.
    model : Pickled
        Fitted pipeline; see `refit_candidate`.
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
            copy_of=dataset.copy_of,
        )  # fmt: skip
    yield iterations
    yield from refit_candidate(context, tree, text, iterations)


@dataclass(frozen=True)
class Recommended:
    """Recommended pipelines, ordered by expected regret.

    Parameters
    ----------
    candidates : tuple of Candidate
        Pipelines, the best one first.
    seconds : tuple of float
        Predicted time of the fit of each pipeline in seconds.
    """

    candidates: tuple[Candidate, ...]
    seconds: tuple[float, ...]

    def chosen(self, n, seconds_left, members=(), failed=()) -> list[int]:
        """Choose the pipelines to fit next.

        Parameters
        ----------
        n : int
            Total number of pipelines, each with another root operator.
        seconds_left : float
            Time left in seconds. The fits of the chosen pipelines are predicted to take
            at most the share `SHARE_OF_REST` of it.
        members : collection of int, default=()
            Indices of pipelines that were fitted before.
        failed : collection of int, default=()
            Indices of pipelines that could not be fitted.

        Returns
        -------
        chosen : list of int
            Indices, the best one first.
        """
        kinds = {_kind(self.candidates[i]) for i in members}
        chosen, left = [], SHARE_OF_REST * seconds_left
        for i, (candidate, seconds) in enumerate(
            zip(self.candidates, self.seconds, strict=True)
        ):
            kind = _kind(candidate)
            if len(kinds) < n and i not in failed and kind not in kinds:
                if seconds <= left:
                    chosen.append(i)
                    kinds.add(kind)
                    left -= seconds
        return chosen


def recommended(
    prior: Prior, *, catalog: Catalog, n_outputs, predict_seconds: Callable
) -> Recommended:
    """Order the recommendations of a prior by expected regret.

    The order of the portfolio is for a search: each pipeline complements those before
    it, and cheap pipelines come early. Without a search, the pipeline with the smallest
    expected regret comes first. If regrets are unknown, the order of the portfolio is
    kept. If the search space contains no pipeline of the portfolio, the learners with
    their defaults are recommended, cheap ones first.

    Parameters
    ----------
    prior : Prior
    catalog : Catalog
    n_outputs : int
        Number of columns of the target.
    predict_seconds : callable
        ``predict_seconds(tree) -> float``: predicted time of one fit on all rows in
        seconds. Used where the prior has no prediction.

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


def _kind(candidate):
    """Return the root operator of a candidate, under the logarithm of the target."""
    return without_log_target(candidate.tree).operator


def _expected_regret(proposal):
    return 0.0 if proposal.expected_regret is None else proposal.expected_regret


def _defaults(catalog):
    """Return all learners with their defaults, cheap ones first."""
    learners = sorted(catalog.select("learner"), key=lambda o: o.cost.seconds)
    return [Proposal(Node(o.name, (X,)), origin="default") for o in learners]


def recommend(plan, prior) -> Recommended:
    """Return the recommendations of a prior for a plan; see `recommended`.

    Parameters
    ----------
    plan : Plan
    prior : Prior

    Returns
    -------
    recommended : Recommended
    """
    return recommended(
        prior,
        catalog=plan.context.catalog,
        n_outputs=plan.context.dataset.task.n_outputs,
        predict_seconds=plan.forecast.fit_seconds,
    )


def n_together(plan, ensemble_size) -> int:
    """Return the maximum number of recommendations that are averaged."""
    return min(ensemble_size, plan.limits.max_evaluations or MAX_TOGETHER, MAX_TOGETHER)


def zero_shot_seconds(plan, prior, ensemble_size) -> float:
    """Predict the time of fitting the recommendations on one worker.

    Parameters
    ----------
    plan : Plan
    prior : Prior
    ensemble_size : int
        Maximum number of members.

    Returns
    -------
    seconds : float
        Infinity if the search space has operators with unknown cost.
    """
    if plan.forecast.foreign:
        return np.inf
    first = recommend(plan, prior)
    n_members = n_together(plan, ensemble_size)
    chosen = first.chosen(n_members, plan.budget.remaining())
    return sum(first.seconds[i] for i in chosen)


def fit_recommended(plan, prior, history, pool, *, ensemble_size, observe):
    """Fit the best recommendations and average them, without a search.

    Parameters
    ----------
    plan : Plan
    prior : Prior
    history : History
        An evaluation without folds is added for each fit.
    pool : Pool
    ensemble_size : int
        Maximum number of members.
    observe : callable
        ``observe(evaluation, history) -> bool``, called after each fit; True stops.

    Returns
    -------
    model : FinalModel
        A constant predictor, with a warning, if no fit was finished in time.

    Raises
    ------
    NoCandidateError
        If fits failed for other reasons than time.
    """
    recommended, n_members = recommend(plan, prior), n_together(plan, ensemble_size)
    fits = _Fits(recommended, plan, pool)
    members, failed, stopped = {}, set(), False
    while not stopped:
        # Chosen again after each round of fits, not after each fit: the result does not
        # depend on the number of workers.
        left = plan.budget.remaining()
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
        return replace(without_candidate(history, plan), stop_reason=reason)
    models = tuple(members[i] for i in sorted(members))
    n = len(models)
    combination = Combination.single(0)
    if n > 1:
        combination = Combination("average", tuple(range(n)), np.full(n, 1 / n))
    return FinalModel(models, combination, models[0], fits.seconds, reason)


class _Fits:
    """Fits of recommendations, for `run_tasks`."""

    def __init__(self, recommended, plan, pool):
        self.recommended = recommended
        self.plan = plan
        self.pool = pool
        self.seconds = 0.0
        self._waiting: list[int] = []
        self._began: dict[int, float] = {}
        self._values: dict[int, list] = {}
        # Last event of each fit, and its time.
        self._ended: dict[int, tuple] = {}
        self._deadline = np.inf

    def run(self, chosen, number):
        """Fit the chosen pipelines; return the evaluation and the member of each."""
        budget = self.plan.budget
        self._deadline = budget.clock() + SHARE_OF_REST * budget.remaining()
        self._waiting = list(chosen)
        run_tasks(self.pool, self)
        return {i: self._result(number + k, i) for k, i in enumerate(chosen)}

    def next_task(self, place) -> Task | None:
        """Return the next fit; None if there is none."""
        for i in list(self._waiting):
            candidate = self.recommended.candidates[i]
            is_allowed = may_fit(self.plan.forecast, candidate.tree, place)
            if place is Place.STARTING and not is_allowed:
                continue  # until the workers have started
            self._waiting.remove(i)
            now = self.plan.budget.clock()
            self._began[i], self._values[i] = now, []
            if not is_allowed:
                self._ended[i] = Failed(i, "crashed", NOT_SAFE), now
                continue
            return Task(
                i,
                FIT,
                (candidate.tree, candidate.text),
                self._deadline,
                self.plan.limits.memory_limit,
                candidate.text,
            )
        return None

    def collect(self, event):
        """Process an event of a fit: a value, or the end of the fit."""
        if event.task_id in self._ended:
            return
        if isinstance(event, Payload):
            self._values[event.task_id].append(event.value)
        elif isinstance(event, Done | Failed):
            self._ended[event.task_id] = event, self.plan.budget.clock()

    def is_done(self) -> bool:
        """Return whether all fits have ended."""
        return not self._waiting and self._ended.keys() == self._began.keys()

    def seconds_left(self) -> float:
        """Return the seconds until the deadline of the fits."""
        return self._deadline - self.plan.budget.clock()

    def _result(self, number, i):
        """Return the evaluation and the member of a fit."""
        (event, now), began = self._ended[i], self._began[i]
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
            iterations, model = self._values[i]
            member = Member(evaluation, (model,), iterations)
        return evaluation, member
