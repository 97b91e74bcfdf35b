"""Each of the common checks of strategies catches a bad one."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_meta.evaluation import Candidate
from sklearn_meta.search import RandomSearch
from sklearn_meta.testing import _strategy_checks, check_strategy, strategy_checks


class Base(BaseEstimator):
    """A random search in which a bad strategy replaces a part."""

    def __init__(self, look_ahead=8):
        self.look_ahead = look_ahead

    def start(self, problem):
        return self.Run(RandomSearch().start(self.seen(problem)))

    def seen(self, problem):
        """Return the problem as the strategy sees it."""
        return problem

    class Run:
        def __init__(self, run):
            self.run = run

        def ask(self, n):
            return self.run.ask(n)

        def tell(self, evaluations):
            self.run.tell(evaluations)


class Keywords(Base):
    def __init__(self, **kwargs):
        self.look_ahead = kwargs.get("look_ahead", 8)


class Remembers(Base):
    def start(self, problem):
        self.problem_ = problem
        return super().start(problem)


class Large(Base):
    def seen(self, problem):
        return replace(problem, max_size=6)


class OwnText(Base):
    class Run(Base.Run):
        def ask(self, n):
            return [replace(c, text=c.text.replace(" ", "")) for c in self.run.ask(n)]


class NoOrigin(Base):
    class Run(Base.Run):
        def ask(self, n):
            return [replace(c, origin="") for c in self.run.ask(n)]


class Trees(Base):
    class Run(Base.Run):
        def ask(self, n):
            return [c.tree for c in self.run.ask(n)]


class Illegal(Base):
    class Run(Base.Run):
        def ask(self, n):
            inner = [c.tree.inputs[0] for c in self.run.ask(n)]
            return [Candidate(tree, "X", "random") for tree in inner]


class Forgets(Base):
    class Run(Base.Run):
        def ask(self, n):
            self.run.seen.clear()
            return self.run.ask(n)


class Tires(Base):
    class Run(Base.Run):
        def ask(self, n):
            return [] if self.run._n_asked >= 100 else self.run.ask(n)


class Deaf(Base):
    class Run(Base.Run):
        def tell(self, evaluations):
            pass


class Impatient(Base):
    class Run(Base.Run):
        def __init__(self, run):
            super().__init__(run)
            self.n_left = 10

        def ask(self, n):
            found = self.run.ask(min(n, self.n_left))
            self.n_left -= len(found)
            return found

        def tell(self, evaluations):
            self.n_left += len(evaluations)
            self.run.tell(evaluations)


class AtLeastOne(Base):
    class Run(Base.Run):
        def ask(self, n):
            return self.run.ask(max(n, 1))


class Unseeded(Base):
    def seen(self, problem):
        return replace(problem, seed=int(np.random.default_rng().integers(2**31)))


class GlobalSeed(Base):
    def seen(self, problem):
        return replace(problem, seed=np.random.randint(2**31))


class OneSeed(Base):
    def seen(self, problem):
        return replace(problem, seed=0)


class Batched(Base):
    class Run(Base.Run):
        def ask(self, n):
            return self.run.ask(n)[::-1]


class Hurried(Base):
    class Run(Base.Run):
        def tell(self, evaluations):
            n_slow = sum(e.seconds > 5 for e in evaluations)
            problem = self.run.problem
            self.run.problem = replace(problem, seed=problem.seed + n_slow)
            self.run.tell(evaluations)


class Optimist(Base):
    class Run(Base.Run):
        def tell(self, evaluations):
            self.best = max(e.scores[0] for e in evaluations)
            self.run.tell(evaluations)


class Rounds(Base):
    class Run(Base.Run):
        def tell(self, evaluations):
            self.last = [round(e.score * 1000) for e in evaluations if e.folds]
            self.run.tell(evaluations)


class Endless(Base):
    class Run(Base.Run):
        def __init__(self, run):
            super().__init__(run)
            self.last = []

        def ask(self, n):
            self.last = self.run.ask(n) or self.last
            return self.last


class Lazy(Base):
    def seen(self, problem):
        return replace(problem, max_size=1)


class Shared(Base):
    def start(self, problem):
        if not self.runs:
            self.runs.append(super().start(problem))
        return self.runs[0]

    runs = []


class Imputes(Base):
    def seen(self, problem):
        return replace(problem, has_missing=True)


class DenseOnly(Base):
    def start(self, problem):
        run = super().start(problem)
        if problem.is_sparse:
            run.ask = lambda n: []
        return run


BAD = [
    ("check_parameters", Keywords(), "parameters"),
    ("check_start_changes_nothing", Remembers(), "in the object that `start` returns"),
    ("check_look_ahead", Base(look_ahead=0), "at least 1. Got 0"),
    ("check_candidates_are_legal", Large(), "with max_size=1 it proposes"),
    ("check_candidates_are_legal", OwnText(), "canonical text"),
    ("check_candidates_are_legal", NoOrigin(), "has no origin"),
    ("check_candidates_are_legal", Trees(), "must return Candidates|no attribute"),
    ("check_candidates_are_legal", Illegal(), "illegal pipeline"),
    ("check_nothing_is_proposed_twice", Forgets(), "Remember the texts"),
    ("check_nothing_is_proposed_twice", Tires(), "stops after 100"),
    ("check_what_was_told_is_not_proposed", Deaf(), "must remember the texts"),
    ("check_ask_before_tell", Impatient(), "it gives 10 different ones"),
    ("check_ask_for_nothing", AtLeastOne(), r"ask\(0\) must give"),
    ("check_repeatable", Unseeded(), "All randomness must come from"),
    ("check_repeatable", GlobalSeed(), "changes the global random state"),
    ("check_repeatable", OneSeed(), "Use problem.seed"),
    ("check_batches_do_not_matter", Batched(), "six times"),
    ("check_measured_times_do_not_matter", Hurried(), "measured seconds"),
    ("check_all_statuses_are_tolerated", Optimist(), "of every status"),
    ("check_scores_that_are_not_finite_are_tolerated", Rounds(), "scores of nan"),
    ("check_a_finite_space_is_exhausted", Endless(), r"must return \[\]"),
    ("check_a_finite_space_is_exhausted", Lazy(), "never proposes"),
    ("check_a_space_of_one_pipeline", Endless(), "the one pipeline"),
    ("check_runs_are_independent", Shared(), "must return a new object"),
    ("check_useless_preparations_are_not_proposed", Imputes(), "impute is still"),
    ("check_sparse_tables", DenseOnly(), "stops after 0"),
]


@pytest.mark.parametrize("name, strategy, message", BAD)
def test_a_bad_strategy_is_caught(name, strategy, message):
    (check,) = (c for _, c in strategy_checks(strategy) if c.name == name)
    with pytest.raises(AssertionError, match=message) as caught:
        check(strategy)
    assert type(strategy).__name__ in str(caught.value)


def test_every_check_is_seen_to_catch_something():
    checks = {check.__name__ for check in _strategy_checks.CHECKS}
    assert {name for name, *_ in BAD} == checks
    functions = {n for n in vars(_strategy_checks) if n.startswith("check_")}
    assert functions - {"check_strategy", "check_tree"} == checks


def test_all_checks_in_one_call():
    check_strategy(Base())
    with pytest.raises(AssertionError, match="Got 0"):
        check_strategy(Base(look_ahead=0))
