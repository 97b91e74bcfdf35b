"""The file of a checkpoint: round trip, damage, locks, and disks that are full."""

import contextlib
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest

from sklearn_meta.evaluation import _checkpoint_file
from sklearn_meta.evaluation._checkpoint_file import (
    FILE_NAME,
    Begun,
    open_file,
    path_of,
)
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._fingerprint import Fingerprint
from sklearn_meta.evaluation._history import MAX_CANDIDATES_WITH_MODELS, History
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.evaluation._replay import SEARCH_ENDED, Entry
from sklearn_meta.exceptions import CheckpointError, SklearnMetaWarning

BEGUN = Begun(Fingerprint((("X", "12ab"), ("cv", "34cd"))), 2**30, np.inf)
STAGES = (
    Stage(np.arange(4), np.array([5, 4]), screening=True),
    Stage(np.arange(3, dtype=np.int32), np.array([3])),
)
NAN = float("nan")


def evaluation(number=0, status=Status.OK, model=None, score=0.1, **changes):
    """An evaluation whose numbers are of all kinds."""
    predictions = np.asfortranarray(np.random.default_rng(number).random((4, 3)))
    folds = (
        FoldResult(1, score, predictions, 1e-300, 1 / 3, np.int64(12), model, 0.1),
        FoldResult(2, NAN, predictions.astype(np.float32), 0.1, 0.2, reported=NAN),
        FoldResult(3, -np.inf, predictions[:0, 0], 0.1, 0.2, pooled_score=-0.0),
    )
    given = {
        "folds": folds,
        "screening": (FoldResult(0, np.float32(0.1), None, 1.0),),
        "reason": "no \udc80 \u2028 'reason'",
        "seconds": 1.25,
        **changes,
    }
    candidate = Candidate(None, f"ridge(X, alpha={number})", "mutation of 1: größer")
    return Evaluation(number, candidate, status, **given)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.sqlite"


@contextlib.contextmanager
def opened(path):
    file = open_file(path)
    try:
        yield file
    finally:
        file.close()


def written(path, *evaluations, n_asked=None):
    """Write evaluations."""
    history = History()
    with opened(path) as file:
        if file.begun is None:
            file.begin(BEGUN, STAGES)
        for e in evaluations:
            file.add(e, n_asked, 1.5, history)
            history.add(e)
    return history


def loaded(path):
    with opened(path) as file:
        return [file.load(entry) for entry in file.entries]


def assert_equal(first, second):
    assert repr(first) == repr(second)
    for a, b in zip(first.folds, second.folds, strict=True):
        assert a.model == b.model and (a.predictions is None) == (b.predictions is None)
        if a.predictions is not None:
            assert a.predictions.dtype == b.predictions.dtype
            assert a.predictions.flags.f_contiguous == b.predictions.flags.f_contiguous
            np.testing.assert_array_equal(a.predictions, b.predictions)


def test_what_is_read_is_what_was_written(path):
    before = (
        replace(evaluation(3, model=b"pickled"), elapsed=12.5),
        evaluation(1, Status.CRASHED, folds=()),
    )
    written(path, *before, n_asked=7)
    with opened(path) as file:
        assert file.begun == BEGUN and file.seconds_spent == 1.5 and file.suspect == ""
        assert file.entries == tuple(
            Entry(e.number, e.candidate.text, 7) for e in before
        )
        for stage, other in zip(STAGES, file.stages(6), strict=True):
            np.testing.assert_array_equal(stage.train, other.train)
            np.testing.assert_array_equal(stage.validation, other.validation)
            assert stage.screening is other.screening
    for e, other in zip(before, loaded(path), strict=True):
        # A lone surrogate is no text of a database.
        clean = replace(
            e,
            reason=e.reason.replace("\udc80", "?"),
            folds=tuple(
                replace(f, iterations=f.iterations and int(f.iterations))
                for f in e.folds
            ),
            screening=tuple(replace(f, score=float(f.score)) for f in e.screening),
        )
        assert_equal(clean, other)
    # Nothing but the file itself is left.
    assert os.listdir(path.parent) == [path.name]


def test_an_empty_file_holds_no_search(path):
    path.touch()
    for _ in range(2):
        with opened(path) as file:
            assert file.begun is None and file.entries == ()


