"""A fitted estimator on its way through files, processes and threads."""

import copy
import io
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_diabetes
from skops.io.exceptions import UntrustedTypesFoundException

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.evaluation._history_storage import compress_history, expand_history
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.pipelines import SearchSpace
from tests.contract.small import Favorites, classifier, people, regressor, texts

ROOT = Path(__file__).parents[2]

# Learners of every kind, those that are not of scikit-learn among them.
MANY_KINDS = {
    "search_space": SearchSpace(),
    "meta_learner": Favorites(
        (
            "lightgbm(X, n_estimators=20)",
            "extra_trees(X, n_estimators=30)",
            "hist_gradient_boosting(X, max_iter=20)",
            "k_neighbors(standard_scaler(X))",
        )
    ),
    "max_evaluations": 4,
}


@pytest.fixture(scope="module")
def of_a_frame():
    frame, target = people()
    return classifier(**MANY_KINDS).fit(frame, target), frame


@pytest.fixture(scope="module")
def of_an_array():
    X, y = load_diabetes(return_X_y=True)
    return regressor(**MANY_KINDS).fit(X, y), X


@pytest.fixture(params=["of_a_frame", "of_an_array"])
def fitted(request):
    return request.getfixturevalue(request.param)


def probabilities_or_targets(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def check_same(loaded, estimator, X):
    np.testing.assert_array_equal(
        probabilities_or_targets(loaded, X), probabilities_or_targets(estimator, X)
    )
    np.testing.assert_array_equal(
        loaded.best_estimator_.predict(X), estimator.best_estimator_.predict(X)
    )
    assert repr(loaded.get_params()) == repr(estimator.get_params())
    assert loaded.history_ == estimator.history_
    np.testing.assert_equal(loaded.cv_results_, estimator.cv_results_)
    assert loaded.leaderboard_.equals(estimator.leaderboard_)
    assert loaded.to_source() == estimator.to_source()
    assert loaded.time_report_ == estimator.time_report_


# Round trips


def through_joblib(estimator, compress=0):
    stream = io.BytesIO()
    joblib.dump(estimator, stream, compress=compress)
    stream.seek(0)
    return joblib.load(stream)


def through_skops(estimator):
    data = skops.io.dumps(estimator)
    trusted = skops.io.get_untrusted_types(data=data)
    return skops.io.loads(data, trusted=trusted)


@pytest.mark.parametrize(
    "through",
    [
        *(
            lambda e, p=p: pickle.loads(pickle.dumps(e, protocol=p))
            for p in range(2, pickle.HIGHEST_PROTOCOL + 1)
        ),
        lambda e: cloudpickle.loads(cloudpickle.dumps(e)),
        through_joblib,
        lambda e: through_joblib(e, compress=3),
        through_skops,
        copy.copy,
        copy.deepcopy,
    ],
    ids=[
        *(f"pickle {p}" for p in range(2, pickle.HIGHEST_PROTOCOL + 1)),
        "cloudpickle",
        "joblib",
        "joblib compressed",
        "skops",
        "copy",
        "deepcopy",
    ],
)
def test_round_trip(through, fitted):
    estimator, X = fitted
    check_same(through(estimator), estimator, X)


def test_skops_needs_the_trust_of_known_packages_only(fitted):
    data = skops.io.dumps(fitted[0])
    packages = {name.split(".")[0] for name in skops.io.get_untrusted_types(data=data)}
    # The meta-learner of these tests is a parameter, and so is in the file.
    known = "collections functools lightgbm numpy sklearn sklearn_meta tests"
    assert packages <= set(known.split())
    with pytest.raises(UntrustedTypesFoundException):
        skops.io.loads(data)


KINDS_OF_COLUMNS = {
    "numbers": [1.5, None, 2],
    "booleans": [True, False, True],
    "categories": ["a", None, "b"],
    "numbers of categories": pd.Categorical([3, 1, 3] * 20),
    "dates": pd.date_range("2020-01-01", periods=60, freq="15D"),
    "dates with a zone": pd.date_range("2020-01-01", periods=60, freq="15D", tz="UTC"),
    "durations": pd.to_timedelta(np.arange(60), unit="s"),
    "mixed": ["a", 5, 5.0],
    "objects": np.array([1, pd.NA, 2.5] * 20, dtype=object),
    "amounts": ["$1.50", "?", "$2,000"],
    "dates as strings": ["1.5.2024", "31.12.2023 10:00", None],
    "durations as strings": ["1:30", "12:45", None],
    "sets": ["a;b", "a", "b;c"],
    "texts": [f"{a} {b} {i}" for i in range(10) for a in "xyz" for b in ("ab", "cd")],
    "many categories": [f"level {i % 1_100}" for i in range(2_200)],
}


@pytest.mark.filterwarnings("ignore:.*copies of other rows")
@pytest.mark.parametrize("name", KINDS_OF_COLUMNS)
def test_skops_stores_models_on_every_kind_of_column(name):
    values = KINDS_OF_COLUMNS[name]
    if len(values) == 3:
        values = pd.Series(values * 20, dtype=object)
    frame = pd.DataFrame({"a": values})
    clf = classifier(max_evaluations=1)
    clf.fit(frame, np.arange(len(frame)) % 2).set_params(meta_learner=None)
    assert clf.column_report_["kind"].iloc[0] not in ("identifier", "constant", "empty")
    loaded = through_skops(clf)
    np.testing.assert_array_equal(loaded.predict_proba(frame), clf.predict_proba(frame))
    data = skops.io.dumps(clf)
    packages = {name.split(".")[0] for name in skops.io.get_untrusted_types(data=data)}
    known = "collections functools numpy scipy sklearn sklearn_meta"
    assert packages <= set(known.split())


def test_unfitted_estimators_are_saved_as_well():
    clf = classifier(ensemble_size=3)
    loaded = pickle.loads(pickle.dumps(clf))
    assert repr(loaded.get_params()) == repr(clf.get_params())
    assert not hasattr(loaded, "ensemble_")


def test_a_loaded_estimator_can_be_fitted_again(of_an_array):
    estimator, X = of_an_array
    _, y = load_diabetes(return_X_y=True)
    loaded = pickle.loads(pickle.dumps(estimator)).fit(X, y)
    assert texts(loaded) == texts(estimator)
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))


