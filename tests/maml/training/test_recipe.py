"""The recipe of the shipped initializations, in small."""

from dataclasses import replace

import pytest

from sklearn_meta.maml import load_initialization
from sklearn_meta.maml.training import _recipe
from sklearn_meta.maml.training._recipe import (
    STAGES,
    RepeatedEpisodes,
    is_for_validation,
    train,
    training_episodes,
    validation_episodes,
)
from tests.maml.training.episodes import TASKS, make_tables


@pytest.fixture
def small_recipe(monkeypatch):
    """A recipe of two steps on few tasks."""
    stages = [replace(s, n_steps=2, tasks_per_step=2) for s in STAGES]
    monkeypatch.setattr(_recipe, "STAGES", stages)
    monkeypatch.setattr(_recipe, "N_VALIDATION", 4)
    monkeypatch.setattr(_recipe, "SIZES", _recipe.SIZES[:1])


def test_repeated_episodes_are_made_once():
    calls = []

    class Source:
        def __getitem__(self, index):
            calls.append(index)
            return index

    repeated = RepeatedEpisodes(Source(), 3)
    assert [repeated[i] for i in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert calls == [0, 1, 2]


@pytest.mark.parametrize("task", TASKS)
def test_share_of_real_episodes(task):
    source = training_episodes(task, make_tables(), 0)
    # "trees" is a prior, "t0" to "t3" are tables.
    real = [source[i].name.split("-")[0] in {"t0", "t1", "t2", "t3"} for i in range(60)]
    assert 8 <= sum(real) <= 28


def test_every_second_validation_task_is_real(small_recipe):
    names = [e.name for e in validation_episodes(TASKS[0], make_tables(), 0)]
    assert len(names) == 4
    assert [name.startswith(("t0", "t1", "t2", "t3")) for name in names] == [0, 1, 0, 1]


def test_one_in_eight_families_is_for_validation():
    chosen = sum(is_for_validation(f"family {i}") for i in range(800))
    assert 70 < chosen < 130


@pytest.mark.parametrize("task", TASKS)
def test_training_by_the_recipe(small_recipe, task, tmp_path):
    tables = make_tables()
    trained = train(
        task,
        tables,
        out=tmp_path / "own",
        provenance={"n_tables": 4},
        checkpoint=tmp_path / "state",
    )
    assert {p.name for p in tmp_path.glob("state*")} == {"state_predict", "state_adapt"}
    loaded = load_initialization(tmp_path / "own")
    assert loaded.recipe == trained.recipe
    assert trained.recipe["stage"] == "adapt"
    assert trained.recipe["init"]["stage"] == "predict"
    assert trained.recipe["n_tables"] == 4
    # The entries are those of the shipped initialization, except for its provenance.
    provenance = {
        "manifest_sha256", "families_held_out", "real_share", "n_episodes", "python",
        "torch",
    }  # fmt: skip
    shipped = load_initialization(task)
    assert trained.recipe.keys() == shipped.recipe.keys() - provenance
    assert trained.rates.keys() == shipped.rates.keys()
    families = {
        *trained.recipe["families_trained_on"],
        *trained.recipe["families_validated_on"],
    }
    assert families == {t.family for t in tables}
