"""Interrupt a fit at every line of this package, once and twice.

    python -m tests.interrupts fit --every 1
    python -m tests.interrupts fit --every 10 --second 30

A scenario runs once under a trace function. At each line of the package that it reaches
for the first time, the process is copied (``os.fork``): the copy raises
KeyboardInterrupt there, goes on to the end, and reports what is not as it should be. A
second interrupt comes from copies of the copy, at each of the lines that follow. With
worker processes, which copies would share, each copy is made before the scenario.

It needs Linux, and an interpreter of its own without other threads.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from sklearn import get_config
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_info

import sklearn_meta
from sklearn_meta import MetaAutoClassifier
from sklearn_meta.exceptions import SearchInterruptedWarning

PACKAGE = os.path.dirname(sklearn_meta.__file__) + os.sep
# What SQLite calls while it holds a mutex, which a copy of the process could never
# release: the mutex belongs to the thread of the original. Scenarios that run from the
# start are interrupted there.
CALLED_BY_SQLITE = ("authorize", "_look")

# Seconds that a copy may take to end, and those from an interrupt to the model.
END_SECONDS, MODEL_SECONDS = 30, 12


class Scenario:
    """A fit on a small table with an own knowledge base.

    Parameters
    ----------
    folder : Path
        An empty folder for all files; also that of temporary files.
    **parameters
        Of the estimator.
    """

    from_start = False
    earlier = None

    def __init__(self, folder, **parameters):
        self.X, self.y = load_iris(return_X_y=True)
        self.folder = folder
        self.knowledge = folder / "knowledge.sqlite"
        # No budget: its clock goes on while copies run.
        parameters = {
            "time_budget": None, "max_evaluations": 3, "random_state": 0, **parameters
        }  # fmt: skip
        self.parameters = {"knowledge_base": self.knowledge, **parameters}

    def prepare(self):
        """Fit once: everything is imported, and there is a model to forget."""
        self.model = MetaAutoClassifier(**self.parameters).fit(self.X[::2], self.y[::2])
        if self.knowledge is not None:
            assert n_datasets(self.knowledge) == 1
        self.earlier = self.model.ensemble_

    def run(self):
        return self.model.fit(self.X, self.y)

    def problems(self, error, caught):
        """Return what is wrong with the outcome, in words."""
        found = []
        fitted = self.model.__sklearn_is_fitted__()
        if error is None:
            if not fitted:
                return ["not fitted, without an exception"]
            if (self.model.predict(self.X) == self.y).mean() < 0.6:
                found.append("a bad model")
            for name in ("leaderboard_", "time_report_", "stop_reason_", "history_"):
                if not hasattr(self.model, name):
                    found.append(f"no {name}")
            if not any(
                issubclass(w.category, SearchInterruptedWarning) for w in caught
            ):
                found.append("no warning")
        elif type(error) is not KeyboardInterrupt:
            found.append(f"ended with {error!r}: {where_raised(error)}")
        # An interrupt before `fit` has begun leaves the earlier model.
        if error is not None and fitted and self.model.ensemble_ is not self.earlier:
            found.append("fitted, with an exception")
        if self.knowledge is not None:
            found += knowledge_base_problems(self.knowledge)
        return found


class ZeroShot(Scenario):
    """Recommended pipelines without a search."""

    def __init__(self, folder):
        # Nothing is recorded without a search.
        super().__init__(folder, search=None, knowledge_base=None)
        self.knowledge = None


class Decisions(Scenario):
    """A search for a metric of labels, with a line of progress."""

    def __init__(self, folder):
        super().__init__(folder, verbose=1, scoring="f1_macro")


class Budget(Scenario):
    """A search by time."""

    from_start = True

    def __init__(self, folder):
        super().__init__(folder, max_evaluations=None, time_budget=1.5)


class Workers(Scenario):
    """A search in two worker processes."""

    from_start = True

    def __init__(self, folder):
        super().__init__(folder, max_evaluations=6, n_jobs=2, knowledge_base=None)
        self.knowledge = None

    def prepare(self):
        from sklearn_meta.parallel import _start_pool

        _start_pool.IN_PROCESS_SECONDS = 0.0
        self.model = MetaAutoClassifier(**self.parameters)


class Checkpoint(Scenario):
    """A search with a checkpoint."""

    # A database must not be used by a process and its copy.
    from_start = True

    def prepare(self):
        super().prepare()
        self.file = self.folder / "checkpoint.sqlite"
        self.model.set_params(checkpoint=self.file)

    def run(self):
        self.file.unlink(missing_ok=True)
        super().run()

    def problems(self, error, caught):
        found = super().problems(error, caught)
        # It is whole: another fit goes on from it.
        again = MetaAutoClassifier(**self.model.get_params()).fit(self.X, self.y)
        if again.n_evaluations_ != 3:
            found.append(f"{again.n_evaluations_} evaluations when continued")
        return found


SCENARIOS = {
    "fit": Scenario,
    "zero-shot": ZeroShot,
    "decisions": Decisions,
    "budget": Budget,
    "workers": Workers,
    "checkpoint": Checkpoint,
}


def n_datasets(path):
    """Return the number of datasets of a knowledge base, checking the whole file."""
    with sqlite3.connect(path) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
        assert answer == "ok", answer
        (n,) = connection.execute("SELECT count(*) FROM datasets").fetchone()
    connection.close()
    return n


def knowledge_base_problems(path):
    try:
        n = n_datasets(path)
    except Exception as error:
        return [f"knowledge base: {error!r}"]
    return [] if n else ["the knowledge base is empty"]


def where_raised(error):
    """Return the last lines of a traceback within the package."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith(PACKAGE)][-3:]
    return " > ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in own)


