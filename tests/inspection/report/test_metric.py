"""Metrics in words, and numbers with sensible digits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import get_scorer, get_scorer_names

from sklearn_meta.inspection.report._metric import (
    Metric,
    count,
    fixed,
    listed,
    number,
    percent,
    seconds,
    short,
    size,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.001234, "0.00123"),
        (0.5, "0.500"),
        (12.345, "12.3"),
        (-1234.5, "−1\u202f230"),
        (123456, "123\u202f000"),
        (1.5e12, "1.50e+12"),
        (1e-9, "1.00e−09"),
        (math.nan, "–"),
        (-math.inf, "–"),
        (None, "–"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@given(st.floats(min_value=-1e8, max_value=1e8))
def test_numbers_are_right_within_half_a_digit(value):
    text = number(value).replace("\u202f", "").replace("−", "-")
    assert float(text) == pytest.approx(value, rel=5.01e-3)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9961, "99.6 %"),
        (0.99991, "99.99 %"),
        (0.0004, "0.04 %"),
        (-0.25, "−25 %"),
        (math.nan, "–"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


@given(st.floats(min_value=1e-4, max_value=1 - 1e-4))
def test_only_all_is_hundred_percent_and_only_none_is_zero(share):
    assert percent(share) not in ("0 %", "100 %")


def test_units():
    assert seconds(0.0123) == "12 ms"
    assert seconds(0.5) == "0.50 s"
    assert seconds(61) == "61 s"
    assert seconds(600) == "10 min"
    assert seconds(36_000) == "10 h"
    assert size(20_000) == "20 kB"
    assert size(3_400_000) == "3.4 MB"
    assert size(None) == seconds(math.nan) == "–"
    assert fixed(-0.001) == "−0.00" or fixed(-0.001) == "0.00"


def test_words_of_numbers():
    assert count(1, "class", "classes") == "1 class"
    assert count(2000, "row") == "2\u202f000 rows"
    assert listed([]) == ""
    assert listed("ab") == "a and b"
    assert listed("abcd", 2) == "a, b and 2 more"
    assert short("a\n b" + "x" * 60, 10) == "a bxxxxxx…"


@pytest.mark.parametrize("name", get_scorer_names())
def test_the_sign_is_that_of_the_scorer(name):
    metric = Metric(name)
    assert metric.is_loss == (get_scorer(name)._sign == -1)
    assert metric.shown(0.25) == (-0.25 if metric.is_loss else 0.25)
    assert "_" not in metric.words and not metric.words.startswith("neg ")


def test_gain_is_the_share_of_the_way_to_perfect_predictions():
    assert Metric("neg_log_loss").gain(-0.2, -0.8) == pytest.approx(0.75)
    assert Metric("accuracy").gain(0.9, 0.6) == pytest.approx(0.75)
    assert Metric("r2").gain(-1.0, 0.0) == pytest.approx(-1)
    assert math.isnan(Metric("accuracy").gain(1.0, 1.0))
    assert math.isnan(Metric("own").gain(0.5, 0.2))
    assert math.isnan(Metric("accuracy").gain(math.nan, 0.2))
