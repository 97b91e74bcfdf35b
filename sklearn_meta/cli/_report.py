"""``sklearn-meta report``: write the report of a model, optionally with test scores."""

from __future__ import annotations

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._files import check_can_be_written, replaced
from sklearn_meta.cli._options import add_model, add_table, add_test_target
from sklearn_meta.cli._predict import load
from sklearn_meta.cli._score import read_test


def add_parser(subparsers, common):
    """Add the subcommand to a parser."""
    parser = subparsers.add_parser(
        "report",
        parents=[common],
        help="write the report of a model, HTML",
        description="Write a report that opens in any browser, without a network.",
    )
    add_model(parser)
    add_table(parser, nargs="?", what="table with the target, new to the model")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="HTML")
    add_test_target(parser)
    parser.set_defaults(run=run)


def run(options, messages):
    """Write the report."""
    check_can_be_written(options.output)
    saved = load(options, messages)
    test = ()
    if options.table is not None:
        test = read_test(saved, options, messages)
    write_report(saved.model, options.output, *test)
    messages.note(f"Report written to {options.output}.")


def write_report(model, path, X_test=None, y_test=None):
    """Write the report of a model to a file.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor
    path : str
    X_test, y_test : array-like, default=None
        Rows that the model has not seen.
    """
    if not hasattr(model, "report"):
        raise UsageError("this version has no reports")
    with replaced(path) as temporary:
        model.report(temporary, X_test, y_test)
