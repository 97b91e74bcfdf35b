"""``sklearn-meta predict``: from a model and a table to predictions."""

import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.cli import load_model, main
from sklearn_meta.cli._models import read_saved
from tests.cli.test_tables import Stdin

pytestmark = pytest.mark.usefixtures("folder")


def written(capsys):
    return pd.read_csv(io.StringIO(capsys.readouterr().out))


def test_predictions_are_those_of_the_model(homes_model, rows, capsys):
    rows.to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv"]) == 0
    table = written(capsys)
    assert list(table.columns) == ["price"]
    expected = load_model(homes_model).predict(pd.read_csv("new.csv"))
    # Readers of csv may differ in the last digit.
    np.testing.assert_allclose(table["price"], expected, rtol=1e-12)


def test_probabilities(people_model, rows, capsys):
    rows.to_csv("new.csv", index=False)
    assert main(["predict", people_model, "new.csv", "--proba"]) == 0
    table = written(capsys)
    assert list(table.columns) == ["customer=no", "customer=yes"]
    model = load_model(people_model)
    expected = model.predict_proba(pd.read_csv("new.csv"))
    np.testing.assert_allclose(table, expected, rtol=1e-12)


def test_intervals(homes_model, rows, capsys):
    model = load_model(homes_model)
    if not hasattr(model, "predict_interval"):
        assert main(["predict", homes_model, "new.csv", "--interval", "0.5"]) == 2
        return
    rows.to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv", "--interval", "0.5"]) == 0
    table = written(capsys)
    assert list(table.columns) == ["price", "price_lower", "price_upper"]
    assert (table["price_lower"] < table["price_upper"]).all()


def test_columns_are_taken_by_name(homes_model, rows, capsys):
    rows.to_csv("new.csv", index=False)
    main(["predict", homes_model, "new.csv"])
    expected = written(capsys)
    shuffled = rows[["height", "city", "age"]].assign(extra=1, price=2.0)
    shuffled.to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv"]) == 0
    out, err = capsys.readouterr()
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(out)), expected)
    # The target is known, and not used.
    assert err == "The model does not use 'extra'.\n"


def test_missing_columns_are_named(homes_model, rows, capsys):
    rows.rename(columns={"height": "heigth"}).to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv"]) == 3
    assert capsys.readouterr() == (
        "",
        "sklearn-meta: 'height' is missing in new.csv, of the 3 columns of the model; "
        "did you mean 'heigth'?\n",
    )
    rows[["age"]].to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv"]) == 3
    assert "'city', 'height' are missing" in capsys.readouterr().err


def test_values_that_do_not_fit(homes_model, rows, capsys):
    rows.assign(age=np.inf).to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv"]) == 3
    err = capsys.readouterr().err
    assert "the table does not fit: Input" in err and "infinity" in err


def test_columns_are_kept_as_they_are(people_model, capsys):
    arguments = ["predict", people_model, "people.csv", "--keep", "id,customer"]
    assert main([*arguments, "--proba"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "id,customer,customer=no,customer=yes"
    assert out.splitlines()[8].startswith("007,")
    assert main(arguments) == 2
    assert "the predictions have a column of that name" in capsys.readouterr().err


def test_standard_input_and_output(homes_model, rows, capsys, monkeypatch):
    data = rows.to_csv(index=False).encode()
    monkeypatch.setattr(sys, "stdin", Stdin(data))
    assert main(["predict", homes_model, "-"]) == 0
    assert len(written(capsys)) == 3


def test_files_are_written(homes_model, rows, capsys):
    rows.to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv", "-o", "p.tsv.gz"]) == 0
    assert capsys.readouterr() == ("", "3 rows written to p.tsv.gz.\n")
    assert pd.read_csv("p.tsv.gz", sep="\t")["price"].notna().all()
    assert main(["predict", homes_model, "new.csv", "-o", "p.xlsx"]) == 2


def test_json(homes_model, rows, capsys):
    rows.to_csv("new.csv", index=False)
    assert main(["predict", homes_model, "new.csv", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["price"]) == 3


def test_no_rows(people_model, rows, capsys):
    rows[:0].to_csv("new.csv", index=False)
    assert main(["predict", people_model, "new.csv"]) == 0
    assert capsys.readouterr().out == "customer\n"
    assert main(["predict", people_model, "new.csv", "--proba"]) == 0
    assert capsys.readouterr().out == "customer=no,customer=yes\n"


def test_what_a_model_cannot(people_model, homes_model, capsys):
    assert main(["predict", homes_model, "homes.csv", "--proba"]) == 2
    assert "--proba is for classifiers" in capsys.readouterr().err
    assert main(["predict", people_model, "people.csv", "--interval", "0.9"]) == 2
    assert "--interval is for regressors" in capsys.readouterr().err
    assert main(["predict", people_model, "people.csv", "--interval", "90"]) == 2
    assert "expected a number between 0 and 1" in capsys.readouterr().err
    arguments = ["predict", homes_model, "homes.csv", "--proba", "--interval", "0.9"]
    assert main(arguments) == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_models_of_arrays_have_no_names(tmp_path, capsys):
    from sklearn.datasets import load_iris

    from sklearn_meta.cli import save_model
    from tests.contract.small import classifier

    model = classifier(max_evaluations=1).fit(*load_iris(return_X_y=True))
    save_model(model, "iris.skops")
    assert read_saved("iris.skops").target is None
    assert main(["predict", "iris.skops", "people.csv"]) == 2
    assert "without names of columns" in capsys.readouterr().err
