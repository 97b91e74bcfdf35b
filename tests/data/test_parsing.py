"""Cells are parsed as text, numbers, dates and durations."""

import datetime as dt
import enum
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_meta.data.parsing import (
    affixes_of,
    as_text,
    date_parser,
    duration_of,
    is_missing,
    number_parser,
    parse_dates,
    parse_durations,
    parse_numbers,
    printed,
)


class Color(enum.Enum):
    RED = 1
    BLUE = "blue"


def number(text, decimal=".", unit=None):
    """The number of one cell, which does not depend on the others of a table."""
    value = number_parser(decimal, unit)(text)
    alone = parse_numbers([[text]], decimal=decimal, unit=unit)
    among = parse_numbers([[text], ["$1"]], decimal=decimal, unit=unit)
    assert_array_equal(alone, [[value]])
    assert_array_equal(among, [[value], [1]])
    return value


def date(text, format=None):
    milliseconds = date_parser(format)(text)
    parsed = parse_dates([[text]], format=format)[0, 0]
    assert parsed.view(np.int64) == milliseconds
    return parsed


# ------------------------------------------------------------------------- missing


@pytest.mark.parametrize(
    "value",
    [None, np.nan, np.float32("nan"), Decimal("NaN"), pd.NA, pd.NaT]
    + [np.datetime64("NaT"), np.timedelta64("NaT")],
)
def test_what_is_missing(value):
    assert is_missing(value)
    assert printed(value) is None
    assert np.isnan(parse_numbers([[value]])).all()
    assert np.isnat(parse_dates([[value]])).all()
    assert np.isnan(parse_durations([[value]])).all()


@pytest.mark.parametrize("value", [0, "", "nan", False, np.datetime64("2020"), ()])
def test_what_is_not_missing(value):
    assert not is_missing(value)


# ---------------------------------------------------------------------- printed form


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a ", "a "),
        (np.str_("a"), "a"),
        (5, "5"),
        (5.0, "5"),
        (np.float32(5), "5"),
        (np.int8(5), "5"),
        (Decimal("5.00"), "5"),
        (Fraction(1, 2), "0.5"),
        (Fraction(10**400), str(10**400)),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e300, "1e+300"),
        (2**60, str(2**60)),
        (True, "True"),
        (np.bool_(False), "False"),
        (b"\xff5", "\ufffd5"),
        (np.timedelta64(5, "s"), "5 seconds"),
        (Color.RED, "1"),
        (Color.BLUE, "blue"),
        (dt.date(2024, 5, 1), "2024-05-01"),
        (pd.Interval(0, 1), "(0, 1]"),
    ],
)
def test_printed_form(value, text):
    assert printed(value) == text
    assert type(printed(value)) is str
    assert as_text([[value, "b"]]).tolist() == [[text, "b"]]


def test_equal_cells_of_several_types_keep_their_printed_forms():
    texts = as_text(np.array([[1, True, 1.0, "1", None]], dtype=object))
    assert texts.tolist() == [["1", "True", "1", "1", None]]
    assert as_text([[[1], [1]]][0]).tolist() == [["1"], ["1"]]


# --------------------------------------------------------------------------- numbers

