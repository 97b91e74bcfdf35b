"""What a candidate scores and costs: records, budget, workers, the engine."""

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)

__all__ = ["Budget", "Candidate", "Evaluation", "FoldResult", "Status"]