def state(folder):
    """Return what a fit must leave as it was, of this process and of the folder."""
    gc.collect()
    threads = {i["filepath"]: i["num_threads"] for i in threadpool_info()}
    return {
        "settings of scikit-learn": get_config(),
        "settings of numpy": np.geterr(),
        "numbers of threads": threads,
        "warning filters": list(warnings.filters),
        "random state of numpy": str(np.random.get_state()[1:3]),
        "random state of Python": hash(random.getstate()),
        "signal handlers": [signal.getsignal(s) for s in (2, 15, 14)],
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "descriptors": descriptors(),
        "threads": threading.active_count(),
        "files": sorted(
            p.name for p in folder.iterdir() if not p.name.endswith(".sqlite")
        ),
        "processes": children(),
        "hooks": (sys.excepthook, sys.unraisablehook, warnings.showwarning),
    }


def descriptors():
    """Return what the open descriptors refer to."""
    found = Counter()
    for name in os.listdir("/proc/self/fd"):
        try:
            found[os.readlink(f"/proc/self/fd/{name}").partition(":[")[0]] += 1
        except OSError:
            pass  # that of the listing
    return found


def children():
    """Return the number of child processes, also of those that have ended."""
    path = f"/proc/self/task/{threading.get_native_id()}/children"
    return len(Path(path).read_text().split())


