"""The user's own pipelines come first."""

import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.metalearning import Prior, Proposal
from sklearn_meta.pipelines import SearchSpace, default_catalog, parse
from sklearn_meta.search import EvolutionarySearch
from sklearn_meta.testing import make_evaluation, make_problem, run_search

OWN = [
    "gaussian_nb(X)",
    make_pipeline(StandardScaler(), LogisticRegression(C=3)),
    "logistic_regression( standard_scaler(X), C = 3 )",
]


def problem(**changes):
    known = parse("decision_tree(X)", catalog=default_catalog("classification"))
    prior = Prior(portfolio=(Proposal(known),))
    return make_problem(**{"prior": prior, "space": SearchSpace(), **changes})


def test_texts_and_estimators_are_proposed_first_each_once():
    search = EvolutionarySearch(initial_pipelines=OWN).start(problem())
    first = run_search(search, 4)
    assert [(c.text, c.origin) for c in first[:3]] == [
        ("gaussian_nb(X)", "initial"),
        ("logistic_regression(standard_scaler(X), C=3.0)", "initial"),
        ("decision_tree(X)", "portfolio"),
    ]
    assert first[3].origin not in ("initial", "portfolio")


def test_what_was_told_is_not_proposed_again():
    search = EvolutionarySearch(initial_pipelines=OWN).start(problem())
    [first] = search.ask(1)
    again = EvolutionarySearch(initial_pipelines=OWN).start(problem())
    again.tell([make_evaluation(0, first)])
    assert again.ask(1)[0].text != first.text


def test_they_are_varied_like_others():
    strategy = EvolutionarySearch(initial_pipelines=OWN[:1], random_rate=0.0)
    candidates = run_search(strategy.start(problem(prior=Prior())), 12, look_ahead=1)
    assert any(c.origin.startswith("mutation of 0") for c in candidates[1:])


def test_the_strategy_can_be_cloned():
    copy = clone(EvolutionarySearch(initial_pipelines=OWN))
    assert copy.initial_pipelines[0] == OWN[0]
    assert copy.start(problem()).ask(1)[0].text == "gaussian_nb(X)"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (["gaussian_nb(X)", "gausian_nb(X)"], r"initial_pipelines\[1\].*gaussian_nb"),
        ([RandomForestClassifier(max_depth=3)], r"initial_pipelines\[0\].*max_depth"),
        ([3], r"initial_pipelines\[0\].*scikit-learn estimator"),
    ],
)
def test_what_cannot_be_expressed_is_named(own, message):
    with pytest.raises(InvalidPipelineError, match=f"(?s){message}"):
        EvolutionarySearch(initial_pipelines=own).start(problem())


def test_what_the_search_space_excludes_is_an_error():
    space = SearchSpace(exclude=("gaussian_nb",))
    with pytest.raises(InvalidPipelineError, match="gaussian_nb"):
        EvolutionarySearch(initial_pipelines=OWN).start(problem(space=space))


def test_what_is_too_large_says_how_to_allow_it():
    text = "gaussian_nb(pca(standard_scaler(X)))"
    space = SearchSpace(max_size=2)
    with pytest.raises(InvalidPipelineError, match="max_size=3"):
        EvolutionarySearch(initial_pipelines=[text]).start(problem(space=space))


def test_a_text_is_no_list_of_pipelines():
    with pytest.raises(ValueError, match="'initial_pipelines'"):
        EvolutionarySearch(initial_pipelines="gaussian_nb(X)").start(problem())
