"""Initialisations: files, their hashes, and averages."""

import json

import pytest

torch = pytest.importorskip("torch")

from sklearn_meta.neural._initialisation import (  # noqa: E402
    average_initialisations,
    load_initialisation,
    random_initialisation,
)
from sklearn_meta.neural._network import NetworkConfig  # noqa: E402

CONFIG = NetworkConfig("classification", width=4, cell_width=2, n_neighbors=1)


def test_what_is_saved_is_loaded(tmp_path):
    saved = random_initialisation(CONFIG, 3, rate=0.25, n_inner_steps=2)
    # Dots in the name are no suffix.
    saved.save(tmp_path / "version.1")
    loaded = load_initialisation(tmp_path / "version.1")
    assert loaded.config == CONFIG
    assert loaded.n_inner_steps == 2
    assert loaded.recipe == saved.recipe
    assert loaded.parameters.keys() == saved.parameters.keys()
    for name, tensor in saved.parameters.items():
        torch.testing.assert_close(loaded.parameters[name], tensor, rtol=0, atol=0)
    assert {float(rate) for rate in loaded.rates.values()} == {0.25}


def test_changed_tensors_are_refused(tmp_path):
    random_initialisation(CONFIG).save(tmp_path / "init")
    file = tmp_path / "init.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="SHA-256 differs"):
        load_initialisation(tmp_path / "init")


def test_other_format_is_refused(tmp_path):
    random_initialisation(CONFIG).save(tmp_path / "init")
    file = tmp_path / "init.json"
    description = json.loads(file.read_text())
    file.write_text(json.dumps({**description, "format": 0}))
    with pytest.raises(ValueError, match="has format 0"):
        load_initialisation(tmp_path / "init")


def test_absent_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.json"):
        load_initialisation(tmp_path / "nothing")


def test_random_initialisation_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first = random_initialisation(CONFIG, 1)
    assert torch.equal(torch.rand(2), expected)
    again, other = random_initialisation(CONFIG, 1), random_initialisation(CONFIG, 2)
    name = "head.first.weight"
    assert torch.equal(first.parameters[name], again.parameters[name])
    assert not torch.equal(first.parameters[name], other.parameters[name])


def test_network_has_its_own_copy():
    initialisation = random_initialisation(CONFIG)
    before = initialisation.parameters["head.weights"].clone()
    with torch.no_grad():
        initialisation.network().head.weights.add_(1.0)
    assert torch.equal(initialisation.parameters["head.weights"], before)


def test_average_is_the_mean():
    parts = [random_initialisation(CONFIG, seed, rate=seed) for seed in (1, 2, 6)]
    average = average_initialisations(parts)
    for name, tensor in average.parameters.items():
        expected = sum(part.parameters[name] for part in parts) / 3
        torch.testing.assert_close(tensor, expected)
    assert all(float(rate) == 3.0 for rate in average.rates.values())


def test_average_of_nothing_and_of_different_networks_is_refused():
    with pytest.raises(ValueError, match="one at least"):
        average_initialisations([])
    other = NetworkConfig("classification", width=6, cell_width=2, n_neighbors=1)
    with pytest.raises(ValueError, match="one architecture"):
        average_initialisations(
            [random_initialisation(CONFIG), random_initialisation(other)]
        )


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_shipped_initialisation(task):
    initialisation = load_initialisation(task)
    assert initialisation.task == task
    assert sum(p.numel() for p in initialisation.parameters.values()) * 4 < 2_000_000
    network = initialisation.network()
    assert initialisation.parameters.keys() == dict(network.named_parameters()).keys()
    assert initialisation.rates.keys() <= initialisation.parameters.keys()
    recipe = initialisation.recipe
    held_out = set(recipe["families_held_out"])
    assert held_out
    assert not held_out & set(recipe["families_trained_on"])
    assert not held_out & set(recipe["families_validated_on"])
    assert not set(recipe["families_trained_on"]) & set(recipe["families_validated_on"])