class Interrupts:
    """A run of a scenario with interrupts at chosen lines.

    Parameters
    ----------
    scenario : Scenario
    report : path-like
        File to which each copy appends a line of JSON.
    chosen : callable
        ``chosen(number, where) -> bool``: whether to interrupt at the line ``where``,
        the `number`-th that is reached.
    n_second : int, default=0
        Number of lines after the first interrupt at which a second one comes.
    after : int, default=0
        Number of evaluations after which lines count as new.
    """

    def __init__(self, scenario, report, chosen, n_second=0, after=0):
        self.scenario = scenario
        self.report = report
        self.chosen = chosen
        self.n_second = n_second
        self.n_before = after
        self.lines: dict[str, None] = {}
        self.interrupted: list[str] = []

    def run(self):
        """Run the scenario; copies report and do not return."""
        before = state(self.scenario.folder)
        self._random = random.getstate()
        error = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            filters = list(warnings.filters)
            sys.settrace(self._trace)
            try:
                self.scenario.run()
            except BaseException as caught_error:
                sys.settrace(None)
                error = caught_error
            sys.settrace(None)
            sys.setprofile(None)
            same_filters = filters == list(warnings.filters)
        if not self.interrupted:
            if error is not None:
                raise error
            return
        try:
            self._check(before, error, caught, same_filters)
        except BaseException:
            self._write("failed", [traceback.format_exc()])
        finally:
            os._exit(0)

    def _check(self, before, error, caught, same_filters):
        seconds = time.monotonic() - self._since
        try:
            problems = self.scenario.problems(error, caught)
        except BaseException as failure:
            problems = [f"the model fails: {failure!r} {where_raised(failure)}"]
        outcome = "model" if error is None else type(error).__name__
        if error is not None:
            error.__traceback__ = error.__context__ = None
        after = state(self.scenario.folder)
        if not same_filters:
            problems.append("other warning filters")
        for name, value in before.items():
            if found := difference(value, after[name]):
                problems.append(f"{name}: {found}")
        if seconds > MODEL_SECONDS:
            problems.append(f"{seconds:.1f} s after the interrupt")
        self._write(outcome, problems)

    def _write(self, outcome, problems):
        line = {"where": self.interrupted, "outcome": outcome, "problems": problems}
        descriptor = os.open(self.report, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, json.dumps(line).encode() + b"\n")
        os.close(descriptor)

    def _trace(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if frame.f_code.co_name in CALLED_BY_SQLITE and not self.scenario.from_start:
            return None
        if frame.f_code.co_name == "observe":
            self.n_before -= 1
        return partial(self._line, set()) if self.n_before <= 0 else None

    def _line(self, passed, frame, event, arg):
        """Interrupt at a line that is new, or passed again in this call."""
        if event != "line":
            return None
        file, line = frame.f_code.co_filename[len(PACKAGE) :], frame.f_lineno
        # A `with` statement is passed again where its block ends.
        where = f"{file}:{line}" + (" again" if line in passed else "")
        passed.add(line)
        if where in self.lines or (not self.lines and not self.interrupted):
            # Before the first line, there is still the model of an earlier fit.
            self.lines[where] = None
            return None
        self.lines[where] = None
        number = len(self.lines) - 1
        if self.interrupted:
            if number >= self.n_second:
                sys.settrace(None)
                sys.setprofile(None)
            elif self.scenario.from_start and number < self.n_second - 1:
                pass  # without copies, one of these lines can be interrupted
            elif self._is_copy(where):
                sys.setprofile(None)
                raise KeyboardInterrupt
        elif self.chosen(number, where) and self._is_copy(where):
            self.lines = {}
            if self.n_second:
                # A trace function that raises is removed.
                sys.setprofile(self._trace_again)
            raise KeyboardInterrupt
        return None

    def _trace_again(self, frame, event, arg):
        sys.setprofile(None)
        while frame is not None:
            if frame.f_code.co_filename.startswith(PACKAGE):
                frame.f_trace = partial(self._line, set())
            frame = frame.f_back
        sys.settrace(self._trace)

    def _is_copy(self, where):
        """Copy the process; return whether this is the copy."""
        sys.stderr.flush()
        pid = 0 if self.scenario.from_start else os.fork()
        if pid == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(END_SECONDS)
            # Python seeds its generator anew in a copy.
            random.setstate(self._random)
            self.interrupted = [*self.interrupted, where]
            self._since = time.monotonic()
            return True
        _, status = os.waitpid(pid, 0)
        if status:
            here, self.interrupted = self.interrupted, [*self.interrupted, where]
            self._write("died", [f"the process died, status {status}"])
            self.interrupted = here
        return False


def difference(before, after):
    """Return in words how two values differ; empty if they do not."""
    if isinstance(before, dict):
        # Libraries may have been loaded meanwhile.
        keys = before if not isinstance(before, Counter) else {**before, **after}
        return ", ".join(
            f"{k} {before.get(k, 0)} -> {after.get(k, 0)}"
            for k in keys
            if before.get(k, 0) != after.get(k, 0)
        )
    return "" if before == after else f"{before} -> {after}"


def interrupt(name, *, chosen, n_second=0, after=0):
    """Run a scenario with an interrupt at each chosen line; return the outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        scenario = SCENARIOS[name](Path(folder))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scenario.prepare()
        with tempfile.NamedTemporaryFile("r", dir="/tmp") as report:
            given = scenario, report.name
            if scenario.from_start:
                for line in _lines(Interrupts(*given, lambda *_: False, 0, after)):
                    if chosen(*line):
                        only = partial(_is_line, line)
                        _run_in_copy(Interrupts(*given, only, n_second, after))
            else:
                Interrupts(*given, chosen, n_second, after).run()
            return [json.loads(line) for line in report]


def _lines(run):
    """Return the numbers and places of the lines that a scenario reaches."""
    with tempfile.NamedTemporaryFile("r", dir="/tmp") as report:
        if os.fork() == 0:
            run.run()
            Path(report.name).write_text(json.dumps(list(enumerate(run.lines))))
            os._exit(0)
        os.wait()
        return [tuple(where) for where in json.load(report)]


def _is_line(line, number, where):
    return line[1] == where


def _run_in_copy(run):
    pid = os.fork()
    if pid == 0:
        run.run()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status:
        run.interrupted = ["?"]
        run._write("died", [f"the process died, status {status}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--every", type=int, default=1, help="each so many lines")
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--second", type=int, default=0, help="lines for a second one")
    parser.add_argument("--after", type=int, default=0, help="so many evaluations")
    parser.add_argument("--files", nargs="+", default=[], help="parts of file names")
    arguments = parser.parse_args()

    def chosen(number, where):
        of_file = not arguments.files or any(f in where for f in arguments.files)
        return of_file and number % arguments.every == arguments.offset

    began = time.monotonic()
    outcomes = interrupt(
        arguments.scenario,
        chosen=chosen,
        n_second=arguments.second,
        after=arguments.after,
    )
    bad = [o for o in outcomes if o["problems"]]
    for outcome in bad:
        print(" + ".join(outcome["where"]), outcome["outcome"], outcome["problems"])
    counts = Counter(o["outcome"] for o in outcomes)
    print(
        f"{len(outcomes)} interrupts in {time.monotonic() - began:.0f} s: "
        f"{len(bad)} with problems"
    )
    print(json.dumps(counts))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
