"""Evaluation of candidates: cross-validation, racing, budget, engine and history."""

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)

__all__ = ["Budget", "Candidate", "Evaluation", "FoldResult", "Status"]
