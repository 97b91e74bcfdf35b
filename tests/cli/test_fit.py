"""``sklearn-meta fit``: from a table to a model."""

import json
import os
import sys

import pandas as pd
import pytest

from sklearn_meta.cli import _fit, load_model, main
from sklearn_meta.cli._models import read_saved
from sklearn_meta.exceptions import NoCandidateError

pytestmark = pytest.mark.usefixtures("cheap")


def test_a_classifier_is_saved(folder, capsys):
    assert main(["fit", "people.csv", "--target", "customer", "--drop", "id"]) == 0
    out, err = capsys.readouterr()
    *_, honest, best, pipeline, model, following = out.splitlines()
    assert model.startswith("model          model.skops (")
    assert following.endswith(
        "sklearn-meta predict model.skops NEW.csv -o predictions.csv"
    )
    assert "Task: classification, as 'customer' holds 2 different texts" in err
    assert "best -" in err
    saved = read_saved("model.skops")
    assert saved.target == "customer"
    assert list(saved.model.feature_names_in_) == ["city", "age", "height"]
    assert f"{saved.model.honest_score_:.5g}" in honest
    assert f"{saved.model.best_score_:.5g}" in best
    assert pipeline == f"best pipeline  {saved.model.best_pipeline_}"


def test_a_regressor_is_saved(folder, capsys):
    assert main(["fit", "homes.csv", "-t", "price", "-o", "h.skops", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    model = load_model("h.skops")
    assert results["task"] == "regression"
    assert results["scoring"] == "neg_root_mean_squared_error"
    assert results["best_score"] == model.best_score_
    assert results["n_evaluations"] == 3
    assert results["best_pipeline"] == model.best_pipeline_


def test_options_are_parameters(folder, monkeypatch):
    arguments = ["fit", "people.csv", "-t", "customer", "-q"]
    arguments += ["--seconds", "9", "--evaluations", "2", "--scoring", "accuracy"]
    arguments += ["--kind", "city=text,age=category", "--jobs", "1", "--seed", "3"]
    arguments += ["--knowledge-base", "kb.sqlite", "--checkpoint", "c.sqlite"]
    made = []
    real = _fit._estimator

    def keep(*given):
        made.append(real(*given))
        raise NoCandidateError("that is all")

    monkeypatch.setattr(_fit, "_estimator", keep)
    assert main(arguments) == 1
    assert made[0].time_budget == 9.0
    assert made[0].scoring == "accuracy"
    assert made[0].column_kinds == {"city": "text", "age": "category"}
    assert made[0].knowledge_base == "kb.sqlite"
    assert made[0].checkpoint == "c.sqlite"
    assert made[0].verbose == 0


def test_groups_and_weights_reach_the_fit(folder, monkeypatch):
    frame = pd.read_csv("homes.csv")
    frame["who"], frame["w"] = frame.index % 6, 1.0 + frame.index % 2
    frame.to_csv("homes.csv", index=False)
    seen = {}

    def fit(self, X, y, **given):
        seen.update(given)
        raise NoCandidateError("that is all")

    from sklearn_meta import MetaAutoRegressor

    monkeypatch.setattr(MetaAutoRegressor, "fit", fit)
    arguments = ["fit", "homes.csv", "-t", "price", "--groups", "who"]
    assert main([*arguments, "--weights", "w"]) == 1
    assert seen["groups"].tolist() == frame["who"].tolist()
    assert seen["sample_weight"].tolist() == frame["w"].tolist()


def test_rows_in_time_order(folder, capsys):
    arguments = ["fit", "homes.csv", "-t", "price", "--order", "age", "-q"]
    assert main(arguments) == 0
    assert load_model("model.skops").cv.n_splits == 5
    assert main([*arguments, "--groups", "city"]) == 2
    assert "--order and --groups cannot be combined" in capsys.readouterr().err


def test_rows_without_a_target(folder, capsys):
    frame = pd.read_csv("homes.csv")
    frame.loc[:2, "price"] = None
    frame.to_csv("homes.csv", index=False)
    assert main(["fit", "homes.csv", "-t", "price"]) == 2
    assert "leave them out with --drop-missing-target" in capsys.readouterr().err
    assert main(["fit", "homes.csv", "-t", "price", "--drop-missing-target"]) == 0
    assert "fitted on 57 rows" in capsys.readouterr().out


def test_warnings_of_the_fit_are_notes(folder, capsys):
    frame = pd.read_csv("homes.csv")
    frame["id"] = [f"a{i}b{i * 7}" for i in range(60)]
    frame.to_csv("homes.csv", index=False)
    assert main(["fit", "homes.csv", "-t", "price"]) == 0
    err = capsys.readouterr().err
    (line,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert "'id'" in line and "Warning" not in line


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["-t", "prise"], "no column 'prise' in homes.csv; did you mean 'price'?"),
        (["-t", "price", "--drop", "cty"], "no column 'cty' in homes.csv; did you"),
        (["-t", "price", "-o", "none/a.skops"], "there is no folder"),
        (["-t", "price", "-o", "a.model"], "must end in .skops"),
        (["-t", "price", "--report", "none/r.html"], "there is no folder"),
        (
            ["-t", "price", "--scoring", "r22"],
            "no scorer 'r22' in scikit-learn; did you",
        ),
        (["-t", "price", "--kind", "age"], "--kind needs COLUMN=KIND"),
        (["-t", "price", "--seconds", "0"], "expected a number above 0"),
        ([], "the following arguments are required: -t/--target"),
    ],
)
def test_what_is_wrong_is_said_before_the_search(folder, capsys, arguments, message):
    assert main(["fit", "homes.csv", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err.splitlines()[-1]
    assert not os.path.exists("model.skops")


def test_missing_skops_is_said_before_the_search(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    assert main(["fit", "homes.csv", "-t", "price", "--evaluations", "1"]) == 2
    err = capsys.readouterr().err
    assert "skops, which is not installed" in err and "evaluation" not in err


def test_a_target_that_is_constant(folder, capsys):
    frame = pd.read_csv("homes.csv").assign(price="a")
    frame.to_csv("homes.csv", index=False)
    assert main(["fit", "homes.csv", "-t", "price"]) == 1
    assert "at least 2 classes in y" in capsys.readouterr().err


def test_names_of_other_alphabets(folder, capsys):
    frame = pd.read_csv("people.csv").rename(columns={"customer": "客户", "age": "âge"})
    frame["客户"] = frame["客户"].map({"yes": "да", "no": "нет"})
    frame.to_csv("people.csv", index=False)
    arguments = ["fit", "people.csv", "-t", "客户", "--drop", "id", "-q"]
    assert main(arguments) == 0
    capsys.readouterr()
    assert main(["predict", "model.skops", "people.csv"]) == 0
    header, *rows = capsys.readouterr().out.split()
    assert header == "客户" and set(rows) == {"да", "нет"}


# Ctrl-C


def test_an_interrupt_before_there_is_a_model(folder, capsys, monkeypatch):
    from sklearn_meta import MetaAutoRegressor

    def interrupt(self, X, y):
        raise KeyboardInterrupt

    monkeypatch.setattr(MetaAutoRegressor, "fit", interrupt)
    assert main(["fit", "homes.csv", "-t", "price"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        "sklearn-meta: interrupted before there was a model"
    )
    assert not os.path.exists("model.skops")


def test_an_interrupt_of_the_search_saves_what_was_found(folder, capsys, monkeypatch):
    from sklearn_meta.evaluation._engine import Engine

    real = Engine._tell

    def tell(self, evaluation):
        real(self, evaluation)
        if len(self.history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "_tell", tell)
    assert main(["fit", "homes.csv", "-t", "price"]) == 0
    out, err = capsys.readouterr()
    assert "interrupted" in out
    assert "warning: Interrupted after 2 evaluations" in err
    assert load_model("model.skops").n_evaluations_ == 2


def test_an_interrupt_after_the_model_is_saved(folder, capsys, monkeypatch):
    def interrupt(model, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(_fit, "write_report", interrupt)
    assert main(["fit", "homes.csv", "-t", "price", "--report", "r.html"]) == 0
    out, err = capsys.readouterr()
    assert "model.skops" in out
    assert err.splitlines()[-1] == "Interrupted; the model is in model.skops."


def test_an_earlier_model_outlives_a_failure(folder):
    (folder / "model.skops").write_text("earlier")
    frame = pd.read_csv("homes.csv").assign(price="a")
    frame.to_csv("homes.csv", index=False)
    assert main(["fit", "homes.csv", "-t", "price"]) == 1
    assert (folder / "model.skops").read_text() == "earlier"


# What is made of the model


def test_source_is_written(folder, monkeypatch):
    monkeypatch.setattr(_fit, "source_of", lambda model, ensemble: "source = 1\n")
    arguments = ["fit", "homes.csv", "-t", "price", "--source", "s.py", "-q"]
    assert main(arguments) == 0
    assert (folder / "s.py").read_text() == "source = 1\n"
