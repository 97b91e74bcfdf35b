"""Limits of use: milliseconds of a prediction of one row, and megabytes of the model.

A combination costs what predicting and storing its members costs, and an overhead: the
encoding of the row and what else the estimator does and holds. Costs of candidates are
guessed from their validation until they are fitted on all rows and measured. While the
combination that is the best out of fold exceeds a limit, another one is chosen of
candidates that keep the limits together, and is fitted and measured as well. A guess
that was wrong is replaced by a measurement each time, so that this ends.

Candidates that keep the limits together are chosen by greedy selection of the average
with the best out-of-fold score, in which what does not fit cannot be added.
"""

from __future__ import annotations

import pickle
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_meta._threads import released_threads
from sklearn_meta._warnings import warn
from sklearn_meta.ensemble._choose_combination import VECTORIZED_METRICS, _loss_type
from sklearn_meta.ensemble._combination import Combination, as_pairs, normalize
from sklearn_meta.ensemble._fallbacks import constant_model
from sklearn_meta.ensemble._fold_scores import safe_score
from sklearn_meta.ensemble._greedy_selection import _CallableTotals
from sklearn_meta.ensemble._members import FinalModel
from sklearn_meta.evaluation._budget import combine_seconds
from sklearn_meta.exceptions import UsageLimitWarning
from sklearn_meta.parallel._pickled import dumps
from sklearn_meta.pipelines.catalog._losses import without_log_target

# Megabytes of what a fit adds to the estimator after its final model.
LATER_MB = 0.004

# Share of the budget that the search leaves for measurements, and for fits of the
# candidates that take the place of members that exceed a limit.
RESERVE_SHARE = 0.1

# Runs of a prediction that are measured, after one that is not, and the milliseconds
# after which no further run is begun.
N_RUNS, MIN_RUNS, ENOUGH_MS = 13, 4, 200.0

# Repetitions of a measurement that exceeds a limit of milliseconds; the least counts.
N_RETRIES = 2

# The seconds of predicting this number of rows are about those of one row.
ROWS_AS_FAST = 500
# First guesses are this share of what the validation says: too low a guess costs a fit,
# too high a one hides a good candidate.
OPTIMISM = 0.5

# Number of candidates that are considered for combinations: the best ones of those of
# which one, two, four and eight keep the limits.
N_CONSIDERED, PARTS = 15, (1, 2, 4, 8)
# Candidates that greedy selection begins with, and its largest number of additions.
N_STARTS, N_ADDITIONS = 8, 16
# For metrics without a vectorized path, which take a call for each step and candidate.
N_CONSIDERED_SLOW, N_STARTS_SLOW, N_ADDITIONS_SLOW = 6, 3, 8

# Largest number of combinations that are fitted and measured, and of single candidates
# once none is expected to keep the limits.
MAX_ATTEMPTS, MAX_ATTEMPTS_ALONE = 20, 3


def quiet_ms(call: Callable, clock: Callable = time.perf_counter) -> float:
    """Measure the milliseconds of a call while the machine does nothing else.

    That is the lower quartile of several calls: on a busy machine, many of them wait
    for a few milliseconds until the system lets them go on.

    Parameters
    ----------
    call : callable
        Without arguments.
    clock : callable, default=time.perf_counter
        Returns seconds.

    Returns
    -------
    ms : float
    """
    call()
    runs: list[float] = []
    while len(runs) < N_RUNS and (len(runs) < MIN_RUNS or sum(runs) < ENOUGH_MS):
        began = clock()
        call()
        runs.append(1e3 * (clock() - began))
    return float(np.quantile(runs, 0.25))


def usage_limits(max_predict_ms, max_megabytes, with_final, table):
    """Return the limits of use of the final model of a fit.

    Parameters
    ----------
    max_predict_ms, max_megabytes : float or None
        None for no limit.
    with_final : callable
        ``with_final(final)`` returns the fitted estimator with a final model.
    table : Table
        Of which a row is predicted.

    Returns
    -------
    limits : UsageLimits or NoLimits
    """
    if max_predict_ms is None and max_megabytes is None:
        return NO_LIMITS
    limits = np.array(
        [np.inf if m is None else m for m in (max_predict_ms, max_megabytes)]
    )

    def measure(final):
        """Return milliseconds and megabytes; 0 for what has no limit."""
        model, row = with_final(final), table.given.take(np.array([0]))
        ms = megabytes = 0.0
        if max_predict_ms is not None:
            ms = milliseconds_of_predict(model, row)
        if max_megabytes is not None:
            megabytes = pickled_megabytes(model) + LATER_MB
        return np.array([ms, megabytes])

    return UsageLimits(limits, measure)


