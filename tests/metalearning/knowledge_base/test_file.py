"""The file of the knowledge base: intact, whatever happens to it and its writers."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from sklearn_meta.metalearning.knowledge_base import _file, _knowledge_base
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._metrics import STORED_METRICS
from sklearn_meta.metalearning.knowledge_base._records import EvaluationRecord
from sklearn_meta.metalearning.knowledge_base._rows import write_records
from sklearn_meta.metalearning.knowledge_base._schema import (
    KnowledgeBaseError,
    KnowledgeBaseLockedError,
)
from tests.metalearning.knowledge import dataset, evaluation, same

ROOT = Path(_knowledge_base.__file__).parents[3]


@pytest.fixture
def built_in(filled, path, monkeypatch):
    """A file in the place of the one that ships."""
    monkeypatch.setattr(_knowledge_base, "BUILT_IN", (str(path),))
    return KnowledgeBase()


def test_built_in_is_only_read(built_in, path):
    before = path.read_bytes()
    assert len(built_in.records()) == 3
    for change in (
        lambda: built_in.add(dataset(), []),
        lambda: built_in.set_provenance(a=1),
        lambda: built_in.merge(path),
        built_in.compact,
        built_in.check_writable,
    ):
        with pytest.raises(KnowledgeBaseError, match="ships with the package"):
            change()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_built_in_can_be_copied(built_in, tmp_path):
    own = KnowledgeBase(tmp_path / "own.sqlite")
    own.merge(None)
    assert same(own.records(), built_in.records())


def test_built_in_is_opened_as_a_file_that_nobody_changes(built_in, path):
    # A lock of somebody else is not looked at.
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert len(built_in.records()) == 3


def test_missing_built_in_says_what_to_do(monkeypatch):
    monkeypatch.setattr(_knowledge_base, "BUILT_IN", ("data", "absent.sqlite"))
    with pytest.raises(KnowledgeBaseError, match="absent.sqlite.*Install"):
        KnowledgeBase().matrix("classification")


@contextmanager
def without_root_rights():
    """Make permissions count, also where the tests are run by root."""
    if os.name != "posix":
        pytest.skip("permissions of folders count on POSIX")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_missing_folder(tmp_path):
    knowledge_base = KnowledgeBase(tmp_path / "absent" / "mine.sqlite")
    for use in (
        knowledge_base.check_writable,
        lambda: knowledge_base.add(dataset(), []),
    ):
        with pytest.raises(KnowledgeBaseError, match="folder of .*mine.sqlite.*Create"):
            use()


def test_check_leaves_nothing(mine, filled, tmp_path, path):
    before = path.read_bytes()
    filled.check_writable()
    KnowledgeBase(tmp_path / "new.sqlite").check_writable()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_cannot_be_written(open_folder):
    path = open_folder / "mine.sqlite"
    KnowledgeBase(path).add(dataset(), [evaluation()])
    path.chmod(0o666)
    open_folder.chmod(0o555)
    with without_root_rights():
        # It can still be read.
        assert len(KnowledgeBase(path).records()) == 1
        for name in ("mine.sqlite", "new.sqlite"):
            knowledge_base = KnowledgeBase(open_folder / name)
            with pytest.raises(KnowledgeBaseError, match=name):
                knowledge_base.check_writable()
            with pytest.raises(KnowledgeBaseError, match=name):
                knowledge_base.add(dataset("new"), [evaluation()])


def test_file_that_cannot_be_written(open_folder):
    path = open_folder / "mine.sqlite"
    KnowledgeBase(path).add(dataset(), [evaluation()])
    path.chmod(0o444)
    open_folder.chmod(0o777)
    with without_root_rights():
        knowledge_base = KnowledgeBase(path)
        assert len(knowledge_base.records()) == 1
        for use in (knowledge_base.check_writable, knowledge_base.compact):
            with pytest.raises(
                KnowledgeBaseError, match="cannot be written.*permissions"
            ):
                use()


def test_file_that_cannot_be_read(open_folder):
    path = open_folder / "mine.sqlite"
    KnowledgeBase(path).add(dataset(), [evaluation()])
    path.chmod(0o000)
    with without_root_rights():
        with pytest.raises(KnowledgeBaseError, match="cannot be opened"):
            KnowledgeBase(path).records()


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


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"x" * 5000])
def test_no_database(path, content):
    path.write_bytes(content)
    check_refused(path, "not a SQLite database")


def test_a_folder_in_the_place_of_the_file(tmp_path):
    for use in uses(tmp_path):
        with pytest.raises(KnowledgeBaseError, match="cannot be opened"):
            use()


def test_somebody_elses_database(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    check_refused(path, "not a knowledge base")


def test_an_empty_file_is_a_new_one(mine, path):
    path.touch()
    assert mine.records() == []
    mine.check_writable()
    assert path.stat().st_size == 0
    mine.add(dataset(), [evaluation()])
    assert len(mine.records()) == 1


def test_damaged_pages(filled, path):
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    for start in range(page, len(content), page):
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(KnowledgeBaseError, match="damaged"):
        filled.records()


def test_truncated_file(mine, path):
    mine.add(dataset(), [evaluation(f"p{i}(X)") for i in range(500)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(KnowledgeBaseError, match="mine.sqlite"):
        mine.records()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE evaluations SET fit_microseconds = 'fast'",
        "UPDATE evaluations SET status = 'fine'",
        "UPDATE scores SET mean = 'high'",
        "UPDATE scores SET exponent = 9999",
        "UPDATE datasets SET n_samples = 'many'",
        "UPDATE evaluations SET pipeline = pipeline + 1000",
        "DELETE FROM metafeature_names",
    ],
)
def test_values_that_make_no_sense(filled, path, change):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(change)
    errors = []
    for use in (filled.records, lambda: filled.matrix("classification")):
        try:
            use()
        except KnowledgeBaseError as error:
            errors.append(error)
    # Some values are met by one of the two only.
    assert errors
    assert all("mine.sqlite" in str(error) for error in errors)


def test_a_locked_file_says_so(filled, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        # Reading goes on while somebody prepares to write.
        assert len(filled.records()) == 3
        with pytest.raises(
            KnowledgeBaseLockedError, match="locked.*0.05 seconds.*merge"
        ):
            filled.add(dataset(), [], timeout=0.05)
        with pytest.raises(KnowledgeBaseLockedError, match="locked"):
            filled.check_writable(timeout=0)
        connection.execute("ROLLBACK")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(KnowledgeBaseLockedError, match="locked"):
            filled.matrix("classification", timeout=0.05)


def test_connections_for_reading_change_nothing(filled, path):
    for immutable in (False, True):
        with pytest.raises(KnowledgeBaseError, match="not authorized"):
            with _file.reading(path, immutable=immutable) as connection:
                connection.execute("DELETE FROM datasets")


@pytest.mark.parametrize("mode", ["reading", "writing"])
def test_extensions_cannot_be_loaded(filled, path, mode):
    with pytest.raises(KnowledgeBaseError, match="not authorized"):
        with getattr(_file, mode)(path) as connection:
            connection.execute("SELECT load_extension('evil')")


def test_a_hostile_trigger_is_stopped(filled, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            "CREATE TRIGGER evil AFTER INSERT ON datasets BEGIN "
            "SELECT load_extension('evil'); END"
        )
    with pytest.raises(KnowledgeBaseError, match="trigger 'evil'"):
        filled.add(dataset("new"), [])


def test_texts_are_only_texts(mine, tmp_path):
    text = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    mine.add(dataset("'; DROP TABLE datasets; --"), [evaluation(text)])
    assert mine.matrix("classification").pipelines == (text,)
    assert len(mine.records()) == 1
    assert not (tmp_path / "ran").exists()


def start(code, *arguments):
    """Run `code` in another process."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


