"""The format of a column of strings is detected from all of its cells."""

import datetime as dt
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_meta.data._column_kinds import inspect_columns
from sklearn_meta.data._encoding import apply_encoder, encode_table
from sklearn_meta.data._string_formats import (
    DATES,
    DURATIONS,
    MAX_OPTIONS,
    NUMBERS,
    OPTIONS,
    date_format,
    detect_format,
    duration_format,
    number_format,
    option_format,
    option_pattern,
    without_markers,
)
from sklearn_meta.data.parsing import parse_dates, parse_durations, parse_numbers


def detect(values):
    return detect_format(Counter(values))


def column(values):
    cells = np.empty((len(values), 1), dtype=object)
    cells[:, 0] = values
    return cells


def read(values):
    """The values of a column of strings, and the kind of its format."""
    found = detect(values)
    assert found is not None
    parse = {NUMBERS: parse_numbers, DATES: parse_dates, DURATIONS: parse_durations}
    settings = dict(found.settings)
    return parse[found.kind](column(values), **settings)[:, 0], found


# --------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("values", "settings", "note"),
    [
        (["1.5", "2", "-3"], {}, "numbers"),
        (["1.5", "2", "x1"] * 1 + ["3.5"] * 17, {}, "numbers"),
        (["1,5", "2,25", "1.000,5"], {"decimal": ","}, "numbers"),
        (["1,500", "2,250"], {}, "numbers"),
        (["1,500", "0,250"], {"decimal": ","}, "numbers"),
        (["1.500", "2.250.000"], {"decimal": ","}, "numbers"),
        (["$1.50", "2", "n/a"], {}, "amounts of money"),
        (["1,50 €", "2,00 €"], {"decimal": ","}, "amounts of money"),
        (["$5", "€6", "7 GBP"], {}, "amounts of money"),
        (["5 %", "6.5%", "?"], {}, "percentages"),
        (["5 kg", "6.5kg"], {"unit": "kg"}, "numbers"),
        (["1248 CC", "998 CC"], {"unit": "CC"}, "numbers"),
        (["5 Kg", "6.5 Kg"], {"unit": "Kg"}, "numbers"),
        (["5 km/h", "6.5 km/h", "7"], {"unit": "km/h"}, "numbers"),
        (["3.5/5", "4/5"], {"unit": "/5"}, "numbers"),
        (["3.5 out of 5", "4 out of 5"], {"unit": "out of 5"}, "numbers"),
        (["5M", "300k", "1.2B"], {}, "numbers"),
        (["5 m", "300 m"], {"unit": "m"}, "numbers"),
        ([f"{i} sessions" for i in range(30)], {"unit": "sessions"}, "numbers"),
        ([str(i) for i in range(18, 90)], {}, "numbers"),
        ([str(i) for i in range(1950, 2000)], {}, "numbers"),
    ],
)
def test_numbers(values, settings, note):
    found = detect(values)
    assert found.kind == NUMBERS
    assert dict(found.settings) == settings
    assert found.note.startswith(note)


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2", "3"],
        ["0", "1"],
        ["01067", "01069", "10115"],
        [f"{i:03d}" for i in range(50)],
        [str(i) for i in range(10_000, 30_000, 500)] * 2 + ["12345", "23456"] * 30,
        ["5 kg", "6 lbs"],
        ["2 BHK", "3 BHK"],
        [*map(str, range(1, 30, 2)), "12A", "14A"],
        [f"{i} m" for i in range(1, 30, 2)] + [f"{i} kg" for i in range(1, 30, 2)],
        ["3/5", "2/7"],
        ["1.2.3", "1.3.0"],
        ["10-20", "20-30"],
        ["low", "1.5", "high"],
        ["1_000", "2_000"],
        ["+", "-"],
        ["inf", "-inf"],
    ],
)
def test_strings_that_are_no_numbers(values):
    if len(values) > 60:  # codes of one length, few of which are round
        values = [v for v in values if not v.endswith("00")]
    assert detect(values) is None


