"""Every parameter changes the run, also when another search sets it."""

import contextlib
import io
from dataclasses import dataclass, field

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, StratifiedKFold

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.exceptions import NoCandidateError
from sklearn_meta.metalearning import (
    DatasetRecord,
    EvaluationRecord,
    KNNMetaLearner,
    KnowledgeBase,
    compute_metafeatures,
)
from sklearn_meta.pipelines import SearchSpace, default_catalog
from sklearn_meta.search import EvolutionarySearch, RandomSearch
from tests.contract.small import (
    CHEAP,
    Favorites,
    Hoarder,
    Witness,
    classifier,
    foreign_space,
    regressor,
    texts,
    what_happened,
)

X, y = load_iris(return_X_y=True)


# What of a run is looked at


def tried(estimator):
    return texts(estimator.fit(X, y))


def scores(estimator):
    return [evaluation.scores for evaluation in estimator.fit(X, y).history_]


def n_evaluations(estimator):
    return len(estimator.fit(X, y).history_)


def n_evaluations_of_two_fits(estimator):
    return n_evaluations(estimator.fit(X, y))


def n_members(estimator):
    return len(estimator.fit(X, y).ensemble_.members)


def why_it_ended(estimator):
    return estimator.fit(X, y).stop_reason_


def printed(estimator):
    with contextlib.redirect_stderr(io.StringIO()) as stream:
        estimator.fit(X, y)
    return bool(stream.getvalue())


def n_measured(estimator):
    estimator.fit(X, y)
    return np.isfinite([estimator.megabytes_, estimator.predict_ms_]).sum()


@dataclass(frozen=True)
class Effect:
    """Two values of a parameter, and what of a run must differ between them."""

    first: object
    second: object
    observe: object = tried
    settings: dict = field(default_factory=dict)


# Long enough for offspring of offspring.
EVOLVING = {"meta_learner": Favorites(), "max_evaluations": 16}
TREE, BAYES = (
    SearchSpace(include=[name], max_size=1) for name in ("decision_tree", "gaussian_nb")
)
OWN_TREE = default_catalog("classification").find("decision_tree")

EFFECTS = {
    # Without a budget the search takes ten times as long, and ends for another reason.
    "time_budget": Effect(
        0.05, None, why_it_ended, {"max_evaluations": None, "cv": 10}
    ),
    "max_evaluations": Effect(2, 3, n_evaluations),
    "scoring": Effect("accuracy", None, scores),
    "cv": Effect(2, 3, scores),
    "column_kinds": Effect({0: "category"}, {0: "drop"}, scores),
    "search_space": Effect(TREE, BAYES),
    "search": Effect(
        RandomSearch(), EvolutionarySearch(), tried, {"max_evaluations": 6}
    ),
    "meta_learner": Effect(Favorites(("ridge(X)",)), Favorites(("gaussian_nb(X)",))),
    "ensemble_size": Effect(
        1, 25, n_members, {"meta_learner": Favorites(), "max_evaluations": 5}
    ),
    # What they leave out is in the tests of the limits.
    "max_megabytes": Effect(None, 1000.0, n_measured),
    "max_predict_ms": Effect(None, 1e6, n_measured),
    "random_state": Effect(0, 1, scores),
    "verbose": Effect(0, 1, printed),
    "warm_start": Effect(False, True, n_evaluations_of_two_fits),
    "search__population_size": Effect(2, 40, tried, EVOLVING),
    "search__look_ahead": Effect(1, 8, tried, EVOLVING),
    "search__crossover_rate": Effect(0.0, 1.0, tried, EVOLVING),
    "search__random_rate": Effect(0.0, 1.0, tried, EVOLVING),
    "search__greed": Effect(0.0, 1.0, tried, EVOLVING),
    "search__cost_aversion": Effect(0.0, 5.0, tried, EVOLVING),
    "search__initial_pipelines": Effect(["ridge(X)"], ["gaussian_nb(X)"]),
    "search_space__include": Effect(["decision_tree"], ["gaussian_nb"]),
    "search_space__exclude": Effect([], ["logistic_regression"]),
    "search_space__operators": Effect(
        [],
        [OWN_TREE],
        tried,
        {"search_space": SearchSpace(include=["ridge"]), "max_evaluations": 6},
    ),
    "search_space__max_size": Effect(1, 4, tried, EVOLVING),
    "meta_learner__pipelines": Effect(("ridge(X)",), ("gaussian_nb(X)",)),
    "meta_learner__n_pipelines": Effect(1, 2),
}
# Their effects need processes or files, and have tests of their own below.
TESTED_BELOW = {"checkpoint", "knowledge_base", "memory_limit", "n_jobs"}


