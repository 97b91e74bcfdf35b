"""Episodes, and what every source of episodes has in common."""

import itertools

import numpy as np
import pytest

from sklearn_meta.maml.training import Episode, MixedEpisodes
from tests.maml.training.episodes import TASKS, check_episode, make_sources


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


def test_arrays_must_fit_together():
    x, missing, y = np.zeros((3, 2)), np.zeros((3, 2), bool), np.zeros(3)
    with pytest.raises(ValueError, match="of the query rows do not fit"):
        Episode(x, missing, y, x, missing, y[:2])
    with pytest.raises(ValueError, match="support has 2 columns and the query 1"):
        Episode(x, missing, y, x[:, :1], missing[:, :1], y)


class TestMixedEpisodes:
    def test_draws_by_weight(self):
        class Constant:
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