WRITER = """
import sys
from sklearn_meta.metalearning import DatasetRecord, EvaluationRecord, KnowledgeBase
path, writer, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
knowledge_base = KnowledgeBase(path)
for i in range(n):
    pipelines = ["shared(X)"] + [f"p{writer}_{i}_{j}(X)" for j in range(5)]
    knowledge_base.add(
        DatasetRecord(f"{writer}_{i}", "classification", writer, 10, 2, 2, {"m": i}),
        [EvaluationRecord(p, "ok", {"accuracy": (i / 64, 0.25)}) for p in pipelines],
    )
    print(i, flush=True)
"""


def check_intact(path):
    """The file passes SQLite's own examination, and nothing stays beside it."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # A journal in which nothing had been written when its owner was killed goes
        # with the next addition.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version}")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_four_writers_and_one_that_is_killed(mine, path):
    n = 25
    writers = [start(WRITER, path, writer, n) for writer in "abcd"]
    killed = start(WRITER, path, "killed", 10**6)
    # In the middle of some addition.
    for line in killed.stdout:
        if int(line) == 3:
            killed.kill()
            break
    for process in writers:
        process.communicate(timeout=240)
        assert process.returncode == 0
    killed.communicate()
    records = mine.records()
    check_intact(path)
    names = [d.name for d, _ in records]
    for writer in "abcd":
        assert [x for x in names if x.startswith(f"{writer}_")] == [
            f"{writer}_{i}" for i in range(n)
        ]
    of_killed = [x for x in names if x.startswith("killed")]
    assert of_killed == [f"killed_{i}" for i in range(len(of_killed))]
    assert len(of_killed) >= 4
    # Each addition is whole.
    for described, evaluations in records:
        assert len(evaluations) == 6 and described.metafeatures.keys() == {"m"}
        assert all(
            e.scores["accuracy"][0] == described.metafeatures["m"] / 64
            for e in evaluations
            if described.metafeatures["m"] < 64
        )
    matrix = mine.matrix("classification", "accuracy")
    assert np.all(matrix.tried[:, matrix.pipelines.index("shared(X)")])


SLOW_WRITER = """
import sys, time
from pathlib import Path
from sklearn_meta.metalearning import DatasetRecord, EvaluationRecord
from sklearn_meta.metalearning.knowledge_base._file import writing
from sklearn_meta.metalearning.knowledge_base._rows import write_records
with writing(Path(sys.argv[1])) as connection:
    # Without room in memory, changes reach the file before they are committed.
    connection.execute("PRAGMA cache_size = 2")
    for i in range(20):
        write_records(
            connection,
            DatasetRecord(f"lost_{i}", "classification", "lost", 10, 2, 2),
            [EvaluationRecord(f"lost_{i}_{j}(X)") for j in range(50)],
            "",
        )
    print("in the middle", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("first", ["a reader", "a writer"])
def test_writer_killed_in_the_middle_of_a_transaction(filled, path, first):
    before, content = filled.records(), path.read_bytes()
    process = start(SLOW_WRITER, path)
    assert process.stdout.readline() == "in the middle\n"
    process.kill()
    process.communicate()
    # This is the hard case: half of the changes are in the file.
    assert path.read_bytes() != content
    journal = path.with_name(path.name + "-journal")
    assert journal.stat().st_size > 0
    if first == "a reader":
        assert same(filled.records(), before)
        assert path.read_bytes() == content
    else:
        filled.add(dataset("new"), [evaluation()])
        assert same(filled.records()[:-1], before)
    check_intact(path)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal of POSIX")
def test_writer_interrupted_by_ctrl_c_undoes_its_transaction(filled, path):
    content = path.read_bytes()
    process = start(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        + SLOW_WRITER,
        path,
    )
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert path.read_bytes() == content
    check_intact(path)


def test_threads_share_one_object(mine, path):
    errors = []

    def work(writer):
        try:
            for i in range(8):
                mine.add(dataset(f"{writer}_{i}"), [evaluation()])
                matrix = mine.matrix("classification")
                assert f"{writer}_{i}" in matrix.datasets
                assert matrix.ok.all()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(mine.records()) == 32
    check_intact(path)


def fill_like_the_built_in_one(knowledge_base, rng):
    """As many tables, pipelines and metrics as the one that ships, all cells full."""
    records = []
    for task, n_datasets, n_pipelines in (
        ("classification", 231, 130),
        ("regression", 190, 90),
    ):
        texts = [
            f"lightgbm(standard_scaler(X), colsample_bytree=0.7, learning_rate="
            f"{0.001 * i}, n_estimators={10 * i}, num_leaves=31)"
            for i in range(1, n_pipelines + 1)
        ]
        metrics = STORED_METRICS[task]
        for i in range(n_datasets):
            described = dataset(
                f"a table with a long name {i}",
                task,
                family=f"family {i // 2}",
                metafeatures={
                    f"a meta-feature with a name {j}": value
                    for j, value in enumerate(rng.normal(size=70).tolist())
                },
            )
            scale = 10.0 ** rng.integers(-3, 6)
            means = scale * rng.normal(size=(n_pipelines, len(metrics)))
            errors = 0.02 * scale * rng.random(size=means.shape)
            fit = np.exp(rng.normal(-1, 1.5, size=n_pipelines))
            evaluations = [
                EvaluationRecord(
                    text,
                    scores=dict(
                        zip(metrics, zip(mean, error, strict=True), strict=True)
                    ),
                    fit_seconds=second,
                    predict_seconds=second / 40,
                    n_rows=4000,
                )
                for text, mean, error, second in zip(
                    texts, means.tolist(), errors.tolist(), fit.tolist(), strict=True
                )
            ]
            records.append((described, evaluations, "builder"))
    knowledge_base._add_all(records)


def test_a_full_one_is_small_and_quick(mine, path, rng):
    fill_like_the_built_in_one(mine, rng)
    mine.compact()
    check_intact(path)
    assert path.stat().st_size < 6e6
    seconds = []
    for _ in range(5):
        start = time.thread_time()
        matrix = mine.matrix("classification", "balanced_accuracy")
        seconds.append(time.thread_time() - start)
    assert matrix.shape == (231, 130) and matrix.ok.all()
    assert matrix.metafeatures.shape == (231, 70)
    # 35 ms on a quiet machine; the bound is for a busy one.
    assert min(seconds) < 0.2


def test_compacting_changes_nothing_but_the_size(mine, path):
    for i in range(40):
        mine.add(dataset(f"d{i}"), [evaluation(f"p{j}(X)") for j in range(40)])
    before, size = mine.records(), path.stat().st_size
    mine.compact()
    assert same(mine.records(), before)
    assert path.stat().st_size < size


@pytest.mark.skipif(os.name != "posix", reason="sends a signal of POSIX")
@pytest.mark.parametrize("use", ["add", "matrix", "check_writable"])
def test_ctrl_c_while_waiting_for_a_lock(filled, path, use):
    waiting = {
        "add": lambda: filled.add(dataset("new"), [evaluation()]),
        "matrix": lambda: filled.matrix("classification"),
        "check_writable": lambda: filled.check_writable(timeout=60),
    }[use]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        sent = []

        def interrupt():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.2, interrupt)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            waiting()
        # 0.05 s on a quiet machine; SQLite's own waiting takes a minute.
        assert time.monotonic() - sent[0] < 2
    timer.join()
    filled.add(dataset("new"), [evaluation()])


