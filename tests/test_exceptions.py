"""Errors have one root, and are scikit-learn's kinds of errors as well."""

import pickle

import pytest

from sklearn_meta import exceptions
from sklearn_meta.exceptions import PipelineSyntaxError, SklearnMetaError


def test_each_error_and_warning_has_its_root():
    for name in exceptions.__all__:
        kind = getattr(exceptions, name)
        root = UserWarning if name.endswith("Warning") else SklearnMetaError
        assert issubclass(kind, root)
        if root is SklearnMetaError and kind is not root:
            assert issubclass(kind, ValueError)


@pytest.mark.parametrize(
    ("text", "offset", "shown"),
    [
        ("ridge(Y)", 6, "no Y\n  ridge(Y)\n        ^"),
        ("ridge(\n  Y,\n)", 9, "no Y\n    Y,\n    ^"),
        ("", 0, "no Y\n  \n  ^"),
    ],
)
def test_a_syntax_error_points_at_the_place(text, offset, shown):
    error = PipelineSyntaxError("no Y", text, offset)
    assert str(error) == shown
    # A worker sends it to the process that waits for it.
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.text, again.offset) == (shown, text, offset)
