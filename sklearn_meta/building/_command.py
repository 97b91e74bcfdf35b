"""Build a knowledge base from a folder of tables and a pool of pipelines.

::

    python -m sklearn_meta.building --data FOLDER --out FILE.sqlite
    python -m sklearn_meta.building prune --in FILE.sqlite --out SMALL.sqlite

The first command evaluates every pipeline on every table and writes the results in
between. It can be stopped at any time (Ctrl-C, SIGTERM) and resumes when it is started
again; with ``--shard 1/3`` to ``3/3``, several processes share the tables and may write
to one file. The second command keeps the pipelines that a greedy portfolio uses.

A folder holds ``manifest.json``, a list of entries such as ``{"name": "sonar", "task":
"classification", "family": "sonar", "file": "sonar.parquet", "target": "class"}``, and
the tables as Parquet or CSV files. ``family``, which variants of the same data share,
defaults to the name, ``target`` to ``"target"``, and ``file`` to
``train/TASK/NAME.parquet``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from sklearn_meta.building._builder import Builder, unfinished, worker_pool
from sklearn_meta.building._pipeline_pool import default_pool_files, read_pool
from sklearn_meta.building._provenance import check_protocol, provenance
from sklearn_meta.building._sources import (
    read_manifest,
    take_shard,
)
from sklearn_meta.building._worker_tasks import EvaluationProtocol
from sklearn_meta.data._task_names import TASKS
from sklearn_meta.exceptions import SklearnMetaError
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.pipelines.catalog._default import default_catalog

INTERRUPTED = 130
MAX_REASON = 150


def main(arguments=None) -> int:
    """Run the command; return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if arguments[:1] == ["prune"]:
            _prune(_prune_parser().parse_args(arguments[1:]))
        else:
            _fill(_fill_parser().parse_args(arguments))
    except KeyboardInterrupt:
        _say("stopped; finished results are written. Start it again to resume.")
        return INTERRUPTED
    except (SklearnMetaError, ValueError, OSError, ImportError) as error:
        _say(f"error: {error}")
        return 1
    return 0


def _say(message):
    print(message, file=sys.stderr, flush=True)


# Filling


def _fill_parser():
    protocol = EvaluationProtocol()
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_meta.building",
        description="Evaluate every pipeline of a pool on every table of a folder.",
        epilog="See also: build prune --help",
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with manifest.json")
    add("--out", type=Path, required=True, help="knowledge base to fill")
    add("--pool", type=Path, nargs="+", default=[], metavar="FILE",
        help="further pipelines, one text a line")  # fmt: skip
    add("--only-pool", action="store_true", help="leave out the pool of the package")
    add("--task", choices=TASKS, nargs="+", default=list(TASKS))
    add("--tables", nargs="+", metavar="NAME", help="these tables only")
    add("--shard", type=_shard, default=(1, 1), metavar="I/N",
        help="the I-th of N parts of the tables (default: 1/1)")  # fmt: skip
    add("--max-rows", type=int, default=protocol.max_rows,
        help="size of the sample of larger tables (default: %(default)s)")  # fmt: skip
    add("--n-folds", type=int, default=protocol.n_folds,
        help="folds of the cross-validation (default: %(default)s)")  # fmt: skip
    add("--cell-seconds", type=float, default=protocol.cell_seconds,
        help="CPU limit of a pipeline on a table (default: %(default)s)")  # fmt: skip
    add("--n-jobs", type=int, default=2,
        help="worker processes (default: %(default)s)")  # fmt: skip
    return parser


def _shard(text):
    """Read ``"2/5"``."""
    first, _, second = text.partition("/")
    if not (first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second)):
        raise argparse.ArgumentTypeError(
            f"expected I/N with 1 <= I <= N, such as 2/5; got {text!r}"
        )
    return int(first), int(second)


def _fill(arguments):
    protocol = EvaluationProtocol(
        arguments.max_rows, arguments.n_folds, arguments.cell_seconds
    )
    sources = read_manifest(
        arguments.data, tasks=arguments.task, names=arguments.tables
    )
    sources = take_shard(sources, *arguments.shard)
    pools = {
        task: read_pool(_pool_files(arguments, task), catalog=default_catalog(task))
        for task in arguments.task
    }
    knowledge_base = KnowledgeBase(arguments.out)
    check_protocol(knowledge_base, protocol)
    work = unfinished(knowledge_base, sources, pools)
    _say(
        f"{len(sources)} tables, "
        + ", ".join(f"{len(pool)} pipelines for {task}" for task, pool in pools.items())
        + f": {sum(len(texts) for _, texts in work)} evaluations to go"
    )
    knowledge_base.set_provenance(**provenance(protocol, pools, sources))
    pool = worker_pool(arguments.n_jobs)
    Builder(knowledge_base, protocol, pool, observe=_report).run(work)


def _pool_files(arguments, task):
    shipped = () if arguments.only_pool else default_pool_files(task)
    return (*shipped, *arguments.pool)


def _report(progress):
    hours, minutes = divmod(round(progress.seconds_left / 60), 60)
    _say(
        f"[{progress.n_tables_done}/{progress.n_tables}] {progress.table}: "
        f"{progress.n_evaluations} evaluations, {progress.table_seconds:.0f} CPU s; "
        f"{progress.per_second:.2f}/s, {hours} h {minutes:02d} min left"
    )
    for reason, n in progress.reasons.items():
        _say(f"    {n} without scores: {reason[:MAX_REASON]}")


# Pruning


def _prune_parser():
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_meta.building prune",
        description="Keep the pipelines that a greedy portfolio uses.",
    )
    add = parser.add_argument
    add("--in", dest="source", type=Path, required=True, help="full knowledge base")
    add("--out", type=Path, required=True, help="file to write; must not exist")
    add("--max-pipelines", type=int, default=100, metavar="N",
        help="pipelines to keep for each task (default: %(default)s)")  # fmt: skip
    add("--min-gain", type=float, default=1e-4,
        help="minimum reduction of the mean regret (default: %(default)s)")  # fmt: skip
    add("--min-share", type=float, default=0.9,
        help="minimum share of tables it was tried on (default: "
        "%(default)s)")  # fmt: skip
    return parser


def _prune(arguments):
    from sklearn_meta.building._pruning import prune

    report = prune(
        KnowledgeBase(arguments.source),
        arguments.out,
        max_pipelines=arguments.max_pipelines,
        min_gain=arguments.min_gain,
        min_share=arguments.min_share,
    )
    print(json.dumps(report, indent=2))
