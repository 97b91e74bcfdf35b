"""Random changes of knowledge bases and pipeline texts, and what may come of them.

``python -m tests.metalearning.knowledge_base.fuzzing --n 10000`` tries 10 000 changed
files and as many texts and prints what came of them.
"""

import argparse
import collections
import os
import random
import shutil
import sqlite3
import tempfile
import time
import warnings
from contextlib import closing
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning import KNNMetaLearner
from sklearn_meta.metalearning.knowledge_base import _knowledge_base
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseError
from sklearn_meta.metalearning.metafeatures import encode_dataset
from sklearn_meta.pipelines import SearchSpace, default_catalog, format_tree, parse
from tests.metalearning.knowledge import dataset, evaluation

SHIPPED = Path(_knowledge_base.__file__).with_name("data") / "knowledge.sqlite"

ODD_VALUES = (
    "NULL", "0", "-1", "-5", "1.5", "1e308", "-1e308", "9e999", "1e-320",
    "9223372036854775807", "-9223372036854775807 - 1", "''", "'text'", "'12'", "'nan'",
    "'1,2'", "x''", "x'00'", "x'ff'", "CAST(x'ff' AS TEXT)", "CAST(x'610062' AS TEXT)",
    "zeroblob(300000)", "hex(zeroblob(300000))", "'X'", "'lda(' || hex(zeroblob(2000))",
    "char(1632, 8238)",
)  # fmt: skip
TABLES = {
    "provenance": "name value",
    "datasets": "id task name family n_samples n_features n_classes source",
    "metafeature_names": "id name",
    "metafeatures": "dataset metafeature value",
    "pipelines": "id text",
    "metrics": "id task name",
    "evaluations": "dataset pipeline status fit_microseconds predict_microseconds "
    "n_rows",
    "scores": "metric dataset pipeline mean standard_error exponent",
}
NEVER_ENDS = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
    "SELECT x AS id, 'classification' AS task, 'n' AS name, x AS text FROM c"
)
SCHEMAS = (
    f"DROP TABLE {{table}}; CREATE VIEW {{table}} AS {NEVER_ENDS} WHERE x < 0",
    f"CREATE VIEW more AS {NEVER_ENDS}",
    f"DROP VIEW leaderboard; CREATE VIEW leaderboard AS {NEVER_ENDS}",
    "CREATE TRIGGER t AFTER INSERT ON {table} BEGIN DELETE FROM scores; END",
    "CREATE TRIGGER t BEFORE UPDATE ON {table} BEGIN SELECT hex(zeroblob(99999999)); "
    "END",
    "CREATE INDEX i ON {table} ({column})",
    "CREATE INDEX i ON {table} (hex({column}))",
    "ALTER TABLE {table} ADD COLUMN g AS (hex(zeroblob(1000000)))",
    "ALTER TABLE {table} ADD COLUMN g",
    "ALTER TABLE {table} RENAME TO other",
    "ALTER TABLE {table} RENAME COLUMN {column} TO other",
    "DROP TABLE {table}",
    "DROP TABLE {table}; CREATE VIRTUAL TABLE {table} USING fts5(id, task, name, text)",
    "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
    "CREATE TABLE copy AS SELECT * FROM {table}",
    "DROP TABLE {table}; CREATE TABLE {table} (id, task, name, {column})",
    "PRAGMA user_version = {number}",
    "PRAGMA application_id = {number}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA page_size = 65536; VACUUM",
    "PRAGMA page_size = 512; VACUUM",
    "PRAGMA auto_vacuum = FULL; VACUUM",
    "ANALYZE",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = {number} % 40 "
    "WHERE name = '{table}'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = '{table}' "
    "WHERE name = '{table}'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET type = 'view' "
    "WHERE name = '{table}'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    "replace(sql, 'INTEGER', 'BLOB') WHERE name = '{table}'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    "replace(sql, 'TEXT', 'TEXT CHECK (hex(zeroblob(9999999)) > 1)')",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET name = x'00', tbl_name = "
    "hex(zeroblob(100000)) WHERE name = '{table}'",
)  # fmt: skip


