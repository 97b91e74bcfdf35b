"""Values of options, and messages for wrong ones."""

import argparse

import pytest

from sklearn_meta.cli._options import count, positive, share


@pytest.mark.parametrize(
    "read, text, value",
    [(positive, "1e1", 10.0), (count, "3", 3), (share, "0.9", 0.9)],
)
def test_values(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    "read, text, expected",
    [
        (positive, "0", "a number above 0"),
        (positive, "inf", "a number above 0"),
        (positive, "x", "a number above 0"),
        (count, "0", "a whole number from 1 on"),
        (count, "1.5", "a whole number from 1 on"),
        (share, "90", "a number between 0 and 1"),
        (share, "nan", "a number between 0 and 1"),
    ],
)
def test_wrong_values(read, text, expected):
    with pytest.raises(argparse.ArgumentTypeError, match=f"{expected}, got '{text}'"):
        read(text)
