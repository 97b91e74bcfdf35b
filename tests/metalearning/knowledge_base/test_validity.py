"""Values that no version writes are refused, and named."""

import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest

from sklearn_meta.metalearning.knowledge_base import _validity
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseError

LONG = "hex(zeroblob(60000))"
NAMED = {
    "UPDATE pipelines SET text = x'6162' WHERE id = 1": "'text' .* 'pipelines'",
    f"UPDATE pipelines SET text = {LONG} WHERE id = 1": "'text' .* 'pipelines'",
    # The length of a text ends at its first zero byte.
    f"UPDATE pipelines SET text = 'a' || char(0) || {LONG} WHERE id = 1": "'text' .*",
    "UPDATE datasets SET family = x'00' WHERE id = 1": "'family' .* 'datasets'",
    "UPDATE datasets SET name = x'00' WHERE id = 1": "'name' .* 'datasets'",
    "UPDATE datasets SET n_samples = -5": "'n_samples' .* 'datasets'",
    "UPDATE datasets SET n_features = 1.5": "'n_features' .* 'datasets'",
    "UPDATE datasets SET n_classes = 9223372036854775807": "'n_classes' .* 'datasets'",
    "UPDATE metafeature_names SET name = x'00' WHERE id = 1": "'metafeature_names'",
    "UPDATE metrics SET name = x'00' WHERE id = 1": "'name' .* 'metrics'",
    "UPDATE scores SET exponent = 308": "range",
    "UPDATE scores SET mean = 9223372036854775807, exponent = 300": "range",
    "UPDATE scores SET standard_error = -5": "range",
    "UPDATE evaluations SET n_rows = -5": "n_rows",
    "UPDATE evaluations SET fit_microseconds = -5": "fit_seconds",
    "UPDATE datasets SET name = CAST(x'ff' AS TEXT) WHERE id = 1": "decode",
}


@pytest.mark.parametrize(("change", "message"), NAMED.items())
def test_what_is_wrong_is_named(filled, path, change, message):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(change)
    for use in (filled.records, lambda: filled.matrix("classification")):
        with pytest.raises(KnowledgeBaseError, match=message) as caught:
            use()
        assert str(path) in str(caught.value)


def test_a_cell_of_many_megabytes_is_refused_at_once(filled, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            "UPDATE pipelines SET text = zeroblob(90000000) WHERE id = 1"
        )
    began = time.thread_time()
    with pytest.raises(KnowledgeBaseError, match="longer text|pipelines"):
        filled.matrix("classification")
    assert time.thread_time() - began < 1


def test_a_deep_provenance_is_refused(filled, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE provenance SET value = ?", ("[" * 10**6,))
    with pytest.raises(KnowledgeBaseError, match="does not understand"):
        filled.provenance()


def test_valid_matrices_pass(filled):
    matrix = filled.matrix("classification")
    assert _validity.check_matrix(matrix) is matrix
    assert np.isnan(matrix.mean).any()
