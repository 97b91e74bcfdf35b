"""Report of a fitted estimator as one HTML page, and as text."""

from sklearn_meta.inspection.report._collect import collect_facts
from sklearn_meta.inspection.report._facts import Facts
from sklearn_meta.inspection.report._report import Report, make_report

__all__ = ["Facts", "Report", "collect_facts", "make_report"]
