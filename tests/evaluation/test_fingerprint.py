"""Fingerprints are equal for equal values, and tell what differs."""

import copy
import functools
import json
import os
import pickle
import random
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from scipy.stats import loguniform
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, fbeta_score, make_scorer
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit

from sklearn_meta.evaluation import _fingerprint
from sklearn_meta.evaluation._fingerprint import differences, digest, fingerprint
from sklearn_meta.metalearning import KnowledgeBase
from sklearn_meta.pipelines import SearchSpace, default_catalog
from sklearn_meta.search import EvolutionarySearch


def times(factor):
    return lambda estimator, X, y: factor * estimator.score(X, y)


class Scorer:
    def __init__(self, factor):
        self.factor = factor
        self.function = times(factor)

    def __call__(self, estimator, X, y):
        return self.function(estimator, X, y)


class Reflexive:
    def __init__(self, value):
        self.value = value
        self.me = self


class Unpicklable:
    def __reduce_ex__(self, protocol):
        raise TypeError


def in_a_set(estimator, X, y):
    return float(str(y[0]) in {"a", "b", "c", "d", "e", "f"})


def by_default(estimator, X, y, *, good=frozenset(("a", "b", "c", "d"))):
    return float(y[0] in good)


@functools.lru_cache
def cached(estimator):
    return 1.0


# Functions that make equal values in each call, all different from each other.
VALUES = {
    "none": lambda: None,
    "true": lambda: True,
    "one": lambda: 1,
    "one as float": lambda: 1.0,
    "one as text": lambda: "1",
    "one as bytes": lambda: b"1",
    "list": lambda: [1, 2],
    "tuple": lambda: (1, 2),
    "nested": lambda: [[1], 2],
    "strings": lambda: ["a", "bc"],
    "other strings": lambda: ["ab", "c"],
    "dict": lambda: {"a": 1, "b": None},
    "set": lambda: {"a", "b", "c"},
    "path": lambda: Path("a.sqlite"),
    "floats": lambda: np.arange(6.0),
    "table of floats": lambda: np.arange(6.0).reshape(2, 3),
    "transposed": lambda: np.arange(6.0).reshape(2, 3).T,
    "ints": lambda: np.arange(6),
    "missing": lambda: np.array([np.nan, 1.0]),
    "labels": lambda: np.array(["a", "b"]),
    "objects": lambda: np.array(["a", None, (1, 2)], dtype=object),
    "dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "sparse": lambda: sparse.csr_array(np.eye(3)),
    "pandas": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "polars": lambda: pl.Series("a", ["x", None]),
    "lambda": lambda: times(2),
    "other closure": lambda: times(3),
    "other code": lambda: lambda estimator, X, y: -estimator.score(X, y),
    "partial": lambda: functools.partial(times, 2),
    "class": lambda: Ridge,
    "scorer": lambda: make_scorer(f1_score, average="macro"),
    "scorer with another parameter": lambda: make_scorer(f1_score, average="micro"),
    "scorer of another metric": lambda: make_scorer(fbeta_score, beta=1),
    "scorer object": lambda: Scorer(2),
    "another scorer object": lambda: Scorer(3),
    "method": lambda: Scorer(2).__call__,
    "folds": lambda: KFold(3),
    "shuffled folds": lambda: KFold(3, shuffle=True, random_state=0),
    "grouped folds": lambda: GroupKFold(3),
    "estimator": lambda: LogisticRegression(C=2),
    "nested estimator": lambda: SearchSpace(include=["ridge"]),
    "strategy": lambda: EvolutionarySearch(population_size=7),
    "operators": lambda: default_catalog("classification"),
    "knowledge base": lambda: KnowledgeBase("a.sqlite"),
    "set in code": lambda: in_a_set,
    "set as default": lambda: by_default,
    "set in a closure": lambda: times(frozenset("abcdefg")),
    "set in an object": lambda: Scorer({"a", "b", "cd", ("e", 1)}),
    "ufunc": lambda: np.log1p,
    "function of numpy": lambda: np.median,
    "cached function": lambda: cached,
    "regular expression": lambda: re.compile("a|b"),
    "distribution": lambda: loguniform(0.1, 1.0),
    "categories": lambda: pd.Series(["x", "y"], dtype="category"),
    "decimal": lambda: Decimal("0.1"),
    "reflexive": lambda: Reflexive(1),
    "unpicklable": Unpicklable,
}


def test_equal_values_have_equal_digests_and_others_have_others():
    digests = {name: digest(make()) for name, make in VALUES.items()}
    for name, make in VALUES.items():
        assert digest(make()) == digests[name], name
    # A path is its text.
    assert len(set(digests.values())) == len(digests)


@pytest.mark.parametrize("name", [n for n in VALUES if n not in ("unpicklable",)])
def test_copies_have_the_digest_of_the_original(name):
    value = VALUES[name]()
    assert digest(copy.deepcopy(value)) == digest(value)


@pytest.mark.parametrize("name", ["scorer", "folds", "strategy", "operators", "pandas"])
def test_values_keep_their_digest_in_other_processes(name):
    value = VALUES[name]()
    assert digest(pickle.loads(pickle.dumps(value))) == digest(value)


def test_a_value_may_differ_in_one_cell():
    X = np.zeros((1000, 10))
    other = X.copy()
    other[500, 5] = 1e-300
    assert digest(X) != digest(other)
    assert digest(X) == digest(np.asfortranarray(X))
    assert digest(sparse.csr_array(X)) != digest(sparse.csr_array(other))


def test_use_changes_no_digest():
    splitter = ShuffleSplit(2, random_state=np.random.RandomState(0))
    splits = iter([(np.arange(3), np.arange(3, 6))])
    changing = [splitter, splits, random.Random(0), np.random.PCG64(0)]
    before = [digest(value) for value in changing]
    list(splitter.split(np.zeros((10, 1))))
    list(splits)
    changing[2].random()
    changing[3].random_raw()
    assert [digest(value) for value in changing] == before


def test_differences_are_named():
    first = fingerprint({"X": np.zeros(3), "y": np.ones(3), "cv": 3})
    assert differences(first, first) == []
    second = fingerprint({"X": np.zeros(3), "y": np.zeros(3), "cv": 5})
    assert differences(first, second) == ["y", "cv"]
    assert differences(first, fingerprint({"X": np.zeros(3), "y": np.ones(3)})) == [
        "cv"
    ]


def digests():
    """Digests of all values, by their names."""
    return {name: digest(make()) for name, make in VALUES.items()}


def test_digests_are_the_same_in_another_process():
    code = (
        "import json\n"
        "from tests.evaluation.test_fingerprint import digests\n"
        "print(json.dumps(digests()))"
    )
    # Strings have other hashes there, hence sets another order.
    child = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONHASHSEED": "271828"},
    )
    assert json.loads(child.stdout.splitlines()[-1]) == digests()


@pytest.mark.parametrize("block_bytes", [1, 100, 10**6])
def test_the_memory_layout_is_no_part_of_a_digest(block_bytes, monkeypatch):
    X = np.arange(600.0).reshape(30, 20)
    monkeypatch.setattr(_fingerprint, "BLOCK_BYTES", block_bytes)
    for array in (np.asfortranarray(X), np.c_[X, X][:, :20]):
        assert digest(array) == digest(X)
    assert digest(X[:, :0]) != digest(X[:0])
