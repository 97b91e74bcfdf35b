"""Reports of servers and workers are what their kind says, or are refused."""

import contextlib
import os
import pickle
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.parallel import _process_pool, _server_handle
from sklearn_meta.parallel._channel import Channel, send_frame
from sklearn_meta.parallel._messages import (
    BROKEN,
    EXITED,
    FAILED,
    FIELDS,
    FORKED,
    FROM_WORKER,
    CorruptMessageError,
    pack_limit,
    unpack_fields,
    unpack_limit,
)
from sklearn_meta.parallel._pool import Done, Failed, Payload, PoolError, Task
from sklearn_meta.parallel._process_pool import (
    ProcessPool,
    ServerHandle,
    _Worker,
    can_start_processes,
)

GOOD = {
    BROKEN: ("ValueError: no", "Traceback"),
    FORKED: (3, 4711),
    EXITED: (3, -9, ""),
    FAILED: ("raised", "ValueError: no", "Traceback"),
}


@pytest.mark.parametrize("kind", FIELDS)
def test_reports_are_read(kind):
    assert unpack_fields(kind, memoryview(pickle.dumps(GOOD[kind]))) == GOOD[kind]
    assert unpack_fields(EXITED, pickle.dumps((3, None, "EAGAIN")))[1] is None


class Evil:
    def __reduce__(self):
        return os.system, ("echo evil",)

    def __repr__(self):
        return "Evil()"


@pytest.mark.parametrize(
    "value",
    [
        None,
        (),
        "text",
        (1, 2, 3),
        ("raised", 2),
        ("raised", "no", 3),
        ("exploded", "no", ""),
        ["raised", "no", ""],
        Evil(),
        ("raised", "no", Evil()),
        np.arange(3),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", FIELDS)
def test_anything_else_is_refused_and_runs_no_code(kind, value, capfd):
    with pytest.raises(CorruptMessageError):
        unpack_fields(kind, pickle.dumps(value))
    assert capfd.readouterr() == ("", "")


@given(st.sampled_from(sorted(FIELDS)), st.binary(max_size=30), st.integers(0, 99))
def test_garbage_is_refused(kind, garbage, position):
    data = pickle.dumps(GOOD[kind])
    data = data[: position % len(data)] + garbage
    try:
        fields = unpack_fields(kind, data)
    except CorruptMessageError:
        return
    assert len(fields) == len(FIELDS[kind])


@pytest.mark.parametrize("limit", [None, 0, 2**40])
def test_limits_come_back(limit):
    assert unpack_limit(pack_limit(limit) + b"call") == (limit, b"call")


class FakeProcess:
    """A process of which the pool may ask anything."""

    pid, returncode = os.getpid(), None

    def kill(self):
        self.returncode = -9

    def wait(self, timeout=None):
        return self.returncode


@contextlib.contextmanager
def pool_and_ends(monkeypatch):
    """Yield a pool with a server and a worker that the test plays."""
    monkeypatch.setattr(ServerHandle, "launch", launch)
    pool = ProcessPool(1, setup=("", ()), preload=())
    pool.start()
    server = pool._server
    server.is_ready = server.has_forked = True
    ours, theirs = socket.socketpair()
    pool._workers = {0: _Worker(0, Channel(ours, FROM_WORKER))}
    pool._pids, pool._n_forked = {0: 2**22 + 1}, 1
    pool.submit(Task("task", "module:function"))
    with theirs, server.theirs as control:
        yield pool, control, theirs
    pool.close()


def launch(self, setup, parent):
    self.popen = FakeProcess()


BODIES = [
    b"",
    b"x",
    *(pickle.dumps(value) for value in GOOD.values()),
    *(pickle.dumps(value)[:-3] for value in GOOD.values()),
    pickle.dumps(Evil())[:-2],
    pickle.dumps({"a": [1, 2]}),
]


@pytest.mark.skipif(not can_start_processes(), reason="processes do not fork here")
@pytest.mark.parametrize(
    "n", [200, pytest.param(10_000, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_whatever_server_and_worker_say_the_pool_goes_on(n, rng, monkeypatch):
    """Frames that are whole, of any kind, with any body, in any order."""
    monkeypatch.setattr(_server_handle, "kill_group", lambda pid: None)
    monkeypatch.setattr(_server_handle, "CLOSE_SECONDS", 0.0)
    monkeypatch.setattr(_process_pool, "MAX_LOST_SERVERS", 0)
    seen = set()
    for _ in range(n):
        with pool_and_ends(monkeypatch) as (pool, control, worker):
            for _ in range(rng.integers(1, 5)):
                end = control if rng.random() < 0.4 else worker
                kind = int(rng.choice([*range(1, 5), *range(11, 16), 21]))
                send_frame(end, kind, BODIES[rng.integers(len(BODIES))])
            try:
                events = [*pool.wait(0), *pool.wait(0)]
            except PoolError:
                seen.add(PoolError)
                continue
            finally:
                pool.close()
            ends = [e for e in events if not isinstance(e, Payload)]
            assert {e.task_id for e in events} <= {"task"} and len(ends) <= 1
            assert not ends or events[-1] is ends[0]
            seen |= set(map(type, events))
    assert seen == {PoolError, Payload, Done, Failed}
