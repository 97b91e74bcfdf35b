"""Faults of other AutoML systems, each with a test that this one does not have it.

The systems are named with the versions that were read or run: TPOT 1.1, auto-sklearn
0.15, FLAML 2.6, GAMA 23, AutoGluon 1.6, H2O, mljar-supervised 1.3. What is tested
elsewhere stays there, below ``tests``:

* Classes of few rows vanish from the search (TPOT): ``test_automl``,
  ``evaluation/test_cross_validation``.
* Preparation is fitted before the folds are made (TPOT): ``test_leakage``.
* Parameters that ``fit`` never reads, and grid searches over them that do nothing
  (FLAML): ``contract/test_search_over_parameters``.
* Clones lose ``**kwargs`` (TPOT) or cannot be made (GAMA), ``__init__`` checks
  (auto-sklearn), tags cannot be read before ``fit`` (TPOT): ``test_common``.
* Without a fit, ``predict`` returns None (FLAML): ``contract/test_tags_attributes``.
* ``predict`` refuses strings that ``fit`` took (AutoGluon's wrapper): ``test_automl``.
* The population or a server is part of what is saved (TPOT, H2O):
  ``contract/test_persistence``.
* The last fit is outside the budget (TPOT, H2O, FLAML's ensemble): ``test_automl``,
  ``ensemble/test_final_model``.
* Means of some folds compete with means of all (FLAML):
  ``ensemble/test_out_of_fold``, ``evaluation/test_history``.
* Results depend on times or on the number of workers (FLAML, GAMA, H2O):
  ``test_automl``, ``evaluation/test_engine``.
* Scripts need a guard of ``__main__`` (TPOT with dask): ``parallel/test_process_pool``.
* A crash, a hang, or want of memory ends the search (TPOT, mljar): ``test_automl``.
* Nothing is left at the end of the time (auto-sklearn) or after Ctrl-C (TPOT):
  ``test_automl``.
* ``sample_weight`` and ``groups`` are not taken (TPOT, auto-sklearn), ``cv`` must be a
  number (TPOT): ``contract/test_metadata_routing``.
* The exported pipeline lacks its imputer (TPOT 0.x): ``test_automl``.
* Starting points are ignored (FLAML): ``search/test_evolution``.
* Cores are idle (TPOT): ``evaluation/test_engine``.
"""

import copy
import json
import logging
import multiprocessing
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_iris
from sklearn.model_selection import ShuffleSplit

from sklearn_meta.evaluation import Status
from sklearn_meta.pipelines import SearchSpace, parse
from sklearn_meta.pipelines.catalog._default import built_in_operators
from tests.contract.small import classifier, people, prices, regressor
from tests.evaluation.test_engine import CountingSearch, folds, make_engine

ROOT = Path(__file__).resolve().parents[1]
X, y = load_iris(return_X_y=True)

# It tells how many rows it was fitted on.
NEIGHBORS = SearchSpace(include=["k_neighbors"], max_size=1)


def rows_of(fitted):
    """How many rows each model of a fitted estimator has seen."""
    models = [fitted.best_estimator_, *fitted.ensemble_.members]
    return {model[-1].n_samples_fit_ for model in models}


# Rows


@pytest.mark.parametrize("make", [classifier, regressor])
def test_rows_that_were_held_out_are_given_back_to_the_final_fit(make):
    """TPOT with ``validation_strategy="split"`` refits on the training part only."""
    half = ShuffleSplit(n_splits=1, test_size=0.5, random_state=0)
    fitted = make(search_space=NEIGHBORS, cv=half).fit(X, y)
    assert rows_of(fitted) == {150}


def test_rows_of_rare_classes_are_not_repeated():
    """FLAML and mljar repeat rows of rare classes, which moves the probabilities."""
    kept = np.r_[0:100, 100:103]
    fitted = classifier(search_space=NEIGHBORS).fit(X[kept], y[kept])
    assert rows_of(fitted) == {103}
    assert list(fitted.classes_) == [0, 1, 2]


