import sys
import threading

import numpy as np
import pytest
from sklearn import config_context, get_config

from sklearn_meta import _cleanup
from sklearn_meta._cleanup import SharedState, ThreadSettings, call_then


class Resource:
    """Something that is open, until it is closed once without an interrupt."""

    def __init__(self, interrupted=0):
        self.interrupted = interrupted
        self.is_open, self.n_closed, self.is_undone = False, 0, False

    def use(self):
        self.is_open = True
        return "result"

    def close(self):
        self.n_closed += 1
        if self.n_closed <= self.interrupted:
            raise KeyboardInterrupt
        self.is_open = False

    def undo(self):
        self.is_undone = True


def test_the_result_is_returned_after_the_cleanup():
    resource = Resource()
    assert call_then(resource.use, resource.close, undo=resource.undo) == "result"
    assert (resource.is_open, resource.n_closed, resource.is_undone) == (
        False,
        1,
        False,
    )


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_it_is_cleaned_up_after_an_exception(error):
    resource = Resource()

    def fails():
        resource.use()
        raise error("words")

    with pytest.raises(error, match="words"):
        call_then(fails, resource.close, undo=resource.undo)
    assert not resource.is_open and resource.is_undone


def test_an_interrupted_cleanup_is_repeated():
    resource = Resource(interrupted=1)
    with pytest.raises(KeyboardInterrupt):
        call_then(resource.use, resource.close, undo=resource.undo)
    assert not resource.is_open and resource.is_undone


@pytest.mark.parametrize("fails, interrupted", [(False, 0), (False, 1), (True, 0)])
def test_an_interrupt_at_any_line_leaves_nothing_open(fails, interrupted):
    n_interrupts = 0
    for k in range(100):
        resource, left = Resource(interrupted), [k]

        def use(resource=resource):
            resource.use()
            if fails:
                raise ValueError

        def trace(frame, event, arg, left=left):
            if frame.f_code.co_filename != _cleanup.__file__:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == -1:
                    raise KeyboardInterrupt
            return trace

        traced = sys.gettrace()
        sys.settrace(trace)
        try:
            call_then(use, resource.close, undo=resource.undo)
        except (KeyboardInterrupt, ValueError):
            assert resource.is_undone or not resource.n_closed
        finally:
            sys.settrace(traced)
        n_interrupts += left[0] < 0
        assert not resource.is_open
        if left[0] >= 0:
            break
    assert n_interrupts >= 4


def test_settings_of_the_thread_are_restored():
    before = ThreadSettings.now()
    with config_context(), np.errstate():
        inside = config_context(enable_metadata_routing=True)
        inside.__enter__()
        np.seterr(all="ignore")
        before.restore()
        assert not get_config()["enable_metadata_routing"]
        assert np.geterr() == before.of_numpy


def test_shared_state_ends_with_the_last_context():
    ended, first = [], []
    state = SharedState(lambda: ended.append(1))
    state.enter(["a"], first.append)
    thread = threading.Thread(target=state.enter, args=(["b"], first.append))
    thread.start()
    thread.join()
    assert first == [True, False] and len(state) == 2
    assert state.of_this_thread() == {"a"}
    state.leave(["a", "not there"])
    assert not ended
    state.leave(["b"])
    assert ended == [1] and not len(state)


def test_contexts_whose_exit_was_skipped_are_left():
    ended = []
    state = SharedState(lambda: ended.append(1))
    state.enter(["outer"], bool)
    restore = state.keep()
    state.enter(["inner"], bool)
    restore()
    assert state.of_this_thread() == {"outer"} and not ended
    state.leave(["outer"])
    assert ended


@pytest.mark.parametrize("name", ["enter", "leave"])
def test_an_interrupt_leaves_no_lock(name):
    def interrupted(*args):
        raise KeyboardInterrupt

    state = SharedState(interrupted if name == "leave" else list)
    with pytest.raises(KeyboardInterrupt):
        state.enter(["a"], interrupted if name == "enter" else bool)
        state.leave(["a"])
    thread = threading.Thread(target=state.enter, args=(["b"], bool), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
