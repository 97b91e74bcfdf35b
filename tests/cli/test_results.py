"""What ``fit`` says of a model."""

import json

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.cli import load_model
from sklearn_meta.cli._results import lines_of_fit, results_of_fit
from sklearn_meta.cli._training import Training
from tests.contract.small import prices


@pytest.fixture
def results(homes_model):
    frame, target = prices()
    training = Training(frame, pd.Series(target, name="price"), "regression")
    return results_of_fit(
        load_model(homes_model), training, path=homes_model, scoring="r2", seconds=1.0
    )


def test_results_are_the_attributes(results, homes_model):
    model = load_model(homes_model)
    assert results["honest_score"] == model.honest_score_
    assert results["honest_interval"] == model.honest_interval_.tolist()
    assert results["best_score"] == model.best_score_
    assert results["n_members"] == sum(w > 0 for w in model.ensemble_weights_.values())
    assert (results["n_rows"], results["n_columns"]) == (120, 3)
    assert json.dumps(results)


def test_lines_are_sentences_then_numbers(results, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    results["summary"], results["watch_out"] = ["A word " * 10], ["Rare: classes."]
    lines = lines_of_fit(results)
    assert lines[0].startswith("- A word") and lines[1].startswith("  ")
    assert max(map(len, lines[:2])) <= 60
    assert lines[2:6] == ["", "Watch out", "- Rare: classes.", ""]
    names = [line[:13].rstrip() for line in lines[6:]]
    assert names == ["honest score", "best score", "best pipeline", "model", "next"]


def test_a_constant_has_no_best_score(results):
    assert "best score     none" in lines_of_fit({**results, "best_score": -np.inf})


def honest(results, **changes):
    lines = lines_of_fit({**results, **changes})
    (line,) = [line for line in lines if line.startswith("honest score")]
    return line.split(maxsplit=2)[2]


def test_the_score_on_new_rows(results):
    known = {"honest_score": -0.5, "honest_interval": [-0.75, -0.25]}
    assert honest(results, **known) == (
        "-0.5 (of r2, on new rows; 95 % between -0.75 and -0.25)"
    )
    nan = float("nan")
    known["honest_interval"] = [nan, nan]
    assert honest(results, **known) == "-0.5 (of r2, on new rows)"
    unknown = {"honest_score": nan, "honest_note": "in order"}
    assert honest(results, **unknown) == "not known: in order"
