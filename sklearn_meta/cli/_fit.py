"""``sklearn-meta fit``: search for a model of a table, and save it."""

from __future__ import annotations

import time

from sklearn_meta.cli._columns import chosen_kinds
from sklearn_meta.cli._errors import Interrupted, UsageError
from sklearn_meta.cli._files import check_can_be_written, write_text
from sklearn_meta.cli._options import (
    add_drop,
    add_recall,
    add_table,
    add_training_target,
    count,
)
from sklearn_meta.cli._report import write_report
from sklearn_meta.cli._results import lines_of_fit, results_of_fit
from sklearn_meta.cli._scoring import scoring_name
from sklearn_meta.cli._source import source_of
from sklearn_meta.data._task_names import CLASSIFICATION


def add_parser(subparsers, common):
    """Add the subcommand to a parser."""
    parser = subparsers.add_parser(
        "fit",
        parents=[common],
        help="search for a model of a column, and save it",
        description="Search for the best model of a column within some seconds, and "
        "save it. Ctrl-C ends the search, and what was found is saved.",
    )
    add_table(parser)
    add_training_target(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="model.skops",
        help="file of the model (default: %(default)s)",
    )
    _add_search(parser.add_argument_group("search"))
    _add_columns(parser.add_argument_group("columns"))
    add = parser.add_argument_group("further files").add_argument
    add("--report", metavar="FILE", help="write a report, HTML")
    add("--source", metavar="FILE", help="write the model as Python source")
    parser.set_defaults(run=run)


def _add_search(group):
    add_recall(group)
    add = group.add_argument
    add(
        "--evaluations",
        type=count,
        metavar="N",
        help="evaluate at most N pipelines; with seconds enough for them, the result "
        "is the same on every run",
    )
    add(
        "--jobs",
        type=int,
        default=-1,
        metavar="N",
        help="worker processes (default: one for each core)",
    )
    add(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of everything random (default: 0)",
    )
    add(
        "--checkpoint",
        metavar="FILE",
        help="keep evaluations, so that the same command goes on later",
    )


def _add_columns(group):
    add = group.add_argument
    add(
        "--groups",
        metavar="COLUMN",
        help="rows with the same value are never split between training and "
        "validation; no feature",
    )
    add(
        "--order",
        metavar="COLUMN",
        help="dates or numbers: validate pipelines on later rows than those they are "
        "fitted on; a feature",
    )
    add("--weights", metavar="COLUMN", help="weights of the rows; no feature")
    add_drop(group)
    add(
        "--kind",
        action="append",
        default=[],
        metavar="COLUMN=KIND,...",
        help="number, category, text, date, duration, set or drop, where a column is "
        "read as another kind",
    )


def run(options, messages):
    """Fit, and save the model."""
    start = time.monotonic()
    from sklearn_meta.cli._models import check_can_be_saved, save_model
    from sklearn_meta.cli._training import read_training

    check_can_be_saved(options.output)
    for path in (options.output, options.report, options.source):
        check_can_be_written(path)
    if options.order is not None and options.groups is not None:
        raise UsageError(
            "--order and --groups cannot be combined: validation is either on later "
            "rows or on other groups"
        )
    training = read_training(options, messages)
    scoring = scoring_name(options.scoring, training.task)
    model = _estimator(options, training, messages)
    fit_arguments = {}
    if training.groups is not None:
        fit_arguments["groups"] = training.groups
    if training.weights is not None:
        fit_arguments["sample_weight"] = training.weights
    try:
        model.fit(training.X, training.y, **fit_arguments)
        save_model(model, options.output, target=str(training.y.name))
    except KeyboardInterrupt:
        raise Interrupted("interrupted before there was a model") from None
    seconds = time.monotonic() - start
    try:
        results = results_of_fit(
            model, training, path=options.output, scoring=scoring, seconds=seconds
        )
        messages.results(results, lines_of_fit(results))
        _write_more(model, options, messages)
    except KeyboardInterrupt:
        messages.note(f"Interrupted; the model is in {options.output}.")


def _estimator(options, training, messages):
    from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor

    is_classifier = training.task == CLASSIFICATION
    estimator = MetaAutoClassifier if is_classifier else MetaAutoRegressor
    return estimator(
        time_budget=options.seconds,
        max_evaluations=options.evaluations,
        scoring=options.scoring,
        cv=training.cv,
        column_kinds=chosen_kinds(options.kind, list(training.X.columns)),
        knowledge_base=options.knowledge_base,
        n_jobs=options.jobs,
        random_state=options.seed,
        verbose=0 if messages.quiet else 1,
        checkpoint=options.checkpoint,
    )


def _write_more(model, options, messages):
    """Write what is made from the model."""
    if options.report is not None:
        write_report(model, options.report)
        messages.note(f"Report written to {options.report}.")
    if options.source is not None:
        write_text(source_of(model, ensemble=True), options.source)
        messages.note(f"Source written to {options.source}.")