def test_a_folder_gets_a_file(tmp_path):
    assert path_of(tmp_path) == tmp_path / FILE_NAME
    assert path_of(str(tmp_path / "a")) == tmp_path / "a"
    assert path_of(str(tmp_path / "a") + os.sep) == tmp_path / "a" / FILE_NAME
    assert path_of(":memory:").name == ":memory:" and path_of(":memory:").is_absolute()


def test_only_the_models_that_the_history_keeps_stay(path):
    n = MAX_CANDIDATES_WITH_MODELS
    evaluations = [evaluation(i, model=b"m" * 10_000, score=i) for i in range(n + 4)]
    written(path, *evaluations)
    kept = [e.number for e in loaded(path) if e.folds[0].model]
    # The last one that was dropped goes with the next evaluation.
    assert kept == list(range(3, n + 4))


def test_predictions_that_the_history_drops_are_not_written(path):
    written(path, evaluation(0), evaluation(1, Status.PRUNED, reason="lost"))
    first, second = loaded(path)
    assert first.folds[0].predictions is not None
    assert all(f.predictions is None for f in second.folds)
    assert repr(second.scores) == repr(first.scores)


def test_predictions_of_others_are_removed_once_a_candidate_is_finished(path):
    pruned = evaluation(0, Status.PRUNED, reason="lost")
    written(path, pruned, evaluation(1), evaluation(2))
    first, *others = loaded(path)
    assert all(f.predictions is None for f in first.folds)
    assert all(e.folds[0].predictions is not None for e in others)


@pytest.mark.parametrize(
    "unfinished",
    [
        evaluation(0, Status.SKIPPED, folds=(), reason="no time"),
        evaluation(0, Status.TIMEOUT, reason=SEARCH_ENDED),
    ],
)
def test_what_was_unfinished_is_replaced_by_its_evaluation(unfinished, path):
    written(path, unfinished, evaluation(1))
    with opened(path) as file:
        entries = [(e.number, e.unfinished) for e in file.entries]
    assert entries == [(0, True), (1, False)]
    written(path, evaluation(0))
    with opened(path) as file:
        entries = [(e.number, e.unfinished) for e in file.entries]
    assert entries == [(1, False), (0, False)]
    assert [e.status for e in loaded(path)] == [Status.OK, Status.OK]


# What ended its process


def test_what_runs_when_the_process_is_killed_is_the_suspect(path):
    code = f"""
    import os, signal
    from pathlib import Path
    from tests.evaluation.test_checkpoint_file import *
    file = open_file(Path({str(path)!r}))
    file.begin(BEGUN, STAGES)
    file.begin_here(evaluation(0).candidate)
    file.add(evaluation(0), None, 1.0, History())
    file.begin_here(evaluation(5).candidate)
    file.add(evaluation(1), None, 1.0, History())
    os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(code) == -signal.SIGKILL
    with opened(path) as file:
        assert file.suspect == evaluation(5).candidate.text
        assert [entry.number for entry in file.entries] == [0, 1]
    # Whoever has opened the file knows.
    with opened(path) as file:
        assert file.suspect == ""


def run(code, **kwargs):
    arguments = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(arguments, check=False, timeout=60, **kwargs).returncode


# Locks


def test_a_file_is_used_by_one_fit_at_a_time(path, monkeypatch):
    monkeypatch.setattr(_checkpoint_file, "LOCK_TIMEOUT", 0.01)
    with opened(path) as file:
        with pytest.raises(CheckpointError, match="another fit is running with it"):
            open_file(path)
        file.begin(BEGUN, STAGES)
    with opened(path) as file:
        assert file.begun == BEGUN


@pytest.mark.slow
def test_a_killed_process_leaves_no_lock(path):
    code = f"""
    import time
    from pathlib import Path
    from sklearn_meta.evaluation._checkpoint_file import open_file
    file = open_file(Path({str(path)!r}))
    print("open", flush=True)
    time.sleep(60)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(CheckpointError, match="another fit"):
            open_file(path)
        child.kill()
    with opened(path) as file:
        assert file.begun is None


# Files that cannot be used


