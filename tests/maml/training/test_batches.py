"""Batches: padding to one shape, and groups of similar shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_meta.maml.training._batches import as_tasks, batch_of_step, similar
from tests.maml.training.episodes import TASKS, make_sources, small_episode


@given(seed=st.integers(0, 1000), n=st.integers(1, 5), task=st.sampled_from(TASKS))
@settings(max_examples=20, deadline=None)
def test_padding_keeps_what_was_there(seed, n, task):
    source = make_sources(task, seed)["synthetic"]
    episodes = [source[i] for i in range(n)]
    tasks = as_tasks(episodes)
    n_classes = max(e.n_classes for e in episodes)
    assert tasks.context.class_mask.shape == (n, n_classes)
    for b, episode in enumerate(episodes):
        columns = tasks.context.column_mask[b].numpy()
        for part, rows_of in (("support", tasks.context), ("query", tasks)):
            padded = {
                name: getattr(rows_of, name)[b].numpy()
                for name in ("x", "missing", "y", "weight")
            }
            rows = padded["weight"] > 0
            cells = np.ix_(rows, columns)
            for name in ("x", "missing"):
                original = getattr(episode, f"{name}_{part}")
                assert np.array_equal(padded[name][cells], original)
            assert np.array_equal(padded["y"][rows], getattr(episode, f"y_{part}"))
            outside = np.ones(padded["x"].shape, bool)
            outside[cells] = False
            assert padded["missing"][outside].all()
            assert not padded["x"][outside].any()
        assert tasks.context.class_mask[b].sum() == episode.n_classes


def test_padding_takes_one_task():
    a = make_sources("classification")["synthetic"][0]
    b = make_sources("regression")["synthetic"][0]
    for episodes in ([], [a, b]):
        with pytest.raises(ValueError, match="one or more episodes of one task"):
            as_tasks(episodes)


def test_batches_hold_every_episode_once_and_similar_shapes():
    group = [small_episode("classification", i, n=n, d=d)
             for i, (n, d) in enumerate([(6, 2), (40, 2)] * 8)]  # fmt: skip
    parts = similar(group, 4)
    assert sorted(id(e) for part in parts for e in part) == sorted(map(id, group))
    assert all(len({len(e.y_support) for e in part}) == 1 for part in parts)
    steps = [batch_of_step(group * 4, step, 8, 0) for step in range(8)]
    assert sorted(id(e) for step in steps for e in step) == sorted(
        id(e) for e in group * 4
    )
