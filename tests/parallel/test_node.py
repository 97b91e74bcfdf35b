"""Tasks on the node, in a process of its machine."""

import os
import threading
import time

import numpy as np
import pytest

from sklearn_meta.parallel import _node
from sklearn_meta.parallel._node import Node, Packed, Setup, Step, share_of_memory
from sklearn_meta.parallel._pool import Done, Failed, Payload, PoolError, Task
from tests.parallel.running import MEMORY_LIMIT, TASKS


def setup(context="context"):
    return Setup(Packed.of(context), (), {})


@pytest.fixture(scope="module")
def node():
    node = Node(setup(("context", np.arange(10_000))), MEMORY_LIMIT)
    node.prepare()
    yield node
    node.close()


def run(node, function, *args, seconds=60.0, memory_limit=None):
    task = Task("any", TASKS + function, args, None, memory_limit)
    events = node.step(Step(seconds, task))
    while isinstance(events[-1], Payload):
        events += node.step(Step(seconds))
    return events


def test_arrays_are_packed_without_a_copy():
    array = np.arange(1000.0)
    packed = Packed.of({"array": array})
    assert len(packed.data) < 500
    assert any(np.shares_memory(array, buffer) for buffer in packed.buffers)
    np.testing.assert_array_equal(packed.load()["array"], array)


def test_a_task_gets_the_context_in_another_process(node):
    (payload, done) = run(node, "state")
    assert payload.value[0] == "context" and done == Done(0)
    np.testing.assert_array_equal(payload.value[1], np.arange(10_000))
    assert run(node, "is_read_only")[-1].kind == "raised"
    assert run(node, "pids")[0].value[0] != os.getpid()


def test_the_limits_hold(node):
    begin = time.monotonic()
    *_, failed = run(node, "busy", seconds=0.3)
    assert failed.kind == "timeout" and time.monotonic() - begin < 30
    assert run(node, "hold", 2 * MEMORY_LIMIT)[-1].kind == "memory"
    assert run(node, "kill_itself", 9)[-1].kind == "crashed"
    assert run(node, "kill_the_server")[-1].kind == "crashed"
    assert run(node, "echo", 1)[-1] == Done(0)


def test_a_step_reports_values_and_the_next_one_the_rest(node, monkeypatch):
    monkeypatch.setattr(_node, "REPORT_SECONDS", 0.0)
    events = node.step(Step(60.0, Task(0, TASKS + "sleep", (0.5,))))
    assert [type(event) for event in events] == [Payload]
    # The deadline that the next step brings holds.
    events = node.step(Step(60.0))
    while events[-1] != Done(0):
        events += node.step(Step(60.0))
    assert events[0].value == "awake"


def test_the_next_step_brings_the_deadline_up_to_date(node, monkeypatch):
    monkeypatch.setattr(_node, "REPORT_SECONDS", 0.0)
    node.step(Step(None, Task(0, TASKS + "sleep", (60,))))
    assert [e.kind for e in node.step(Step(0.0))] == ["timeout"]


def test_a_canceled_step_returns_and_the_node_is_free(node):
    events = node.step(Step(60.0, Task(0, TASKS + "busy")), lambda: True)
    assert not any(isinstance(event, Failed | Done) for event in events)
    assert run(node, "echo", 1)[-1] == Done(0)


def test_preparing_again_ends_the_task(node, monkeypatch):
    monkeypatch.setattr(_node, "REPORT_SECONDS", 0.0)
    node.step(Step(None, Task(0, TASKS + "sleep", (60,))))
    node.prepare()
    assert run(node, "echo", 1)[-1] == Done(0)


def test_a_node_that_is_not_prepared_refuses():
    with pytest.raises(PoolError, match="no process"):
        Node(setup(), None).step(Step(1.0, Task(0, TASKS + "state")))


def test_a_context_that_cannot_be_loaded_is_an_error():
    class Bad:
        def __reduce__(self):
            return int, ("not a number",)

    node = Node(setup(Bad()), None)
    with pytest.raises(PoolError, match="invalid literal"):
        node.prepare()
    node.close()


def test_close_ends_a_running_step(node):
    other = Node(setup(), None)
    other.prepare()
    found = []
    step = Step(None, Task(0, TASKS + "busy"))
    thread = threading.Thread(target=lambda: found.append(other.step(step)))
    thread.start()
    time.sleep(0.2)
    other.close()
    thread.join(30)
    assert not thread.is_alive()
    assert other._pool is None


def test_where_processes_cannot_exist_tasks_run_in_the_node(monkeypatch):
    monkeypatch.setattr(_node, "can_start_processes", lambda: False)
    node = Node(setup(), None)
    node.prepare()
    assert run(node, "pids")[0].value[0] == os.getpid()
    node.close()


def test_the_memory_of_a_task_is_its_share(monkeypatch):
    monkeypatch.setattr(_node, "default_memory_limit", lambda n: 1000 // n)
    assert share_of_memory(None, 4) == 250
    assert share_of_memory(400, 4) == 100
    assert share_of_memory(4000, 4) == 250
    monkeypatch.setattr(_node, "default_memory_limit", lambda n: None)
    assert share_of_memory(400, 4) == 100 and share_of_memory(0, 4) is None
