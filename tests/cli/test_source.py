"""``sklearn-meta source``: a model as Python source."""

import inspect
import json
from pathlib import Path

import pytest
from sklearn.pipeline import Pipeline

from sklearn_meta.cli import load_model, main

pytestmark = pytest.mark.usefixtures("folder")


def test_the_source_of_the_best_pipeline(homes_model, capsys):
    assert main(["source", homes_model]) == 0
    source = capsys.readouterr().out
    assert source == load_model(homes_model).to_source()
    scope = {}
    exec(source, scope)
    assert isinstance(scope["pipeline"], Pipeline)


def test_the_source_of_all_members(homes_model, capsys):
    model = load_model(homes_model)
    code = main(["source", homes_model, "--ensemble", "-o", "s.py"])
    if "ensemble" not in inspect.signature(model.to_source).parameters:
        assert code == 2
        return
    assert code == 0
    assert Path("s.py").read_text() == model.to_source(ensemble=True)
    assert capsys.readouterr() == ("", "Source written to s.py.\n")


def test_json(homes_model, capsys):
    assert main(["source", homes_model, "--json"]) == 0
    source = json.loads(capsys.readouterr().out)["source"]
    assert source == load_model(homes_model).to_source()
