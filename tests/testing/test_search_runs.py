"""Synthetic problems and evaluations, and the order in which they are told."""

import pytest

from sklearn_meta.evaluation import Candidate, Status
from sklearn_meta.pipelines import Node, SearchSpace, X
from sklearn_meta.testing import make_evaluation, make_problem, run_search

CANDIDATE = Candidate(Node("ridge", (X,)), "ridge(X)", "random")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_problem_has_the_operators_of_its_task(task):
    problem = make_problem(task, space=SearchSpace(max_size=3), seed=7)
    assert problem.catalog.task == task
    assert (problem.max_size, problem.seed) == (3, 7)
    assert (problem.n_classes > 1) == problem.catalog.is_classifier


def test_scores_depend_on_the_text_alone():
    first, second = make_evaluation(0, CANDIDATE), make_evaluation(5, CANDIDATE)
    assert first.score == second.score
    assert 0 <= first.score < 1
    assert make_evaluation(0, CANDIDATE, score=0.5).score == 0.5


@pytest.mark.parametrize("status", Status)
def test_evaluations_of_every_status(status):
    evaluation = make_evaluation(0, CANDIDATE, status)
    assert evaluation.status is status
    assert bool(evaluation.reason) == (status is not Status.OK)
    if status is Status.FAILED:
        assert not evaluation.folds


class Counted:
    """A search that notes how many evaluations it was told before each proposal."""

    def __init__(self, n):
        self.n, self.n_told, self.before = n, 0, []

    def ask(self, n):
        if len(self.before) == self.n:
            return []
        self.before.append(self.n_told)
        return [CANDIDATE]

    def tell(self, evaluations):
        self.n_told += len(evaluations)


def test_evaluations_are_told_behind_the_look_ahead():
    search = Counted(100)
    assert len(run_search(search, 6, look_ahead=2)) == 6
    assert search.before == [0, 0, 1, 2, 3, 4]
    assert len(run_search(Counted(3), 6)) == 3
