"""Checks are called, shown, and raise what they should."""

from sklearn_meta.testing import Check


def test_a_check_can_be_called_and_shown():
    seen = []
    check = Check(lambda plugin, task: seen.append((plugin, task)), {"task": "a"})
    check(5)
    assert seen == [(5, "a")]
    assert repr(check) == check.name == "<lambda>[a]"
