"""Knowledge base: records of datasets and pipelines in one SQLite file."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning.knowledge_base._file import (
    LOCK_TIMEOUT,
    check_writable,
    compact,
    is_there,
    read_provenance,
    reading,
    valid_values,
    write,
    write_provenance,
)
from sklearn_meta.metalearning.knowledge_base._matrix_query import (
    count_datasets,
    read_matrix,
)
from sklearn_meta.metalearning.knowledge_base._metrics import related_metric
from sklearn_meta.metalearning.knowledge_base._nearest import choose_datasets
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
    as_data_frame,
    check_task,
    dataset_row,
    evaluation_row,
)
from sklearn_meta.metalearning.knowledge_base._rows import (
    merge_records,
    read_records,
    write_records,
)
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseError
from sklearn_meta.metalearning.knowledge_base._score_matrix import ScoreMatrix
from sklearn_meta.metalearning.knowledge_base._validity import check_matrix

# A metric is used if at least this share of the datasets that have the most common one
# have scores in it: a related metric on many datasets is more informative than the
# metric itself on a few.
USABLE_SHARE = 0.5

# Maximum number of cells of a matrix, some 2 GiB of memory in all.
MAX_CELLS = 50_000_000

# Path of the shipped file in the folder of this module.
BUILT_IN = ("data", "knowledge.sqlite")


class KnowledgeBase:
    """Records of earlier datasets and the pipelines tried on them, in a SQLite file.

    It holds numbers that describe datasets (never their rows), pipelines as texts, and
    the status, seconds, and scores in several metrics of each evaluation. Nothing in
    the file can run code. Any tool for SQLite can read it; the view ``leaderboard``
    shows names in place of ids.

    The file is opened by each method that needs it and closed afterwards: the object
    can be used by many threads and processes at once, and is pickled as its path.

    Parameters
    ----------
    path : str, path-like or None, default=None
        A file of your own, which is created by the first addition. None is the
        knowledge base that ships with the package, which cannot be changed.

    Raises
    ------
    TypeError
        If `path` is of another type.

    Notes
    -----
    Many processes may write to one file, also in a network folder whose file locks
    work. Each addition is one transaction: if a process is killed, the file is as it
    was before the addition.

    Scores are stored with six significant digits, seconds to the microsecond.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_meta.metalearning import (
    ...     DatasetRecord, EvaluationRecord, KnowledgeBase
    ... )
    >>> path = Path(tempfile.mkdtemp()) / "mine.sqlite"
    >>> knowledge_base = KnowledgeBase(path)
    >>> knowledge_base.add(
    ...     DatasetRecord("iris", "classification", "iris", 150, 4, 3, {"skew": 0.3}),
    ...     [EvaluationRecord("lda(X)", "ok", {"accuracy": (0.98, 0.01)}, 0.002)],
    ... )
    >>> matrix = knowledge_base.matrix("classification", "f1_weighted")
    >>> matrix.metric, matrix.pipelines, matrix.mean
    ('accuracy', ('lda(X)',), array([[0.98]]))
    """

    def __init__(self, path=None):
        if not (path is None or isinstance(path, str | os.PathLike)):
            raise TypeError(
                "The 'path' of a KnowledgeBase must be None, a str or a path. Got "
                f"{path!r} instead."
            )
        self.path = path
        self._without_families: frozenset[str] = frozenset()
        self._with_pipelines: frozenset[str] | None = None

    def __repr__(self):
        path = "" if self.path is None else repr(os.fspath(self.path))
        view = ", view" if self._is_view else ""
        return f"KnowledgeBase({path}{view})"

    def __eq__(self, other):
        if not isinstance(other, KnowledgeBase):
            return NotImplemented
        return self._identity == other._identity

    def __hash__(self):
        return hash(self._identity)

    @property
    def _identity(self):
        path = None if self.path is None else os.fspath(self.path)
        return path, self._without_families, self._with_pipelines

    # Reading

    def matrix(
        self,
        task,
        metric=None,
        *,
        max_pipelines=2000,
        nearest=None,
        timeout=LOCK_TIMEOUT,
    ) -> ScoreMatrix:
        """Return all scores in one metric, as arrays.

        Parameters
        ----------
        task : {"classification", "regression"}
        metric : str, callable or None, default=None
            Name of a scikit-learn scorer. If fewer than half as many datasets have
            scores in it as in the most common metric, a related one stands in. None
            and callables stand for the default metric of the task.
        max_pipelines : int, default=2000
            Maximum number of pipelines; those of the best ranks on any dataset are
            kept. It bounds the size of the arrays for files with many additions. With
            more than 25 000 datasets there are fewer.
        nearest : Nearest or None, default=None
            From a large file, read only the datasets that are most similar to a new
            one, and fewer pipelines. None reads all.
        timeout : float, default=60.0
            Seconds to wait while another process changes the file.

        Returns
        -------
        matrix : ScoreMatrix
            Its attribute ``metric`` names the metric of the scores.

        Raises
        ------
        ValueError
            If the task is unknown.
        KnowledgeBaseError
            If the file cannot be read.
        """
        check_task(task)
        with self._reading(timeout) as connection:
            ids = None
            if nearest is not None:
                ids = choose_datasets(connection, task, nearest, self._without_families)
                max_pipelines = min(max_pipelines, nearest.max_pipelines(len(ids)))
            counts = count_datasets(connection, task, ids)
            most = max(counts.values(), default=0)
            usable = [name for name, n in counts.items() if n >= USABLE_SHARE * most]
            matrix = check_matrix(
                read_matrix(
                    connection,
                    task,
                    related_metric(metric, task, usable),
                    ids=ids,
                    pipelines=self._with_pipelines,
                    max_pipelines=min(max_pipelines, _most_pipelines(connection, task)),
                )
            )
        return matrix.without_families(self._without_families)

    def metrics(self, task) -> tuple[str, ...]:
        """Return the names of the metrics that have scores.

        Parameters
        ----------
        task : {"classification", "regression"}

        Returns
        -------
        metrics : tuple of str
            Those with scores on the most datasets first.
        """
        check_task(task)
        with self._reading() as connection:
            counts = count_datasets(connection, task)
        return tuple(sorted(counts, key=counts.get, reverse=True))

    def records(self) -> list[tuple[DatasetRecord, list[EvaluationRecord]]]:
        """Return all records, dataset by dataset.

        Returns
        -------
        records : list of (DatasetRecord, list of EvaluationRecord)
            In the order in which datasets and pipelines were added.
        """
        return [(dataset, known) for dataset, known, _ in self._records()]

    def datasets(self):
        """Return a table of the datasets.

        Returns
        -------
        table : DataFrame or list of dict
            A DataFrame where pandas is installed. Columns ``metafeature:...`` hold
            the meta-features.
        """
        return as_data_frame(
            [dataset_row(dataset, source) for dataset, _, source in self._records()]
        )

    def pipelines(self):
        """Return a table of the pipelines, one row for each task they were tried in.

        Returns
        -------
        table : DataFrame or list of dict
            A DataFrame where pandas is installed. Columns ``task``, ``pipeline``,
            ``n_datasets`` (number of datasets on which it was tried) and ``n_ok``
            (number of those on which it has scores).
        """
        tried, ok = Counter(), Counter()
        for dataset, evaluations, _ in self._records():
            keys = [(dataset.task, evaluation.pipeline) for evaluation in evaluations]
            tried.update(keys)
            ok.update(
                key
                for key, evaluation in zip(keys, evaluations, strict=True)
                if evaluation.status == Status.OK
            )
        return as_data_frame(
            [
                {"task": key[0], "pipeline": key[1], "n_datasets": n, "n_ok": ok[key]}
                for key, n in tried.items()
            ]
        )

    def evaluations(self):
        """Return a table of the evaluations.

        Returns
        -------
        table : DataFrame or list of dict
            A DataFrame where pandas is installed. Columns ``mean:...`` and
            ``standard_error:...`` hold the scores in each metric.
        """
        return as_data_frame(
            [
                evaluation_row(dataset, evaluation)
                for dataset, evaluations, _ in self._records()
                for evaluation in evaluations
            ]
        )

    def provenance(self) -> dict:
        """Return where the knowledge base comes from.

        Returns
        -------
        provenance : dict
            The items of `set_provenance`, and ``schema_version``, ``created`` and
            ``created_by``.
        """
        with self._reading() as connection:
            return read_provenance(connection)

    # Views

    def without_families(self, families) -> KnowledgeBase:
        """Return a view without the datasets of some families.

        Parameters
        ----------
        families : collection of str
            Families to leave out; unknown names are ignored.

        Returns
        -------
        view : KnowledgeBase
            Of the same file, read-only.
        """
        _check_names(families, "families")
        return self._view(self._without_families.union(families), self._with_pipelines)

    def with_pipelines(self, texts) -> KnowledgeBase:
        """Return a view of the evaluations of some pipelines.

        Parameters
        ----------
        texts : collection of str
            Canonical texts.

        Returns
        -------
        view : KnowledgeBase
            Of the same file, read-only. Merged into a new file, it gives a smaller
            knowledge base.
        """
        _check_names(texts, "texts")
        texts = frozenset(texts)
        if self._with_pipelines is not None:
            texts &= self._with_pipelines
        return self._view(self._without_families, texts)

    # Writing

    def add(self, dataset, evaluations, *, source="", timeout=LOCK_TIMEOUT):
        """Add the records of one dataset, in one transaction.

        A dataset of the same name and task is updated. Of two evaluations of one
        pipeline on it, the one with scores is kept; if both have scores, that on more
        rows; if the rows are as many, the later one, together with the scores of the
        earlier one in other metrics.

        Parameters
        ----------
        dataset : DatasetRecord
            Dataset that was evaluated.
        evaluations : iterable of EvaluationRecord
            Evaluations of pipelines on it.
        source : str, default=""
            Origin of the records, for display.
        timeout : float, default=60.0
            Seconds to wait while other processes use the file.

        Raises
        ------
        KnowledgeBaseError
            If the file cannot be written, or is the built-in one.
        """
        evaluations = list(evaluations)

        def change(connection):
            write_records(connection, dataset, evaluations, source)

        self._write(change, timeout)

    def merge(self, other):
        """Add all records of another knowledge base, in one transaction.

        Files of several machines can be merged in any order, and again: the records
        are the same. A dataset that is in both is described by the record with more
        meta-features. Of two evaluations of one pipeline on it, the one with scores is
        kept; if both have scores, that on more rows; if the rows are as many, the
        scores in all metrics of either one, and of two scores in one metric that with
        the smaller standard error. Provenance is not copied.

        Parameters
        ----------
        other : KnowledgeBase, str, path-like or None
            None is the one that ships with the package.

        Raises
        ------
        KnowledgeBaseError
            If `other` does not exist or cannot be read, or this file cannot be written.
            Nothing is added then.
        """
        if not isinstance(other, KnowledgeBase):
            other = KnowledgeBase(other)
        if other.path is not None and not is_there(other._file):
            raise KnowledgeBaseError(
                f"There is no knowledge base {str(other._file)!r} to merge. Pass the "
                "path of a file, or None for the one that ships with sklearn_meta."
            )
        records = other._records()

        def change(connection):
            with valid_values(self._file):
                merge_records(connection, records)

        self._write(change)

    def set_provenance(self, **items):
        """Store where the knowledge base comes from.

        Parameters
        ----------
        **items
            Values that can be serialized as JSON; they replace those of the same name.
        """
        self._write(lambda connection: write_provenance(connection, items))

    def compact(self):
        """Rewrite the file without unused pages: it becomes smaller and faster to read.

        Raises
        ------
        KnowledgeBaseError
            If the file cannot be written, or is the built-in one.
        """
        self._check_own()
        compact(self._file)

    def check_writable(self, *, timeout=1.0):
        """Raise an error now if a later addition would fail.

        Nothing is changed, and no file is created.

        Parameters
        ----------
        timeout : float, default=1.0
            Seconds to wait while other processes use the file.

        Raises
        ------
        KnowledgeBaseError
            If the folder does not exist or cannot be written, or the file cannot be
            written, is no knowledge base, has too new a schema, is locked for longer
            than `timeout`, or is the built-in one.
        """
        self._check_own()
        check_writable(self._file, timeout=timeout)

    # Access to the file

    @property
    def _file(self) -> Path:
        return Path(self.path).expanduser()

    @contextmanager
    def _reading(self, timeout=LOCK_TIMEOUT):
        if self.path is not None:
            with reading(self._file, timeout=timeout) as connection:
                yield connection
            return
        with as_file(files(__package__).joinpath(*BUILT_IN)) as path:
            if not path.is_file():
                raise KnowledgeBaseError(
                    "The knowledge base that ships with sklearn_meta is missing: there "
                    f"is no {str(path)!r}. Install the package again, or pass the path "
                    "of another one."
                )
            with reading(path, immutable=True) as connection:
                yield connection

    def _write(self, change, timeout=LOCK_TIMEOUT):
        self._check_own()
        write(self._file, change, timeout=timeout)

    def _check_own(self):
        if self.path is None:
            raise KnowledgeBaseError(
                "The knowledge base that ships with the package cannot be changed. "
                "Pass the path of your own: KnowledgeBase('knowledge.sqlite'); its "
                "method merge(None) copies the one of the package into it."
            )
        if self._is_view:
            raise KnowledgeBaseError(
                "A view of a knowledge base is for reading. Add to the whole one, "
                f"KnowledgeBase({os.fspath(self.path)!r})."
            )

    @property
    def _is_view(self):
        return bool(self._without_families) or self._with_pipelines is not None

    def _view(self, without_families, with_pipelines):
        view = KnowledgeBase(self.path)
        view._without_families = without_families
        view._with_pipelines = with_pipelines
        return view

    def _records(self):
        """Return datasets, their evaluations and sources, restricted to this view."""
        with self._reading() as connection:
            records = list(read_records(connection))
        kept = self._with_pipelines
        return [
            (
                dataset,
                [e for e in evaluations if kept is None or e.pipeline in kept],
                source,
            )
            for dataset, evaluations, source in records
            if dataset.family not in self._without_families
        ]

    def _add_all(self, records):
        records = list(records)

        def change(connection):
            for dataset, evaluations, source in records:
                write_records(connection, dataset, evaluations, source)

        self._write(change)


def _most_pipelines(connection, task):
    """Return the number of pipelines that a matrix has memory for."""
    (n_datasets,) = connection.execute(
        "SELECT COUNT(*) FROM datasets WHERE task = ?", (task,)
    ).fetchone()
    return max(1, MAX_CELLS // max(1, n_datasets))


def _check_names(names, parameter):
    # A str is a collection of str, and never meant as one here.
    if isinstance(names, str):
        raise TypeError(
            f"'{parameter}' must be a collection of str, not a single str. Got "
            f"{names!r} instead; write [{names!r}]."
        )
