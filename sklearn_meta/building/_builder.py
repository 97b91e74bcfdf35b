"""Scheduling of a build: prepare tables, evaluate cells, write results.

A *cell* is one pipeline on one table.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np

from sklearn_meta.building._sources import TableSource
from sklearn_meta.building._worker_tasks import (
    CPU_LIMIT_SIGNAL,
    CellResult,
    EvaluationProtocol,
)
from sklearn_meta.evaluation._engine import STATUS_OF_FAILURE
from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._records import EvaluationRecord
from sklearn_meta.parallel._memory_limit import default_memory_limit
from sklearn_meta.parallel._pool import Failed, Payload, Task
from sklearn_meta.parallel._process_pool import ProcessPool
from sklearn_meta.parallel._run_tasks import run_tasks

_TASKS = "sklearn_meta.building._worker_tasks"
MAKE_STATE = f"{_TASKS}:make_state"
PREPARE = f"{_TASKS}:prepare_table"
EVALUATE = f"{_TASKS}:evaluate_cell"

# Number of results per transaction: a killed builder loses fewer than that for each
# table it works on.
BATCH = 30

# The limit of a cell is in CPU seconds. The wall-clock deadline, for workers that sleep
# or wait on a busy machine, is this many times as long.
CLOCK_FACTOR = 20.0
PREPARE_SECONDS = 300.0

# A cell is skipped if it is predicted to take this many times its limit: predictions
# are right within a factor of about three, and a time-out costs the limit.
SKIP_FACTOR = 2.0


@dataclass
class TableJob:
    """State of the work on one table.

    Parameters
    ----------
    source : TableSource
    texts : tuple of str
        Pipelines that the knowledge base lacks for this table.
    path : Path
        File of the prepared table.
    """

    source: TableSource
    texts: tuple[str, ...]
    path: Path
    record: object = None
    n_rows: int = 0
    # Texts of pipelines by the cell that gives their result.
    waiting: dict[str, list[str]] = field(default_factory=dict)
    results: list = field(default_factory=list)
    n_written: int = 0
    seconds: float = 0.0
    # Causes of missing scores, with the number of pipelines.
    reasons: Counter = field(default_factory=Counter)


@dataclass(frozen=True)
class Progress:
    """Progress of a build after a table.

    Parameters
    ----------
    table : str
    n_tables_done, n_tables : int
    n_evaluations : int
        Number of evaluations of this table that were written, with or without scores.
    reasons : mapping of str to int
        Causes of missing scores, with the number of pipelines.
    table_seconds : float
        CPU seconds of the finished evaluations of this table.
    per_second : float
        Evaluations per second since the start.
    seconds_left : float
        Seconds that the rest takes at this rate.
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
    """Return a pool of worker processes for a `Builder`."""
    return ProcessPool(n_workers, setup=(MAKE_STATE, ()))


class Builder:
    """Evaluate every pipeline of a pool on every table.

    Parameters
    ----------
    knowledge_base : KnowledgeBase
        Receives the results.
    protocol : EvaluationProtocol
    pool : Pool
        Not started; see `worker_pool`. The builder uses its clock.
    observe : callable, default=no operation
        Called with a `Progress` after each table.
    """

    def __init__(
        self,
        knowledge_base: KnowledgeBase,
        protocol: EvaluationProtocol,
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
        # Running tasks by number: the job, and the cell (None for the preparation).
        self._running: dict[int, tuple[TableJob, str | None]] = {}
        self._payloads: dict[int, object] = {}
        self._tables: deque[TableJob] = deque()
        self._cells: deque[tuple[TableJob, str]] = deque()
        self._open: dict[str, TableJob] = {}

    def run(self, work):
        """Evaluate pipelines on tables, and write the results.

        Parameters
        ----------
        work : sequence of (TableSource, sequence of str)
            Tables in the order of evaluation, and the canonical texts of the pipelines
            to evaluate on each; see `unfinished`.

        Raises
        ------
        KeyboardInterrupt
            After all finished results are written.
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
        """Return infinity: a build has no limit of time."""
        return np.inf

    def next_task(self, place) -> Task | None:
        """Return the preparation of a table, or the evaluation of a cell."""
        number = next(self._numbers)
        preparing = sum(cell is None for _, cell in self._running.values())
        # A table is prepared while the last cells of the one before are evaluated.
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
        """Queue the cells of a prepared table, without those that take too long."""
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
        limit = SKIP_FACTOR * self.protocol.cell_seconds
        for cell, predicted in seconds.items():
            if predicted <= limit:
                self._cells.append((job, cell))
        for cell, predicted in seconds.items():
            if predicted > limit:
                reason = f"predicted to take {predicted:.0f} s"
                self._record(job, cell, CellResult(Status.SKIPPED.value, reason=reason))

    def _record(self, job, cell, result):
        """Record the result of a cell for all pipelines that are equal to it."""
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
    """Return the result of a cell whose task raised, timed out or crashed."""
    status = STATUS_OF_FAILURE[failed.kind]
    # The pool reports the signal of the CPU limit as a crash.
    if failed.kind == "crashed" and CPU_LIMIT_SIGNAL in failed.reason:
        status = Status.TIMEOUT
    return CellResult(status.value, reason=failed.reason)


def unfinished(knowledge_base, sources, pools):
    """List the evaluations that a knowledge base lacks.

    Parameters
    ----------
    knowledge_base : KnowledgeBase
    sources : sequence of TableSource
    pools : mapping of str to sequence of PoolPipeline
        By task.

    Returns
    -------
    work : list of (TableSource, tuple of str)
        Tables in the given order, with the texts that were not tried on them; tables
        without such texts are left out.
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
    """Return the pipelines that were tried on each table, with or without scores."""
    matrix = knowledge_base.matrix(task, max_pipelines=sys.maxsize)
    pipelines = np.array(matrix.pipelines, dtype=object)
    return {
        name: frozenset(pipelines[tried])
        for name, tried in zip(matrix.datasets, matrix.tried, strict=True)
    }
