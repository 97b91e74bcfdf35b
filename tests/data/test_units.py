"""What may stand around a number."""

import pytest

from sklearn_meta.data._units import (
    CURRENCIES,
    DURATION_UNITS,
    SCALES,
    UNITS,
    ZONES,
    is_unit,
)


@pytest.mark.parametrize("text", ["kg", "KG", "CC", "°C", "km/h", "Hp", "m"])
def test_units(text):
    assert is_unit(text)


# A million is no meter.
@pytest.mark.parametrize("text", ["M", "a", "xyz", "", "$", "kg kg"])
def test_what_is_no_unit(text):
    assert not is_unit(text)


def test_entries_are_in_the_case_that_they_are_looked_up_in():
    assert all(currency == currency.upper() for currency in CURRENCIES)
    assert all(scale == scale.lower() for scale in SCALES)
    assert all(name == name.lower() for name in DURATION_UNITS)
    assert all(name == name.upper() for name in ZONES)


def test_no_currency_is_a_unit_or_a_scale():
    names = {name.upper() for name in (*UNITS, *SCALES)}
    assert CURRENCIES & names <= {"FT"}  # feet, and forint


def test_units_of_time():
    assert DURATION_UNITS["min"] == 60_000
    assert DURATION_UNITS["days"] == 24 * DURATION_UNITS["h"] == 86_400_000
    assert DURATION_UNITS["years"] == pytest.approx(12 * DURATION_UNITS["months"])
