"""``sklearn-meta source``: write a model as Python source."""

from __future__ import annotations

import inspect

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._files import STANDARD, check_can_be_written, write_text
from sklearn_meta.cli._options import add_model
from sklearn_meta.cli._predict import load


def add_parser(subparsers, common):
    """Add the subcommand to a parser."""
    parser = subparsers.add_parser(
        "source",
        parents=[common],
        help="write a model as Python source",
        description="Write the best pipeline as Python source for scikit-learn.",
    )
    add_model(parser)
    parser.add_argument(
        "--ensemble", action="store_true", help="the whole model, all of its members"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=STANDARD,
        help="(default: standard output)",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(options, messages):
    """Write the source."""
    if options.output != STANDARD:
        check_can_be_written(options.output)
    source = source_of(load(options, messages).model, ensemble=options.ensemble)
    if options.output != STANDARD:
        write_text(source, options.output)
        messages.note(f"Source written to {options.output}.")
    else:
        messages.results({"source": source}, [source.rstrip("\n")])


def source_of(model, *, ensemble) -> str:
    """Return the source of a model.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor
    ensemble : bool
        Whether all members are written, or the best single pipeline.

    Returns
    -------
    source : str
    """
    if not ensemble:
        return model.to_source()
    if "ensemble" not in inspect.signature(model.to_source).parameters:
        raise UsageError("this version writes the best pipeline only")
    return model.to_source(ensemble=True)
