"""``sklearn-meta recommend``: what recall would try first."""

import json

import pandas as pd
import pytest

from sklearn_meta.cli import main
from sklearn_meta.metalearning import KNNMetaLearner

pytestmark = pytest.mark.usefixtures("folder")


def test_recommendations_are_those_of_the_meta_learner(capsys):
    arguments = ["recommend", "homes.csv", "--target", "price", "-n", "4", "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["pipelines"]) == 4 and len(found["neighbors"]) == 3
    frame = pd.read_csv("homes.csv")
    y = frame.pop("price")
    expected = KNNMetaLearner().fit().recommend(frame, y, n=4)
    # For another budget, others may come first.
    assert {p["pipeline"] for p in found["pipelines"]} & {r.pipeline for r in expected}
    assert all(p["expected_seconds"] > 0 for p in found["pipelines"])


def test_lines_for_readers(capsys):
    assert main(["recommend", "people.csv", "-t", "customer", "--drop", "id"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["regret", "seconds", "pipeline", "good", "on"]
    assert lines[1].split()[0] == "1" and lines[10].split()[0] == "10"
    assert lines[12].startswith("similar tables")
    assert len(lines) == 16


def test_a_knowledge_base_of_another_program(capsys):
    arguments = ["recommend", "homes.csv", "-t", "price"]
    assert main([*arguments, "--knowledge-base", "homes.csv"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("sklearn-meta: ")
