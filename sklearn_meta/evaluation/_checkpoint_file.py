"""SQLite file that holds the evaluations of a search, one transaction for each.

The file has a write-ahead log, which takes one write to the disk for a transaction in
place of three, and is locked exclusively by the process that uses it, so that the log
needs no shared memory and two fits cannot mix their evaluations. The operating system
releases the lock of a killed process, and SQLite applies its log when the file is
opened again.

Nothing but fitted models, which stay pickled until one of them becomes a member of the
final model, can run code: a file with other tables than ours, with views or triggers is
refused, arrays are in the format of numpy, and everything else is numbers and JSON.
"""

from __future__ import annotations

import io
import json
import math
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sklearn_meta._warnings import warn
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._fingerprint import Fingerprint
from sklearn_meta.evaluation._history import storable
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.evaluation._replay import Entry, is_unfinished
from sklearn_meta.exceptions import CheckpointError

# Name of the file if the user passes a folder.
FILE_NAME = "checkpoint.sqlite"
# Seconds to wait for the lock, as another process may be about to end.
LOCK_TIMEOUT = 1.0
# After a write that waited for the disk, later ones do so only once this multiple of
# the seconds of the wait has passed: waiting takes at most a percent of the time. What
# is written in between survives the end of this process at once, and a power failure
# once the operating system or a later write has brought it to the disk.
SYNC_PAUSE = 100

FORMAT = 2
APPLICATION_ID = 0x534D4350
SCHEMA = (
    "CREATE TABLE search (id INTEGER PRIMARY KEY, description TEXT, seconds REAL)",
    "CREATE TABLE stages (stage INTEGER PRIMARY KEY, screening INTEGER, train BLOB, "
    "validation BLOB)",
    "CREATE TABLE evaluations (position INTEGER PRIMARY KEY, number INTEGER UNIQUE, "
    "text TEXT, origin TEXT, status TEXT, reason TEXT, seconds REAL, elapsed REAL, "
    "n_asked INTEGER, results TEXT)",
    "CREATE TABLE arrays (number INTEGER, stage INTEGER, predictions BLOB, "
    "predictions_crc INTEGER, model BLOB, model_crc INTEGER, "
    "PRIMARY KEY (number, stage))",
    "CREATE TABLE running (number INTEGER PRIMARY KEY, text TEXT)",
)


# What values that are not as they were written raise.
WRONG_VALUES = (LookupError, TypeError, ValueError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class Begun:
    """Description of the search in a file.

    Parameters
    ----------
    fingerprint : Fingerprint
        Of the table and the settings.
    seed : int
        Seed of the splits and the candidates.
    budget_seconds : float
        Budget that the search was planned for.
    """

    fingerprint: Fingerprint
    seed: int
    budget_seconds: float


def path_of(checkpoint) -> Path:
    """Return the absolute path of the file for the parameter `checkpoint`.

    Parameters
    ----------
    checkpoint : path-like
        A folder or a file.

    Returns
    -------
    path : Path
    """
    text = os.fsdecode(checkpoint)
    path = Path(os.path.abspath(text))
    is_folder = path.is_dir() or text.endswith((os.sep, os.altsep or os.sep))
    return path / FILE_NAME if is_folder else path


def open_file(path) -> CheckpointFile:
    """Open a file, create it if there is none, and lock it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    file : CheckpointFile

    Raises
    ------
    CheckpointError
        If the file cannot be written, is damaged, is not a checkpoint, or is used by
        another process.
    """
    if not path.parent.is_dir():
        raise CheckpointError(
            f"checkpoint: the folder {str(path.parent)!r} does not exist. Create it, "
            "or pass another path."
        )
    if path.exists() and not path.is_file():
        raise CheckpointError(
            f"checkpoint: {str(path)!r} is not a regular file. Pass the path of a file "
            "or folder."
        )
    # The log is a file of the same folder.
    if not all(os.access(p, os.W_OK) for p in (path.parent, path) if p.exists()):
        raise CheckpointError(
            f"checkpoint: the file {str(path)!r} cannot be written. Change the "
            "permissions of the file and of its folder, or pass another path."
        )
    with _errors(path):
        connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT, isolation_level=None)
        try:
            return _opened(path, connection)
        except BaseException:
            connection.close()
            raise


