"""Warnings that point at the user's line."""

from __future__ import annotations

import os
import sys
import warnings

import joblib
import sklearn

from sklearn_meta.exceptions import SklearnMetaWarning

# Frames of this package, and of those that call its estimators for the user.
INTERNAL = tuple(
    os.path.dirname(path) + os.sep
    for path in (__file__, sklearn.__file__, joblib.__file__)
)


def warn(message, category=SklearnMetaWarning):
    """Issue a warning at the first frame outside of this package and scikit-learn.

    Parameters
    ----------
    message : str
    category : type of Warning, default=SklearnMetaWarning
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(INTERNAL):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
