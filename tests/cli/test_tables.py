"""Tables come from files of several kinds, and are written to them."""

import gzip
import io
import os
import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.cli import _tables
from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._messages import Messages
from sklearn_meta.cli._tables import (
    TableFile,
    cells_as_written,
    output_format,
    read_table,
    write_table,
)


@pytest.fixture
def table(tmp_path):
    """A function that reads a text or bytes from a file."""

    def read(content, name="t.csv"):
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return read_table(os.fspath(path), Messages()).frame

    return read


class Stdin:
    def __init__(self, data):
        self.buffer = io.BytesIO(data)


def test_values_have_types(table):
    frame = table("a,b,c\n1,x,2.5\n,y,3\n")
    assert frame["a"].tolist()[0] == 1 and np.isnan(frame["a"][1])
    assert frame["b"].tolist() == ["x", "y"]
    assert frame["c"].tolist() == [2.5, 3.0]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.tsv.gz"])
def test_what_was_written_is_read(tmp_path, name):
    frame = pd.DataFrame(
        {"a": [0.1, 1e-300, np.nan], "b": ['two\nlines, "so"', "ä", "日本"]}
    )
    path = os.fspath(tmp_path / name)
    write_table(frame, path)
    pd.testing.assert_frame_equal(read_table(path, Messages()).frame, frame)
    assert os.listdir(tmp_path) == [name]
    with open(path, "rb") as stream:
        assert (stream.read(2) == b"\x1f\x8b") == name.endswith(".gz")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.5, None], "d": pd.to_datetime(["2024-01-01"] * 2)})
    path = os.fspath(tmp_path / "t.parquet")
    write_table(frame, path)
    pd.testing.assert_frame_equal(read_table(path, Messages()).frame, frame)


def test_the_index_of_a_parquet_file_is_a_column_if_it_has_a_name(tmp_path):
    pytest.importorskip("pyarrow")
    path = os.fspath(tmp_path / "t.parquet")
    frame = pd.DataFrame({"a": [1, 2]}, index=[7, 8])
    frame.to_parquet(path)
    assert list(read_table(path, Messages()).frame.columns) == ["a"]
    frame.rename_axis("id").to_parquet(path)
    assert read_table(path, Messages()).frame["id"].tolist() == [7, 8]


def test_standard_streams(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Stdin(gzip.compress(b"a,b\n1,2\n")))
    found = read_table("-", Messages())
    assert found.name == "standard input"
    write_table(found.frame, "-")
    assert capsys.readouterr().out == "a,b\n1,2\n"


def test_separators_and_decimal_commas_are_noted(table, capsys):
    frame = table("a;b\n1,5;x\n2,25;y\n")
    assert frame["a"].tolist() == [1.5, 2.25]
    assert "separated by ';', decimal commas" in capsys.readouterr().err


def test_a_byte_order_mark_is_no_part_of_a_name(table):
    assert list(table("\ufeffa,b\n1,2\n").columns) == ["a", "b"]


def test_utf16(table):
    assert table("a,b\n1,ä\n".encode("utf-16"))["b"].tolist() == ["ä"]


@pytest.mark.parametrize("n", [1, 100_000])
def test_other_encodings_are_noted(table, capsys, n):
    # Within the beginning of the file, and further down.
    frame = table(b"a,b\n" + b"1,x\n" * n * 3 + b"2,Z\xfcrich\n")
    assert frame["b"].iloc[-1] == "Zürich"
    assert "is not UTF-8: read as Windows-1252" in capsys.readouterr().err


def test_a_column_without_a_name_is_noted(table, capsys):
    assert list(table(",a\n0,x\n1,y\n").columns) == ["Unnamed: 0", "a"]
    assert "--drop 'Unnamed: 0'" in capsys.readouterr().err


def test_a_header_longer_than_the_beginning(table, monkeypatch):
    monkeypatch.setattr(_tables, "HEAD_BYTES", 7)
    frame = table("first name,second name\n1,2\n")
    assert list(frame.columns) == ["first name", "second name"]


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells where the header has 2; put cells"),
        ('a,b\n1,"x\n2,y\n', "a double quote is never closed"),
        (b"PK\x03\x04...", "workbook of a spreadsheet program"),
        (b"\x00\x01\x02", "is not a text file"),
        (b"PAR1 and no more", "is damaged"),
        (gzip.compress(b"a,b\n1,2\n" * 1000)[:-20], "is damaged"),
    ],
)
def test_what_is_wrong_is_said(table, content, message):
    with pytest.raises(UsageError, match=message):
        table(content)


def test_files_that_are_not_there():
    with pytest.raises(UsageError, match="there is no file none.csv"):
        read_table("none.csv", Messages())


def test_columns_that_are_not_there():
    frame = pd.DataFrame({"price": [1], "rooms": [2]})
    table = TableFile("homes.csv", frame)
    assert table.column("price") == "price"
    with pytest.raises(
        UsageError, match=r"^no column 'prise' in homes.csv; did you mean 'price'\?$"
    ):
        table.column("prise")
    with pytest.raises(UsageError, match="it has 'price', 'rooms'"):
        table.column("zip")
    with pytest.raises(UsageError, match="in one column: separate cells by commas"):
        TableFile("t.csv", pd.DataFrame({"a b c": [1]})).column("c")
    with pytest.raises(UsageError, match="its first line holds values"):
        TableFile("t.csv", pd.DataFrame({"5.1": [1], "3": [2]})).column("y")


def test_cells_that_are_copied_keep_their_zeros(tmp_path):
    path = os.fspath(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("b;id;a\n1,50;007;NA\n")
    table = read_table(path, Messages(quiet=True))
    copied = cells_as_written(path, ["id", "b", "a"], table)
    assert copied.to_dict("list") == {"id": ["007"], "b": ["1,50"], "a": ["NA"]}


def test_formats_of_output():
    assert output_format("a.CSV.gz") == ("csv", True)
    assert output_format("a.b.tsv") == ("tsv", False)
    assert output_format("a.parquet") == ("parquet", False)
    assert output_format(os.devnull) == ("csv", False)
    for name in ("a", "a.xlsx", "a.parquet.gz", "a.gz"):
        with pytest.raises(UsageError, match="must end in .csv"):
            output_format(name)


def test_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r'pip install "sklearn-meta\[cli\]"'):
        read_table("t.csv", Messages())
