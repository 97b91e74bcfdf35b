"""How checks are run and counted."""

import os
import time
import unittest
from functools import partial

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from benchmarks._checks import (
    GENERATOR,
    applies,
    checks_of,
    make_estimator,
    name_of,
    run_check,
)
from benchmarks.compliance import reason, summary, table


def passes(name, estimator):
    pass


def fails(name, estimator):
    raise ValueError("no\n   fit")


def skips(name, estimator):
    raise unittest.SkipTest("it says so")


def hangs(name, estimator):
    time.sleep(60)


def dies(name, estimator):
    os._exit(3)


@pytest.mark.parametrize(
    "check, status, error",
    [
        (passes, "passed", None),
        (fails, "failed", "ValueError: no fit"),
        (skips, "skipped", "it says so"),
        (hangs, "timeout", "not finished after 0.5 s"),
        (dies, "failed", "the interpreter ended"),
    ],
)
def test_a_check_costs_itself_and_nothing_else(check, status, error):
    limit = 0.5 if check is hangs else 60
    result = run_check(LogisticRegression(), partial(check, "name"), limit)
    assert (result["status"], result.get("error")) == (status, error)
    assert result["seconds"] < 30


def test_names_tell_checks_apart_that_run_twice():
    assert name_of(partial(passes, "name")) == "passes"
    assert name_of(partial(partial(passes, X_dtype="float32"), "name")) == (
        "passes(X_dtype=float32)"
    )


class Mute(BaseEstimator):
    """Its tags cannot be read, and it takes no weights."""

    def fit(self, X, y):
        return self

    def __sklearn_tags__(self):
        raise AttributeError("not before fit")


def test_without_tags_an_estimator_gets_the_checks_of_its_kind():
    pairs = list(checks_of(Mute(), "HistGradientBoostingClassifier"))
    errors = [check for estimator, check in pairs if estimator is None]
    assert [str(error) for error in errors] == ["not before fit"]
    names = [name_of(check) for estimator, check in pairs if estimator is not None]
    assert "check_classifiers_train" in names
    assert not any("weight" in name for name in names)


def test_with_tags_they_decide():
    estimator = make_estimator("sklearn.linear_model", "LogisticRegression", {})
    pairs = list(checks_of(estimator, "HistGradientBoostingClassifier"))
    assert all(estimator is not None for estimator, _ in pairs)
    assert any("sample_weight" in name_of(check) for _, check in pairs)
    assert all(applies(check, estimator) for _, check in pairs)


def record(status, check="check", error="", estimator="Theirs"):
    return {
        "system": "system",
        "version": "1.0",
        "scikit_learn": "1.9",
        "estimator": estimator,
        "check": check,
        "status": status,
        "error": error,
        "seconds": 1.0,
    }


def test_what_is_skipped_or_no_check_is_not_counted():
    records = [
        record("passed"),
        record("passed", estimator="Ours"),
        record("skipped"),
        record("failed", error="ValueError: 12 rows of 0x7f3a"),
        record("failed", error="ValueError: 9 rows of 0x7fff"),
        record("timeout"),
        record("failed", GENERATOR, "AttributeError: tags"),
    ]
    theirs, ours = summary(records)
    assert (theirs["passed"], theirs["total"], theirs["skipped"]) == (1, 4, 1)
    assert theirs["reasons"][0][1] == 2
    assert (ours["passed"], ours["total"], ours["reasons"]) == (1, 1, [])
    assert "| system 1.0: Theirs | 1 / 4 |" in table([theirs, ours])


def test_reasons_leave_out_what_differs():
    one, other = (
        reason(record("failed", error=f"KeyError: (array([{n}, 2]))")) for n in (1, 3)
    )
    assert one == other
    assert reason(record("timeout")) == "not finished in time"
