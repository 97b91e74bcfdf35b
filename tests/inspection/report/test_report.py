"""The report as an object: shown in notebooks, saved whole, read as text."""

import os
from dataclasses import FrozenInstanceError
from html import unescape

import pytest
from sklearn.exceptions import NotFittedError

from sklearn_meta.inspection import Report
from sklearn_meta.inspection.report import _report
from sklearn_meta.inspection.report._report import write_whole
from tests.contract.small import classifier


@pytest.fixture
def report(cases):
    return cases["classes"].report


def test_with_a_path_the_page_is_written_and_returned(cases, tmp_path):
    path = tmp_path / "report.html"
    report = cases["number"].model.report(path)
    assert isinstance(report, Report)
    assert path.read_text(encoding="utf-8") == report.html
    assert os.listdir(tmp_path) == ["report.html"]


def test_save_replaces_a_file(report, tmp_path):
    path = str(tmp_path / "report.html")
    write_whole(path, "old")
    assert report.save(path) is report
    with open(path, encoding="utf-8") as file:
        assert file.read() == report.html


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def replace(source, target):
        raise OSError("no")

    monkeypatch.setattr(_report.os, "replace", replace)
    with pytest.raises(OSError, match="no"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_folder_that_is_not_there(report, tmp_path):
    with pytest.raises(FileNotFoundError):
        report.save(tmp_path / "none" / "report.html")


def test_notebooks_show_the_page_in_a_frame_without_rights(report):
    shown = report._repr_html_()
    assert shown.startswith('<iframe srcdoc="') and shown.count("<") == 2
    assert ' sandbox="" ' in shown
    inner = shown.split('"')[1]
    assert unescape(inner) == report.html


def test_text_is_the_first_two_sections(report):
    lines = str(report).splitlines()
    assert lines[0] == report.facts.title
    assert set(report.facts.summary_lines()) <= set(lines)
    assert set(report.facts.watch_lines()) <= set(lines)
    assert "<" not in repr(report)


def test_the_report_does_not_change(report):
    with pytest.raises(FrozenInstanceError):
        report.html = ""


def test_two_reports_of_a_model_say_the_same(cases):
    model = cases["classes"].model
    first, second = model.report().facts, model.report().facts
    assert first.scores == second.scores or first.scores.metric == second.scores.metric
    assert first.search.curve == second.search.curve
    assert first.inside.members == second.inside.members


def test_an_unfitted_estimator_has_no_report():
    with pytest.raises(NotFittedError):
        classifier().report()