NUMBERS = {
    "5": 5, " 5 ": 5, "+5": 5, "-5": -5, "\u22125": -5, "5.": 5, ".5": 0.5, "-.5": -0.5,
    "007": 7, "1e3": 1000, "1.5E-3": 0.0015, "1,234": 1234, "1,234,567.89": 1234567.89,
    "1 234 567": 1234567, "1\u00a0234": 1234, "1'234.5": 1234.5, "1\u2019234": 1234,
    "12,34,567": 1234567, "1,23,456.5": 123456.5,
    "$5": 5, "$ 5": 5, "5$": 5, "5 €": 5, "€5": 5, "EUR 5": 5, "5 EUR": 5, "eur 5": 5,
    "Rs. 1,500": 1500, "US$5": 5, "US $5": 5, "R$ 5": 5, "CHF 1'000": 1000, "5 zł": 5,
    "-$5": -5, "$-5": -5, "$ -5": -5, "($5)": -5, "(5)": -5, "5-": -5, "(12 %)": -12,
    "5%": 5, "5 %": 5, "5\u2030": 5, "1.2k": 1200, "1.2 K": 1200,
    "3M": 3e6, "3 Mio": 3e6, "2bn": 2e9, "2 billion": 2e9, "$1.5M": 1.5e6,
    "True": np.nan,
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text):
    assert_array_equal(number(text), NUMBERS[text])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,5", 1.5), ("1.234,5", 1234.5), ("1.234.567", 1234567), ("1234", 1234),
        ("1 234,5 €", 1234.5), ("12,5 %", 12.5), ("-0,5", -0.5), (",5", 0.5),
        ("1.5", np.nan), ("1,234,567", np.nan), ("0.345", np.nan),
    ],
)  # fmt: skip
def test_decimal_commas(text, value):
    assert_array_equal(number(text, decimal=","), value)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5 kg", "kg", 5), ("5kg", "kg", 5), ("5", "kg", 5), ("5 g", "kg", np.nan),
        ("5 kg", None, np.nan), ("-3.5°C", "°C", -3.5), ("3 m", "m", 3),
        ("3 m", None, 3e6), ("12 m2", "m2", 12),
        ("4/5", "/5", 4), ("4.1/5", "/5", 4.1), ("4/6", "/5", np.nan),
        ("4.5 out of 5 stars", "out of 5 stars", 4.5), ("4/5", None, np.nan),
    ],
)  # fmt: skip
def test_units(text, unit, value):
    assert_array_equal(number(text, unit=unit), value)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "abc", "-", ".", ",", "$", "()", "(5", "5)", "1-2", "1/2", "1.2.3",
        "1_000", "10-20", ">5", "<5", "5+", "~5", "0x10", "1,2,3", "0,345", "1,23",
        "12,345,6", "#5", "5 a 6", "inf", "-inf", "nan", "1e999", "5 x 6", "A5", "5A7",
        "12:30", "1 2", "xyz 5",
    ],
)  # fmt: skip
def test_what_is_no_number(text):
    assert np.isnan(number(text))


def test_cells_that_are_numbers_already():
    cells = [
        [5],
        [2.5],
        [True],
        [Decimal("1.5")],
        [np.int8(3)],
        [None],
        [np.inf],
        ["x"],
    ]
    expected = [[5], [2.5], [1], [1.5], [3], [np.nan], [np.nan], [np.nan]]
    assert_array_equal(parse_numbers(cells), expected)
    assert_array_equal(parse_numbers(cells[:-1]), expected[:-1])
    assert np.isnan(
        parse_numbers([[np.timedelta64(5, "s")], [dt.date(2024, 5, 1)]])
    ).all()
    assert np.isnan(parse_numbers([[10**400], [[1]], [{}], [1j]])).all()


def test_what_stands_around_the_digits():
    assert affixes_of("$5") == ("$", "")
    assert affixes_of("5 kg") == ("", "kg")
    assert affixes_of("5 m/s") == ("", "m/s")
    assert affixes_of("five") is None


def grouped(value, separator, decimal, digits):
    text = f"{value:,.{digits}f}"
    return text.replace(",", "~").replace(".", decimal).replace("~", separator)


AMOUNTS = st.decimals(-(10**9), 10**9, places=2, allow_nan=False).map(float)
GROUPS = [
    (",", "."),
    ("", "."),
    ("'", "."),
    (" ", "."),
    ("\u202f", ","),
    (".", ","),
    ("", ","),
]
AROUND = [
    ("", ""),
    ("$", ""),
    ("", " €"),
    ("EUR ", ""),
    ("", " %"),
    ("£ ", ""),
    ("", " USD"),
]


@given(AMOUNTS, st.sampled_from(GROUPS), st.sampled_from(AROUND), st.sampled_from("-("))
def test_printed_amounts_are_read(amount, group, around, negative):
    separator, decimal = group
    before, after = around
    text = before + grouped(abs(amount), separator, decimal, 2) + after
    if amount < 0:
        text = f"({text})" if negative == "(" else f"-{text}"
    assert number(text, decimal=decimal) == amount


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_what_python_prints_is_read(value):
    assert number(str(value)) == value
    assert number(repr(value) + " kg", unit="kg") == value


