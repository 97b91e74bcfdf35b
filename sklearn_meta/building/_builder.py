"""The run of a builder: tables are prepared, cells evaluated, results written."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np

from sklearn_meta.building._cells import (
    CPU_LIMIT_SIGNAL,
    CellResult,
    Protocol,
)
from sklearn_meta.building._sources import TableSource
from sklearn_meta.evaluation._records import STATUS_OF_FAILURE, Status
from sklearn_meta.metalearning.knowledge_base._knowledge_base import (
    EvaluationRecord,
    KnowledgeBase,
)
from sklearn_meta.parallel._memory_limit import default_memory_limit
from sklearn_meta.parallel._pool import Failed, Payload, Task
from sklearn_meta.parallel._process_pool import ProcessPool
from sklearn_meta.parallel._run_tasks import run_tasks

_CELLS = "sklearn_meta.building._cells"
SET_UP = f"{_CELLS}:set_up"
PREPARE = f"{_CELLS}:prepare_table"
EVALUATE = f"{_CELLS}:evaluate_cell"

# So many results are written in one transaction: a builder that is killed loses less
# than that for each table it works on.
BATCH = 30

# The limit of a cell counts CPU seconds. A worker that sleeps, or that a busy machine
# lets wait, may take this many times as long by the clock before it is killed.
CLOCK_FACTOR = 20.0
PREPARE_SECONDS = 300.0

# A pipeline is not tried that is predicted to take this many times its limit:
# predictions are right to a factor of about three, and a trial that fails costs the
# limit.
HOPELESS = 2.0


@dataclass
class TableJob:
    """The work on one table.

    Parameters
    ----------
    source : TableSource
    texts : tuple of str
        Pipelines that the knowledge base lacks for this table.
    path : Path
        Where the prepared table lies.
    """

    source: TableSource
    texts: tuple[str, ...]
    path: Path
    record: object = None
    n_rows: int = 0
    # Pipelines by the cell that answers for them.
    waiting: dict[str, list[str]] = field(default_factory=dict)
    results: list = field(default_factory=list)
    n_written: int = 0
    seconds: float = 0.0
    # Of the pipelines without scores, and how many share it.
    reasons: Counter = field(default_factory=Counter)


@dataclass(frozen=True)
class Progress:
    """How far a run is, after a table.

    Parameters
    ----------
    table : str
    n_tables_done, n_tables : int
    n_evaluations : int
        Evaluations of this table that were written, with or without scores.
    reasons : mapping of str to int
        Why there are no scores, and for how many pipelines.
    table_seconds : float
        CPU seconds of its finished evaluations.
    per_second : float
        Evaluations of the run so far.
    seconds_left : float
        At this rate.
    """

    table: str
    n_tables_done: int
    n_tables: int
    n_evaluations: int
    reasons: Mapping[str, int]
    table_seconds: float
    per_second: float
    seconds_left: float


def worker_pool(n_workers):
    """Return worker processes that a `Builder` can use."""
    return ProcessPool(n_workers, setup=(SET_UP, ()))


class Builder:
    """Evaluates every pipeline of a pool on every table.

    Parameters
    ----------
    knowledge_base : KnowledgeBase
        Receives the results; what it holds is not evaluated again.
    protocol : Protocol
    pool : Pool
        Not yet started; see `worker_pool`. Its clock is the clock of the builder.
    observe : callable
        Called with a `Progress` after each table.
    """

    def __init__(
        self,
        knowledge_base: KnowledgeBase,
        protocol: Protocol,
        pool,
        *,
        observe: Callable[[Progress], None] = lambda progress: None,
    ):
        self.knowledge_base = knowledge_base
        self.protocol = protocol
        self.pool = pool
        self.observe = observe
        self.clock = pool.clock
        self._memory_limit = default_memory_limit(pool.n_workers)
        self._numbers = count()
        # Tasks of the workers, by number: the job, and the cell (None: preparation).
        self._running: dict[int, tuple[TableJob, str | None]] = {}
        self._payloads: dict[int, object] = {}
        self._tables: deque[TableJob] = deque()
        self._cells: deque[tuple[TableJob, str]] = deque()
        self._open: dict[str, TableJob] = {}

    def run(self, work):
        """Evaluate what is missing, and write it.

        Parameters
        ----------
        work : sequence of (TableSource, sequence of str)
            Tables in the order in which they are taken, and the canonical texts of
            the pipelines to evaluate on each.

        Raises
        ------
        KeyboardInterrupt
            After everything that was finished is written.
        """
        with tempfile.TemporaryDirectory(prefix="sklearn_meta_build_") as folder:
            self._tables = deque(
                TableJob(source, tuple(texts), Path(folder) / f"{number}.pickle")
                for number, (source, texts) in enumerate(work)
                if texts
            )
            self._n_tables = len(self._tables)
            self._n_evaluations = sum(len(job.texts) for job in self._tables)
            self._n_done = 0
            self._n_tables_done = 0
            self._began = self.clock()
            try:
                with self.pool:
                    self.pool.start()
                    run_tasks(self.pool, self)
            finally:
                for job in self._open.values():
                    self._write(job)

    def is_done(self) -> bool:
        """Whether everything is evaluated."""
        return not (self._tables or self._cells or self._running)

    def seconds_left(self) -> float:
        """Without a limit of time."""
        return np.inf

    def next_task(self, place) -> Task | None:
        """Return the preparation of a table, or the evaluation of a cell."""
        number = next(self._numbers)
        preparing = sum(cell is None for _, cell in self._running.values())
        # The next table is prepared while the last cells of this one are evaluated.
        if self._tables and len(self._cells) < self.pool.n_workers and not preparing:
            job = self._tables.popleft()
            arguments = (job.source, job.texts, self.protocol, str(job.path))
            self._running[number] = job, None
            deadline = self.clock() + PREPARE_SECONDS
            return Task(number, PREPARE, arguments, deadline, self._memory_limit)
        if not self._cells:
            return None
        job, cell = self._cells.popleft()
        limit = self.protocol.cell_seconds
        deadline = self.clock() + CLOCK_FACTOR * limit
        self._running[number] = job, cell
        arguments = (str(job.path), cell, limit)
        return Task(number, EVALUATE, arguments, deadline, self._memory_limit)

    def collect(self, event):
        """Take in what a task gives, or its end."""
        if isinstance(event, Payload):
            self._payloads[event.task_id] = event.value
            return
        job, cell = self._running.pop(event.task_id)
        value = self._payloads.pop(event.task_id, None)
        failed = event if isinstance(event, Failed) else None
        if cell is None:
            self._begin(job, value, failed)
            return
        if value is None:
            value = _failure(failed)
        self._record(job, cell, value)

    def _begin(self, job, value, failed):
        """Take in a prepared table."""
        if value is None:
            self._n_done += len(job.texts)
            job.reasons[failed.reason] += len(job.texts)
            self._close(job)
            return
        job.record, job.n_rows, cells = value
        self._open[job.source.name] = job
        seconds = {}
        for text, (cell, predicted) in zip(job.texts, cells, strict=True):
            job.waiting.setdefault(cell, []).append(text)
            seconds[cell] = predicted
        limit = HOPELESS * self.protocol.cell_seconds
        for cell, predicted in seconds.items():
            if predicted <= limit:
                self._cells.append((job, cell))
        for cell, predicted in seconds.items():
            if predicted > limit:
                reason = f"predicted to take {predicted:.0f} s"
                self._record(job, cell, CellResult(Status.SKIPPED.value, reason=reason))

    def _record(self, job, cell, result):
        """Keep a result for every pipeline that comes down to this cell."""
        texts = job.waiting.pop(cell)
        job.results += [
            EvaluationRecord(
                pipeline=text,
                status=result.status,
                scores=result.scores,
                fit_seconds=result.fit_seconds,
                predict_seconds=result.predict_seconds,
                n_rows=job.n_rows,
            )
            for text in texts
        ]
        self._n_done += len(texts)
        job.seconds += result.cpu_seconds
        if result.status != Status.OK:
            job.reasons[result.reason] += len(texts)
        if len(job.results) >= BATCH:
            self._write(job)
        if not job.waiting:
            self._close(job)

    def _write(self, job):
        if job.results:
            self.knowledge_base.add(job.record, job.results, source="builder")
            job.n_written += len(job.results)
            job.results = []

    def _close(self, job):
        """Finish a table."""
        self._write(job)
        self._open.pop(job.source.name, None)
        job.path.unlink(missing_ok=True)
        self._n_tables_done += 1
        rate = self._n_done / max(self.clock() - self._began, 1e-9)
        self.observe(
            Progress(
                table=job.source.name,
                n_tables_done=self._n_tables_done,
                n_tables=self._n_tables,
                n_evaluations=job.n_written,
                reasons=job.reasons,
                table_seconds=job.seconds,
                per_second=rate,
                seconds_left=(self._n_evaluations - self._n_done) / rate,
            )
        )


def _failure(failed):
    """Return the result of a cell whose worker raised, hung, crashed or was killed."""
    status = STATUS_OF_FAILURE[failed.kind]
    # By its exit status, the limit of CPU time looks like any other crash.
    if failed.kind == "crashed" and CPU_LIMIT_SIGNAL in failed.reason:
        status = Status.TIMEOUT
    return CellResult(status.value, reason=failed.reason)


def unfinished(knowledge_base, sources, pools):
    """List what a knowledge base lacks.

    Parameters
    ----------
    knowledge_base : KnowledgeBase
    sources : sequence of TableSource
    pools : mapping of str to sequence of PoolPipeline
        By task.

    Returns
    -------
    work : list of (TableSource, tuple of str)
        Tables, in the given order, with the texts that were not yet tried on them;
        without the tables for which there are none.
    """
    tried = {task: _tried(knowledge_base, task) for task in pools}
    work = []
    for source in sources:
        done = tried[source.task].get(source.name, frozenset())
        texts = tuple(p.text for p in pools[source.task] if p.text not in done)
        if texts:
            work.append((source, texts))
    return work


def _tried(knowledge_base, task):
    """Return the pipelines that were tried, with or without success, by table."""
    matrix = knowledge_base.matrix(task, max_pipelines=sys.maxsize)
    pipelines = np.array(matrix.pipelines, dtype=object)
    return {
        name: frozenset(pipelines[tried])
        for name, tried in zip(matrix.datasets, matrix.tried, strict=True)
    }
