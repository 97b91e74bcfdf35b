"""Encodings and versions of the schema."""

import math
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.metalearning.knowledge_base import _file, _schema
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._schema import (
    SCORE_DIGITS,
    KnowledgeBaseError,
    decode_scores,
    encode_score,
)
from tests.metalearning.knowledge import dataset, evaluation, same

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, st.just(math.nan) | st.floats(0, allow_infinity=False))
def test_scores_are_rounded_to_six_digits(mean, error):
    whole_mean, whole_error, exponent = encode_score(mean, error)
    largest = max(abs(mean), 0.0 if math.isnan(error) else error)
    step = 10.0 ** (-SCORE_DIGITS + 1)
    # Below 1e-300 there is nothing to tell apart.
    decoded = decode_scores(
        np.array([whole_mean, whole_error or 0]), np.array([exponent] * 2)
    )
    assert decoded[0] == pytest.approx(mean, rel=0, abs=0.501 * step * largest + 1e-299)
    assert abs(whole_mean) <= 10**SCORE_DIGITS
    if math.isnan(error):
        assert whole_error is None
    else:
        assert decoded[1] == pytest.approx(
            error, rel=0, abs=0.501 * step * largest + 1e-299
        )
    # Rounding a second time changes nothing.
    again = encode_score(*decoded.tolist())
    assert np.array_equal(
        decode_scores(np.array(again[:2]), np.array([again[2]] * 2)), decoded
    )


def test_a_person_with_sqlite_sees_the_scores(filled, path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT dataset, pipeline, mean, standard_error, fit_seconds "
            "FROM leaderboard WHERE metric = 'neg_log_loss' ORDER BY dataset, pipeline"
        ).fetchall()
    assert rows[0] == ("iris", "lda(X)", -0.2, 0.02, 0.25)
    assert len(rows) == 4


ASSETS = Path(__file__).parent


def uses(path):
    knowledge_base = KnowledgeBase(path)
    return (
        knowledge_base.records,
        lambda: knowledge_base.matrix("classification"),
        knowledge_base.check_writable,
        lambda: knowledge_base.add(dataset("new"), [evaluation()]),
    )