def test_unreadable_cells_become_missing_if_they_are_few():
    values = [f"{i}.5" for i in range(95)] + ["typo1", "typo2", "typo 3", "typo 4", "?"]
    numbers, found = read(values)
    assert found.n_unreadable == 5
    assert np.isnan(numbers).sum() == 5
    assert detect(values[:30] + values[-5:]) is None


def test_markers_and_single_words_are_missing_however_many():
    values = [f"{i}.5" for i in range(40)]
    for words in (
        ["?"] * 60,
        ["N/A", "-", ""] * 20,
        ["varies"] * 60,
        [" unknown "] * 60,
    ):
        numbers, found = read(values + words)
        assert np.isnan(numbers).sum() == found.n_unreadable == 60
    assert detect([*values, *["?"] * 200]) is None  # hardly anything is left
    assert detect([*values[:10], *["varies"] * 15]) is None
    assert detect([*values, *["a", "b", "c", "d"] * 15]) is None


def test_markers_are_no_values():
    counts = dict.fromkeys(["a", "?", " NA ", "", "Unknown", "b" * 50], 1)
    assert without_markers(counts) == ["a", "b" * 50]
    assert without_markers({"b": 1, "a": 1}) == ["a", "b"]
    assert without_markers({" " * 30: 1}) == [" " * 30]


def test_what_the_user_says_is_not_judged():
    zips = dict.fromkeys(["01067", "01069"], 5)
    assert number_format(zips, list(zips), list(zips), forced=True).kind == NUMBERS
    few = {"1": 1, **dict.fromkeys("abcdef", 1)}
    found = number_format(few, list(few), list(few), forced=True)
    assert found.n_unreadable == 6
    words = dict.fromkeys("abc", 1)
    for detector in (number_format, date_format, duration_format):
        assert detector(words, list(words), list(words), forced=True) is None
    assert option_format(words, list(words), forced=True) is None


# ----------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("values", "format"),
    [
        (["2024-05-01", "2023-01-31"], None),
        (["2024-05-01 12:00", "2023-01-31T00:00:00Z"], None),
        (["2024-05", "2023-01"], None),
        (["01.05.2024", "31.01.2023"], "%d.%m.%Y"),
        (["05/01/2024", "01/31/2023"], "%m/%d/%Y"),
        (["01/05/2024", "31/01/2023"], "%d/%m/%Y"),
        # A slash between days and months that cannot be told apart.
        (["02/05/2024", "01/03/2023"], "%m/%d/%Y"),
        (["2024/05/01", "2023/01/31"], "%Y/%m/%d"),
        (["20240501", "20230131"], "%Y%m%d"),
        (["May 1, 2024", "January 31, 2023"], "%b %d, %Y"),
        (["1 May 2024 10:00", "31 Jan 2023 9:30"], "%d %b %Y"),
        (["6th May 2024", "31st Jan 2023"], "%d %b %Y"),
        (["1-May-24", "31-Jan-23"], "%d-%b-%y"),
        (["May 2024", "Jan 2023"], "%b %Y"),
        (["05/2024", "01/2023"], "%m/%Y"),
        (["05.2024", "01.2023"], "%m.%Y"),
        (["01.05.24", "31.01.23"], "%d.%m.%y"),
        (["5/1/24", "1/31/23"], "%m/%d/%y"),
    ],
)
def test_dates(values, format):
    dates, found = read(values)
    assert found.kind == DATES and dict(found.settings).get("format") == format
    assert dates[1].astype(object).year == 2023
    assert dates[1].astype(object).month == 1
    # Markers and some typing errors are missing.
    more = [*values * 10, "?", "n/a", "typo"]
    dates, found = read(more)
    assert np.isnat(dates).sum() == found.n_unreadable == 3


def test_dates_that_stand_for_missing_ones():
    days = [f"2024-05-{i:02d}" for i in range(1, 11)]
    for stand_in in ("9999-12-31", "0000-00-00", "0001-01-01 00:00:00"):
        dates, found = read(days + [stand_in] * 10)
        assert np.isnat(dates).sum() == found.n_unreadable == 10
    dates, _ = read(["24.12.2023", "31.12.9999", "1.5.2024"])
    assert np.isnat(dates).tolist() == [False, True, False]


