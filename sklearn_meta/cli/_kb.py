"""``sklearn-meta kb``: look into, merge and build knowledge bases."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from pathlib import Path

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._files import check_can_be_written, check_is_file
from sklearn_meta.cli._messages import in_columns


def add_parser(subparsers, common):
    """Add the subcommand to a parser."""
    parser = subparsers.add_parser(
        "kb", help="look into, merge and build knowledge bases"
    )
    commands = parser.add_subparsers(
        metavar="COMMAND", required=True, parser_class=type(parser)
    )
    info = commands.add_parser(
        "info", parents=[common], help="what a knowledge base holds"
    )
    info.add_argument("file", metavar="FILE", nargs="?",
        help="knowledge base (default: the one that ships)")  # fmt: skip
    info.set_defaults(run=_info)
    merge = commands.add_parser(
        "merge", parents=[common], help="add the records of other files to a file"
    )
    merge.add_argument(
        "file", metavar="FILE", help="changed, or made if it is not there"
    )
    merge.add_argument("others", metavar="OTHER", nargs="+", help="read only")
    merge.set_defaults(run=_merge)
    # For the list of commands: `build` reads its own arguments.
    commands.add_parser(
        "build", help="fill a knowledge base from a folder of tables", add_help=False
    )


def build(arguments) -> int:
    """Run ``python -m sklearn_meta.building``.

    Parameters
    ----------
    arguments : list of str

    Returns
    -------
    status : int
    """
    from sklearn_meta.building._command import main

    if threading.current_thread() is threading.main_thread():
        # On both signals, finished results are written before the process ends.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


def _info(options, messages):
    from sklearn_meta.metalearning import KnowledgeBase

    if options.file is not None:
        check_is_file(options.file)
    records = KnowledgeBase(options.file).records()
    provenance = KnowledgeBase(options.file).provenance()
    tasks = Counter(dataset.task for dataset, _ in records)
    families = {dataset.family for dataset, _ in records}
    pipelines = {e.pipeline for _, evaluations in records for e in evaluations}
    results = {
        "file": options.file,
        "datasets": dict(tasks),
        "families": len(families),
        "pipelines": len(pipelines),
        "evaluations": sum(len(evaluations) for _, evaluations in records),
        "metrics": {
            task: list(KnowledgeBase(options.file).metrics(task)) for task in tasks
        },
        "created": provenance.get("created"),
        "created_by": provenance.get("created_by"),
    }
    lines = in_columns(
        [
            ("file", options.file or "the one that ships with the package"),
            ("datasets", _counted(tasks)),
            ("families", results["families"]),
            ("pipelines", results["pipelines"]),
            ("evaluations", results["evaluations"]),
            *((f"metrics, {t}", ", ".join(m)) for t, m in results["metrics"].items()),
            ("created", f"{results['created']} by {results['created_by']}"),
        ]
    )
    messages.results(results, lines)


def _counted(tasks):
    total = sum(tasks.values())
    parts = ", ".join(f"{n} {task}" for task, n in tasks.items())
    return f"{total} ({parts})" if parts else "0"


def _merge(options, messages):
    from sklearn_meta.metalearning import KnowledgeBase

    check_can_be_written(options.file)
    for other in options.others:
        check_is_file(other)
        if Path(other).absolute() == Path(options.file).absolute():
            raise UsageError(f"{other} cannot be merged into itself")
    knowledge_base = KnowledgeBase(options.file)
    for other in options.others:
        knowledge_base.merge(other)
        messages.note(f"{other} merged into {options.file}.")
    records = knowledge_base.records()
    n_evaluations = sum(len(evaluations) for _, evaluations in records)
    results = {
        "file": options.file, "datasets": len(records), "evaluations": n_evaluations,
    }  # fmt: skip
    lines = [
        f"{options.file}: {len(records)} datasets, {n_evaluations} evaluations",
    ]
    messages.results(results, lines)