def test_tables_are_not_written_to():
    """FLAML, mljar and H2O replace values or columns of the table that they are given.

    Peers impute and encode before the search; whoever does so in place changes what the
    user goes on to work with.
    """
    frame, target = people()
    weight, groups = np.ones(len(target)), np.arange(len(target)) // 2
    before = copy.deepcopy((frame, target, weight, groups))
    classifier().fit(frame, target, sample_weight=weight, groups=groups).predict(frame)
    np.testing.assert_array_equal(frame.isna(), before[0].isna())
    assert frame.equals(before[0]) and list(frame.dtypes) == list(before[0].dtypes)
    for now, then in zip((target, weight, groups), before[1:], strict=True):
        np.testing.assert_array_equal(now, then)


def test_arrays_may_be_read_only():
    """The same for arrays, which are written to without a word where they can be."""
    table, target = np.where(X > 6, np.nan, X), y.astype(float)
    for array in (table, target):
        array.flags.writeable = False
    assert np.isfinite(regressor().fit(table, target).predict(table)).all()


# Parameters


def test_what_is_set_after_a_fit_counts_in_the_next():
    """FLAML's ``set_params`` sets attributes; its ``fit`` reads a copy made before."""
    fitted = classifier(search_space=NEIGHBORS).fit(X, y)
    fitted.set_params(
        max_evaluations=1, cv=3, search_space__include=["gaussian_nb"]
    ).fit(X, y)  # fmt: skip
    assert fitted.n_splits_ == 3
    (evaluation,) = fitted.history_
    assert evaluation.candidate.text.startswith("gaussian_nb(")


def test_all_cores_are_asked_for_and_something_is_run():
    """GAMA with ``n_jobs=-1`` silently evaluated nothing."""
    fitted = classifier(n_jobs=-1).fit(X, y)
    assert fitted.time_report_["n_workers"] == multiprocessing.cpu_count()
    assert len(fitted.history_) == 3


def test_what_the_results_report_can_be_built_again():
    """FLAML reports parameters that its learner's class does not take."""
    frame, target = people()
    fitted = classifier(max_evaluations=5).fit(frame, target)
    catalog = fitted.search_space.catalog("classification")
    for params in fitted.cv_results_["params"]:
        tree = parse(params["pipeline"], catalog=catalog)
        assert tree.size <= fitted.search_space.max_size


# Limits


def test_the_time_limit_of_candidates_does_not_lapse():
    """TPOT limits the first `n_jobs` pipelines only; later ones may run for ever."""
    search, n_workers = CountingSearch(), 2

    def outcome(args):
        hangs = int(args[1][1:]) % 5 == 0
        return (1e9 if hangs else 0.5), folds(0.5), None

    engine = make_engine(search, outcome, n_workers=n_workers, budget=300.0)
    engine.run()
    hung = [e for e in engine.history if e.reason == "deadline"]
    assert {e.status for e in hung} == {Status.TIMEOUT}
    assert {int(e.candidate.text[1:]) % 5 for e in hung} == {0}
    assert len(hung) > 2 * n_workers
    assert max(e.seconds for e in hung) <= 150
    assert engine.budget.elapsed() <= 300


@pytest.mark.filterwarnings("ignore::sklearn_meta.exceptions.SklearnMetaWarning")
def test_one_limit_does_not_switch_off_the_other():
    """mljar forgets ``total_time_limit`` if ``model_time_limit`` is given as well."""
    began = time.monotonic()
    fitted = classifier(time_budget=1.0, max_evaluations=10**6)
    fitted.set_params(search_space=SearchSpace()).fit(X, y)
    # Far below what so many evaluations take, however busy the machine is.
    assert time.monotonic() - began < 30
    assert len(fitted.history_) < 10**5
    fitted = classifier(time_budget=10**6, max_evaluations=2).fit(X, y)
    assert len(fitted.history_) == 2


def test_no_learner_has_tens_of_thousands_of_trees():
    """FLAML proposed 32 768 trees, a model of gigabytes."""
    for operator in built_in_operators():
        for h in operator.hyperparameters:
            if h.name in ("n_estimators", "max_iter"):
                assert h.high <= 2_000, operator.name


# Side effects