class NoLimits:
    """Stands for `UsageLimits` where there is no limit."""

    def plan_of_search(self, plan):
        """Return the plan unchanged."""
        return plan

    def allowed(self, oof, candidates, refits):
        """Return all candidates."""
        return candidates

    def lighter(self, oof, candidates, weights, refits):
        """Return None: the combination stays."""
        return None

    def for_best(self, members, candidates):
        """Return the candidates for the best single one."""
        return candidates

    def accepts(self, final, context) -> bool:
        """Return True."""
        return True

    def without_search(self, final, context):
        """Return the model unchanged."""
        return final

    def finish(self, model, final, context):
        """Return NaN for what was not measured."""
        return np.nan, np.nan


NO_LIMITS = NoLimits()


@dataclass(eq=False)
class UsageLimits:
    """Limits of use of the final model of one fit, and what was measured so far.

    Parameters
    ----------
    limits : ndarray of shape (2,)
        Milliseconds of a prediction of one row, and megabytes; infinity for no limit.
    measure : callable
        ``measure(final) -> (ms, megabytes)`` of the estimator with a final model, an
        array; 0 for what has no limit.
    """

    limits: np.ndarray
    measure: Callable
    _costs: dict[str, np.ndarray] = field(default_factory=dict)
    # What models of one member need.
    _alone: dict[str, np.ndarray] = field(default_factory=dict)
    _overhead: np.ndarray | None = None
    _last: tuple | None = None
    # Megabytes of records of the rows, which the model without a pipeline lacks.
    _records: float = 0.0
    # Milliseconds that each member beyond the first one adds to its own.
    _ms_together: float = 0.0
    _n_attempts: int = 0
    _n_attempts_alone: int = 0
    _n_candidates: int = 0

    def plan_of_search(self, plan):
        """Return the plan of a search that leaves time for measurements.

        Parameters
        ----------
        plan : Plan

        Returns
        -------
        plan : Plan
        """
        seconds = (1 - RESERVE_SHARE) * plan.budget.seconds
        return replace(plan, budget=replace(plan.budget, seconds=seconds))

    def allowed(self, oof, candidates, refits):
        """Return the candidates that keep the limits alone.

        Parameters
        ----------
        oof : OutOfFold
        candidates : sequence of int
            Indices in `oof`.
        refits : Refits

        Returns
        -------
        allowed : list of int
            If no candidate does, the one that exceeds them least; without time for
            another combination, the best one that was measured.
        """
        self._n_candidates = len(oof.evaluations)
        room, costs = self._room(refits.context), self._costs_of(oof, candidates)
        allowed = [i for i in candidates if (costs[i] <= room).all()]
        is_over = (
            self._n_attempts >= MAX_ATTEMPTS
            or self._n_attempts_alone >= MAX_ATTEMPTS_ALONE
            or refits.budget.remaining() <= 0
        )
        known = [i for i in candidates if _text(oof.evaluations[i]) in self._costs]
        if is_over and known:
            candidates = known
            light = [i for i in allowed if i in known]
            allowed = sorted(light, key=lambda i: -oof.evaluations[i].score)[:1]
        if allowed:
            return allowed
        self._n_attempts_alone += 1
        texts = {i: _text(oof.evaluations[i]) for i in candidates}
        return [min(candidates, key=lambda i: self._excess(texts[i], costs[i]))]

    def lighter(self, oof, candidates, weights, refits):
        """Choose candidates that keep the limits together, if a combination does not.

        Parameters
        ----------
        oof : OutOfFold
        candidates : sequence of int
            Indices in `oof`, each of which keeps the limits alone.
        weights : dict of int to float
            Weight of each member of the combination of the candidates.
        refits : Refits

        Returns
        -------
        chosen : list of int or None
            None if the combination keeps the limits.
        """
        together = np.array([self._ms_together, 0.0])
        room = self._room(refits.context) + together
        costs = {i: c + together for i, c in self._costs_of(oof, candidates).items()}
        if len(weights) == 1 or (sum(costs[m] for m in weights) <= room).all():
            return None
        shares = np.array([_share(costs[i], room) for i in candidates])
        return _choose(oof, candidates, shares, weights, refits)

    def for_best(self, members, candidates):
        """Return the members: another best single model would take megabytes."""
        return members

    def accepts(self, final, context) -> bool:
        """Measure a final model, and return whether it is the one to keep.

        Parameters
        ----------
        final : FinalModel
        context : EvaluationContext

        Returns
        -------
        accepts : bool
            True if it keeps the limits, or if nothing does.
        """
        self._n_attempts += 1
        used = self._measured(final)
        if (used <= self.limits).all():
            return True
        new = [m for m in final.members if _text(m.evaluation) not in self._costs]
        for member in new if len(final.members) > 1 else ():
            alone = FinalModel((member,), Combination.single(0), member)
            cost = self._least(alone) - self._overhead_of(context)
            self._costs[_text(member.evaluation)] = np.maximum(cost, 0.0)
        self._explain(final, used, context)
        return len(final.members) == 1 and not new

    def _explain(self, final, used, context):
        """Correct costs by what a model needs beyond their sum.

        Milliseconds may grow with the number of members, megabytes are those of records
        that any model has.
        """
        texts = [_text(m.evaluation) for m in final.members]
        beyond = used - self._overhead_of(context)
        if len(texts) == 1:
            self._alone[texts[0]] = used
            records = [0.0, self._records]
            self._costs[texts[0]] = np.maximum(beyond - records, 0.0)
            return
        beyond = beyond - sum(self._costs[text] for text in texts)
        self._records = max(self._records, beyond[1])
        self._ms_together = max(self._ms_together, beyond[0] / (len(texts) - 1))

    def without_search(self, final, context):
        """Leave out members of an average that was not validated.

        Parameters
        ----------
        final : FinalModel
            Average of recommended pipelines, the best one first.
        context : EvaluationContext

        Returns
        -------
        final : FinalModel
            With the first members that keep the limits together.
        """
        if self.accepts(final, context):
            return final
        room, kept = self._room(context), []
        for member in final.members:
            cost = self._costs[_text(member.evaluation)]
            if (cost <= room).all():
                kept.append(member)
                room = room - cost
        if not kept:
            texts = [_text(m.evaluation) for m in final.members]
            excess = [self._excess(text, self._costs[text]) for text in texts]
            kept = [final.members[int(np.argmin(excess))]]
        n = len(kept)
        combination = Combination.single(0)
        if n > 1:
            combination = Combination("average", tuple(range(n)), np.full(n, 1 / n))
        return replace(
            final, members=tuple(kept), combination=combination, best=kept[0]
        )

    def finish(self, model, final, context):
        """Measure the final model, and warn if it exceeds a limit.

        Parameters
        ----------
        model : estimator
            As users get it.
        final : FinalModel
        context : EvaluationContext

        Returns
        -------
        predict_ms, megabytes : float
            NaN for what has no limit.
        """
        used = self._measured(final).copy()
        if np.isfinite(self.limits[1]):
            used[1] = pickled_megabytes(model)
        if not (used <= self.limits).all():
            self._warn(final, used, context)
        predict_ms, megabytes = np.where(np.isfinite(self.limits), used, np.nan)
        return float(predict_ms), float(megabytes)

    def _warn(self, final, used, context):
        """Warn that a final model exceeds a limit."""
        overhead = self._overhead_of(context)
        said = []
        for i, (name, unit) in enumerate(NAMES):
            if used[i] > self.limits[i]:
                said.append(
                    f"{name}={self.limits[i]:g} (it needs {used[i]:.3g} {unit}, of "
                    f"which {overhead[i]:.2g} {unit} without any pipeline)"
                )
        warn(
            f"The final model exceeds {' and '.join(said)}: of the "
            f"{max(self._n_candidates, len(final.members))} pipelines that could be "
            "combined, none was found that keeps it, and this is the one that exceeds "
            "it least. Raise the limit, raise time_budget, or restrict search_space to "
            "lighter learners.",
            UsageLimitWarning,
        )

    def _measured(self, final):
        """Return milliseconds and megabytes of a final model, measured once."""
        if self._last is None or self._last[0] is not final.members:
            self._last = final.members, self._least(final)
        return self._last[1]

    def _least(self, final):
        """Measure a final model, again if it takes too long.

        A moment in which the machine is busy is no reason to drop a member.
        """
        used = self.measure(final)
        for _ in range(N_RETRIES):
            if used[0] > self.limits[0] and used[1] <= self.limits[1]:
                used = np.minimum(used, self.measure(final))
        return used

    def _overhead_of(self, context):
        """Return what the estimator needs without any pipeline."""
        if self._overhead is None:
            constant = constant_model(context.dataset, 0)
            self._overhead = self.measure(constant)
        return self._overhead

    def _room(self, context):
        """Return what the members may need together."""
        return self.limits - self._overhead_of(context) - [0.0, self._records]

    def _excess(self, text, cost):
        """Return the largest share of a limit that a model of one member needs."""
        used = self._overhead + [0.0, self._records] + cost
        return float(np.max(self._alone.get(text, used) / self.limits))

    def _costs_of(self, oof, candidates):
        """Return the costs of candidates by index, guessed where they are unknown."""
        guesses, known = {}, {}
        ratios, sizes = defaultdict(list), defaultdict(list)
        for i, evaluation in enumerate(oof.evaluations):
            guesses[i] = _guess(evaluation)
            known[i] = self._costs.get(_text(evaluation))
            if known[i] is not None:
                ratios[_kind(evaluation)].append(known[i][0] / guesses[i][0])
                sizes[_kind(evaluation)].append(known[i][1])
        costs = {}
        for i in candidates:
            if known[i] is not None:
                costs[i] = known[i]
                continue
            (ms, megabytes), kind = guesses[i], _kind(oof.evaluations[i])
            ms *= np.median(ratios[kind]) if kind in ratios else OPTIMISM
            if not megabytes and kind in sizes:
                megabytes = np.median(sizes[kind])
            costs[i] = np.where(np.isfinite(self.limits), [ms, megabytes], 0.0)
        return costs