@pytest.mark.parametrize(
    "values",
    [["2020-Q1", "2020-Q2"], ["1.2.3", "1.10.2"], ["31.02.2024", "30.02.2023"],
     ["9999-99-99", "0000-00-00"], ["10-20", "20-30"], ["May", "June"],
     ["5-3", "12-1"]],
)  # fmt: skip
def test_strings_that_are_no_dates(values):
    assert detect(values) is None


DAYS = st.dates(dt.date(1971, 1, 1), dt.date(2068, 12, 31))
FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d %B %Y",
           "%b %d, %Y", "%d-%b-%Y", "%Y%m%d", "%d.%m.%y", "%d-%b-%y"]  # fmt: skip


@given(st.lists(DAYS, min_size=2, max_size=20, unique=True), st.sampled_from(FORMATS))
def test_printed_dates_are_read(days, format):
    days = [*days, dt.date(1999, 12, 31)]  # some day is later than the twelfth
    values = [day.strftime(format) for day in days]
    dates, found = read(values)
    assert found.kind == DATES and found.n_unreadable == 0
    assert_array_equal(dates, np.array(days, dtype="datetime64[ms]"))


@given(
    st.lists(
        st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2068, 1, 1)), min_size=2
    ),
    st.integers(-12, 14),
)
def test_printed_moments_are_read(moments, hours):
    zone = dt.timezone(dt.timedelta(hours=hours))
    moments = [moment.replace(tzinfo=zone) for moment in moments]
    assume(len(set(moments)) > 1)
    dates, _ = read([moment.isoformat() for moment in moments])
    utc = [(m - m.utcoffset()).replace(tzinfo=None) for m in moments]
    assert_array_equal(dates, np.array(utc, dtype="datetime64[ms]"))


# --------------------------------------------------------------------------- amounts


WAYS = [(",", "."), ("", "."), ("'", "."), (".", ","), ("\u202f", ","), (" ", ",")]
AROUND = ["{}", "${}", "{} €", "EUR {}", "{} %", "{} kg", "{} bhp"]
AMOUNTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)


@given(
    st.lists(AMOUNTS, min_size=2, max_size=20, unique=True),
    st.sampled_from(WAYS),
    st.sampled_from(AROUND),
    st.booleans(),
)
def test_printed_amounts_are_read(amounts, way, around, parentheses):
    thousands, decimal = way
    values = []
    for amount in amounts:
        text = f"{abs(amount):,.2f}".replace(",", "t").replace(".", decimal)
        text = around.format(text.replace("t", thousands))
        if amount < 0:
            text = f"({text})" if parentheses else f"-{text}"
        values.append(text)
    numbers, found = read(values)
    assert found.kind == NUMBERS and found.n_unreadable == 0
    assert_array_equal(numbers, amounts)


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, unique=True))
def test_printed_floats_are_read(values):
    numbers, _ = read(list(map(str, values)))
    assert_array_equal(numbers, values)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=25, unique=True))
def test_printed_integers_are_read(values):
    assume(any(v < 0 for v in values) or len({len(str(v)) for v in values}) > 1)
    numbers, _ = read(list(map(str, values)))
    assert_array_equal(numbers, values)


# ------------------------------------------------------------------------- durations


@given(
    st.lists(st.timedeltas(dt.timedelta(0), dt.timedelta(9)), min_size=2, unique=True)
)
def test_printed_durations_are_read(durations):
    milliseconds, found = read(list(map(str, durations)))
    assert found.kind == DURATIONS
    expected = [d / dt.timedelta(milliseconds=1) for d in durations]
    np.testing.assert_allclose(milliseconds, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "values",
    [["1:30", "12:45"], ["9:20 PM", "11 am"], ["1h 5min", "20 min"], ["PT1H", "PT5M"],
     ["1 day", "36 hours"], [f"{i} min" for i in range(30)], ["1:27.4", "0:59.9"],
     ["36 months", "60 months"]],
)  # fmt: skip
def test_durations(values):
    assert detect(values).kind == DURATIONS
    assert detect([*values * 10, "?", "x"]).n_unreadable == 2