def text_file(path):
    path.write_text("number,score\n" * 200)


def other_database(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE evaluations (number)")


def folder_without_parent(path):
    return path / "a" / "b"


def truncated(path):
    written(path, *map(evaluation, range(40)))
    os.truncate(path, 9_000)


def overwritten(path):
    written(path, *map(evaluation, range(40)))
    data = bytearray(path.read_bytes())
    data[4096:12_000] = os.urandom(len(data[4096:12_000]))
    path.write_bytes(data)


def pipe(path):
    os.mkfifo(path)


def sql(*statements):
    def damage(path):
        written(path, *map(evaluation, range(3)))
        with contextlib.closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return damage


def pickled_array():
    data = np.array([{}], dtype=object)
    import io

    stream = io.BytesIO()
    np.save(stream, data)
    return stream.getvalue()


class Bomb:
    def __reduce__(self):
        return os.abort, ()


HUGE = (
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117)
    + b"\n"
)

CANNOT_BE_USED = {
    "text": (text_file, "is not a checkpoint"),
    "other database": (other_database, "not a checkpoint"),
    "no folder": (folder_without_parent, "does not exist. Create it"),
    "pipe": (pipe, "not a regular file"),
    "folder": (lambda path: path.mkdir(), "not a regular file"),
    "truncated": (truncated, "damaged"),
    "overwritten": (overwritten, "damaged|not a checkpoint"),
    "newer": (sql("ALTER TABLE running ADD COLUMN pid"), "another version"),
    "view": (sql("CREATE VIEW v AS SELECT * FROM running"), "another version"),
    "trigger": (
        sql(
            "CREATE TRIGGER t AFTER INSERT ON arrays BEGIN DELETE FROM search; END",
        ),
        "another version",
    ),
    "text as a number": (sql("UPDATE evaluations SET text = x'00'"), "damaged"),
    "number": (
        sql("UPDATE evaluations SET number = -1 WHERE number = 2"), "damaged"),
    "status": (sql("UPDATE evaluations SET status = 'good'"), "damaged"),
    "seconds": (sql("UPDATE evaluations SET seconds = 'long'"), "damaged"),
    "results": (sql("UPDATE evaluations SET results = '[[1], []]'"), "damaged"),
    "no JSON": (sql("UPDATE evaluations SET results = '{'"), "damaged"),
    "deep JSON": (
        sql(f"UPDATE evaluations SET results = '{'[' * 100_000}'"),
        "damaged",
    ),
    "score": (sql("UPDATE evaluations SET results = replace(results, 'NaN', '\"a\"')"),
              "damaged"),
    "description": (sql("UPDATE search SET description = '{}'"), "damaged"),
    "no description": (sql("UPDATE search SET description = NULL"), "damaged"),
    "checksum": (sql("UPDATE arrays SET predictions_crc = 5"), "checksum"),
    "NULL checksum": (sql("UPDATE arrays SET predictions_crc = NULL"), "checksum"),
    "model": (
        sql("UPDATE arrays SET model = x'0011', model_crc = 3"),
        "checksum",
    ),
    "rows": (sql("UPDATE stages SET train = x'00'"), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", CANNOT_BE_USED)
def test_files_that_cannot_be_used_are_an_error_that_says_why(name, path):
    damage, message = CANNOT_BE_USED[name]
    path = damage(path) or path
    before = path.read_bytes() if path.is_file() else None
    began = time.monotonic()
    with pytest.raises(CheckpointError, match=message):  # noqa: SIM117, PT012
        with opened(path) as file:
            file.stages(6)
            for entry in file.entries:
                file.load(entry)
    assert time.monotonic() - began < 10
    if name in ("text", "other database"):
        # Nothing is changed in somebody else's file.
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    "data",
    [b"", b"x", pickled_array(), pickle.dumps(Bomb()), HUGE, HUGE[:-20]],
    ids=["empty", "short", "objects", "pickle", "huge", "header"],
)
def test_arrays_are_numbers_and_nothing_else(data, path):
    import zlib

    written(path, evaluation())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE arrays SET predictions = ?, predictions_crc = ?",
            (data, zlib.crc32(data)),
        )
        connection.commit()
    with pytest.raises(CheckpointError, match="damaged"):
        loaded(path)