def check_refused(path, message):
    before = path.read_bytes()
    for use in uses(path):
        with pytest.raises(KnowledgeBaseError, match=message) as caught:
            use()
        assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def version_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def test_newer_schema_is_refused(filled, path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {_schema.SCHEMA_VERSION + 1}")
    check_refused(path, r"version 2 .* up to 1\. Upgrade sklearn_meta")


def test_older_schema_is_migrated_when_written_and_read_as_it_is(
    filled, path, monkeypatch
):
    before, content = filled.records(), path.read_bytes()
    monkeypatch.setattr(_schema, "SCHEMA_VERSION", 3)
    migrations = {
        1: ("ALTER TABLE datasets ADD COLUMN licence TEXT NOT NULL DEFAULT 'unknown'",),
        2: (
            "ALTER TABLE datasets ADD COLUMN year INTEGER",
            "UPDATE datasets SET year = 2000",
        ),
    }
    monkeypatch.setattr(_schema, "MIGRATIONS", migrations)
    query = "SELECT licence, year FROM datasets"
    with _file.reading(path) as connection:
        assert connection.execute(query).fetchone() == ("unknown", 2000)
    assert same(filled.records(), before)
    filled.check_writable()
    assert path.read_bytes() == content
    filled.add(dataset("new"), [evaluation()])
    assert version_of(path) == 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(query).fetchall() == [("unknown", 2000)] * 3 + [
            ("unknown", None)
        ]
    assert same(filled.records()[:3], before)


def test_failed_migration_leaves_the_file_as_it_was(filled, path, monkeypatch):
    content = path.read_bytes()
    monkeypatch.setattr(_schema, "SCHEMA_VERSION", 2)
    monkeypatch.setattr(
        _schema, "MIGRATIONS", {1: ("DROP TABLE scores", "DROP TABLE absent")}
    )
    with pytest.raises(KnowledgeBaseError, match="absent"):
        filled.add(dataset("new"), [])
    assert path.read_bytes() == content


def test_every_version_has_a_way_to_the_present_one():
    assert sorted(_schema.MIGRATIONS) == list(range(1, _schema.SCHEMA_VERSION))


def test_files_of_earlier_versions_are_read_and_written(mine, path):
    # A dump of a file as version 1 wrote it; it never changes.
    script = (ASSETS / "knowledge_version_1.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    ((iris, (lda, svc)), (boston, (ridge,))) = mine.records()
    assert (iris.name, iris.family, iris.n_classes) == ("iris", "flowers", 3)
    assert same(dict(iris.metafeatures), {"skew": 0.1, "kurtosis": math.nan})
    assert lda.scores == {"accuracy": (0.98, 0.01), "neg_log_loss": (-0.05, 0.02)}
    assert (svc.status, svc.fit_seconds) == ("timeout", 10.0)
    assert same(dict(ridge.scores), {"r2": (0.7, math.nan)})
    assert boston.task == "regression"
    mine.add(dataset("new"), [evaluation()])
    assert len(mine.records()) == 3
    assert version_of(path) == _schema.SCHEMA_VERSION


NEVER_ENDS = (
    "CREATE VIEW {} AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
    "SELECT x AS id, 'classification' AS task, 'n' AS name FROM c WHERE x < 0"
)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("DROP TABLE datasets;" + NEVER_ENDS.format("datasets"), "view 'datasets' in "),
        (NEVER_ENDS.format("more"), "view 'more'"),
        (
            "DROP VIEW leaderboard;" + NEVER_ENDS.format("leaderboard"),
            "another definition of the view 'leaderboard'",
        ),
        ("DROP TABLE scores", "lacks the .*scores"),
        (
            "CREATE TRIGGER t AFTER INSERT ON datasets BEGIN DELETE FROM scores; END",
            "trigger 't'",
        ),
        ("CREATE INDEX i ON pipelines (hex(text))", "index 'i'"),
        ("CREATE TABLE sqlitX (a)", "table 'sqlitX'"),
        ("CREATE VIRTUAL TABLE r USING rtree(id, a, b)", "table 'r"),
        (
            "ALTER TABLE datasets ADD COLUMN g AS (hex(name))",
            "definition .* 'datasets'",
        ),
        ("ALTER TABLE scores RENAME COLUMN mean TO other", "definition"),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
            "replace(sql, 'INTEGER', 'BLOB') WHERE name = 'scores'",
            "another definition of the table 'scores'",
        ),
        ("PRAGMA user_version = -1", "version -1"),
        ("PRAGMA user_version = 0", "version 0"),
        ("PRAGMA user_version = 2147483647", "version 2147483647"),
        ("PRAGMA application_id = -7", "not a knowledge base"),
        ("PRAGMA journal_mode = WAL", "write-ahead log.*journal_mode"),
    ],
)
def test_other_schemas_are_refused_by_name(filled, path, script, message):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)
    check_refused(path, message)


def test_texts_of_another_encoding(mine, path):
    script = (ASSETS / "knowledge_version_1.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA encoding = 'UTF-16';" + script)
    check_refused(path, "UTF-16")


def test_a_schema_of_many_tables_is_given_up(filled, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO sqlite_master VALUES ('table', ?, ?, 2, ?)",
            [(f"t{i}", f"t{i}", f"CREATE TABLE t{i} (a)") for i in range(50_000)],
        )
        connection.execute("COMMIT")
    began = time.thread_time()
    with pytest.raises(KnowledgeBaseError, match="takes longer"):
        filled.matrix("classification")
    assert time.thread_time() - began < 1


def test_any_size_of_pages(filled, path):
    before = filled.records()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA page_size = 65536; VACUUM")
    assert same(filled.records(), before)
    filled.add(dataset("new"), [evaluation()])
