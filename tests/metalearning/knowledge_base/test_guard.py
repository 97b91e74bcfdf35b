"""Limits of connections: steps, sizes, kinds of statements and signals."""

import os
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing

import pytest

from sklearn_meta.metalearning.knowledge_base import _file, _guard
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseError

NEVER_ENDS = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
    "SELECT count(*) FROM c"
)


def connect(steps=None):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    limit = _guard.StepLimit(steps)
    _guard.set_limits(connection)
    limit.watch(connection)
    return connection, limit


def test_a_query_without_end_is_ended():
    connection, limit = connect(100_000)
    with closing(connection):
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            connection.execute(NEVER_ENDS)
        # By the limit, not by a signal.
        limit.raise_interrupt()
        limit.restart(100_000)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_large_file_may_take_more_steps():
    # A million datasets take a minute or so; a damaged small file, a fraction of a
    # second.
    assert _guard.reading_steps(0) <= 20_000_000
    assert _guard.reading_steps(10**9) >= 10**9


@pytest.mark.skipif(os.name != "posix", reason="sends a signal of POSIX")
def test_ctrl_c_ends_a_query(tmp_path):
    began = time.monotonic()
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        # The limit of steps is lifted for writing.
        with _file.writing(tmp_path / "mine.sqlite") as connection:
            connection.set_authorizer(None)
            connection.execute(NEVER_ENDS)
    assert time.monotonic() - began < 5


def test_an_exception_that_sqlite_drops_is_a_ctrl_c():
    _, limit = connect(None)
    with pytest.raises(KeyboardInterrupt):
        limit.raise_interrupt()
    limit.restart(100_000)
    with pytest.raises(KeyboardInterrupt):
        limit.raise_interrupt()


def test_long_cells_are_not_read():
    connection, _ = connect()
    with closing(connection):
        with pytest.raises(sqlite3.DataError, match="too big"):
            connection.execute("SELECT zeroblob(100000000)")


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH 'other.sqlite' AS other",
        "CREATE TABLE more (a)",
        "CREATE TEMP VIEW more AS SELECT 1",
        "DROP TABLE datasets",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension('evil')",
        "SELECT fts3_tokenizer('evil')",
        "SELECT randomblob(9)",
        "DELETE FROM datasets",
        NEVER_ENDS,
    ],
)
def test_reading_connections_do_nothing_else(filled, path, statement):
    content = path.read_bytes()
    with pytest.raises(KnowledgeBaseError, match="not authorized|no such function"):
        with _file.reading(path) as connection:
            connection.execute(statement)
    assert path.read_bytes() == content


def test_an_error_keeps_no_lock(filled, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE provenance SET value = '?'")
    with pytest.raises(KnowledgeBaseError, match="does not understand") as caught:
        filled.provenance()
    # The traceback refers to a statement that was not finished.
    assert caught.value.__cause__ is not None
    filled.set_provenance(created="now", created_by="me")
    filled.compact()
    assert filled.provenance()["created"] == "now"


def test_ctrl_c_while_sqlite_asks_what_is_allowed_is_no_refusal(filled, path):
    """sqlite3 takes any exception of the function for a refusal."""

    def interrupted(frame, event, arg):
        if event == "call" and frame.f_code.co_name == "authorize":
            sys.setprofile(None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with _file.reading(path) as connection:
            sys.setprofile(interrupted)
            connection.execute("SELECT count(*) FROM datasets")
    # What is refused is an error as before.
    with pytest.raises(KnowledgeBaseError, match="not used in this way"):
        with _file.reading(path) as connection:
            connection.execute("PRAGMA user_version")
