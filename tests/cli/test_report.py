"""``sklearn-meta report``: the report of a model goes to a file."""

from pathlib import Path

import pytest

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.cli import main

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def seen(monkeypatch):
    """What the report is made of, in place of a report."""
    seen = {}

    def report(self, path=None, X_test=None, y_test=None):
        seen.update(X=X_test, y=y_test)
        Path(path).write_text("<html>")

    monkeypatch.setattr(MetaAutoRegressor, "report", report, raising=False)
    return seen


def test_a_report_is_written(homes_model, seen, capsys):
    assert main(["report", homes_model, "-o", "r.html"]) == 0
    assert Path("r.html").read_text() == "<html>"
    assert seen == {"X": None, "y": None}
    assert capsys.readouterr().err == "Report written to r.html.\n"


def test_a_report_with_test_scores(homes_model, seen):
    assert main(["report", homes_model, "homes.csv", "-o", "r.html"]) == 0
    assert list(seen["X"].columns) == ["city", "age", "height"]
    assert len(seen["X"]) == len(seen["y"]) == 60


def test_an_old_report_outlives_an_error(homes_model, monkeypatch):
    def report(self, path=None, X_test=None, y_test=None):
        Path(path).write_text("half")
        raise ValueError("no report")

    monkeypatch.setattr(MetaAutoRegressor, "report", report, raising=False)
    Path("r.html").write_text("old")
    assert main(["report", homes_model, "-o", "r.html"]) == 1
    assert Path("r.html").read_text() == "old"


def test_a_report_needs_a_name(homes_model, capsys):
    assert main(["report", homes_model]) == 2
    assert "required: -o/--output" in capsys.readouterr().err