# ----------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01", "2024-05-01"),
        ("2024-5-1", "2024-05-01"),
        (" 2024-05-01 ", "2024-05-01"),
        ("2024-05", "2024-05-01"),
        ("2024-05-01 12:30", "2024-05-01T12:30"),
        ("2024-05-01T12:30:15", "2024-05-01T12:30:15"),
        ("2024-05-01T12:30:15.123456789", "2024-05-01T12:30:15.123"),
        ("2024-05-01T12:30:15,5", "2024-05-01T12:30:15.500"),
        ("2024-05-01T12:30Z", "2024-05-01T12:30"),
        ("2024-05-01 12:30:00+02:00", "2024-05-01T10:30"),
        ("2024-05-01 12:30:00 -0530", "2024-05-01T18:00"),
        ("2024-05-01 12:30 UTC", "2024-05-01T12:30"),
        ("2024-05-01 12:30 CEST", "2024-05-01T10:30"),
        ("2024-05-01 12:30 IST", "2024-05-01T07:00"),
        ("2024-05-01 1:30 PM", "2024-05-01T13:30"),
        ("2024-05-01 12:05 am", "2024-05-01T00:05"),
        ("1001-01-01", "1001-01-01"),
        ("2999-12-31", "2999-12-31"),
        ("9999-12-31", "NaT"),
        ("0001-01-01 00:00:00", "NaT"),
        ("0000-00-00", "NaT"),
        ("2024-02-30", "NaT"),
        ("2023-02-29", "NaT"),
        ("2024-13-01", "NaT"),
        ("2024-05-01 25:00", "NaT"),
        ("2024-05-01 12:30 XYZ", "NaT"),
        ("2024", "NaT"),
        ("01.05.2024", "NaT"),
        ("", "NaT"),
        ("x", "NaT"),
    ],
)
def test_iso_dates(text, expected):
    assert_array_equal(date(text), np.datetime64(expected, "ms"))


@pytest.mark.parametrize(
    ("text", "format", "expected"),
    [
        ("01.05.2024", "%d.%m.%Y", "2024-05-01"),
        ("1.5.2024 9:05", "%d.%m.%Y", "2024-05-01T09:05"),
        ("05/01/2024", "%m/%d/%Y", "2024-05-01"),
        ("5/1/2024 1:30:00 PM", "%m/%d/%Y", "2024-05-01T13:30"),
        ("1/5/24", "%d/%m/%y", "2024-05-01"),
        ("1/5/69", "%d/%m/%y", "1969-05-01"),
        ("1/5/68", "%d/%m/%y", "2068-05-01"),
        ("20240501", "%Y%m%d", "2024-05-01"),
        ("1 May 2024", "%d %b %Y", "2024-05-01"),
        ("01  MAY  2024", "%d %b %Y", "2024-05-01"),
        ("1st May 2024", "%d %b %Y", "2024-05-01"),
        ("Wed, 1 May 2024 10:00:00 GMT", "%d %b %Y", "2024-05-01T10:00"),
        ("September 3, 2024", "%b %d, %Y", "2024-09-03"),
        ("Sept. 3rd, 2024", "%b %d, %Y", "2024-09-03"),
        ("Sep 2024", "%b %Y", "2024-09-01"),
        ("9/2024", "%m/%Y", "2024-09-01"),
        # ISO dates are understood in every column.
        ("2024-05-01", "%d.%m.%Y", "2024-05-01"),
        ("31.02.2024", "%d.%m.%Y", "NaT"),
        ("01.13.2024", "%d.%m.%Y", "NaT"),
        ("1 Mayo 2024", "%d %b %Y", "NaT"),
        ("1 Foo 2024", "%d %b %Y", "NaT"),
    ],
)
def test_dates_in_a_format(text, format, expected):
    assert_array_equal(date(text, format), np.datetime64(expected, "ms"))


def test_cells_that_are_dates_already():
    zone = dt.timezone(dt.timedelta(hours=1))
    cells = [
        dt.date(2024, 5, 1),
        dt.datetime(2024, 5, 1, 12, 30, 15, 250_999),
        dt.datetime(2024, 5, 1, 1, tzinfo=zone),
        np.datetime64("2024-05-01T06"),
        pd.Timestamp("2024-05-01 01:00", tz="Europe/Berlin"),
        pd.Period("2024-05", "M"),
        dt.datetime(9999, 12, 31, 23, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
        20240501,
        5.0,
    ]
    expected = [
        "2024-05-01", "2024-05-01T12:30:15.250", "2024-05-01T00:00", "2024-05-01T06:00",
        "2024-04-30T23:00", "2024-05-01", "NaT", "NaT", "NaT",
    ]  # fmt: skip
    dates = parse_dates([[cell] for cell in cells])
    assert dates.dtype == "datetime64[ms]"
    assert_array_equal(dates[:, 0], np.array(expected, dtype="datetime64[ms]"))
    assert parse_dates([[20240501.0]], format="%Y%m%d")[0, 0] == np.datetime64(
        "2024-05-01"
    )


FORMATS = ["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d %b %Y",
           "%b %d, %Y", "%d-%b-%Y", "%Y%m%d", "%d %B %Y"]  # fmt: skip
CLOCKS = ["", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M:%S %p"]
MOMENTS = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(2999, 12, 31))


@given(MOMENTS, st.sampled_from(FORMATS), st.sampled_from(CLOCKS))
def test_printed_dates_are_read(moment, format, clock):
    text = moment.strftime(format + clock)
    expected = dt.datetime.strptime(text, format + clock)
    assert date(text, format.replace("%B", "%b")) == np.datetime64(expected, "ms")


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_iso_dates_with_an_offset_are_read(moment, minutes):
    moment = moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes)))
    expected = (moment - moment.utcoffset()).replace(tzinfo=None)
    for text in (moment.isoformat(), str(moment), moment):
        assert date(text) == np.datetime64(expected, "ms")


