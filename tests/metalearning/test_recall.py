"""Recall asks a copy of the meta-learner about the rows that candidates get."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.metalearning import Prior, Proposal
from sklearn_meta.metalearning._recall import recall
from sklearn_meta.metalearning._text_pipelines import text_portfolio
from sklearn_meta.pipelines import Node, X, default_catalog
from sklearn_meta.testing import make_table
from sklearn_meta.timing._effort import Effort

SEEN = []


@dataclass
class Remembering:
    """A meta-learner that notes what it is asked."""

    fitted_on: object = None

    def fit(self, knowledge_base, y=None):
        self.fitted_on = knowledge_base
        return self

    def recall(self, dataset, **asked):
        SEEN.append((self, dataset, asked))
        return Prior((Proposal(Node("ridge", (X,)), expected_seconds=2.0),))


class Forecast:
    budget_seconds = 9.0

    def __init__(self, effort):
        self._effort = effort

    def effort(self):
        return self._effort

    def on_all_rows(self, proposal, n_rows):
        return Proposal(proposal.tree, expected_seconds=1000.0 * n_rows)


def dataset(n=100):
    values = np.random.default_rng(0).normal(size=(n, 2))
    schema = schema_of(values)
    return Dataset(values, values[:, 0], schema, RegressionTask(), groups=np.arange(n))


def settings(effort, searches=True, cv=None):
    return SimpleNamespace(
        forecast=Forecast(effort),
        searches=searches,
        cv=cv,
        seed=0,
        comparison=SimpleNamespace(name="r2"),
        recallable=lambda: "operators",
    )


def ask(**changes):
    SEEN.clear()
    learner, table = Remembering(), dataset()
    prior = recall(
        table, settings(**changes), meta_learner=learner, knowledge_base="file"
    )
    (copy, searched, asked) = SEEN[0]
    assert copy is not learner and learner.fitted_on is None
    assert copy.fitted_on == "file"
    assert asked == {"catalog": "operators", "time_budget": 9.0, "scoring": "r2"}
    return prior.portfolio[0].expected_seconds, table, searched


def test_with_folds_all_rows_are_described():
    seconds, table, searched = ask(effort=Effort())
    assert searched is table and seconds == 2.0


@pytest.mark.parametrize(
    "changes", [{"searches": False}, {"cv": 5}], ids=["no search", "folds of the user"]
)
def test_there_is_no_holdout_without_a_search_or_with_folds_of_the_user(changes):
    effort = Effort(max_folds=1, max_train=30)
    _, table, searched = ask(effort=effort, **changes)
    assert searched is table


def test_beside_a_holdout_so_many_rows_are_described_as_candidates_get():
    seconds, table, searched = ask(effort=Effort(max_folds=1, max_train=30))
    assert searched.n_samples == 30 and searched.groups is None
    assert searched.schema == table.schema
    rows = {tuple(row) for row in table.X}
    assert all(tuple(row) in rows for row in searched.X)
    # The seconds are those of fits on all rows.
    assert seconds == 30_000.0


def test_a_holdout_that_leaves_all_rows_is_none():
    seconds, table, searched = ask(effort=Effort(max_folds=1, max_train=500))
    assert searched is table and seconds == 2.0


def test_text_is_tried_before_what_the_meta_learner_recalls():
    table, schema = make_table("text")
    catalog = default_catalog("regression")
    asked = settings(Effort())
    asked.recallable = lambda: catalog
    prior = recall(
        Dataset(table, np.arange(120.0), schema, RegressionTask()),
        asked,
        meta_learner=Remembering(),
        knowledge_base=None,
    )
    trees = [proposal.tree for proposal in prior.portfolio]
    assert trees == [p.tree for p in text_portfolio(catalog)] + [Node("ridge", (X,))]
