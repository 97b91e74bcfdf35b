"""``sklearn-meta score``: scores are those of scikit-learn."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    get_scorer,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from sklearn_meta.cli import load_model, main, save_model

pytestmark = pytest.mark.usefixtures("folder")


def scores(capsys, *arguments):
    assert main(["score", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_scores_of_a_classifier(people_model, capsys):
    found = scores(capsys, people_model, "people.csv")
    model, frame = load_model(people_model), pd.read_csv("people.csv")
    y = frame["customer"]
    predicted, probabilities = model.predict(frame[model.feature_names_in_]), None
    probabilities = model.predict_proba(frame[model.feature_names_in_])
    expected = {
        "neg_log_loss": get_scorer("neg_log_loss")(
            model, frame[model.feature_names_in_], y
        ),
        "accuracy": accuracy_score(y, predicted),
        "most common class": y.value_counts(normalize=True).max(),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "roc_auc": roc_auc_score(y == "yes", probabilities[:, 1]),
    }
    assert found["n_rows"] == 60
    assert found["scores"] == pytest.approx(expected)


def test_scores_of_a_regressor(homes_model, capsys):
    found = scores(capsys, homes_model, "homes.csv")
    model, frame = load_model(homes_model), pd.read_csv("homes.csv")
    y, predicted = frame["price"], model.predict(frame[model.feature_names_in_])
    assert found["scores"] == pytest.approx(
        {
            "neg_root_mean_squared_error": -root_mean_squared_error(y, predicted),
            "r2": r2_score(y, predicted),
            "root_mean_squared_error": root_mean_squared_error(y, predicted),
            "mean_absolute_error": mean_absolute_error(y, predicted),
        }
    )


def test_lines_for_readers(homes_model, capsys):
    assert main(["score", homes_model, "homes.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["rows", "60"]
    assert len(lines) == 5


def test_labels_are_those_of_the_model(people_model, capsys):
    frame = pd.read_csv("people.csv")
    frame.loc[0, "customer"] = "perhaps"
    frame.to_csv("people.csv", index=False)
    assert main(["score", people_model, "people.csv"]) == 3
    err = capsys.readouterr().err
    assert "classes that the model does not know: 'perhaps'" in err
    assert "it knows 'no', 'yes'" in err


def test_labels_may_have_another_type(people_model, tmp_path, capsys):
    model = load_model(people_model)
    frame = pd.read_csv("people.csv")
    X = frame[list(model.feature_names_in_)]
    numbered = model.fit(X, (frame["customer"] == "yes").astype(int))
    save_model(numbered, "numbered.skops", target="customer")
    frame["customer"] = np.where(frame["customer"] == "yes", 1, 0).astype(str)
    frame.to_parquet("people.parquet")
    found = scores(capsys, "numbered.skops", "people.parquet")
    assert found["scores"]["accuracy"] == pytest.approx(numbered.score(X, y(frame)))


def y(frame):
    return frame["customer"].astype(int)


def test_one_class_has_no_curve(people_model, capsys):
    frame = pd.read_csv("people.csv")
    frame[frame["customer"] == "yes"].to_csv("yes.csv", index=False)
    found = scores(capsys, people_model, "yes.csv")["scores"]
    assert "roc_auc" not in found and "accuracy" in found


def test_the_target_may_have_another_name(homes_model, capsys):
    frame = pd.read_csv("homes.csv").rename(columns={"price": "paid"})
    frame.to_csv("homes.csv", index=False)
    assert main(["score", homes_model, "homes.csv"]) == 2
    assert "no column 'price' in homes.csv" in capsys.readouterr().err
    assert scores(capsys, homes_model, "homes.csv", "--target", "paid")["n_rows"] == 60


def test_targets_that_are_no_numbers(homes_model, capsys):
    frame = pd.read_csv("homes.csv")
    frame.assign(price="much").to_csv("homes.csv", index=False)
    assert main(["score", homes_model, "homes.csv"]) == 3
    assert "'price' in homes.csv holds no numbers" in capsys.readouterr().err


def test_models_that_do_not_say_what_they_predict(homes_model, capsys):
    save_model(load_model(homes_model), "a.skops")
    assert main(["score", "a.skops", "homes.csv"]) == 2
    assert "does not say what it predicts; add --target" in capsys.readouterr().err
