"""Figures are whole SVG images without references, also of hostile names."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from sklearn_meta.inspection.report import _figures
from sklearn_meta.inspection.report._facts import (
    ClassQuality,
    Curve,
    Importance,
    NumberQuality,
    Reliability,
    Search,
)
from sklearn_meta.inspection.report._figures import (
    draw_confusion,
    draw_errors,
    draw_importance,
    draw_reliability,
    draw_roc,
    draw_search,
)
from sklearn_meta.inspection.report._metric import Metric
from tests.inspection.report.conftest import HOSTILE

LINE = np.linspace(0, 1, 11)
SEARCH = Search(
    True, 4, 5, (), (), ((0, -1.0, "portfolio"), (1, -0.5, "mutation"),
    (3, -9e9, "random")), "", 1.0, 1, (), "",
)  # fmt: skip


def confusion(k, names=None):
    names = tuple(f"class {i}" for i in range(k)) if names is None else names
    counts = 20 * np.eye(k, dtype=int)
    counts += np.random.default_rng(0).poisson(10 / k, size=(k, k))
    return draw_confusion(ClassQuality(names, counts))


def errors(y):
    y = np.asarray(y, dtype=float)
    return draw_errors(NumberQuality("a", 1, 1, 1, 1, 1, (0, 1), y, y + 0.5), "$\\frac")


DRAWN = {
    "two classes": lambda: confusion(2),
    "twelve classes": lambda: confusion(12),
    "sixty classes": lambda: confusion(60),
    "two hundred classes": lambda: confusion(200),
    "hostile classes": lambda: confusion(5, HOSTILE),
    "roc": lambda: draw_roc([Curve(name, LINE, LINE, 0.5) for name in HOSTILE]),
    "calibration": lambda: draw_reliability(Reliability(LINE, LINE, 0.0), HOSTILE[3]),
    "errors": lambda: errors(np.arange(300)),
    "errors of a constant": lambda: errors(np.zeros(5)),
    "errors of huge numbers": lambda: errors(np.arange(5) * 1e300),
    "search": lambda: draw_search(SEARCH, Metric("neg_log_loss")),
    "search of a score": lambda: draw_search(SEARCH, Metric("accuracy")),
    "equal scores": lambda: draw_search(
        replace(SEARCH, curve=((0, 1.0, "a"), (1, 1.0, "a"))), Metric("accuracy")
    ),
    "importance": lambda: draw_importance(
        Importance(HOSTILE, (0.5,) * 5, (0.1,) * 5, 10, 3, "accuracy")
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_figures_are_whole_and_refer_to_nothing(name):
    svg = DRAWN[name]()
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    # Text is drawn as paths: fonts of the reader do not matter.
    assert "<text" not in svg and "font-family" not in svg
    for link in re.findall(r'href="([^"]*)"', svg):
        assert link.startswith(("#", "data:image/png;base64,"))
    assert "alert" not in re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    assert len(svg) < 120_000


@pytest.mark.parametrize("name", ["two classes", "errors", "search"])
def test_the_same_figure_is_the_same_file(name):
    assert DRAWN[name]() == DRAWN[name]()


def test_numbers_of_rows_are_not_in_the_file():
    svg = errors(np.arange(300) + 0.123456)
    points = re.sub(r"base64,[^\"]*", "", svg)
    # Axes, grid and numbers only.
    assert points.count("<use") < 200


def test_settings_of_the_user_stay_and_do_not_matter():
    import matplotlib

    before = DRAWN["two classes"]()
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30}):
        assert DRAWN["two classes"]() == before
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize("name", DRAWN)
def test_without_matplotlib_there_is_none(name, monkeypatch):
    monkeypatch.setattr(_figures, "find_spec", lambda name: None)
    assert DRAWN[name]() is None


def test_nothing_to_draw():
    assert draw_roc(()) is None
    assert confusion(201) is None
    assert draw_reliability(None, "") is None
    assert draw_importance(None) is None
    assert draw_search(replace(SEARCH, curve=()), Metric("accuracy")) is None