def nested():
    """A classifier whose parameters include those of the objects that it is given."""
    return MetaAutoClassifier(
        search=EvolutionarySearch(),
        search_space=clone(CHEAP),
        meta_learner=Favorites(),
    )


@pytest.mark.filterwarnings("ignore:No candidate was finished")
@pytest.mark.parametrize("name", sorted(set(nested().get_params()) - TESTED_BELOW))
def test_every_parameter_changes_the_run(name):
    assert name in EFFECTS, f"Add an effect of {name!r} to EFFECTS."
    effect = EFFECTS[name]
    settings = dict(effect.settings)
    owner, _, of_owner = name.partition("__")
    if of_owner:
        settings.setdefault(owner, nested().get_params(deep=False)[owner])
    estimator = classifier(**settings)
    first, second, again = (
        effect.observe(clone(estimator).set_params(**{name: value}))
        for value in (effect.first, effect.second, effect.second)
    )
    assert first != second
    assert second == again


def test_both_estimators_have_the_same_parameters():
    assert MetaAutoRegressor().get_params() == MetaAutoClassifier().get_params()
    assert MetaAutoRegressor.fit is MetaAutoClassifier.fit


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_n_jobs_is_the_number_of_processes(n_jobs, tmp_path):
    clf = classifier(
        search_space=foreign_space(Witness, tmp_path),
        search=RandomSearch(),
        max_evaluations=4,
        n_jobs=n_jobs,
    ).fit(X, y)
    assert len(list(tmp_path.iterdir())) == n_jobs
    assert clf.time_report_["n_workers"] == n_jobs


@pytest.mark.parametrize("limit, enough", [(1_500, True), (200, False)])
def test_memory_limit_decides_what_a_candidate_may_use(limit, enough, tmp_path):
    clf = classifier(
        search_space=foreign_space(Hoarder, tmp_path),
        search=RandomSearch(),
        max_evaluations=1,
        memory_limit=limit,
    )
    if enough:
        assert [str(e.status) for e in clf.fit(X, y).history_] == ["ok"]
    else:
        with pytest.raises(NoCandidateError, match="MemoryError"):
            clf.fit(X, y)


def test_what_a_fit_has_seen_is_added_to_the_knowledge_base(tmp_path):
    path = tmp_path / "knowledge.sqlite"
    classifier(knowledge_base=None).fit(X, y)
    assert not path.exists()
    classifier(knowledge_base=path, max_evaluations=3).fit(X, y)
    (only_one,) = KnowledgeBase(path).records()
    assert len(only_one[1]) == 3


# Parameters of the meta-learner, by what they make of a knowledge base


