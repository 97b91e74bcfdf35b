"""Objects in shared memory."""

import os
import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_meta.parallel._shared_memory import MIN_SHARED_BYTES, SharedObject


@pytest.fixture
def share():
    """Create, load and close a shared object."""

    def round_trip(value):
        shared = SharedObject.create(value)
        try:
            return shared.load()
        finally:
            shared.close()

    return round_trip


@dataclass(frozen=True)
class Nest:
    name: str
    arrays: tuple
    inner: object = None


@pytest.mark.parametrize(
    "array",
    [
        np.arange(100_000.0).reshape(1000, 100),
        np.asfortranarray(np.arange(100_000.0).reshape(1000, 100)),
        np.arange(100_000.0).reshape(1000, 100)[::2, ::3],
        np.arange(100_000, dtype=np.int8),
        np.zeros((0, 5)),
        np.array(["a", None, 3] * 10_000, dtype=object),
        np.array(["long text"] * 10_000),
        np.full(10_000, np.nan),
    ],
    ids=lambda a: f"{a.dtype}-{a.shape}",
)
def test_array_is_the_same_afterwards(share, array):
    loaded = share(array)
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)
    assert loaded.flags.f_contiguous == array.flags.f_contiguous or loaded.ndim == 0


def test_large_arrays_are_read_only_and_aligned(share):
    loaded = share(Nest("n", (np.ones(99_999), np.ones(77_777, dtype=np.float32))))
    for array in loaded.arrays:
        assert not array.flags.writeable
        assert array.ctypes.data % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 2


def test_nested_values_sparse_matrices_and_frames(share):
    matrix = sparse.random(1000, 500, 0.2, format="csr", random_state=0)
    frame = pd.DataFrame({"a": np.arange(5000), "b": pd.Categorical(["x", "y"] * 2500)})
    value = Nest("n", (np.arange(3),), {"matrix": matrix, "frame": frame})
    loaded = share(value)
    assert loaded.name == "n"
    assert (loaded.inner["matrix"] != matrix).nnz == 0
    assert not loaded.inner["matrix"].data.flags.writeable
    # Rows are taken, and products computed, without writing to it.
    rows = loaded.inner["matrix"][[3, 5, 900]]
    np.testing.assert_array_equal(rows.toarray(), matrix.toarray()[[3, 5, 900]])
    pd.testing.assert_frame_equal(loaded.inner["frame"], frame)


def test_one_array_in_two_places_is_stored_once():
    array = np.ones(10 * MIN_SHARED_BYTES)
    once, twice = (SharedObject.create(v) for v in ([array], [array, array]))
    sizes = [os.fstat(shared.descriptor).st_size for shared in (once, twice)]
    once.close()
    twice.close()
    assert sizes[1] < 1.01 * sizes[0]


def test_functions_defined_here_travel_by_value(share):
    factor = 3
    assert share(lambda x: factor * x)(2) == 6


def test_loaded_object_outlives_the_descriptor(share):
    loaded = share(np.arange(1_000_000))
    assert loaded.sum() == 499_999_500_000


def test_nobody_can_write_or_shrink_the_memory():
    shared = SharedObject.create(np.ones(100_000))
    with pytest.raises(OSError):
        os.pwrite(shared.descriptor, b"x", 0)
    with pytest.raises(OSError):
        os.ftruncate(shared.descriptor, 0)
    shared.close()


def test_no_descriptor_is_left():
    before = os.listdir("/proc/self/fd")
    for _ in range(5):
        shared = SharedObject.create(np.ones(100_000))
        loaded = shared.load()
        shared.close()
        del loaded
    with pytest.raises(TypeError):
        SharedObject.create(threading.Lock())
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_without_memfd_an_unnamed_file_is_used(share, monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    np.testing.assert_array_equal(share(np.arange(100_000)), np.arange(100_000))
