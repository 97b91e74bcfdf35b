"""``sklearn-meta score``: compare the predictions of a model with a table."""

from __future__ import annotations

from sklearn_meta.cli._errors import MisfitError, UsageError, listed
from sklearn_meta.cli._messages import in_columns
from sklearn_meta.cli._options import add_model, add_table, add_test_target
from sklearn_meta.cli._predict import features_of, load
from sklearn_meta.cli._scoring import DEFAULT_SCORING


def add_parser(subparsers, common):
    """Add the subcommand to a parser."""
    parser = subparsers.add_parser(
        "score",
        parents=[common],
        help="compare the predictions of a model with a table",
        description="Write the scores of a model on a table that has the target.",
    )
    add_model(parser)
    add_table(parser, what="table with the target")
    add_test_target(parser)
    parser.set_defaults(run=run)


def run(options, messages):
    """Write the scores."""
    saved = load(options, messages)
    X, y = read_test(saved, options, messages)
    model = saved.model
    task = "classification" if hasattr(model, "classes_") else "regression"
    scoring = model.scoring or DEFAULT_SCORING[task]
    name = "score" if callable(scoring) else scoring
    scores = {name: float(_by_scoring(model, scoring, X, y))}
    measures = _of_classes if task == "classification" else _of_numbers
    scores |= {k: v for k, v in measures(model, X, y).items() if k not in scores}
    lines = in_columns(
        [("rows", len(y)), *((k, f"{v:.5g}") for k, v in scores.items())]
    )
    messages.results({"n_rows": len(y), "scores": scores}, lines)


def read_test(saved, options, messages):
    """Return features and targets of a table.

    Parameters
    ----------
    saved : Saved
    options : argparse.Namespace
    messages : Messages

    Returns
    -------
    X : pandas.DataFrame
    y : ndarray of shape (n_rows,)
        With the type of the labels of a classifier.
    """
    from dataclasses import replace

    from sklearn_meta.cli._tables import read_table
    from sklearn_meta.cli._target import rows_with_target

    name = options.target or saved.target
    if name is None:
        raise UsageError(
            f"{options.model} does not say what it predicts; add --target COLUMN"
        )
    table = read_table(options.table, messages)
    target = table.column(name)
    frame = rows_with_target(
        table, target, drop_missing=options.drop_missing_target, messages=messages
    )
    table = replace(table, frame=frame)
    X = features_of(saved, table, messages, used=[target])
    return X, _like_labels(saved.model, frame[target], table.name)


def _like_labels(model, y, name):
    """Return targets with the type of the labels of the model."""
    import numpy as np

    from sklearn_meta.cli._target import as_numbers

    classes = getattr(model, "classes_", None)
    if classes is None:
        numbers = as_numbers(y)
        if numbers is None:
            raise MisfitError(f"{y.name!r} in {name} holds no numbers")
        return numbers.to_numpy(dtype=float)
    by_text = {str(label): label for label in classes.tolist()}
    texts = [str(value) for value in y.tolist()]
    unknown = sorted(set(texts) - set(by_text))
    if unknown:
        raise MisfitError(
            f"{y.name!r} in {name} has classes that the model does not know: "
            f"{listed(unknown)}; it knows {listed(by_text)}"
        )
    return np.array([by_text[text] for text in texts], dtype=classes.dtype)


def _by_scoring(model, scoring, X, y):
    """Score by the metric of the fit."""
    from sklearn.metrics import check_scoring, log_loss

    if scoring == "neg_log_loss":
        # The scorer refuses tables without some of the classes.
        return -log_loss(y, model.predict_proba(X), labels=model.classes_)
    return check_scoring(model, scoring)(model, X, y)


def _of_classes(model, X, y):
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

    predicted, probabilities = model.predict(X), model.predict_proba(X)
    scores = {
        "accuracy": accuracy_score(y, predicted),
        "most common class": max((y == label).mean() for label in model.classes_),
    }
    if len(set(y.tolist())) > 1:
        scores["balanced_accuracy"] = balanced_accuracy_score(y, predicted)
    if len(model.classes_) == 2 and len(set(y.tolist())) == 2:
        scores["roc_auc"] = roc_auc_score(y, probabilities[:, 1])
    return {name: float(value) for name, value in scores.items()}


def _of_numbers(model, X, y):
    import numpy as np

    errors = model.predict(X) - y
    spread = ((y - y.mean()) ** 2).sum()
    scores = {
        "r2": 1 - (errors**2).sum() / spread if spread > 0 else np.nan,
        "root_mean_squared_error": np.sqrt((errors**2).mean()),
        "mean_absolute_error": np.abs(errors).mean(),
    }
    return {name: float(value) for name, value in scores.items()}