# ------------------------------------------------------------------------------ sets


@pytest.mark.parametrize(
    ("values", "separator", "options"),
    [
        (["b; a", "a", "c;b", "c"], ";", ("a", "b", "c")),
        (["b|a", "a", "c|b", "c"], "|", ("a", "b", "c")),
        (["b, a", "a", "c,b", "c"], ",", ("a", "b", "c")),
        (["['b', 'a']", "['a']", "['c', 'b']", "[]"], ",", ("a", "b", "c")),
        (
            ["red/sky blue", "red", "sky blue", "red/green"],
            "/",
            ("green", "red", "sky blue"),
        ),
        (["b\na", "a", "c\nb", "c"], "\n", ("a", "b", "c")),
        (["1;2", "1", "2;3", "3"], ";", ("1", "2", "3")),
        # Labels with a comma between semicolons.
        (["No, never; a", "a", "No, never", "a; b"], ";", ("No, never", "a", "b")),
    ],
)
def test_sets(values, separator, options):
    found = detect(values * 10)
    assert found.kind == OPTIONS
    assert dict(found.settings) == {"separator": separator, "options": options}


@pytest.mark.parametrize(
    "values",
    [
        ["Austin, TX", "Dallas, TX", "Boston, MA", "Miami, FL", "Dallas, FL"],
        [f"{i}/{j}" for i in (110, 120, 130) for j in (60, 70, 80)],
        ["52.1, 13.4", "52.2, 13.4", "52.1, 13.5", "52.2, 13.5", "52.3, 13.5"],
        ["yes", "no", "yes, sometimes", "yes, often"],
        ["a", "b", "c", "d", "e"],
        ["a;", "b"],
    ],
)
def test_strings_that_are_no_sets(values):
    assert detect(values * 10) is None


def test_sets_of_many_options_are_texts_unless_the_user_says_so():
    values = [f"w{i};w{i + 1}" for i in range(300)] * 5
    assert detect(values) is None
    counts = Counter(values)
    found = option_format(counts, sorted(counts), forced=True)
    assert len(dict(found.settings)["options"]) == MAX_OPTIONS


@pytest.mark.parametrize("separator", [";", "|", ",", "/", "\n"])
def test_options_are_what_is_between_separators(separator):
    pattern = re.compile(option_pattern(separator))
    options = ["a", "b c", "d-e", "ü", "5"]
    assert pattern.findall(f" {separator} ".join(options)) == options
    assert pattern.findall(f"['a'{separator} \"b\"]{separator}") == ["a", "b"]
    assert pattern.findall(f" {separator}{separator} ") == []


# -------------------------------------------------------------------- any strings

STRINGS = st.text(max_size=8) | st.text("0123456789.,:-+/()$€%eE;| kgMh", max_size=10)


@given(st.lists(STRINGS | st.none(), min_size=2, max_size=40), st.randoms())
def test_any_strings_are_read_whatever_the_order_of_rows(values, random):
    shuffled = values.copy()
    random.shuffle(shuffled)
    counts = Counter(v for v in values if v is not None)
    assert detect_format(counts) == detect(v for v in shuffled if v is not None)
    (first,), (second,) = (inspect_columns(column(v)) for v in (values, shuffled))
    assert first == second


@given(
    st.lists(STRINGS | st.none(), min_size=2, max_size=40),
    st.lists(STRINGS | st.none(), min_size=1, max_size=5),
)
def test_new_rows_have_the_columns_of_fit(values, new):
    X = np.hstack([column(values), np.arange(len(values)).reshape(-1, 1)])
    encoder, encoded, encoding = encode_table(X)
    assert encoded.shape == (len(values), encoding.schema.n_features)
    X = np.hstack([column(new), np.arange(len(new)).reshape(-1, 1)])
    encoded = apply_encoder(encoder, X)
    assert encoded.shape == (len(new), encoding.schema.n_features)