def test_rows_are_those_of_the_table(path):
    written(path)
    with opened(path) as file, pytest.raises(CheckpointError, match="does not have"):
        file.stages(5)


@pytest.mark.parametrize("what", ["a.sqlite", ""])
def test_what_cannot_be_written_is_an_error(what, path, monkeypatch):
    written(path)
    # The superuser may write anything.
    closed = path.parent / what
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed)
    with pytest.raises(CheckpointError, match="cannot be written. Change the perm"):
        open_file(path)


def test_errors_of_sqlite_name_the_file(path, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda path, **kwargs: connect(f"file:{path}?mode=ro", uri=True, **kwargs),
    )
    with pytest.raises(CheckpointError, match=r"a.sqlite' cannot be opened. Check"):
        open_file(path)


# Faults during a fit


def test_after_a_failed_write_one_warning_and_nothing_is_stored(path):
    history = History()
    with opened(path) as file:
        file.begin(BEGUN, STAGES)
        file.add(evaluation(0), None, 1.0, history)
        file._connection.execute("PRAGMA query_only = ON")
        with pytest.warns(SklearnMetaWarning, match="from now on are not stored"):
            file.add(evaluation(1), None, 1.0, history)
        # Warnings are errors.
        file.add(evaluation(2), None, 1.0, history)
        file.begin_here(evaluation(3).candidate)
        file.end(5.0)
    assert [e.number for e in loaded(path)] == [0]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_removed_is_noticed(path, replaced):
    with opened(path) as file:
        file.begin(BEGUN, STAGES)
        path.unlink()
        if replaced:
            path.touch()
        with pytest.warns(SklearnMetaWarning, match="cannot be written any more"):
            file.add(evaluation(0), None, 1.0, History())


def test_a_disk_that_is_full_costs_what_is_not_stored(path):
    pytest.importorskip("resource")
    code = f"""
    import resource, warnings
    from pathlib import Path
    from tests.evaluation.test_checkpoint_file import *
    file = open_file(Path({str(path)!r}))
    file.begin(BEGUN, STAGES)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    history = History()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(30):
            file.add(evaluation(i, model=b"m" * 20_000), None, 1.0, history)
    assert len(caught) == 1, caught
    file.close()
    """
    assert run(code) == 0
    numbers = [e.number for e in loaded(path)]
    assert 2 < len(numbers) < 30 and numbers == list(range(len(numbers)))
    # There is room again.
    written(path, evaluation(29))
    assert [e.number for e in loaded(path)] == [*numbers, 29]


def test_an_interrupt_in_a_write_leaves_the_file_whole(path):
    history = History()
    with opened(path) as file:
        file.begin(BEGUN, STAGES)
        file.add(evaluation(0), None, 1.0, history)

        with pytest.raises(KeyboardInterrupt), file._transaction(True) as connection:
            connection.execute("DELETE FROM evaluations")
            raise KeyboardInterrupt
        # As where the interrupt comes before it can be rolled back.
        file._connection.execute("BEGIN")
        file._connection.execute("DELETE FROM evaluations")
        file.add(evaluation(2), None, 1.0, history)
    assert [e.number for e in loaded(path)] == [0, 2]


def test_no_descriptor_is_left(path):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("descriptors are counted in /proc")
    written(path)
    n = len(os.listdir("/proc/self/fd"))
    loaded(path)
    other_database(path.with_name("other.sqlite"))
    with pytest.raises(CheckpointError):
        open_file(path.with_name("other.sqlite"))
    assert len(os.listdir("/proc/self/fd")) == n


def test_the_disk_is_waited_for_a_percent_of_the_time_at_most(path):
    kinds = []
    with opened(path) as file:
        file.begin(BEGUN, STAGES)
        transaction = file._transaction

        def noted(waits):
            kinds.append(waits)
            return transaction(waits)

        file._transaction = noted
        file._next_sync = np.inf
        file.add(evaluation(0), None, 1.0, History())
        file._next_sync = -np.inf
        file.add(evaluation(1), None, 1.0, History())
        assert file._next_sync > time.monotonic()
        assert kinds == [False, True]
