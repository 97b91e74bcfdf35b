"""What ended a task is told in a line, whatever it was."""

import pytest

from sklearn_meta.parallel._pool import (
    MAX_REASON,
    MAX_TRACEBACK,
    describe_exception,
    describe_timeout,
)


def raised(exception):
    try:
        raise exception
    except BaseException as caught:
        return describe_exception(caught)


def test_type_message_and_place_are_told():
    kind, reason, traceback = raised(ValueError("bad\n\n  value"))
    assert kind == "raised"
    assert reason.startswith("ValueError: bad value (test_pool.py, line ")
    assert reason.endswith(", in raised)")
    assert traceback.startswith("Traceback") and "raise exception" in traceback


def test_an_exception_that_was_never_raised_has_no_place():
    assert describe_exception(KeyError("a")) == (
        "raised",
        "KeyError: 'a'",
        "KeyError: 'a'\n",
    )


@pytest.mark.parametrize(
    ("exception", "kind"),
    [
        (MemoryError(), "memory"),
        (RuntimeError("std::bad_alloc"), "memory"),
        (SystemExit(3), "raised"),
    ],
)
def test_want_of_memory_is_told_apart(exception, kind):
    assert raised(exception)[0] == kind


def test_long_messages_are_cut():
    _, reason, traceback = raised(ValueError("long " * 10_000))
    message, _, place = reason.partition(" (test_pool.py")
    assert len(message) == MAX_REASON and message.endswith(" ...") and place
    assert len(traceback) == MAX_TRACEBACK and traceback.rstrip().endswith("long")


def test_an_exception_that_cannot_be_told_is_told_by_its_type():
    class Silent(Exception):
        @property
        def __notes__(self):
            raise RuntimeError

    kind, reason, _ = raised(Silent())
    assert kind == "raised" and reason.startswith("Silent")


def test_the_deadline_is_told_with_the_seconds():
    assert describe_timeout(3.14159) == "stopped at its deadline after 3.1 s"
