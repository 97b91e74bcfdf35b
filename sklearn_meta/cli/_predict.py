"""``sklearn-meta predict``: apply a model to the rows of a table."""

from __future__ import annotations

from sklearn_meta.cli._columns import columns_of
from sklearn_meta.cli._errors import MisfitError, UsageError, hint, listed, one_line
from sklearn_meta.cli._files import STANDARD, check_can_be_written
from sklearn_meta.cli._options import add_model, add_table, share

# Name of the column of predictions if the model does not know the name of its target.
UNNAMED = "prediction"


def add_parser(subparsers, common):
    """Add the subcommand to a parser."""
    parser = subparsers.add_parser(
        "predict",
        parents=[common],
        help="apply a model to the rows of a table",
        description="Write one prediction for each row of a table, in a column that is "
        "called as the target.",
    )
    add_model(parser)
    add_table(parser, what="table with the columns of the model")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default=STANDARD,
        help="table of the predictions: .csv, .tsv, .parquet (default: csv on standard "
        "output)",
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--proba", action="store_true", help="the probability of each class"
    )
    kind.add_argument(
        "--interval",
        type=share,
        metavar="SHARE",
        help="bounds that this share of the targets lies between, such as 0.9",
    )
    parser.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="COLUMN,...",
        help="columns of the table to write beside, such as an identifier",
    )
    parser.set_defaults(run=run)


def load(options, messages):
    """Load the model of an option, with a note if it was made by other versions."""
    from sklearn_meta.cli._models import differing_versions, read_saved

    saved = read_saved(options.model, allow_pickle=options.allow_pickle)
    other = differing_versions(saved)
    if other:
        messages.note(f"{options.model} was made with {other}: check its predictions.")
    return saved


def run(options, messages):
    """Predict, and write the predictions."""
    from sklearn_meta.cli._tables import (
        cells_as_written,
        output_format,
        read_table,
        write_table,
    )

    if options.output != STANDARD:
        check_can_be_written(options.output)
        output_format(options.output)
    saved = load(options, messages)
    _check_can(saved.model, options)
    table = read_table(options.table, messages)
    kept = columns_of(table, options.keep)
    X = features_of(saved, table, messages, used=kept)
    predictions = _predictions(saved, X, options)
    if kept:
        beside = cells_as_written(options.table, kept, table)
        both = [name for name in kept if name in predictions.columns]
        if both:
            raise UsageError(
                f"--keep {both[0]}: the predictions have a column of that name"
            )
        for position, name in enumerate(kept):
            predictions.insert(position, name, beside[name].to_numpy())
    if options.json and options.output == STANDARD:
        messages.results(predictions.to_dict(orient="list"), ())
    else:
        write_table(predictions, options.output)
        if options.output != STANDARD:
            messages.note(f"{len(predictions)} rows written to {options.output}.")


def features_of(saved, table, messages, used=()):
    """Return the columns of a model from a table.

    Parameters
    ----------
    saved : Saved
    table : TableFile
    messages : Messages
        Gets a note on columns that the model does not use.
    used : collection of str
        Columns that are used for something else.

    Returns
    -------
    X : pandas.DataFrame

    Raises
    ------
    MisfitError
        If columns are missing; the message names them.
    """
    names = feature_names(saved.model)
    found = list(table.frame.columns)
    missing = [name for name in names if name not in found]
    if missing:
        spare = [name for name in found if name not in names]
        close = hint(missing[0], spare) if len(missing) == 1 else ""
        verb = "is" if len(missing) == 1 else "are"
        raise MisfitError(
            f"{listed(missing)} {verb} missing in {table.name}, of the {len(names)} "
            f"columns of the model{close}"
        )
    others = [n for n in found if n not in {*names, *used, saved.target}]
    if others:
        messages.note(f"The model does not use {listed(others)}.")
    return table.frame[names]


def feature_names(model):
    """Return the names of the columns that a model was fitted on.

    Raises
    ------
    UsageError
        If it was fitted on a table without names.
    """
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        raise UsageError(
            "the model was fitted on a table without names of columns; use it in Python"
        )
    return [str(name) for name in names]


def _check_can(model, options):
    """Raise a `UsageError` if a model cannot predict what is asked for."""
    from sklearn.base import is_classifier

    if options.proba and not is_classifier(model):
        raise UsageError("--proba is for classifiers; for a regressor try --interval")
    if options.interval is not None and is_classifier(model):
        raise UsageError("--interval is for regressors; for a classifier try --proba")
    if options.interval is not None and not hasattr(model, "predict_interval"):
        raise UsageError("--interval: this version has no prediction intervals")


def _predictions(saved, X, options):
    """Return the table of predictions."""
    import numpy as np
    import pandas as pd

    model, target = saved.model, saved.target or UNNAMED
    n_outputs = getattr(model.ensemble_, "n_outputs_", 1)
    if options.proba:
        columns = [f"{target}={label}" for label in np.ravel(model.classes_)]
        values = _fitting(model.predict_proba, X, len(columns))
    elif options.interval is not None:
        columns = [target, f"{target}_lower", f"{target}_upper"]
        values = np.column_stack(
            [
                _fitting(model.predict, X, 1),
                _fitting(lambda X: model.predict_interval(X, options.interval), X, 2),
            ]
        )
    else:
        return pd.DataFrame({target: _fitting(model.predict, X, n_outputs)})
    return pd.DataFrame(values, columns=columns)


def _fitting(predict, X, n_columns):
    """Return predictions; a `MisfitError` if the values do not fit the model."""
    import numpy as np

    if not len(X):
        return np.empty((0, n_columns) if n_columns > 1 else 0)
    try:
        return predict(X)
    except (TypeError, ValueError) as error:
        raise MisfitError(f"the table does not fit: {one_line(error)}") from error