def change_bytes(path, rng):
    """Overwrite, move or cut bytes of a file."""
    content = bytearray(path.read_bytes())
    page = 4096
    n_pages = max(1, len(content) // page)
    way = rng.randrange(7)
    if way == 0:  # single bytes anywhere
        for _ in range(rng.randint(1, 30)):
            content[rng.randrange(len(content))] = rng.randrange(256)
    elif way == 1:  # the header of the file
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(100)] = rng.randrange(256)
    elif way == 2:  # the header and the pointers of a page
        for _ in range(rng.randint(1, 3)):
            start = page * rng.randrange(n_pages) + 100
            for _ in range(rng.randint(1, 8)):
                place = min(start - 100 + rng.randrange(64), len(content) - 1)
                content[place] = rng.randrange(256)
    elif way == 3:  # a page in the place of another one: circles and double pages
        for _ in range(rng.randint(1, 3)):
            source, target = rng.randrange(n_pages), rng.randrange(1, n_pages)
            content[page * target : page * (target + 1)] = content[
                page * source : page * (source + 1)
            ]
    elif way == 4:
        del content[rng.randrange(len(content)) :]
    elif way == 5:
        start = rng.randrange(len(content))
        length = rng.randint(1, 3 * page)
        content[start : start + length] = rng.randbytes(
            len(content[start : start + length])
        )
    else:
        content += rng.randbytes(rng.randint(1, 2 * page))
    path.write_bytes(content)


def change_cells(path, rng):
    """Store odd values, delete rows and change ids."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for _ in range(rng.randint(1, 3)):
            table = rng.choice(list(TABLES))
            column = rng.choice(TABLES[table].split())
            some = rng.choice(["1", "abs(random()) % 20 = 0", f"{column} > 3"])
            statement = rng.choice(
                [
                    f"UPDATE OR IGNORE {table} SET {column} = "
                    f"{rng.choice(ODD_VALUES)} WHERE {some}",
                    f"UPDATE OR IGNORE {table} SET {column} = "
                    f"{rng.choice(ODD_VALUES)} WHERE {some}",
                    f"UPDATE OR IGNORE {table} SET {column} = {column} + 1000 "
                    f"WHERE {some}",
                    f"DELETE FROM {table} WHERE {some}",
                ]
            )
            execute(connection, statement)


def change_schema(path, rng):
    """Change tables, their definitions and the settings of the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        table = rng.choice(list(TABLES))
        script = rng.choice(SCHEMAS).format(
            table=table,
            column=rng.choice(TABLES[table].split()),
            number=rng.choice([-(2**31), -1, 0, 2, 7, 10**6, 2**31 - 1]),
        )
        for statement in script.replace("END", "END;;").split("; "):
            if "BEGIN" in statement:
                statement = script
            execute(connection, statement)
            if "BEGIN" in statement:
                break


def execute(connection, statement):
    try:
        connection.execute(statement).fetchall()
    except sqlite3.Error:
        pass  # no change, which is as good a case as any


CHANGES = (change_bytes, change_cells, change_schema)


def uses(path):
    """Yield what a program does with a file."""
    knowledge_base = KnowledgeBase(path)
    yield "matrix", lambda: knowledge_base.matrix("classification")
    yield "metrics", lambda: knowledge_base.metrics("regression")
    yield "provenance", knowledge_base.provenance
    yield "records", knowledge_base.records
    yield "check", knowledge_base.check_writable
    yield "add", lambda: knowledge_base.add(dataset("new"), [evaluation()])


def problem_of(use):
    """Return how a use fails other than by KnowledgeBaseError, and its seconds."""
    began = time.thread_time()
    result, problem = None, ""
    try:
        result = use()
    except KnowledgeBaseError as error:
        result = error
    except Exception as error:
        problem = repr(error)[:300]
    return result, problem, time.thread_time() - began


def is_finite(matrix):
    return not any(
        np.isinf(values).any()
        for values in (matrix.mean, matrix.standard_error, matrix.fit_seconds)
    )


def small_copy(path):
    """Write a small part of the file that ships."""
    whole = KnowledgeBase()
    families = sorted({d.family for d, _ in whole.records()})
    texts = whole.matrix("classification").pipelines[:12]
    KnowledgeBase(path).merge(
        whole.without_families(families[30:]).with_pipelines(texts)
    )
    KnowledgeBase(path).set_provenance(made="here")


