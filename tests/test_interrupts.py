"""Ctrl-C at lines of a whole fit; the command `tests.interrupts` takes all lines."""

import gc
import json
import os
import subprocess
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn import get_config
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_info

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.exceptions import SearchInterruptedWarning
from sklearn_meta.metalearning import FixedPortfolio, KnowledgeBase
from sklearn_meta.parallel import _start_pool
from sklearn_meta.search import RandomSearch

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="copies processes, and looks at /proc"
)


def interrupt(scenario, *, every, offset=0, second=0, after=0, files=()):
    """Return the outcomes of a scenario with interrupts at some of its lines."""
    arguments = ["--every", every, "--offset", offset, "--second", second]
    arguments += ["--after", after, *(["--files", *files] if files else [])]
    done = subprocess.run(
        [sys.executable, "-m", "tests.interrupts", scenario, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Counter(json.loads(done.stdout.splitlines()[-1]))


def test_at_some_lines_of_a_fit():
    assert interrupt("fit", every=400).total() >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario, options, outcome",
    [
        ("fit", {"every": 300, "offset": 7}, "KeyboardInterrupt"),
        ("fit", {"every": 2000, "offset": 3, "second": 20}, "KeyboardInterrupt"),
        ("fit", {"every": 400, "after": 2, "second": 5}, "model"),
        # The model is complete.
        ("fit", {"every": 100, "after": 3, "files": ["knowledge_base/_"]}, "model"),
        ("decisions", {"every": 400, "after": 1}, "model"),
        ("zero-shot", {"every": 300}, "KeyboardInterrupt"),
        ("workers", {"every": 4000, "second": 5}, "KeyboardInterrupt"),
    ],
)
def test_at_many_lines(scenario, options, outcome):
    assert interrupt(scenario, **options)[outcome]


class Raises:
    """A strategy or a meta-learner of the user that raises."""

    look_ahead = 1

    def __init__(self, where, error):
        self.where, self.error = where, error

    def get_params(self, deep=True):
        return {"where": self.where, "error": self.error}

    def _maybe(self, where):
        if where == self.where:
            raise self.error

    def start(self, problem):
        self._maybe("start")
        self._search = RandomSearch().start(problem)
        return self

    def ask(self, n):
        self._maybe("ask")
        return self._search.ask(n)

    def tell(self, evaluations):
        self._maybe("tell")
        self._search.tell(evaluations)


class Learner(FixedPortfolio):
    def recall(self, dataset, settings=None, **kwargs):
        raise SystemExit("recall")


X, Y = load_iris(return_X_y=True)


def state():
    """Return what must be as before: no process, descriptor or setting is left."""
    gc.collect()
    children = Path("/proc/self/task").glob("*/children")
    return (
        len(os.listdir("/proc/self/fd")),
        "".join(path.read_text() for path in children),
        get_config(),
        np.geterr(),
        list(warnings.filters),
        {i["filepath"]: i["num_threads"] for i in threadpool_info()},
        threading.active_count(),
    )


@pytest.mark.parametrize(
    "where, error, n_jobs",
    [
        ("start", ValueError("own"), 1),
        ("ask", SystemExit("own"), 1),
        ("tell", ValueError("own"), 1),
        ("tell", SystemExit("own"), 2),
    ],
)
def test_an_exception_of_the_user_leaves_nothing(where, error, n_jobs, monkeypatch):
    if n_jobs > 1:
        monkeypatch.setattr(_start_pool, "IN_PROCESS_SECONDS", 0.0)
    model = MetaAutoClassifier(max_evaluations=3, random_state=0, n_jobs=n_jobs)
    model.set_params(search=Raises(where, error))
    model.ensemble_ = "of an earlier fit"
    before = state()
    with pytest.raises(type(error), match="own"):
        model.fit(X, Y)
    assert not model.__sklearn_is_fitted__()
    assert state() == before


def test_an_exception_of_a_meta_learner_leaves_nothing():
    before = state()
    model = MetaAutoClassifier(max_evaluations=3, meta_learner=Learner())
    with pytest.raises(SystemExit, match="recall"):
        model.fit(X, Y)
    assert not model.__sklearn_is_fitted__()
    assert state() == before


class Told(Raises):
    """Sets an event with the second evaluation."""

    def __init__(self, event):
        self.event, self.where, self.n = event, None, 0

    def get_params(self, deep=True):
        return {"event": self.event}

    def tell(self, evaluations):
        super().tell(evaluations)
        self.n += 1
        if self.n == 2:
            self.event.set()


@pytest.mark.filterwarnings("ignore::sklearn_meta.exceptions.SearchInterruptedWarning")
def test_an_interrupt_in_another_thread_than_the_main_one():
    import ctypes

    told, ended = threading.Event(), []
    model = MetaAutoClassifier(search=Told(told), time_budget=60, random_state=0)

    def fit():
        try:
            ended.append(model.fit(X, Y))
        except KeyboardInterrupt as error:
            ended.append(type(error))

    thread = threading.Thread(target=fit)
    before = state()
    thread.start()
    assert told.wait(50)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
    )
    thread.join(40)
    assert ended and (ended == [model]) == model.__sklearn_is_fitted__()
    assert state() == before


def test_an_interrupt_while_results_are_stored_keeps_the_model(tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(KnowledgeBase, "add", interrupted)
    model = MetaAutoClassifier(max_evaluations=1, knowledge_base=tmp_path / "own")
    with pytest.warns(SearchInterruptedWarning, match="The model is complete"):
        model.fit(X, Y)
    assert model.score(X, Y) > -10
