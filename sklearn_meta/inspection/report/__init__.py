"""Report of a fitted estimator as one HTML page, and as text."""

from sklearn_meta.inspection.report._report import Report

__all__ = ["Report"]