def fuzz_files(n, seed, seconds, source):
    """Change a file `n` times.

    Returns
    -------
    counts : Counter
    problems : list of str
    longest : float
        Seconds of the longest use.
    """
    counts, problems, longest = collections.Counter(), [], 0.0
    _, iris = encode_dataset(*load_iris(return_X_y=True))
    catalog = SearchSpace(include=["gaussian_nb", "lda"]).catalog("classification")
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.sqlite"
        for number in range(n):
            if time.monotonic() > deadline:
                break
            rng = random.Random(f"{seed}-{number}")
            for rest in Path(folder).iterdir():
                rest.unlink()
            shutil.copyfile(source, path)
            change = CHANGES[number % len(CHANGES)]
            change(path, rng)
            for name, use in uses(path):
                result, problem, took = problem_of(use)
                refused = isinstance(result, KnowledgeBaseError)
                counts[change.__name__, "refused" if refused else "read"] += 1
                longest = max(longest, took)
                if name == "matrix" and not (refused or problem):
                    if not is_finite(result):
                        problem = "not finite"
                if problem:
                    problems.append(f"{change.__name__} {number} {name}: {problem}")
            if number % 10 == 1:
                problems += recall_problems(path, iris, catalog, number)
            counts["files"] += 1
    return counts, problems, longest


def recall_problems(path, iris, catalog, number):
    """Recall from a file in place of the shipped one; results must be finite."""
    learner = KNNMetaLearner().fit(KnowledgeBase(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prior, problem, _ = problem_of(
            lambda: learner.recall(
                iris, catalog=catalog, time_budget=60, scoring="neg_log_loss"
            )
        )
    if problem:
        return [f"recall {number}: {problem}"]
    if isinstance(prior, KnowledgeBaseError):
        return []
    values = [
        value
        for proposal in prior.portfolio
        for value in (proposal.expected_regret, proposal.expected_seconds)
        if value is not None
    ]
    return [] if np.isfinite(values).all() else [f"recall {number}: not finite"]


PIECES = (
    "(", ")", ",", "=", "X", "lda(", "pca(X)", "union(", "stack(", "*", "**a", "-",
    "1e999", "'", '"', "\\", "\n", "\r", "\0", "\ud800", "é", "#", "lambda:", "[", "{",
    "}", "]", "f'{", "None", "True", "nan", "9" * 30, " ", "if", "a.b", ":=", ";", "@",
    "\x0c", "await ",
)  # fmt: skip


def changed_text(text, rng):
    """Return a text with some parts replaced, repeated, moved or nested."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        i = rng.randrange(len(text) + 1)
        j = min(len(text), i + rng.choice([0, 1, 1, 5, 1000]))
        text = rng.choice(
            [
                text[:i] + text[j:],
                text[:i] + rng.choice(PIECES) + text[i:],
                text[:i] + rng.choice(PIECES) + text[j:],
                text[:j] + text[i:j] * rng.choice([1, 2, 50, 500]) + text[j:],
                text[:i] + rng.choice(PIECES) * rng.choice([2, 100, 5000]) + text[i:],
                text[j:] + text[i:j] + text[:i],
                "lda(" * rng.choice([1, 60, 190, 10_000]) + text,
            ]
        )[:200_000]
    return text


def fuzz_texts(n, seed, seconds):
    """Change pipeline texts `n` times; as `fuzz_files`."""
    counts, problems, longest = collections.Counter(), [], 0.0
    catalog = default_catalog("classification")
    texts = KnowledgeBase().matrix("classification").pipelines
    deadline = time.monotonic() + seconds
    for number in range(n):
        if time.monotonic() > deadline:
            break
        rng = random.Random(f"{seed}-{number}")
        text = changed_text(rng.choice(texts), rng)
        began = time.thread_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = parse(text, catalog=catalog)
            if parse(format_tree(tree), catalog=catalog) != tree:
                problems.append(f"text {number}: read in two ways")
            counts["read"] += 1
        except PipelineSyntaxError:
            counts["refused"] += 1
        except Exception as error:
            problems.append(f"text {number}: {error!r}"[:300])
        longest = max(longest, time.thread_time() - began)
    return counts, problems, longest


def peak_mebibytes():
    """Return the largest memory of this process so far; 0 where it is not known."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--n-whole", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600)
    arguments = parser.parse_args()
    n, seed, seconds = arguments.n, arguments.seed, arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.sqlite"
        small_copy(small)
        print("small file:", os.path.getsize(small), "bytes")
        for name, run in (
            ("texts", lambda: fuzz_texts(n, seed, seconds)),
            ("small files", lambda: fuzz_files(n, seed, seconds, small)),
            (
                "the whole file",
                lambda: fuzz_files(arguments.n_whole, seed, seconds, SHIPPED),
            ),
        ):
            counts, problems, longest = run()
            memory = peak_mebibytes()
            print(f"{name}: {dict(counts)}")
            print(f"  longest {longest:.2f} s, memory at most {memory:.0f} MiB")
            print(f"  {len(problems)} problems", *problems[:30], sep="\n    ")


if __name__ == "__main__":
    main()