# Mean accuracy of each pipeline on the tables that are like iris, and on the others.
KNOWN_SCORES = {
    "decision_tree(X)": (0.95, 0.2),
    "gaussian_nb(X)": (0.5, 0.9),
    "logistic_regression(X)": (0.4, 0.89),
    "ridge(X)": (0.3, 0.3),
}
# Good and slow; the next best is good and quick.
KNOWN_SECONDS = {"gaussian_nb(X)": 3.0}


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory):
    """A file that knows iris, and twelve tables of noise, where others do well."""
    path = tmp_path_factory.mktemp("knowledge") / "mine.sqlite"
    knowledge_base = KnowledgeBase(path)
    rng = np.random.default_rng(0)
    noise = [(rng.normal(size=(80, 7)), np.arange(80) % 2) for _ in range(12)]
    for number, (table, target) in enumerate([(X, y), *noise]):
        described = compute_metafeatures(table, target, task="classification")
        record = DatasetRecord(
            name=f"table {number}",
            task="classification",
            family=f"table {number}",
            n_samples=len(target),
            n_features=table.shape[1],
            n_classes=len(np.unique(target)),
            metafeatures=described.as_dict(),
        )
        evaluations = [
            EvaluationRecord(
                text,
                scores={"accuracy": (scores[number > 0], 0.01)},
                fit_seconds=KNOWN_SECONDS.get(text, 0.01),
                n_rows=len(target),
            )
            for text, scores in KNOWN_SCORES.items()
        ]
        knowledge_base.add(record, evaluations)
    return KnowledgeBase(path)


def recalled(knowledge, **changes):
    """What a run tries that recalls from `knowledge`, without preferring speed."""
    plain = {"shrinkage": 0.0, "time_aversion": 0.0}
    clf = classifier(
        knowledge_base=knowledge, meta_learner=KNNMetaLearner(**{**plain, **changes})
    )
    return tried(clf)


def test_few_neighbors_recall_what_is_good_on_the_nearest(knowledge):
    nearest = recalled(knowledge, n_neighbors=1)
    all_of_them = recalled(knowledge, n_neighbors=13)
    assert nearest[0] == "decision_tree(X)"
    assert all_of_them[0] == "gaussian_nb(X)"


def test_shrinkage_recalls_what_is_good_everywhere(knowledge):
    shrunk = recalled(knowledge, n_neighbors=1, shrinkage=np.inf)
    assert shrunk[0] == "gaussian_nb(X)" != recalled(knowledge, n_neighbors=1)[0]


def test_time_aversion_recalls_what_is_quick(knowledge):
    slow, quick = (
        recalled(knowledge, n_neighbors=13, time_aversion=aversion)[0]
        for aversion in (0.0, 2.0)
    )
    assert (slow, quick) == ("gaussian_nb(X)", "logistic_regression(X)")


def test_the_number_of_proposals_ends_the_recall(knowledge):
    one, all_of_them = (recalled(knowledge, n_proposals=n) for n in (1, 30))
    assert sum(text in KNOWN_SCORES for text in all_of_them) == 3
    assert one[0] == all_of_them[0] and one != all_of_them


def test_a_grid_search_sets_the_number_of_neighbors(knowledge):
    search = GridSearchCV(
        classifier(
            knowledge_base=knowledge,
            meta_learner=KNNMetaLearner(shrinkage=0.0, time_aversion=0.0),
            max_evaluations=1,
        ),
        {"meta_learner__n_neighbors": [1, 13]},
        scoring=what_happened,
        refit="score",
        # Half of the rows would not be the table that is known.
        cv=[(np.arange(150), np.arange(150))],
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)
    nearest, all_of_them = search.cv_results_["mean_test_tried"]
    assert nearest != all_of_them


# Parameters as such


@pytest.mark.parametrize("make", [classifier, regressor])
def test_parameters_round_trip(make):
    given = make(search=EvolutionarySearch(population_size=7), meta_learner=Favorites())
    params = given.get_params(deep=True)
    assert params["search__population_size"] == 7
    assert params["search_space__max_size"] == 2
    assert params["meta_learner__n_pipelines"] is None
    shallow = given.get_params(deep=False)
    assert not any("__" in name for name in shallow)
    # As they were given, the very same objects.
    assert all(getattr(given, name) is value for name, value in shallow.items())

    copied = clone(given)
    assert repr(copied.get_params()) == repr(params)
    assert copied.search is not given.search
    assert given.set_params(**params) is given
    assert repr(given.get_params()) == repr(params)
    assert repr(type(given)(**shallow).get_params()) == repr(params)


