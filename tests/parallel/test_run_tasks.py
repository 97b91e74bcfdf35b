"""The loop submits while there is room, and hands over every end once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.parallel._pickled import Pickled
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, Task
from sklearn_meta.parallel._run_tasks import TICK, run_task, run_tasks
from tests.parallel.scripted_pool import ScriptedPool


class Calls:
    """Work of some tasks; keeps what the loop asks and tells."""

    def __init__(self, ids, seconds_left=100.0):
        self.waiting = list(ids)
        self.running = set()
        self.ends = Counter()
        self.values = []
        self.failures = []
        self.log = []
        self.seconds = seconds_left

    def next_task(self, place):
        assert place is Place.WORKER
        if not self.waiting:
            return None
        task_id = self.waiting.pop(0)
        self.running.add(task_id)
        self.log.append(("task", task_id))
        return Task(task_id, "module:function")

    def collect(self, event):
        self.log.append((type(event).__name__, event.task_id))
        if event.task_id not in self.running:
            return
        if isinstance(event, Payload):
            self.values.append((event.task_id, event.value))
            return
        self.running.remove(event.task_id)
        self.ends[event.task_id] += 1
        if isinstance(event, Failed):
            self.failures.append(event)

    def is_done(self):
        self.log.append(("is_done",))
        return not (self.waiting or self.running)

    def seconds_left(self):
        return self.seconds


class Unloadable:
    """Can be pickled, and raises when it is loaded."""

    def __reduce__(self):
        return int, ("no number",)


BAD = Pickled.of(Unloadable())


def test_every_place_is_filled_before_the_first_wait_and_after_each():
    pool = ScriptedPool(2, {"a": [[], [Done("a")]]})
    work = Calls("abc")
    run_tasks(pool, work)
    assert work.log == [
        ("task", "a"),
        ("task", "b"),
        ("is_done",),
        ("Done", "b"),
        ("task", "c"),
        ("is_done",),
        ("Done", "a"),
        ("Done", "c"),
        ("is_done",),
    ]


def test_nothing_is_submitted_where_nothing_is_idle():
    class Starting(ScriptedPool):
        n_idle = 0

        def wait(self, timeout):
            self.n_idle = 1
            return super().wait(timeout)

    pool = Starting()
    run_tasks(pool, Calls("a"))
    assert pool.log == [("submit", "a")] and len(pool.waits) == 2


def test_work_that_is_done_at_once_waits_for_nothing():
    pool = ScriptedPool()
    run_tasks(pool, Calls(""))
    assert pool.log == pool.waits == []


@pytest.mark.parametrize(
    ("left", "waited"), [(100.0, TICK), (TICK / 2, TICK / 2), (-1.0, 0.0)]
)
def test_the_clock_is_looked_at_in_time(left, waited):
    pool = ScriptedPool()
    run_tasks(pool, Calls("a", seconds_left=left))
    assert pool.waits == [waited]


def test_pickled_values_are_loaded_and_others_handed_on():
    events = [Payload("a", Pickled.of({"b": 1})), Payload("a", b"as it is"), Done("a")]
    work = Calls("a")
    run_tasks(ScriptedPool(script={"a": [events]}), work)
    assert work.values == [("a", {"b": 1}), ("a", b"as it is")]


def test_what_cannot_be_loaded_fails_and_is_cancelled():
    script = {"a": [[Payload("a", 1), Payload("a", BAD)], [Payload("a", 2), Done("a")]]}
    pool, work = ScriptedPool(script=script), Calls("ab")
    run_tasks(pool, work)
    assert work.values == [("a", 1)]
    (failure,) = work.failures
    assert (failure.task_id, failure.kind) == ("a", "raised")
    assert failure.reason.startswith("its result cannot be unpickled: ValueError: ")
    assert "no number" in failure.reason
    # The place of the cancelled task is free for the next one.
    assert pool.log == [("submit", "a"), ("cancel", "a"), ("submit", "b")]
    assert work.ends == {"a": 1, "b": 1}


@st.composite
def scripts(draw):
    """Batches of events for some tasks, each with an end that comes last."""
    script = {}
    for i in range(draw(st.integers(0, 6))):
        values = draw(st.lists(st.sampled_from([1, Pickled.of(2), BAD]), max_size=3))
        end = draw(st.sampled_from([Done(i), Failed(i, "raised", "")]))
        events = [*(Payload(i, value) for value in values), end]
        batches = [[]]
        for event in events:
            for _ in range(draw(st.integers(0, 2))):
                batches.append([])
            batches[-1].append(event)
        script[i] = batches
    return script


@given(scripts(), st.integers(1, 3))
def test_every_task_ends_exactly_once(script, n_workers):
    pool, work = ScriptedPool(n_workers, script), Calls(script)
    run_tasks(pool, work)
    assert work.ends == dict.fromkeys(script, 1)
    assert [entry for entry in pool.log if entry[0] == "submit"] == [
        ("submit", i) for i in script
    ]
    for i, batches in script.items():
        events = [event for batch in batches for event in batch]
        values = [getattr(e, "value", None) for e in events]
        failed = [f for f in work.failures if f.task_id == i]
        assert (("cancel", i) in pool.log) == (BAD in values)
        assert bool(failed) == (BAD in values or isinstance(events[-1], Failed))
        good = values[: values.index(BAD)] if BAD in values else values[:-1]
        seen = [value for task_id, value in work.values if task_id == i]
        assert seen == [v if v == 1 else 2 for v in good]


# One task


def one(script, deadline=100.0, now=0.0):
    """The value of a task that reports what the script says, and the pool."""
    pool = ScriptedPool(1, {"it": script})
    pool.clock = lambda: now + len(pool.waits)
    return run_task(pool, Task("it", "module:function", deadline=deadline)), pool


def test_the_value_of_one_task_is_returned():
    value, pool = one([[], [Payload("it", 3)], [Done("it")]])
    assert value == 3 and len(pool.waits) == 3
    assert one([[Payload("it", Pickled.of(4)), Done("it")]])[0] == 4
    assert one([[Payload("it", 5)], [Done("it")]], deadline=None)[0] == 5


@pytest.mark.parametrize("kind", ["raised", "timeout", "memory", "crashed"])
def test_a_task_that_fails_has_no_value(kind):
    assert one([[], [Failed("it", kind, "because")]])[0] is None


def test_a_task_that_hangs_is_ended_at_its_deadline():
    value, pool = one([[] for _ in range(50)], deadline=4.0)
    assert value is None and len(pool.waits) == 4
    assert pool.log[-1] == ("cancel", "it") and not pool.running
