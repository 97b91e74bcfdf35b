"""What ``sklearn-meta fit`` says of a model: numbers, and sentences."""

from __future__ import annotations

import math
import os
import shutil
import textwrap

from sklearn_meta.cli._messages import in_columns

# Characters of a line of text.
MAX_WIDTH = 88


def results_of_fit(model, training, *, path, scoring, seconds) -> dict:
    """Return what is known of a fitted model.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor
        Fitted.
    training : Training
        The table that it was fitted to.
    path : str
        File of the model.
    scoring : str
        Name of the metric.
    seconds : float
        Seconds from the start of the command until the model was saved.

    Returns
    -------
    results : dict
        For JSON. ``summary`` and ``watch_out`` are lists of sentences.
    """
    # Of the report, which measures the seconds of a prediction for them.
    from sklearn_meta.inspection.report._collect import collect_facts

    facts = collect_facts(model)
    return {
        "model": path,
        "target": str(training.y.name),
        "task": training.task,
        "n_rows": len(training.X),
        "n_columns": training.X.shape[1],
        "scoring": scoring,
        "honest_score": float(model.honest_score_),
        "honest_interval": [float(bound) for bound in model.honest_interval_],
        "honest_note": model.honest_note_,
        "best_score": float(model.best_score_),
        "best_pipeline": model.best_pipeline_,
        "n_members": sum(weight > 0 for weight in model.ensemble_weights_.values()),
        "n_evaluations": model.n_evaluations_,
        "stop_reason": model.stop_reason_,
        "seconds": round(seconds, 2),
        "summary": facts.summary_lines(),
        "watch_out": facts.watch_lines(),
    }


def lines_of_fit(results) -> list[str]:
    """Return results as lines for readers.

    Parameters
    ----------
    results : dict
        From `results_of_fit`.

    Returns
    -------
    lines : list of str
    """
    lines = _sentences(results["summary"])
    if results["watch_out"]:
        lines += ["", "Watch out", *_sentences(results["watch_out"])]
    scoring, best = results["scoring"], results["best_score"]
    pairs = [
        ("honest score", _honest(results)),
        (
            "best score",
            f"{best:.5g} (of {scoring}, the best pipeline cross-validated)"
            if math.isfinite(best)
            else "none",
        ),
        ("best pipeline", results["best_pipeline"]),
        ("model", f"{results['model']} ({_size(results['model'])})"),
        ("next", f"sklearn-meta predict {results['model']} NEW.csv -o predictions.csv"),
    ]
    return [*lines, "", *in_columns(pairs)]


def _sentences(sentences):
    """Return sentences as items of a list, broken into lines."""
    width = min(MAX_WIDTH, shutil.get_terminal_size().columns)
    lines = []
    for sentence in sentences:
        lines += textwrap.wrap(
            sentence,
            width,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _honest(results):
    """Return the score on new rows, or why it is not known."""
    score = results["honest_score"]
    if score != score:
        return f"not known: {results['honest_note']}"
    low, high = results["honest_interval"]
    text = f"{score:.5g} (of {results['scoring']}, on new rows"
    return (
        f"{text}; 95 % between {low:.5g} and {high:.5g})" if low == low else f"{text})"
    )


def _size(path):
    n_bytes = os.path.getsize(path)
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:.0f} kB"
