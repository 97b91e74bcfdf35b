"""Episodes: what every source keeps to, padding, priors, and draws from tables."""

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from sklearn_meta.maml._episode import Episode, EpisodeSource, MixedEpisodes, pad
from sklearn_meta.maml.training._canonical_episode import (
    TARGET_LIMIT,
    canonical_episode,
)
from sklearn_meta.maml.training._draws import (
    MIN_ROWS_PER_CLASS,
    cut,
    draw_n_classes,
    log_integer,
    merge_rare,
    split_rows,
)
from sklearn_meta.maml.training._random_functions import (
    CODES,
    MOST_LEVELS,
    PRIORS,
    Measurement,
)
from sklearn_meta.maml.training._real import RealEpisodes
from sklearn_meta.maml.training._synthetic import SyntheticEpisodes
from sklearn_meta.maml.training._tables import Table, as_table, read_tables

TASKS = ("classification", "regression")


def make_tables(n_rows=90, seed=0):
    """Tables of both tasks with numbers, codes and gaps."""
    rng = np.random.default_rng(seed)
    tables = []
    for i in range(4):
        x = rng.standard_normal((n_rows, 5))
        x[:, 0] = rng.integers(4, size=n_rows)
        x[rng.random((n_rows, 5)) < 0.1] = np.nan
        y = np.nansum(x, axis=1) + rng.standard_normal(n_rows)
        if i < 2:
            y = np.digitize(y, np.quantile(y, [0.2, 0.5, 0.8]))
        categorical = np.arange(5) < 1
        tables.append(Table(x, y, categorical, f"t{i}", f"family {i // 2}"))
    return tables


def make_sources(task, seed=0):
    real = RealEpisodes(make_tables(), task, (8, 40), 30, random_state=seed)
    synthetic = SyntheticEpisodes(task, (8, 40), 30, random_state=seed)
    mixed = MixedEpisodes([real, synthetic], [1, 2], random_state=seed)
    return {"real": real, "synthetic": synthetic, "mixed": mixed}


def arrays(episode):
    return [v for v in vars(episode).values() if isinstance(v, np.ndarray)]


def same(a, b):
    return all(map(np.array_equal, arrays(a), arrays(b))) and a.name == b.name


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["real", "synthetic", "mixed"])
class TestEverySource:
    def test_depends_on_seed_and_index_alone(self, kind, task):
        source, again = make_sources(task)[kind], make_sources(task)[kind]
        backwards = [again[i] for i in range(6)[::-1]]
        for i, episode in enumerate(itertools.islice(source, 6)):
            assert same(episode, backwards[5 - i])
        other = make_sources(task, seed=1)[kind]
        assert not any(same(source[i], other[i]) for i in range(6))

    def test_refuses_negative_indices(self, kind, task):
        with pytest.raises(IndexError, match="counted from 0. Got index -1"):
            make_sources(task)[kind][-1]

    def test_keeps_the_contract(self, kind, task):
        source = make_sources(task)[kind]
        for i in range(60):
            check_episode(source[i], task)

    def test_differs_by_index(self, kind, task):
        episodes = list(itertools.islice(make_sources(task)[kind], 20))
        sizes = {e.x_support.shape for e in episodes}
        assert len(sizes) > 10
        assert not any(same(a, b) for a, b in itertools.combinations(episodes, 2))


def check_episode(episode, task):
    assert episode.task == task
    assert episode.n_features == episode.x_query.shape[1] >= 1
    assert len(episode.y_query) >= 1
    for x, missing in (
        (episode.x_support, episode.missing_support),
        (episode.x_query, episode.missing_query),
    ):
        assert x.dtype == np.float32
        assert missing.dtype == bool
        assert np.isfinite(x).all()
        assert not x[missing].any()
    if task == "classification":
        assert episode.y_support.dtype == episode.y_query.dtype == np.int64
        counts = np.bincount(episode.y_support, minlength=episode.n_classes)
        assert len(counts) == episode.n_classes >= 2
        assert counts.min() >= MIN_ROWS_PER_CLASS
        assert 0 <= episode.y_query.min() <= episode.y_query.max() < len(counts)
    else:
        assert episode.n_classes == 0
        assert episode.y_support.dtype == episode.y_query.dtype == np.float32
        assert np.isclose(episode.y_support.mean(), 0, atol=1e-4)
        assert np.isclose(episode.y_support.std(), 1, atol=1e-3)
        assert np.abs(episode.y_query).max() <= TARGET_LIMIT


