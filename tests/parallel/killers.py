"""Learners and a scorer that kill the server, or note that they ran in this process."""

import os
import signal
import time
import traceback

import numpy as np

from tests.faulty_learners import _Learner, operator

USER, MARK = "TESTS_USER_PID", "TESTS_MARK"


def kill_the_server(where):
    """Kill the parent of a worker; in the user's process, only leave a note."""
    if os.getpid() == int(os.environ[USER]):
        with open(os.path.join(os.environ[MARK], where), "w"):
            return
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)


class _Good(_Learner):
    """As good as a tree of one split, so that it becomes a member."""

    def fit(self, X, y):
        self.n_rows_ = len(y)
        self.means_ = np.array([np.asarray(X)[y == c].mean(axis=0) for c in (0, 1)])
        return super().fit(X, y)

    def predict_proba(self, X):
        away = [((np.asarray(X) - m) ** 2).sum(axis=1) for m in self.means_]
        share = 1 / (1 + np.exp(np.clip(away[1] - away[0], -30, 30)))
        return np.column_stack([1 - share, share])

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


class KillsAlways(_Good):
    def misbehave(self):
        kill_the_server("search")


class KillsOnAllRows(_Good):
    """It works in the folds, and kills when it is fitted on all rows."""

    def misbehave(self):
        if self.n_rows_ >= 100:
            kill_the_server("refit")


def score_and_kill(estimator, X, y):
    """Accuracy; where candidates are combined, it kills."""
    if any(f.name == "combine_candidates" for f in traceback.extract_stack()):
        kill_the_server("scorer")
    return float(np.mean(estimator.predict(X) == y))


KILLS_ALWAYS = operator(KillsAlways, "kills_always")
KILLS_ON_ALL_ROWS = operator(KillsOnAllRows, "kills_on_all_rows")
