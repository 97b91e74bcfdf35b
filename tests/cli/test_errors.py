"""Messages that name what was meant."""

import pytest

from sklearn_meta.cli._errors import (
    CommandError,
    Interrupted,
    MisfitError,
    UsageError,
    hint,
    listed,
    one_line,
)


def test_each_error_has_its_exit_code():
    errors = (CommandError, UsageError, MisfitError, Interrupted)
    assert [error.code for error in errors] == [1, 2, 3, 130]


@pytest.mark.parametrize("name", ["prise", "PRICE", "pricee"])
def test_similar_names_are_meant(name):
    assert hint(name, ["rooms", "price"]) == "; did you mean 'price'?"


def test_other_names_are_not():
    assert hint("zip", ["rooms", "price"]) == ""
    assert hint("zip", []) == ""


def test_some_of_many_names_are_listed():
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(range(10), limit=2) == "'0', '1' and 8 more"


def test_one_line():
    assert one_line(ValueError("first\n   second")) == "first second"