def test_fit_changes_no_parameter():
    clf = classifier(search=EvolutionarySearch(), meta_learner=Favorites())
    before = repr(clf.get_params())
    params = clf.get_params(deep=False)
    clf.fit(X, y)
    assert repr(clf.get_params()) == before
    assert all(clf.get_params()[name] is value for name, value in params.items())


def test_an_unknown_parameter_is_an_error():
    with pytest.raises(ValueError, match="population_size"):
        classifier().set_params(population_size=3)
    with pytest.raises(ValueError, match="populaton_size"):
        classifier(search=EvolutionarySearch()).set_params(search__populaton_size=3)


@pytest.mark.parametrize(
    "seed", [3, np.random.RandomState(3)], ids=["int", "RandomState"]
)
@pytest.mark.parametrize("make", [classifier, regressor])
def test_clones_with_the_same_seed_agree(make, seed):
    template = make(random_state=seed, max_evaluations=6)
    first, second = (clone(template).fit(X, y) for _ in range(2))
    assert scores(first) == scores(second)
    assert texts(first) == texts(second)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


def test_fitting_twice_gives_the_same():
    clf = classifier(max_evaluations=6)
    first = clf.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clf.fit(X, y).predict_proba(X), first)


# Searches around ours


GRID = [
    ({"max_evaluations": [2, 4]}, "n_evaluations"),
    ({"cv": [2, StratifiedKFold(3)]}, "n_splits"),
    ({"scoring": ["accuracy", "neg_log_loss"]}, "best_score"),
    ({"ensemble_size": [1, 25]}, "n_members"),
    ({"search_space__max_size": [1, 4]}, "tried"),
    ({"search_space__include": [["ridge"], ["decision_tree"]]}, "tried"),
    ({"search__population_size": [2, 40], "max_evaluations": [16]}, "tried"),
    ({"search__look_ahead": [1, 8]}, "tried"),
    ({"search": [RandomSearch(), EvolutionarySearch()]}, "tried"),
    ({"meta_learner__n_pipelines": [1, 2]}, "tried"),
    ({"meta_learner": [Favorites(("ridge(X)",)), None]}, "tried"),
    ({"random_state": [0, 1]}, "best_score"),
]


@pytest.fixture(scope="module")
def grid_search():
    return GridSearchCV(
        classifier(
            search=EvolutionarySearch(), meta_learner=Favorites(), max_evaluations=10
        ),
        [grid for grid, _ in GRID],
        scoring=what_happened,
        refit="score",
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)


@pytest.mark.parametrize(
    "number", range(len(GRID)), ids=[next(iter(g)) for g, _ in GRID]
)
def test_a_parallel_grid_search_really_sets_what_it_says(grid_search, number):
    results = grid_search.cv_results_
    assert results["params"][2 * number].keys() == GRID[number][0].keys()
    measured = results[f"mean_test_{GRID[number][1]}"]
    assert measured[2 * number] != measured[2 * number + 1]


def test_a_parallel_grid_search_refits_the_best(grid_search):
    best = grid_search.best_estimator_
    for name, value in grid_search.best_params_.items():
        assert repr(best.get_params()[name]) == repr(value)
    assert best.score(X, y) > 0.9
    assert grid_search.predict(X).shape == (150,)


def test_a_halving_grid_search_with_evaluations_as_its_resource():
    search = HalvingGridSearchCV(
        classifier(search=EvolutionarySearch(), **EVOLVING),
        {"search__population_size": [2, 40], "ensemble_size": [1, 25]},
        resource="max_evaluations",
        min_resources=3,
        max_resources=12,
        factor=2,
        cv=2,
        n_jobs=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    assert search.n_resources_ == [3, 6, 12]
    assert search.n_candidates_ == [4, 2, 1]
    assert search.best_estimator_.n_evaluations_ == 12
    assert search.score(X, y) > 0.9