def state_of_the_process():
    """Everything global that a library has no business to change."""
    return {
        "numpy": pickle.dumps(np.random.get_state()),
        "random": random.getstate(),
        "errors of numpy": np.geterr(),
        "printing of numpy": np.get_printoptions(),
        "logging": (
            logging.root.level,
            list(logging.root.handlers),
            logging.root.manager.disable,
        ),
        "warnings": list(warnings.filters),
        "scikit-learn": sklearn.get_config(),
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "recursion": sys.getrecursionlimit(),
        "path": list(sys.path),
        "excepthook": sys.excepthook,
        "signals": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "start method": multiprocessing.get_start_method(allow_none=True),
        "threads": threading.enumerate(),
        "children": multiprocessing.active_children(),
    }


@pytest.mark.parametrize("make, data", [(classifier, people), (regressor, prices)])
def test_nothing_global_is_changed(make, data):
    """GAMA seeds the global generators in ``__init__``; mljar sets warning filters.

    FLAML configures logging, AutoGluon and TPOT the environment and signals.
    """
    frame, target = data()
    # What scikit-learn and pandas set up when they are first used is not ours.
    make().fit(frame, target).predict(frame)
    before = state_of_the_process()
    make().fit(frame, target).predict(frame)
    after = state_of_the_process()
    assert [name for name in before if before[name] != after[name]] == []


def test_learners_that_draw_from_the_global_generator_do_not_move_it():
    """The same for learners: scikit-learn's SVR has no seed and draws from there."""
    space = SearchSpace(include=["svr"], max_size=1)
    before = pickle.dumps(np.random.get_state())
    regressor(search_space=space, max_evaluations=1).fit(X, y)
    assert pickle.dumps(np.random.get_state()) == before


# Run with an empty directory as home, working and temporary directory.
AUDITED = """
import json, os, sys

seen = []
WATCHED = (
    "socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.",
    "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.system", "os.link",
    "os.symlink", "os.putenv", "os.chdir", "shutil.", "tempfile.",
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC

def watch(event, args):
    if event == "open":
        path, _, flags = args
        if flags & WRITES and path != os.devnull:
            seen.append([event, str(path)])
    elif event == "sqlite3.connect":
        # The knowledge base that comes with the package is read, and compared with the
        # schema that an empty one has.
        if "mode=ro" not in str(args[0]) and args[0] != ":memory:":
            seen.append([event, str(args[0])])
    elif event.startswith(WATCHED):
        seen.append([event, repr(args)])

sys.addaudithook(watch)
# What the libraries do when they are imported is theirs.
import sklearn.ensemble, sklearn.model_selection, lightgbm, threadpoolctl
from sklearn.datasets import load_iris
X, y = load_iris(return_X_y=True)
seen.clear()

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.pipelines import SearchSpace
after_import = len(seen)
space = SearchSpace(include=["gaussian_nb", "decision_tree", "lightgbm"], max_size=1)
model = MetaAutoClassifier(max_evaluations=3, cv=2, search_space=space, random_state=0)
after_init = len(seen)
model.fit(X, y).predict_proba(X)
print(json.dumps(
    {
        "import": seen[:after_import],
        "__init__": seen[after_import:after_init],
        "fit and predict": seen[after_init:],
    }
))
"""


def test_no_files_and_no_network(tmp_path):
    """TPOT asks the network for updates when it is imported.

    GAMA, mljar and AutoGluon make directories where one happens to stand, GAMA already
    in ``__init__``; auto-sklearn writes to the home directory, FLAML logs to mlflow.
    """
    # Audit hooks cannot be removed: not in this process.
    environment = {
        **os.environ,
        **dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", AUDITED],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report == {"import": [], "__init__": [], "fit and predict": []}
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


# Installation


def test_no_dependency_is_tied_to_the_past():
    """auto-sklearn asks for scikit-learn below 0.25, GAMA for one below 1.3."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [
        *project["project"]["dependencies"],
        f"python{project['project']['requires-python']}",
    ]
    assert len(needed) > 5
    for requirement in needed:
        assert re.fullmatch(r"[\w-]+>=[\d.]+", requirement)
