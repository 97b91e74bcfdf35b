"""Values are pickled by reference where possible, and fail in words where not."""

import asyncio
import pickle

import numpy as np
import pytest

from sklearn_meta.exceptions import SklearnMetaError
from sklearn_meta.parallel._pickled import Pickled, UnpicklingError, dumps, loads


class Raises:
    """Can be pickled, and raises when it is loaded."""

    def __init__(self, exception):
        self.exception = exception

    def __reduce__(self):
        return _raise, (self.exception,)


def _raise(exception):
    raise exception


@pytest.mark.parametrize("value", [None, {"a": [1, 2.5]}, np.float64])
def test_round_trip(value):
    assert loads(dumps(value)) == value
    assert loads(Pickled.of(value).data) == value


def test_arrays_keep_their_layout():
    value = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    loaded = loads(dumps(value))
    np.testing.assert_array_equal(loaded, value)
    assert loaded.flags.f_contiguous


def test_what_can_be_imported_is_a_reference():
    assert dumps(UnpicklingError) == pickle.dumps(UnpicklingError, protocol=5)
    assert len(dumps(UnpicklingError)) < 100


def test_what_cannot_be_imported_is_pickled_by_value():
    def local(x):
        return x + 1

    with pytest.raises(Exception, match="local"):
        pickle.dumps(local)
    assert loads(dumps(local))(1) == 2


@pytest.mark.parametrize(
    "exception",
    [
        ValueError("bad\n news"),
        ImportError("no module"),
        OSError("libgomp.so.1: cannot open shared object file"),
        MemoryError(),
        RecursionError(),
        SystemExit(3),
        GeneratorExit(),
        asyncio.CancelledError(),
    ],
    ids=lambda exception: type(exception).__name__,
)
def test_what_cannot_be_loaded_says_why_in_one_line(exception):
    with pytest.raises(UnpicklingError) as caught:
        loads(dumps(Raises(exception)))
    message = str(caught.value)
    assert message.startswith("its result cannot be unpickled: ")
    assert type(exception).__name__ in message and "\n" not in message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_garbage_and_truncated_data_are_refused():
    for data in (b"", b"garbage", dumps(list(range(100)))[:-5]):
        with pytest.raises(UnpicklingError):
            loads(data)
    assert issubclass(UnpicklingError, SklearnMetaError)


def test_an_interrupt_passes():
    with pytest.raises(KeyboardInterrupt):
        loads(dumps(Raises(KeyboardInterrupt())))


def test_the_data_are_not_shown():
    assert repr(Pickled(b"megabytes")) == "Pickled()"
