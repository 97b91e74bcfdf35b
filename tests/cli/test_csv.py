"""Separators, decimal marks and headers, as people have them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.cli._csv import SEPARATORS, looks_like_values, read_dialect
from sklearn_meta.cli._errors import UsageError


def dialect(text, is_whole=True, **settings):
    return read_dialect(text, "t.csv", is_whole=is_whole, **settings)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_separators(separator):
    text = "a,b,c\n1,2,x\n3,4,y\n".replace(",", separator)
    found = dialect(text)
    assert (found.separator, found.names) == (separator, ("a", "b", "c"))


def test_commas_within_cells_separate_nothing():
    found = dialect("id;name;price\n1;Smith, John;3,50\n2;Doe, Jane;4,25\n")
    assert (found.separator, found.decimal) == (";", ",")


def test_semicolons_within_cells_separate_nothing():
    found = dialect('id,options\n1,a;b;c\n2,"b;c"\n')
    assert found.separator == ","


def test_lines_within_quotes_are_cells():
    found = dialect('id,text\n1,"two\nlines, and a comma"\n2,x\n')
    assert (found.separator, found.names) == (",", ("id", "text"))


@pytest.mark.parametrize(
    "cells, decimal",
    [
        (("1,5", "2"), ","),
        (("1.5", "2"), "."),
        # Thousands, perhaps.
        (("1,500", "2,000"), "."),
        (("1,500", "2,00"), ","),
        # Both: texts, or thousands.
        (("1,5", "2.5"), "."),
    ],
)
def test_decimal_marks(cells, decimal):
    text = "a;b\n" + "".join(f"{cell};x\n" for cell in cells)
    assert dialect(text).decimal == decimal


def test_one_column_has_no_separator():
    assert dialect("a\n1\n2\n").names == ("a",)


def test_a_record_that_is_cut_does_not_count():
    found = dialect("a,b\n1,2\n3", is_whole=False)
    assert found.names == ("a", "b")
    with pytest.raises(UsageError, match="empty"):
        dialect("a,b", is_whole=False)


def test_rows_of_other_lengths_are_tolerated():
    lines = ["a,b,c", *["1,2,3"] * 8, "1,2", "1,2,3,4"]
    assert dialect("\n".join(lines)).separator == ","


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "t.csv is empty"),
        ("a,b,a\n1,2,3\n", "several columns called 'a'; rename"),
        ("a,,\n1,2,3\n", "2 columns of t.csv have no name"),
        ("a,b\n1,2,3\n4,5,6\n", "2 names, its rows have 3 cells; add the name"),
    ],
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(UsageError, match=message):
        dialect(text)


def test_a_comma_at_the_end_of_each_row_is_no_cell():
    assert dialect("a,b\n1,2,\n4,5,\n").names == ("a", "b")


CELLS = st.text(alphabet="abcäöü 0123456789", min_size=1, max_size=8).filter(str.strip)


@given(
    st.lists(CELLS, min_size=2, max_size=5, unique=True),
    st.integers(1, 5),
    st.sampled_from(SEPARATORS),
    st.data(),
)
def test_what_was_written_is_read(names, n_rows, separator, data):
    rows = data.draw(
        st.lists(
            st.lists(CELLS, min_size=len(names), max_size=len(names)),
            min_size=n_rows,
            max_size=n_rows,
        )
    )
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator).writerows([names, *rows])
    found = dialect(stream.getvalue())
    assert (found.separator, found.names) == (separator, tuple(names))


def test_names_that_are_numbers_are_values():
    assert looks_like_values(["5.1", "3.5", "-1e3"])
    assert looks_like_values(["5.1", "setosa"])
    assert not looks_like_values(["2020", "country", "price"])
    assert not looks_like_values([])
