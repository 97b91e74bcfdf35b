"""Displays, tables, report and progress of a search.

The displays follow the convention of scikit-learn: ``from_estimator`` computes and
plots, ``plot`` draws again. They import matplotlib only then; ``compute`` returns the
same numbers without it.
"""

from sklearn_meta.inspection._ensemble_display import EnsembleDisplay
from sklearn_meta.inspection._importance_display import ImportanceDisplay
from sklearn_meta.inspection._interval_display import IntervalDisplay
from sklearn_meta.inspection._pareto_display import ParetoDisplay
from sklearn_meta.inspection._recall_display import RecallDisplay
from sklearn_meta.inspection._search_display import SearchDisplay
from sklearn_meta.inspection.report import Report

__all__ = [
    "EnsembleDisplay",
    "ImportanceDisplay",
    "IntervalDisplay",
    "ParetoDisplay",
    "RecallDisplay",
    "Report",
    "SearchDisplay",
]
