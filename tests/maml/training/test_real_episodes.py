"""Episodes from real tables."""

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.maml.training import RealEpisodes
from sklearn_meta.maml.training._numeric_table import NumericTable
from tests.maml.training.episodes import TASKS, check_episode, make_tables


class TestRealEpisodes:
    def source(self, task="classification", tables=None, **parameters):
        tables = make_tables() if tables is None else tables
        return RealEpisodes(tables, task, (8, 40), 30, random_state=0, **parameters)

    @pytest.mark.parametrize("kind", ["own", "column", "groups"])
    @pytest.mark.parametrize("task", TASKS)
    def test_kinds_of_targets(self, kind, task):
        source = self.source(task, targets={kind: 1.0})
        names = [source[i].name.split("-") for i in range(20)]
        kinds = {k for _, k, _ in names}
        if (kind, task) == ("own", "regression"):
            # Class codes are no numbers: a column of these tables has to do.
            assert {k for name, k, _ in names if name in ("t0", "t1")} == {"column"}
            kinds = {k for name, k, _ in names if name in ("t2", "t3")}
        assert kinds == {kind}

    def test_own_target_is_the_tables(self):
        rng = np.random.default_rng(0)
        y = rng.standard_normal(60)
        table = NumericTable(y[:, None], y, np.zeros(1, bool), "identity", "identity")
        episode = self.source("regression", [table], targets={"own": 1.0})[0]
        order = np.argsort(episode.y_query)
        assert (np.diff(episode.x_query[order, 0]) >= 0).all()

    def test_a_column_does_not_predict_itself(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((60, 2))
        table = NumericTable(x, np.zeros(60), np.zeros(2, bool))
        source = self.source("regression", [table], targets={"column": 1.0})
        for i in range(10):
            episode = source[i]
            r = np.corrcoef(episode.x_support[:, 0], episode.y_support)[0, 1]
            assert episode.n_features == 1
            assert abs(r) < 0.9

    def test_families_are_drawn_alike(self):
        big, small = make_tables(60)[:2]
        tables = [
            NumericTable(big.X, big.y, big.categorical, f"b{i}", "b") for i in range(9)
        ]
        tables.append(NumericTable(small.X, small.y, small.categorical, "s", "s"))
        source = self.source(tables=tables)
        share = np.mean([source[i].name.startswith("s-") for i in range(100)])
        assert abs(share - 0.5) < 4 * np.sqrt(0.25 / 100)

    def test_many_classes_become_few(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((300, 3)), np.repeat(np.arange(50), 6)
        table = NumericTable(x, y, np.zeros(3, bool))
        source = self.source(tables=[table], n_classes=(2, 5))
        found = {source[i].n_classes for i in range(40)}
        assert found == {2, 3, 4, 5}

    def test_small_tables_give_small_episodes(self):
        (table,) = make_tables(12)[:1]
        for i in range(20):
            episode = self.source(tables=[table])[i]
            assert len(episode.y_support) == 8
            assert 1 <= len(episode.y_query) <= 4

    def test_tables_that_are_too_small(self):
        with pytest.raises(ValueError, match="Got 4 tables, all smaller"):
            self.source(tables=make_tables(8))

    def test_unknown_targets(self):
        with pytest.raises(ValueError, match="'targets' must give weights"):
            self.source(targets={"rows": 1.0})

    def test_pairs_are_read_as_tables(self):
        frame = pd.DataFrame({"a": list("uvwv") * 10, "b": np.arange(40.0)})
        source = self.source(tables=[(frame, ["yes", "no"] * 20)])
        check_episode(source[0], "classification")
