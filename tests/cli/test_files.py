"""Files are written as a whole or not at all."""

import io
import os
import sys

import pytest

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._files import (
    check_can_be_written,
    check_is_file,
    replaced,
    write_standard,
    write_text,
)


def test_a_file_is_there_once_it_is_complete(tmp_path):
    path = tmp_path / "a.txt"
    with replaced(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_after_an_error_the_old_file_is_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replaced(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_others_may_read_what_they_usually_may(tmp_path):
    usual, path = tmp_path / "usual", tmp_path / "path"
    usual.write_text("")
    write_text("", path)
    assert path.stat().st_mode == usual.stat().st_mode


def test_links_stay(tmp_path):
    path, link = tmp_path / "path", tmp_path / "link"
    path.write_text("old")
    link.symlink_to(path)
    write_text("new", link)
    assert link.is_symlink() and path.read_text() == "new"


def test_what_is_no_file_is_not_replaced():
    write_text("nothing", os.devnull)
    assert not os.path.isfile(os.devnull)


def test_standard_output_is_utf8(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    print("first")
    write_standard("“größe”\n")
    assert stdout.buffer.getvalue().decode() == "first\n“größe”\n"
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    write_standard("é")
    assert sys.stdout.getvalue() == "é"


def test_what_cannot_be_written_is_said_before(tmp_path):
    check_can_be_written(None)
    check_can_be_written("-")
    check_can_be_written(tmp_path / "a")
    with pytest.raises(UsageError, match="is a folder"):
        check_can_be_written(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        check_can_be_written(tmp_path / "none" / "a")


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "homes.csv").touch()
    check_is_file(tmp_path / "homes.csv")
    with pytest.raises(UsageError, match="did you mean 'homes.csv'"):
        check_is_file(tmp_path / "home.csv")
    with pytest.raises(UsageError, match="is a folder"):
        check_is_file(tmp_path)