def _opened(path, connection):
    """Check the schema, create it in an empty file, lock the file, and read it."""
    connection.execute("PRAGMA trusted_schema = OFF")
    # Before anything is read, so that the log never needs shared memory.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    # Nothing is changed in a file of somebody else.
    is_new = not _schema_of(connection)
    if not is_new:
        _check_schema(path, connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Takes the lock, and fails now where a later write would fail.
    connection.execute("BEGIN EXCLUSIVE")
    if is_new:
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
    file = CheckpointFile(path, connection, _identity(path))
    file.read()
    return file


def _schema_of(connection):
    """Return the statements that have created a database."""
    query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
    return {sql for (sql,) in connection.execute(query)}


def _check_schema(path, connection):
    """Raise an error unless the tables are those of a checkpoint of this version."""
    if _schema_of(connection) == set(SCHEMA):
        return
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    what = (
        "was written by another version of sklearn_meta"
        if application == APPLICATION_ID
        else "is a SQLite database, but not a checkpoint"
    )
    raise CheckpointError(
        f"checkpoint: the file {str(path)!r} {what}. Pass another path."
    )


class CheckpointFile:
    """Record of a search in a file; see `Record`.

    It is to be used by one thread. `open_file` returns one.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        It holds the lock.
    identity : tuple
        Tells the file from another one at the same path.

    Attributes
    ----------
    begun : Begun or None
        None if the file holds no search yet.
    entries, suspect, seconds_spent, seconds_before, n_extra
        See `Record`.
    """

    seconds_before = 0.0
    n_extra = 0

    def __init__(self, path, connection, identity):
        self.path = path
        self.begun: Begun | None = None
        self.entries: tuple[Entry, ...] = ()
        self.suspect = ""
        self.seconds_spent = 0.0
        self._connection = connection
        self._identity = identity
        self._has_failed = False
        self._next_sync = -math.inf
        # Columns and numbers of evaluations whose arrays were removed.
        self._removed: set[tuple[str, int]] = set()

    def read(self):
        """Read everything but the evaluations."""
        with self._reading():
            self.begun, self.seconds_spent = self._read_description()
            self.entries = self._read_entries()
            running = self._rows("SELECT text FROM running")
            self.suspect = _text(running[0][0]) if running else ""

    def close(self):
        """Release the file."""
        try:
            # What ends with an exception is no suspect.
            with suppress(sqlite3.Error), self._transaction(waits=False) as connection:
                connection.execute("DELETE FROM running")
        finally:
            self._connection.close()

    # The search

    def begin(self, begun, stages):
        """Store the description of a new search.

        Parameters
        ----------
        begun : Begun
        stages : sequence of Stage
        """
        description = {
            "parts": begun.fingerprint.parts,
            "seed": int(begun.seed),
            "budget_seconds": float(begun.budget_seconds),
        }
        with _errors(self.path), self._transaction(waits=True) as connection:
            connection.execute(
                "INSERT INTO search VALUES (0, ?, 0.0)", (json.dumps(description),)
            )
            connection.executemany(
                "INSERT INTO stages VALUES (?, ?, ?, ?)",
                [
                    (i, int(s.screening), _rows(s.train), _rows(s.validation))
                    for i, s in enumerate(stages)
                ],
            )
        self.begun = begun

    def stages(self, n_samples) -> tuple[Stage, ...]:
        """Return the stages of the search.

        Parameters
        ----------
        n_samples : int
            Number of rows of the table.

        Returns
        -------
        stages : tuple of Stage
        """
        with self._reading():
            rows = self._rows(
                "SELECT screening, train, validation FROM stages ORDER BY stage"
            )
            return tuple(
                Stage(_indices(train, n_samples), _indices(held, n_samples), bool(flag))
                for flag, train, held in rows
            )

    def _read_description(self):
        rows = self._rows("SELECT description, seconds FROM search")
        if not rows:
            return None, 0.0
        ((text, seconds),) = rows
        given = json.loads(_text(text))
        parts = tuple((_text(name), _text(digest)) for name, digest in given["parts"])
        budget = _number(given["budget_seconds"])
        if not budget > 0:
            raise ValueError(f"a budget of {budget} s")
        begun = Begun(Fingerprint(parts), _integer(given["seed"]), budget)
        return begun, max(0.0, _number(seconds))

    def _read_entries(self):
        rows = self._rows(
            "SELECT number, text, n_asked, status, reason FROM evaluations "
            "ORDER BY position"
        )
        return tuple(
            Entry(
                _integer(number),
                _text(text),
                None if n_asked is None else _integer(n_asked),
                is_unfinished(status, reason),
            )
            for number, text, n_asked, status, reason in rows
        )

    # Record

    def load(self, entry) -> Evaluation:
        """Return an evaluation, without the tree of its candidate.

        Parameters
        ----------
        entry : Entry

        Returns
        -------
        evaluation : Evaluation

        Raises
        ------
        CheckpointError
            If the file is damaged.
        """
        with self._reading():
            ((origin, status, reason, seconds, elapsed, results),) = self._rows(
                "SELECT origin, status, reason, seconds, elapsed, results "
                "FROM evaluations WHERE number = ?",
                entry.number,
            )
            arrays = {
                stage: rest
                for stage, *rest in self._rows(
                    "SELECT stage, predictions, predictions_crc, model, model_crc "
                    "FROM arrays WHERE number = ?",
                    entry.number,
                )
            }
            folds, screening = (
                tuple(_fold(row, arrays) for row in rows)
                for rows in json.loads(_text(results))
            )
            return Evaluation(
                number=entry.number,
                candidate=Candidate(None, entry.text, _text(origin)),
                status=Status(status),
                folds=folds,
                screening=screening,
                reason=_text(reason),
                seconds=_number(seconds),
                elapsed=None if elapsed is None else _number(elapsed),
            )

    def add(self, evaluation, n_asked, seconds_spent, history):
        """Store a finished evaluation, and remove arrays that the history has dropped.

        Where that fails, a warning says that evaluations are no longer stored.

        Parameters
        ----------
        evaluation : Evaluation
        n_asked : int or None
            See `Entry`.
        seconds_spent : float
            Seconds of the budget that are spent.
        history : History
        """
        evaluation = storable(evaluation, history)
        results = [
            [_fold_row(f) for f in folds]
            for folds in (evaluation.folds, evaluation.screening)
        ]
        row = (
            evaluation.number,
            evaluation.candidate.text,
            evaluation.candidate.origin,
            str(evaluation.status),
            evaluation.reason.encode("utf-8", "replace").decode(),
            float(evaluation.seconds),
            evaluation.elapsed,
            n_asked,
            json.dumps(results),
        )
        arrays = [
            (evaluation.number, int(f.stage), *_sealed(f))
            for f in (*evaluation.folds, *evaluation.screening)
            if f.predictions is not None or f.model is not None
        ]
        removed = {
            ("predictions", number) for number in history.without_predictions
        } | {("model", number) for number in history.without_models}
        statements = [
            (
                "INSERT OR REPLACE INTO evaluations (number, text, origin, status, "
                "reason, seconds, elapsed, n_asked, results) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            ),
            # Of a candidate that was not finished in an earlier fit.
            ("DELETE FROM arrays WHERE number = ?", (evaluation.number,)),
            *(("INSERT INTO arrays VALUES (?, ?, ?, ?, ?, ?)", a) for a in arrays),
            ("DELETE FROM running WHERE text = ?", (evaluation.candidate.text,)),
            ("UPDATE search SET seconds = ?", (float(seconds_spent),)),
            *(
                (
                    f"UPDATE arrays SET {column} = NULL, {column}_crc = NULL "
                    f"WHERE number = ? AND {column} IS NOT NULL",
                    (number,),
                )
                for column, number in removed - self._removed
            ),
        ]
        self._write(statements, waits=time.monotonic() >= self._next_sync)
        self._removed = removed

    def told(self, number):
        """Do nothing."""

    def begin_here(self, candidate):
        """Store that a candidate is about to run in this process.

        If this process does not survive it, a later fit finds it in `suspect`.

        Parameters
        ----------
        candidate : Candidate
        """
        # It outlives this process, and need not outlive the operating system.
        self._write(
            [
                ("DELETE FROM running", ()),
                ("INSERT INTO running VALUES (0, ?)", (candidate.text,)),
            ],
            waits=False,
        )

    def end(self, seconds_spent):
        """Store the seconds of the search.

        Parameters
        ----------
        seconds_spent : float
        """
        self._write(
            [
                ("DELETE FROM running", ()),
                ("UPDATE search SET seconds = ?", (float(seconds_spent),)),
            ],
            waits=False,
        )

    def diverged(self):
        """Warn that the search proposes other candidates than in earlier fits."""
        warn(
            f"checkpoint={str(self.path)!r}: the search proposes other pipelines than "
            "in the earlier fit, because the knowledge base has changed, or another "
            "version of a package is installed. The stored evaluations are used, and "
            "the search goes on from them; the result is not that of a fit without "
            "interruption."
        )

    # Access

    def _rows(self, query, *values):
        return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Raise errors of SQLite, and those of wrong values, as `CheckpointError`."""
        try:
            with _errors(self.path):
                yield
        except CheckpointError:
            raise
        except WRONG_VALUES as error:
            raise CheckpointError(
                f"checkpoint: the file {str(self.path)!r} is damaged: it holds values "
                f"that are not understood ({error!r}). Delete it to begin anew, or "
                "pass another path."
            ) from error

    def _write(self, statements, *, waits):
        """Execute a transaction; if it fails, warn once and store nothing any more."""
        if self._has_failed:
            return
        try:
            if _identity(self.path) != self._identity:
                raise OSError("the file was removed or replaced")
            with self._transaction(waits) as connection:
                for statement, values in statements:
                    connection.execute(statement, values)
        except (sqlite3.Error, OSError, OverflowError) as error:
            self._has_failed = True
            warn(
                f"checkpoint={str(self.path)!r} cannot be written any more: {error}. "
                "The fit goes on, but evaluations from now on are not stored."
            )

    @contextmanager
    def _transaction(self, waits) -> Iterator[sqlite3.Connection]:
        """Open a transaction; `waits` until it is on the disk."""
        connection = self._connection
        if connection.in_transaction:
            # An interrupt came before the end of the last one was noticed.
            connection.execute("ROLLBACK")
        connection.execute(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            began = time.monotonic()
            connection.execute("COMMIT")
            if waits:
                now = time.monotonic()
                self._next_sync = now + SYNC_PAUSE * (now - began)
        finally:
            # After an error, or an interrupt.
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")


def _identity(path):
    """Return what tells a file from another one at the same path."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


# By primary error code of SQLite: cause and remedy.
_EXPLANATIONS = {
    sqlite3.SQLITE_NOTADB: "is not a checkpoint. Pass another path",
    sqlite3.SQLITE_CORRUPT: "is damaged. Delete it to begin anew, or pass another path",
    sqlite3.SQLITE_BUSY: (
        "is in use: another fit is running with it. Wait for its end, or pass another "
        "path. Each fit that runs at the same time, such as those of a grid search, "
        "needs a path of its own"
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written. Change the permissions of the file and of its folder, or "
        "pass another path"
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened. Check the permissions of the file and of its folder, or "
        "pass another path"
    ),
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Free some space",
    sqlite3.SQLITE_IOERR: (
        "cannot be written or read. Check that the disk has space and no faults, or "
        "pass another path"
    ),
}


@contextmanager
def _errors(path) -> Iterator[None]:
    """Raise errors of SQLite and of the file system with the file and the remedy."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        code = getattr(error, "sqlite_errorcode", None)
        explanation = "cannot be used. Check it, or pass another path"
        if code is not None:
            explanation = _EXPLANATIONS.get(code & 0xFF, explanation)
        raise CheckpointError(
            f"checkpoint: the file {str(path)!r} {explanation} ({error})."
        ) from error


# Values


def _fold_row(f):
    """Return the numbers of a stage, for JSON."""
    return [
        int(f.stage),
        float(f.score),
        float(f.fit_seconds),
        float(f.predict_seconds),
        None if f.iterations is None else int(f.iterations),
        float(f.score_seconds),
        None if f.pooled_score is None else float(f.pooled_score),
        None if f.reported is None else float(f.reported),
    ]


def _fold(row, arrays):
    """Return a stage."""
    stage, score, fit, predict, iterations, scoring, pooled, reported = row
    data = arrays.get(_integer(stage), (None, None, None, None))
    predictions, model = _unsealed(*data[:2]), _unsealed(*data[2:])
    if predictions is not None:
        predictions = _array(predictions, "f")
        if not np.isfinite(predictions).all():
            raise ValueError("predictions that are not finite")
    return FoldResult(
        stage=stage,
        score=_number(score),
        predictions=predictions,
        fit_seconds=_number(fit),
        predict_seconds=_number(predict),
        iterations=None if iterations is None else _integer(iterations),
        model=model,
        score_seconds=_number(scoring),
        pooled_score=None if pooled is None else _number(pooled),
        reported=None if reported is None else _number(reported),
    )


def _sealed(f):
    """Return predictions and model of a stage as bytes, each with its checksum."""
    predictions = None if f.predictions is None else _npy(f.predictions)
    model = None if f.model is None else bytes(f.model)
    return (
        predictions,
        None if predictions is None else zlib.crc32(predictions),
        model,
        None if model is None else zlib.crc32(model),
    )


def _unsealed(data, checksum):
    """Return bytes if their checksum is right; None for NULL."""
    if data is None:
        return None
    if not isinstance(data, bytes) or zlib.crc32(data) != checksum:
        raise ValueError("a wrong checksum")
    return data


def _npy(array):
    """Return an array in the format of numpy."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
    return stream.getvalue()


def _array(data, kind):
    """Return an array of a kind of numbers from the format of numpy."""
    if not isinstance(data, bytes):
        raise TypeError(f"{type(data).__name__} in place of an array")
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array in another format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    # Before the memory is allocated.
    n_bytes = math.prod(shape) * dtype.itemsize
    if dtype.kind != kind or n_bytes != len(data) - stream.tell():
        raise ValueError(f"an array of {dtype} of shape {shape}")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _rows(indices):
    """Return row indices in the format of numpy, in half of the bytes if possible."""
    fits = len(indices) == 0 or np.max(indices) < 2**31
    return _npy(np.asarray(indices, dtype=np.int32 if fits else np.int64))


def _indices(data, n_samples):
    """Return row indices of a table."""
    rows = _array(data, "i")
    if rows.ndim != 1 or not len(rows) or rows.min() < 0 or rows.max() >= n_samples:
        raise ValueError("rows that the table does not have")
    return rows.astype(np.intp)


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of text")
    return value


def _integer(value):
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} in place of a number from 0")
    return value


def _number(value):
    if not isinstance(value, float | int) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} in place of a number")
    return float(value)
