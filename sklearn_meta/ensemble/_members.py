"""Records of the final model: its fitted members and their combination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._cross_fitted import NO_SEARCH, CrossFitted
from sklearn_meta.ensemble._honest_score import NOT_VALIDATED, HonestScore
from sklearn_meta.ensemble._refits import mean_iterations
from sklearn_meta.evaluation._records import Evaluation, Status
from sklearn_meta.parallel._pickled import UnpicklingError, loads


@dataclass(frozen=True)
class Member:
    """A fitted member of the final model.

    Parameters
    ----------
    evaluation : Evaluation
        Evaluation of the candidate that was fitted.
    models : tuple of fitted pipelines
        Either one pipeline fitted on all rows, or the fold models, whose predictions
        are averaged.
    iterations : int or None, default=None
        Number of boosting rounds of the fit on all rows; None if early stopping does
        not apply.
    """

    evaluation: Evaluation
    models: tuple
    iterations: int | None = None


@dataclass(frozen=True)
class FinalModel:
    """The final model: fitted members and the combination of their predictions.

    Parameters
    ----------
    members : tuple of Member
        Members in the order of `combination`.
    combination : Combination
        Weights of the members.
    best : Member
        Best single candidate, which need not be one of `members`.
    refit_seconds : float, default=0.0
        Total time of the fits on all rows, in seconds, summed over the workers.
    stop_reason : str, default=""
        Reason why the search ended.
    decision : float, ndarray or None, default=None
        Tuned decision between the classes or labels, see `tune_decision`.
    out_of_fold : CrossFitted or None, default=None
        Out-of-fold predictions, aligned with the rows of the dataset. None if no member
        was cross-validated.
    no_out_of_fold : str, default=NO_SEARCH
        Why there are none.
    honest : HonestScore, default=HonestScore(note=NOT_VALIDATED)
        Estimate of the score on new rows.
    """

    members: tuple[Member, ...]
    combination: Combination
    best: Member
    refit_seconds: float = 0.0
    stop_reason: str = ""
    decision: float | np.ndarray | None = None
    out_of_fold: CrossFitted | None = None
    no_out_of_fold: str = NO_SEARCH
    honest: HonestScore = HonestScore(note=NOT_VALIDATED)

    @property
    def weights(self) -> dict[int, float]:
        """Share of each member, by the number of its evaluation; the sum is one."""
        shares = self.combination.shares
        return {
            member.evaluation.number: float(share)
            for member, share in zip(self.members, shares, strict=True)
        }

    @property
    def best_score(self) -> float:
        """Cross-validated score of the best single candidate; NaN without a search."""
        best = self.best.evaluation
        is_zero_shot = best.status is Status.OK and not best.folds
        return float("nan") if is_zero_shot else best.as_reported().score


def fitted_member(evaluation, refits):
    """Return the fitted member of a candidate.

    Parameters
    ----------
    evaluation : Evaluation
    refits : Refits

    Returns
    -------
    member : Member or None
        With the pipeline that was fitted on all rows if there is one, else with the
        fold models. None if neither can be used.
    """
    model = refits.model(evaluation)
    models = (model,) if model is not None else load_models(fold_models(evaluation))
    return Member(evaluation, models, mean_iterations(evaluation)) if models else None


def fold_models(evaluation):
    """Return the pickled fold models of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation

    Returns
    -------
    models : list of bytes
        Empty unless the models of all folds were kept.
    """
    models = [f.model for f in evaluation.folds]
    return models if models and all(m is not None for m in models) else []


def load_models(pickled):
    """Load pickled models.

    Parameters
    ----------
    pickled : iterable of bytes

    Returns
    -------
    models : tuple of fitted pipelines
        Empty if any of the models cannot be loaded.
    """
    try:
        return tuple(loads(data) for data in pickled)
    except UnpicklingError:
        return ()