def test_a_warm_start_is_left_behind():
    frame, target = people()
    clf = classifier(warm_start=True).fit(frame, target)
    loaded = pickle.loads(pickle.dumps(clf))
    assert clf.fit(frame, target).n_evaluations_ == 6
    assert loaded.fit(frame, target).n_evaluations_ == 3


def test_another_number_of_jobs_predicts_the_same(fitted):
    estimator, X = fitted
    loaded = pickle.loads(pickle.dumps(estimator)).set_params(n_jobs=2)
    np.testing.assert_array_equal(
        probabilities_or_targets(loaded, X), probabilities_or_targets(estimator, X)
    )


def test_in_a_fresh_interpreter(fitted, tmp_path):
    estimator, X = fitted
    expected = probabilities_or_targets(estimator, X)
    path = tmp_path / "estimator.joblib"
    joblib.dump((estimator, X, expected), path)
    code = f"""
import sys
import joblib
import numpy as np

estimator, X, expected = joblib.load({str(path)!r})
estimator.set_params(n_jobs=2)
found = getattr(estimator, "predict_proba", estimator.predict)(X)
np.testing.assert_array_equal(found, expected)
assert estimator.leaderboard_ is not None
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_predicting_imports_what_the_members_need_and_no_more(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    path = tmp_path / "regressor.pickle"
    loaded = {}
    for learner in ("ridge(X)", "lightgbm(X, n_estimators=5)"):
        reg = regressor(
            search_space=SearchSpace(include=[learner.split("(")[0]]),
            meta_learner=Favorites((learner,)),
            max_evaluations=1,
        ).fit(X, y)
        # The meta-learner is part of the tests.
        path.write_bytes(pickle.dumps(reg.set_params(meta_learner=None)))
        code = (
            "import json, pickle, sys\n"
            "import numpy as np\n"
            f"reg = pickle.load(open({str(path)!r}, 'rb'))\n"
            "reg.predict(np.zeros((3, 10)))\n"
            "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))\n"
        )
        out = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            cwd=ROOT,
            capture_output=True,
            text=True,
        ).stdout
        loaded[learner] = set(json.loads(out))
    heavy = {"lightgbm", "torch", "skorch", "matplotlib"}
    assert loaded["ridge(X)"] & heavy == set()
    assert "torch" not in loaded["lightgbm(X, n_estimators=5)"]


# Size


@pytest.mark.parametrize(
    "make, load",
    [(MetaAutoClassifier, load_breast_cancer), (MetaAutoRegressor, load_diabetes)],
)
def test_a_pickle_is_hardly_larger_than_the_final_model(make, load):
    X, y = load(return_X_y=True)
    estimator = make(max_evaluations=12, cv=2, random_state=0).fit(X, y)
    size = len(pickle.dumps(estimator))
    assert size <= 1.5 * len(pickle.dumps(estimator.ensemble_))


def test_neither_the_table_nor_the_search_is_in_the_pickle():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3_000, 20)), rng.normal(size=3_000)
    reg = regressor(
        meta_learner=Favorites(("ridge(X)",)), max_evaluations=1, warm_start=True
    ).fit(X, y)
    of_intervals = len(pickle.dumps(reg._conformal))
    # One column of the table alone has 24 kB.
    limit = 8_000 + reg._out_of_fold.n_bytes + of_intervals
    assert len(pickle.dumps(reg)) < limit


def test_the_history_stays_small():
    frame, target = people()
    clf = classifier(max_evaluations=12, cv=5).fit(frame, target)
    assert len(compress_history(clf.history_)) < 200 * clf.n_evaluations_
    for evaluation in clf.history_:
        assert evaluation.candidate.tree is None
        for result in (*evaluation.folds, *evaluation.screening):
            assert result.predictions is None and result.model is None


def test_the_history_comes_back_as_it_was(fitted):
    estimator, _ = fitted
    assert pickle.loads(pickle.dumps(estimator)).history_ == estimator.history_
    assert copy.deepcopy(estimator).history_ == estimator.history_


def test_all_that_can_happen_to_a_candidate_is_stored():
    candidate = Candidate(None, "ridge(X)", "mutation of 1: “ü”")
    fold = FoldResult(0, -np.inf, None, 0.25, 1e-6, iterations=7)
    history = tuple(
        Evaluation(i, candidate, status, (fold,) * i, (fold,), f"no {i}", 0.5)
        for i, status in enumerate(Status)
    )
    assert expand_history(compress_history(history)) == history
    assert expand_history(compress_history(())) == ()


# Threads and processes


def test_many_threads_predict_at_once(fitted):
    estimator, X = fitted
    expected = probabilities_or_targets(estimator, X)
    n_threads, n_rows = 8, len(expected) // 8
    barrier = Barrier(n_threads)
    take = X.iloc if hasattr(X, "iloc") else X

    def predict(number):
        rows = slice(number * n_rows, (number + 1) * n_rows)
        barrier.wait()
        for _ in range(5):
            found = probabilities_or_targets(estimator, take[rows])
            np.testing.assert_allclose(found, expected[rows], rtol=1e-10)
        return number

    with ThreadPoolExecutor(n_threads) as pool:
        assert list(pool.map(predict, range(n_threads))) == list(range(n_threads))


def test_threads_fit_side_by_side():
    frame, target = people()
    expected = classifier().fit(frame, target).predict_proba(frame)
    with ThreadPoolExecutor(3) as pool:
        fits = [pool.submit(lambda: classifier().fit(frame, target)) for _ in range(3)]
        for fit in fits:
            np.testing.assert_array_equal(fit.result().predict_proba(frame), expected)


def test_other_processes_predict(fitted):
    estimator, X = fitted
    expected = probabilities_or_targets(estimator, X)
    predict = getattr(estimator, "predict_proba", estimator.predict)
    for found in Parallel(n_jobs=2)(delayed(predict)(X) for _ in range(2)):
        np.testing.assert_array_equal(found, expected)