# ------------------------------------------------------------------------- durations

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("cell", "milliseconds"),
    [
        ("1:30", 90 * MINUTE),
        ("01:30:15", 90 * MINUTE + 15 * SECOND),
        ("0:00:00", 0),
        ("100:00", 100 * HOUR),
        ("-0:30", -30 * MINUTE),
        ("0:00:01.5", 1_500),
        ("2 days 04:00:00", 2 * DAY + 4 * HOUR),
        ("1 day, 0:00:01", DAY + SECOND),
        ("1:27.452", MINUTE + 27_452),
        ("9:20 PM", 21 * HOUR + 20 * MINUTE),
        ("12:05 a.m.", 5 * MINUTE),
        ("12 pm", 12 * HOUR),
        ("5pm", 17 * HOUR),
        ("90 min", 90 * MINUTE),
        ("1h 30min", 90 * MINUTE),
        ("1 hour and 30 minutes", 90 * MINUTE),
        ("1 hour, 5 secs", HOUR + 5 * SECOND),
        ("1.5h", 90 * MINUTE),
        ("2 weeks", 14 * DAY),
        ("250ms", 250),
        ("PT1H30M", 90 * MINUTE),
        ("P2DT4H", 2 * DAY + 4 * HOUR),
        ("P1W", 7 * DAY),
        ("-PT0.5S", -500),
        (dt.timedelta(minutes=1, microseconds=500), MINUTE + 0.5),
        (np.timedelta64(5, "s"), 5 * SECOND),
        (pd.Timedelta("1D"), DAY),
        (dt.time(1, 30, 0, 500), 90 * MINUTE + 0.5),
    ],
)
def test_durations(cell, milliseconds):
    assert duration_of(cell) == milliseconds
    assert_array_equal(parse_durations([[cell]]), [[milliseconds]])


@pytest.mark.parametrize(
    "cell",
    ["", "x", "P", "PT", "1:70", "1:2", "5", 5, "5 kg", "min", "1h x", "13 pm"]
    + ["0 am", "1:30:15:1", [1]],
)
def test_what_is_no_duration(cell):
    assert np.isnan(duration_of(cell))


@given(st.timedeltas(dt.timedelta(0), dt.timedelta(days=9_999)))
def test_printed_durations_are_read(duration):
    expected = duration / dt.timedelta(milliseconds=1)
    assert duration_of(str(duration)) == pytest.approx(expected, rel=1e-12)
    assert duration_of(str(pd.Timedelta(duration))) == pytest.approx(
        expected, rel=1e-12
    )
    iso = pd.Timedelta(duration).isoformat()
    assert duration_of(iso) == pytest.approx(expected, rel=1e-12)


# ------------------------------------------------------------------------ any strings


@pytest.mark.parametrize("text", [" ", "1 ", "$ ", "1 x", "1,", "-", "1h ", "a "])
def test_long_strings_take_no_time(text):
    X = [[text * 20_000]]
    for format in (None, "%b %d, %Y"):
        assert np.isnat(parse_dates(X, format=format)).all()
    for decimal in ".,":
        assert np.isnan(parse_numbers(X, decimal=decimal, unit="kg")).all()
    assert np.isnan(parse_durations(X)).all()
    assert affixes_of(X[0][0]) is None


CELLS = (
    st.text()
    | st.text("0123456789.,:-+/()$€%eE TZ\u00a0'kmMPDh", max_size=12)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.binary(max_size=4)
    | st.dates()
    | st.datetimes(timezones=st.just(dt.UTC) | st.none())
    | st.timedeltas()
    | st.decimals()
    | st.complex_numbers()
    | st.lists(st.integers(), max_size=2)
)


@given(st.lists(CELLS, min_size=1, max_size=8))
def test_nothing_is_refused(cells):
    X = np.empty((len(cells), 1), dtype=object)
    X[:, 0] = cells
    for format in (None, "%d.%m.%Y", "%b %d, %Y"):
        assert parse_dates(X, format=format).shape == X.shape
    for decimal in ".,":
        numbers = parse_numbers(X, decimal=decimal, unit="kg")
        assert numbers.shape == X.shape and not np.isinf(numbers).any()
    assert not np.isinf(parse_durations(X)).any()
    assert all(type(text) in (str, type(None)) for text in as_text(X).flat)