def test_a_short_lock_is_waited_for(filled, path):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.2, lambda: connection.execute("ROLLBACK"))
        timer.start()
        assert filled.matrix("classification").shape == (3, 2)
        timer.join()
        # While others read, nobody can commit.
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM datasets").fetchall()
        timer = threading.Timer(0.2, lambda: connection.execute("COMMIT"))
        timer.start()
        filled.add(dataset("new"), [evaluation()])
        timer.join()
    assert len(filled.records()) == 4


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (sqlite3.SQLITE_FULL, "disk is full. Nothing was added"),
        # ENOLCK of a network folder without locks is told as a lock or as this.
        (sqlite3.SQLITE_PROTOCOL, "no file locks.*local folder, and merge"),
        (sqlite3.SQLITE_BUSY, "no file locks.*merge"),
        (3850, "network folder failed"),  # SQLITE_IOERR_LOCK
        (778, "network folder failed"),  # SQLITE_IOERR_WRITE
        (776, "killed.*-journal"),  # SQLITE_READONLY_ROLLBACK
        (1544, "permissions of the file and of its folder"),  # READONLY_DIRECTORY
        (sqlite3.SQLITE_NOTADB, "not a SQLite database"),
    ],
)
def test_errors_of_disks_and_networks_say_what_to_do(mine, path, code, message):
    def fail(connection):
        error = sqlite3.OperationalError("as SQLite says")
        error.sqlite_errorcode = code
        raise error

    with pytest.raises(KnowledgeBaseError, match=message) as caught:
        _file.write(path, fail, timeout=0)
    assert str(path) in str(caught.value) and "as SQLite says" in str(caught.value)


