"""Fitted models of each task, fitted once for all tests of the report."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.contract.small import classifier, people, prices, regressor

# Names that would be markup, formulas or formats where they are not escaped.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><b>bold</b>",
    "${x} {y} %s $\\frac{$",
    "a\x00b\u202e\nc" + "long" * 80,
)


def _hostile():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, len(HOSTILE)))
    y = np.array(HOSTILE)[np.argmax(X[:, :3], axis=1)]
    target = pd.Series(y, name="<h1>target</h1>")
    return pd.DataFrame(X, columns=HOSTILE), target


def _labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    return X, (X + rng.normal(size=X.shape) > 0).astype(int)


@pytest.fixture(scope="session")
def cases():
    """Fitted models, with their tables and reports."""
    frame, target = people()
    numbers, price = prices()
    outputs = np.column_stack([price, -price])
    found = {
        "classes": (classifier().fit(frame[:80], target[:80]), frame[80:], target[80:]),
        "number": (
            regressor().fit(numbers[:80], price[:80]), numbers[80:], price[80:],
        ),
        "numbers": (
            regressor().fit(numbers[["age"]], outputs), numbers[["age"]], outputs,
        ),
        "labels": (classifier().fit(*_labels()), *_labels()),
        "hostile": (classifier().fit(*_hostile()), *_hostile()),
        "no search": (classifier(search=None).fit(frame, target), frame, target),
        "tuned": (classifier(scoring="f1_macro").fit(frame, target), frame, target),
    }  # fmt: skip
    return {
        name: SimpleNamespace(model=model, X=X, y=y, report=model.report(None, X, y))
        for name, (model, X, y) in found.items()
    }


NAMES = (
    "classes", "number", "numbers", "labels", "hostile", "no search", "tuned",
)  # fmt: skip


@pytest.fixture(params=NAMES)
def case(request, cases):
    """Each of the models in turn."""
    return cases[request.param]
