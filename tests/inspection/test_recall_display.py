"""What became of recalled pipelines, and where the table lies among the known ones."""

import numpy as np
import pytest

from sklearn_meta.inspection import RecallDisplay
from sklearn_meta.metalearning._dataset_map import DatasetMap
from tests.inspection.models import axes, check_display, iris, texts_of  # noqa: F401


def row(dataset, pipeline, status="ok", score=None, rank=None):
    return {
        "dataset": dataset, "distance": 0.5, "weight": 0.25, "alike_in": "",
        "neighbor_rank": 1, "pipeline": pipeline, "number": 0, "status": status,
        "score": score, "rank": rank,
    }  # fmt: skip


MAP = DatasetMap(
    ("iris", "wine", "seeds"), np.eye(3)[:, :2], np.array([0.2, 0.2]), 0.5,
    (("log_rows", "skew"), ("n_classes",)),
)  # fmt: skip
DISPLAY = RecallDisplay(
    suggestions=[
        row("iris", "ridge(X)", score=0.7, rank=2),
        row("iris", "svr(X)", "pruned", score=0.5),
        row("wine", "lasso(X)", "not tried"),
        row("wine", "mlp(X)", "timeout"),
    ],
    scores=np.array([0.7, 0.9, 0.6]),
    map=MAP,
)


def test_conventions(monkeypatch):
    kinds = {"kind": "pipelines"}, {"kind": "map"}
    check_display(RecallDisplay, kinds=kinds, monkeypatch=monkeypatch)


def test_values_are_those_of_explain_recall():
    clf, *_ = iris()
    display = RecallDisplay.compute(clf)
    table = clf.explain_recall()
    assert [r["pipeline"] for r in display.suggestions] == table["pipeline"].tolist()
    assert display.neighbors() == clf.neighbors_["weight"].to_dict()
    finished = clf.leaderboard_.query("status == 'ok'")["score"]
    assert sorted(display.scores) == pytest.approx(sorted(finished))
    assert set(display.neighbors()) <= set(display.map.datasets)


def test_the_fate_of_each_pipeline(axes):  # noqa: F811
    DISPLAY.plot(axes)
    text = texts_of(axes)
    for words in (
        "rank 2 of 3", "stopped early", "not tried", "too slow", "iris", "wine",
        "weight 25 %",
    ):  # fmt: skip
        assert words in text
    labels = [t.get_text() for t in axes.get_yticklabels()]
    assert labels == ["all of this search", "ridge", "svr", "lasso", "mlp"]


def test_the_map(axes):  # noqa: F811
    DISPLAY.plot(axes, kind="map")
    text = texts_of(axes)
    for words in ("3 known datasets", "this table", "iris", "wine", "log_rows, skew"):
        assert words in text
    assert "seeds" not in text
    assert "50 % of the differences" in text


@pytest.mark.parametrize("kind", ["pipelines", "map"])
def test_nothing_recalled(kind, axes):  # noqa: F811
    note = "The knowledge base holds no tables with several outputs."
    RecallDisplay(suggestions=[], scores=[], note=note).plot(axes, kind=kind)
    assert note in texts_of(axes).replace("\n", " ")


def test_nothing_scored(axes):  # noqa: F811
    RecallDisplay(suggestions=[row("iris", "ridge(X)")], scores=[]).plot(axes)
    assert "fitted" in texts_of(axes)


def test_wrong_kind():
    with pytest.raises(ValueError, match="kind must be one of"):
        DISPLAY.plot(kind="table")