def test_a_full_disk_leaves_the_file_as_it_was(filled, path):
    content = path.read_bytes()
    many = [evaluation(f"p{i}(X)") for i in range(2000)]
    with pytest.raises(KnowledgeBaseError, match="disk is full"):
        with _file.writing(path) as connection:
            connection.execute("PRAGMA max_page_count = 20")
            write_records(connection, dataset("new"), many, "")
    assert path.read_bytes() == content
    check_intact(path)


def copy_of(filled, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    return Path(shutil.copy(filled._file, other / "copy.sqlite"))


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps open files in place")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_file_that_is_replaced_while_it_is_written(
    filled, path, tmp_path, monkeypatch, moment
):
    copy, replaced = copy_of(filled, tmp_path), []

    def replace_and_write(connection, *arguments):
        if moment == "after":
            write_records(connection, *arguments)
        if not replaced:
            replaced.append(os.replace(copy, path))
        if moment == "before":
            write_records(connection, *arguments)

    monkeypatch.setattr(_knowledge_base, "write_records", replace_and_write)
    filled.add(dataset("new"), [evaluation()])
    # In the file that is there now.
    assert [d.name for d, _ in filled.records()][-1] == "new"


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps open files in place")
def test_a_file_that_is_replaced_while_it_is_read(filled, path, tmp_path):
    copy = copy_of(filled, tmp_path)
    KnowledgeBase(copy).add(dataset("new"), [evaluation()])
    with _file.reading(path) as connection:
        os.replace(copy, path)
        # One state: that of the file which was opened.
        assert connection.execute("SELECT COUNT(*) FROM datasets").fetchone() == (3,)
    assert len(filled.records()) == 4


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps open files in place")
def test_a_file_that_is_always_replaced(filled, path, tmp_path, monkeypatch):
    def replace(connection, *arguments):
        other = path.with_name("other.sqlite")
        shutil.copy(path, other)
        os.replace(other, path)

    monkeypatch.setattr(_knowledge_base, "write_records", replace)
    with pytest.raises(KnowledgeBaseError, match="replaced or removed.*try again"):
        filled.add(dataset("new"), [evaluation()])