class TestEpisode:
    def test_arrays_must_fit_together(self):
        x, missing, y = np.zeros((3, 2)), np.zeros((3, 2), bool), np.zeros(3)
        with pytest.raises(ValueError, match="of the query rows do not fit"):
            Episode(x, missing, y, x, missing, y[:2])
        with pytest.raises(ValueError, match="support has 2 columns and the query 1"):
            Episode(x, missing, y, x[:, :1], missing[:, :1], y)

    def test_canonical_form_is_learned_from_the_support(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((40, 3)), rng.integers(2, size=40)
        first = canonical_episode(x[:20], y[:20], x[20:], y[20:], task=TASKS[0])
        x[20:] += 5.0
        second = canonical_episode(x[:20], y[:20], x[20:], y[20:], task=TASKS[0])
        assert np.array_equal(first.x_support, second.x_support)
        assert (second.x_query > first.x_query).all()

    def test_query_rows_of_unknown_classes_are_left_out(self):
        x = np.arange(12.0)[:, None]
        y = np.array([3, 3, 7, 7, 3, 7, 7, 9, 9, 3, 3, 1])
        episode = canonical_episode(x[:4], y[:4], x[4:], y[4:], task=TASKS[0])
        assert episode.y_support.tolist() == [0, 0, 1, 1]
        assert episode.y_query.tolist() == [0, 1, 1, 0, 0]
        assert len(episode.x_query) == 5

    def test_targets_are_in_units_of_the_support(self):
        x = np.arange(6.0)[:, None]
        y = np.array([2.0, 4.0, 6.0, 4.0, 8.0, 1e9])
        episode = canonical_episode(x[:3], y[:3], x[3:], y[3:], task="regression")
        deviation = np.sqrt(8 / 3)
        assert np.allclose(episode.y_query, [0, 4 / deviation, TARGET_LIMIT])

    def test_constant_targets(self):
        x, y = np.arange(6.0)[:, None], np.full(6, 0.1)
        episode = canonical_episode(x[:3], y[:3], x[3:], y[3:], task="regression")
        assert np.allclose(episode.y_support, 0)
        assert np.allclose(episode.y_query, 0)


@given(seed=st.integers(0, 1000), n=st.integers(1, 5), task=st.sampled_from(TASKS))
@settings(max_examples=20, deadline=None)
def test_padding_keeps_what_was_there(seed, n, task):
    source = make_sources(task, seed)["synthetic"]
    episodes = [source[i] for i in range(n)]
    batch = pad(episodes)
    n_classes = max(e.n_classes for e in episodes)
    assert batch.class_mask.shape == (n, n_classes)
    for b, episode in enumerate(episodes):
        columns = batch.column_mask[b]
        for part in ("support", "query"):
            rows = getattr(batch, f"weight_{part}")[b] > 0
            cells = np.ix_(rows, columns)
            for name in ("x", "missing"):
                padded = getattr(batch, f"{name}_{part}")[b]
                original = getattr(episode, f"{name}_{part}")
                assert np.array_equal(padded[cells], original)
            y = getattr(batch, f"y_{part}")[b]
            assert np.array_equal(y[rows], getattr(episode, f"y_{part}"))
            outside = np.ones(padded.shape, bool)
            outside[cells] = False
            assert padded[outside].all()
            assert not getattr(batch, f"x_{part}")[b][outside].any()
        assert batch.class_mask[b].sum() == episode.n_classes


def test_padding_to_given_sizes():
    source = make_sources("classification")["synthetic"]
    episodes = [source[0], source[1]]
    batch = pad(episodes, n_support=50, n_query=40, n_features=30, n_classes=12)
    assert batch.x_support.shape == (2, 50, 30)
    assert batch.y_query.shape == (2, 40)
    assert batch.class_mask.shape == (2, 12)
    with pytest.raises(ValueError, match="'n_query' must be at least 30, .* Got 10"):
        pad(episodes, n_query=10)


def test_padding_takes_one_task():
    a = make_sources("classification")["synthetic"][0]
    b = make_sources("regression")["synthetic"][0]
    for episodes in ([], [a, b]):
        with pytest.raises(ValueError, match="one or more episodes of one task"):
            pad(episodes)


class TestMixedEpisodes:
    def test_draws_by_weight(self):
        class Constant(EpisodeSource):
            def __init__(self, value):
                self.value = value

            def __getitem__(self, index):
                return self.value

        sources = [Constant(0), Constant(1), Constant(2)]
        mixed = MixedEpisodes(sources, [1, 3, 0], random_state=0)
        drawn = np.bincount(list(itertools.islice(mixed, 2000)), minlength=3)
        # Five standard deviations of a binomial count.
        assert abs(drawn[1] - 1500) < 5 * np.sqrt(2000 * 0.75 * 0.25)
        assert drawn[2] == 0

    @pytest.mark.parametrize("weights", [[1.0], [1, -1], [0, 0], [1, np.nan]])
    def test_weights_are_checked(self, weights):
        with pytest.raises(ValueError, match="'weights' must"):
            MixedEpisodes([[], []], weights)


class TestDraws:
    @given(
        y=st.lists(st.integers(0, 6), min_size=4, max_size=60).map(np.array),
        seed=st.integers(0, 100),
        balanced=st.booleans(),
    )
    @settings(deadline=None)
    def test_split_is_a_partition_with_every_class(self, y, seed, balanced):
        y, n_classes = merge_rare(y)
        rng = np.random.default_rng(seed)
        n_support = max(2 * len(y) // 3, MIN_ROWS_PER_CLASS * n_classes)
        support, query = split_rows(rng, y, n_support, TASKS[0], balanced=balanced)
        assert sorted([*support, *query]) == list(range(len(y)))
        assert len(support) == n_support
        counts = np.bincount(y[support], minlength=n_classes)
        assert counts.min() >= MIN_ROWS_PER_CLASS
        if balanced:
            # A class has fewer rows than another one only if it has no more.
            few = counts < counts.max() - 1
            assert np.array_equal(counts[few], np.bincount(y)[few])

    @given(y=st.lists(st.integers(0, 9), min_size=2, max_size=40).map(np.array))
    def test_merged_classes_are_frequent_and_numbered(self, y):
        merged, n_classes = merge_rare(y)
        counts = np.bincount(merged)
        assert len(counts) == n_classes
        assert counts.min() >= min(MIN_ROWS_PER_CLASS, len(y))
        # Rows that were together stay together.
        for label in np.unique(y):
            assert len(np.unique(merged[y == label])) == 1

    def test_cut_is_monotone_up_to_names(self):
        values = np.random.default_rng(0).standard_normal(200)
        codes = cut(np.random.default_rng(1), values, 4)
        changes = np.count_nonzero(np.diff(codes[np.argsort(values)]))
        assert changes == 3
        assert set(codes) == {0, 1, 2, 3}

    def test_sizes_are_even_on_the_logarithmic_scale(self):
        rng = np.random.default_rng(0)
        drawn = np.array([log_integer(rng, 4, 255) for _ in range(4000)])
        assert drawn.min() == 4
        assert drawn.max() == 255
        halves = np.mean(drawn < 32), np.mean(drawn >= 32)
        assert np.allclose(halves, 0.5, atol=0.04)

    def test_number_of_classes(self):
        rng = np.random.default_rng(0)
        drawn = [draw_n_classes(rng, 2, 10) for _ in range(4000)]
        assert set(drawn) == set(range(2, 11))
        # 1 / (2 * 3) over the sum, which telescopes to 1/2 - 1/11.
        assert np.isclose(np.mean(np.array(drawn) == 2), (1 / 6) / (9 / 22), atol=0.04)


class TestPriors:
    @pytest.mark.parametrize("prior", PRIORS)
    @pytest.mark.parametrize("k", [1, 4])
    def test_shapes_and_variation(self, prior, k):
        for seed in range(10):
            rng = np.random.default_rng(seed)
            measurement = Measurement.draw(rng, 7)
            z, f = PRIORS[prior](rng, 60, k, measurement)
            assert z.shape == (60, 7)
            assert f.shape == (60, k)
            assert np.isfinite(z).all()
            assert np.isfinite(f).all()

    def test_recording_keeps_order_and_levels(self):
        rng = np.random.default_rng(0)
        measurement = Measurement(np.arange(5), np.full(5, MOST_LEVELS))
        z = rng.standard_normal((500, 5))
        x = measurement.record(np.random.default_rng(3), z)
        if np.isnan(x).any():
            pytest.fail("this seed has gaps; take another one")
        for j in range(3):
            assert np.array_equal(np.argsort(x[:, j]), np.argsort(z[:, j]))
        assert len(np.unique(x[:, 3])) <= MOST_LEVELS
        assert (np.diff(x[np.argsort(z[:, 3]), 3]) >= 0).all()
        # Codes name the levels, one to one, in another order.
        pairs = {*zip(measurement.level(z)[:, CODES], x[:, CODES], strict=True)}
        assert len(pairs) == len(np.unique(x[:, CODES]))
        assert (np.diff(x[np.argsort(z[:, CODES]), CODES]) < 0).any()

    def test_quantized_values_are_those_of_the_levels(self):
        measurement = Measurement(np.array([0, 3, 4]), np.array([5, 5, 3]))
        z = np.random.default_rng(0).standard_normal((300, 3))
        quantized = measurement.quantized(z)
        assert np.array_equal(quantized[:, 0], z[:, 0])
        assert len(np.unique(quantized[:, 1])) == 5
        assert len(np.unique(quantized[:, 2])) == 3
        # Within half the width of a level, where it is not beyond the last one.
        inside = np.abs(z[:, 1]) < 2
        assert np.abs(quantized - z)[inside, 1].max() <= 0.4 + 1e-12

    @pytest.mark.parametrize("prior", PRIORS)
    def test_classes_can_be_learned(self, prior):
        source = SyntheticEpisodes(
            "classification", 100, 100, 6, 2, priors=[prior], random_state=0
        )
        gains = []
        for i in range(20):
            episode = source[i]
            share = np.bincount(episode.y_query).max() / len(episode.y_query)
            best = max(
                model.fit(episode.x_support, episode.y_support).score(
                    episode.x_query, episode.y_query
                )
                for model in (
                    LogisticRegression(),
                    DecisionTreeClassifier(max_depth=4, random_state=0),
                )
            )
            gains.append(best - share)
        assert np.mean(gains) > 0.05

    def test_targets_can_be_learned(self):
        source = SyntheticEpisodes(
            "regression", 100, 100, 6, priors=["sparse_linear"], random_state=0
        )
        errors = []
        for i in range(20):
            e = source[i]
            predicted = Ridge().fit(e.x_support, e.y_support).predict(e.x_query)
            errors.append(np.mean((predicted - e.y_query) ** 2) / np.var(e.y_query))
        assert np.median(errors) < 0.7

    def test_family_names_the_prior(self):
        source = SyntheticEpisodes("regression", priors=["smooth"], random_state=0)
        assert source[3].family == "synthetic-smooth"

    @pytest.mark.parametrize("prior", ([], ["forest"]))
    def test_unknown_priors(self, prior):
        with pytest.raises(ValueError, match="'priors' must be some of"):
            SyntheticEpisodes("regression", priors=prior)

    @pytest.mark.parametrize("n_support", [2, (30, 20), (1, 20), (8, 9, 10)])
    def test_sizes_are_checked(self, n_support):
        with pytest.raises(ValueError, match="'n_support' must be a whole number"):
            SyntheticEpisodes("regression", n_support)

    def test_task_is_checked(self):
        with pytest.raises(ValueError, match="'task' must be one of .* Got 'ranking'"):
            SyntheticEpisodes("ranking")


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
        table = Table(y[:, None], y, np.zeros(1, bool), "identity", "identity")
        episode = self.source("regression", [table], targets={"own": 1.0})[0]
        order = np.argsort(episode.y_query)
        assert (np.diff(episode.x_query[order, 0]) >= 0).all()

    def test_a_column_does_not_predict_itself(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((60, 2))
        table = Table(x, np.zeros(60), np.zeros(2, bool))
        source = self.source("regression", [table], targets={"column": 1.0})
        for i in range(10):
            episode = source[i]
            r = np.corrcoef(episode.x_support[:, 0], episode.y_support)[0, 1]
            assert episode.n_features == 1
            assert abs(r) < 0.9

    def test_families_are_drawn_alike(self):
        big, small = make_tables(60)[:2]
        tables = [Table(big.X, big.y, big.categorical, f"b{i}", "b") for i in range(9)]
        tables.append(Table(small.X, small.y, small.categorical, "s", "s"))
        source = self.source(tables=tables)
        share = np.mean([source[i].family == "s" for i in range(100)])
        assert abs(share - 0.5) < 4 * np.sqrt(0.25 / 100)

    def test_many_classes_become_few(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((300, 3)), np.repeat(np.arange(50), 6)
        table = Table(x, y, np.zeros(3, bool))
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


class TestTables:
    @pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
    def test_frames(self, library):
        frame = library(
            {"size": [1.0, None, 3.0, 4.0], "color": ["red", "blue", "red", "blue"]}
        )
        table = as_table(frame, ["x", "y", "x", "y"], task=TASKS[0], name="colors")
        assert table.task == "classification"
        assert table.family == "colors"
        assert table.y.tolist() == [0, 1, 0, 1]
        assert table.categorical.tolist() == [True, False]
        assert table.X[:, 0].tolist() == [1, 0, 1, 0]
        assert np.array_equal(table.X[:, 1], [1, np.nan, 3, 4], equal_nan=True)

    def test_rows_without_target_are_left_out(self):
        table = as_table(np.eye(4), [1.0, None, np.nan, 2.0], task="regression")
        assert table.task == "regression"
        assert table.y.tolist() == [1, 2]
        assert np.array_equal(table.X, np.eye(4)[[0, 3]])

    def test_sparse_matrices(self):
        X = sparse.csr_array(np.eye(3))
        assert np.array_equal(as_table(X, [1, 2, 3], task=TASKS[1]).X, np.eye(3))

    def test_task_is_checked(self):
        with pytest.raises(ValueError, match="'task' must be one of"):
            as_table(np.eye(2), [1, 2], task="ranking")

    def test_lengths_must_agree(self):
        with pytest.raises(ValueError, match="one target for each of the 4 rows"):
            as_table(np.eye(4), [1, 2], task="regression")

    def test_reading_a_folder_leaves_out_families(self, tmp_path):
        frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "target": ["x", "y", "x"]})
        frame.to_csv(tmp_path / "t.csv", index=False)
        entries = [
            {"name": n, "task": TASKS[0], "family": f, "file": "t.csv"}
            for n, f in (("one", "f"), ("two", "g"), ("three", "g"))
        ]
        pd.Series(entries).to_json(tmp_path / "manifest.json", orient="records")
        tables = read_tables(tmp_path, task="classification", hold_out={"g"})
        assert [(t.name, t.family) for t in tables] == [("one", "f")]
        assert tables[0].y.tolist() == [0, 1, 0]
        assert read_tables(tmp_path, task="regression") == []