# Parameters of the estimators, and the units of what they limit.
NAMES = (("max_predict_ms", "ms"), ("max_megabytes", "MB"))


def _text(evaluation):
    return evaluation.candidate.text


def _kind(evaluation):
    """Return the root operator, by which costs are alike."""
    return without_log_target(evaluation.candidate.tree).operator


def _guess(evaluation):
    """Guess milliseconds of one row and megabytes from the validation."""
    folds = evaluation.folds
    seconds = max(min(f.predict_seconds for f in folds), 1e-6)
    rows = [len(f.predictions) for f in folds if f.predictions is not None]
    sizes = [len(f.model) for f in folds if f.model is not None]
    ms = 1e3 * seconds / (1 + max(rows, default=0) / ROWS_AS_FAST)
    return ms, max(sizes, default=0) / 1e6


def _share(cost, room):
    """Return the shares of the room that a candidate needs, which it has alone."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(room) & (room > 0), cost / room, 0.0)


def _choose(oof, candidates, shares, weights, refits):
    """Choose candidates that need at most the whole room together."""
    context, budget = refits.context, refits.budget
    task, rows, metric = context.dataset.task, oof.rows, context.comparison
    y = context.dataset.y[rows]
    weight = context.dataset.sample_weight
    weight = None if weight is None else weight[rows]
    loss = _loss_type(task.is_classifier, y, metric.name)(y, weight)
    seconds = max(e.score_seconds for e in oof.evaluations)
    deadline = budget.clock() + combine_seconds(budget.remaining(), seconds)

    def prepared(i):
        values = oof.predictions[i]
        if not task.is_classifier:
            return np.clip(
                values, *task.limits(context.dataset.y, context.extrapolation)
            )
        return normalize(values if y.ndim == 1 else as_pairs(values))

    def score(values):
        """Return the mean score of predictions over the folds."""
        values = values[..., 1] if task.is_classifier and y.ndim == 2 else values
        scores = [
            safe_score(lambda p, r: context.score(p, rows[r], scoring=metric),
                       values[fold], fold)
            for fold in oof.folds
        ]  # fmt: skip
        return float(np.mean([s for s in scores if np.isfinite(s)] or [-np.inf]))

    # A scorer of the user may hang, and is not called in this process.
    by_loss = metric.name in VECTORIZED_METRICS or metric.is_own_code
    means = np.array([oof.evaluations[i].score for i in candidates])
    n = N_CONSIDERED if by_loss else N_CONSIDERED_SLOW
    considered = _considered(means, shares, n)
    considered += [candidates.index(m) for m in weights]
    considered = sorted(set(considered), key=lambda c: -means[c])
    values = [prepared(candidates[c]) for c in considered]
    best = _best_selection(
        values,
        loss if by_loss else score,
        shares[considered],
        starts=N_STARTS if by_loss else N_STARTS_SLOW,
        additions=N_ADDITIONS if by_loss else N_ADDITIONS_SLOW,
        first=_without_heavy(
            [considered.index(candidates.index(m)) for m in weights],
            list(weights.values()),
            shares[considered],
        ),
        stop=lambda: budget.clock() >= deadline,
    )
    return [candidates[considered[c]] for c in best]


def _considered(means, shares, n):
    """Return the best candidates of which one, two, four or eight fit together."""
    most = shares.max(axis=1)
    chosen: list[int] = []
    for parts in PARTS:
        light = np.flatnonzero(most <= 1 / parts)
        chosen += light[np.argsort(-means[light], kind="stable")[:n]].tolist()
    return list(dict.fromkeys(chosen))


def _without_heavy(members, weights, shares):
    """Leave out members, the heaviest for their weights first, until the rest fits."""
    kept = list(range(len(members)))
    while len(kept) > 1 and (shares[[members[k] for k in kept]].sum(axis=0) > 1).any():
        kept.remove(max(kept, key=lambda k: shares[members[k]].max() / weights[k]))
    return [members[k] for k in kept]


def _best_selection(values, score, shares, *, starts, additions, first, stop):
    """Select the average with the best score whose members fit together.

    Greedy selection begins with several candidates and with a combination, because the
    best one may leave no room for two others that are better together.
    """
    order = list(range(len(values)))
    ratios = shares.max(axis=1)
    light = sorted(order, key=lambda c: ratios[c])
    begins = [[c] for c in dict.fromkeys([*order[:starts], *light[: starts // 2]])]
    found = []
    for begin in [first, *begins]:
        if found and stop():
            break
        found.append(_selection(values, score, shares, begin, additions))
    return max(found, key=lambda f: f[0])[1]


def _selection(values, score, shares, begin, additions):
    """Add the candidate that helps most and fits, again and again."""
    totals = (
        score.totals(values)
        if hasattr(score, "totals")
        else _CallableTotals(values, score)
    )
    chosen = dict.fromkeys(begin)
    for c in begin:
        totals.add(c)
    best = totals.score(), list(chosen)
    for _ in range(additions):
        room = 1 + 1e-9 - shares[list(chosen)].sum(axis=0)
        fits = (shares <= room).all(axis=1)
        fits[list(chosen)] = True
        scores = np.where(fits, totals.scores_with_each(), -np.inf)
        c = int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))
        if not np.isfinite(scores[c]):
            break
        totals.add(c)
        chosen[c] = None
        if scores[c] > best[0]:
            best = scores[c], list(chosen)
    return best


def milliseconds_of_predict(model, row) -> float:
    """Measure ``predict`` as where users call it, and not within a fit.

    Parameters
    ----------
    model : estimator
    row : data frame, ndarray or CSR matrix of shape (1, n_features)

    Returns
    -------
    ms : float
    """
    with released_threads():
        return quiet_ms(lambda: model.predict(row))


def pickled_megabytes(value) -> float:
    """Return the megabytes (of 10⁶ bytes) of a pickled object.

    Parameters
    ----------
    value : object

    Returns
    -------
    megabytes : float
    """
    try:
        data = pickle.dumps(value)
    except Exception:
        # What only cloudpickle takes, such as functions of a notebook.
        data = dumps(value)
    return len(data) / 1e6