def test_journal_of_a_killed_writer_where_nothing_can_be_written(open_folder):
    path = open_folder / "mine.sqlite"
    knowledge_base = KnowledgeBase(path)
    knowledge_base.add(dataset(), [evaluation()])
    process = start(SLOW_WRITER, path)
    process.stdout.readline()
    process.kill()
    process.communicate()
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with without_root_rights():
        with pytest.raises(KnowledgeBaseError, match="process that was killed|opened"):
            knowledge_base.records()
    path.chmod(0o644)
    open_folder.chmod(0o755)
    assert len(knowledge_base.records()) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
def test_a_pipe_in_the_place_of_the_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for use in uses(tmp_path / "pipe"):
        with pytest.raises(KnowledgeBaseError, match="cannot be opened"):
            use()


def test_a_folder_that_cannot_be_entered(open_folder):
    inner = open_folder / "inner"
    inner.mkdir()
    path = inner / "mine.sqlite"
    KnowledgeBase(path).add(dataset(), [evaluation()])
    inner.chmod(0o000)
    with without_root_rights():
        for use in (*uses(path), lambda: KnowledgeBase(path).merge(path)):
            with pytest.raises(
                KnowledgeBaseError, match="cannot be opened.*permissions"
            ):
                use()
    inner.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_that_leads_in_a_circle(tmp_path):
    (tmp_path / "link").symlink_to("link")
    for use in uses(tmp_path / "link"):
        with pytest.raises(KnowledgeBaseError, match="cannot be opened"):
            use()
