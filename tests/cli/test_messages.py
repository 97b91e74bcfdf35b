"""Notes on standard error, results on standard output."""

import json
import sys
import warnings

import numpy as np

from sklearn_meta.cli._messages import Messages, as_lines, in_columns


def test_notes_and_results_go_to_different_streams(capsys):
    messages = Messages()
    messages.note("note")
    messages.results({"a": 1}, ["a 1"])
    out, err = capsys.readouterr()
    assert (out, err) == ("a 1\n", "note\n")


def test_quiet_messages_have_no_notes(capsys):
    Messages(quiet=True).note("note")
    assert capsys.readouterr().err == ""


def test_json_has_no_nan(capsys):
    values = {"a": np.float64(np.nan), "b": np.arange(2), "c": [float("inf"), "é"]}
    Messages(as_json=True).results(values, ["not this"])
    text = capsys.readouterr().out
    assert json.loads(text) == {"a": None, "b": [0, 1], "c": [None, "é"]}
    assert "é" in text


def test_warnings_for_users_are_notes(capsys):
    with Messages().warnings_as_notes():
        warnings.warn("for\nusers", UserWarning, stacklevel=1)
        warnings.warn("for programmers", FutureWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: for users\n"


def test_warnings_do_not_end_in_the_line_of_progress(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with Messages().warnings_as_notes():
        warnings.warn("for users", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "\r\x1b[2Kwarning: for users\n"


def test_values_are_below_each_other():
    assert in_columns([("a", 1), ("longer", "x")]) == ["a       1", "longer  x"]
    assert in_columns([]) == []


def test_tables_are_aligned():
    rows = [("n", "name"), ("10", "x")]
    assert as_lines(rows, right=(0,)) == [" n  name", "10  x"]
