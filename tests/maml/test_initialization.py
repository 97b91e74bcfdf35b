"""Initializations: files and their hashes."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sklearn_meta.maml._initialization import (
    load_initialization,
    random_initialization,
)
from sklearn_meta.maml._network import NetworkConfig

CONFIG = NetworkConfig("classification", width=4, cell_width=2, n_neighbors=1)


def test_what_is_saved_is_loaded(tmp_path):
    saved = random_initialization(CONFIG, 3, rate=0.25, n_inner_steps=2)
    # Dots in the name are no suffix.
    saved.save(tmp_path / "version.1")
    loaded = load_initialization(tmp_path / "version.1")
    assert loaded.config == CONFIG
    assert loaded.n_inner_steps == 2
    assert loaded.recipe == saved.recipe
    assert loaded.parameters.keys() == saved.parameters.keys()
    for name, tensor in saved.parameters.items():
        torch.testing.assert_close(loaded.parameters[name], tensor, rtol=0, atol=0)
    assert {float(rate) for rate in loaded.rates.values()} == {0.25}


def test_changed_tensors_are_refused(tmp_path):
    random_initialization(CONFIG).save(tmp_path / "init")
    file = tmp_path / "init.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="SHA-256 differs"):
        load_initialization(tmp_path / "init")


def test_other_format_is_refused(tmp_path):
    random_initialization(CONFIG).save(tmp_path / "init")
    file = tmp_path / "init.json"
    description = json.loads(file.read_text())
    file.write_text(json.dumps({**description, "format": 0}))
    with pytest.raises(ValueError, match="has format 0"):
        load_initialization(tmp_path / "init")


def test_absent_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.json"):
        load_initialization(tmp_path / "nothing")


def test_random_initialization_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first = random_initialization(CONFIG, 1)
    assert torch.equal(torch.rand(2), expected)
    again, other = random_initialization(CONFIG, 1), random_initialization(CONFIG, 2)
    name = "head.first.weight"
    assert torch.equal(first.parameters[name], again.parameters[name])
    assert not torch.equal(first.parameters[name], other.parameters[name])


def test_networks_are_made_without_moving_the_global_generator():
    before = torch.get_rng_state()
    random_initialization(CONFIG).network()
    assert torch.equal(torch.get_rng_state(), before)


def test_random_initializations_of_several_threads_are_those_of_their_seeds():
    def parameters(seed):
        return random_initialization(CONFIG, seed).parameters["head.first.weight"]

    expected, before = list(map(parameters, range(16))), torch.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(parameters, range(16)))
    assert all(map(torch.equal, drawn, expected))
    assert torch.equal(torch.get_rng_state(), before)


def test_network_has_its_own_copy():
    initialization = random_initialization(CONFIG)
    before = initialization.parameters["head.weights"].clone()
    with torch.no_grad():
        initialization.network().head.weights.add_(1.0)
    assert torch.equal(initialization.parameters["head.weights"], before)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_shipped_initialization(task):
    initialization = load_initialization(task)
    assert initialization.task == task
    assert sum(p.numel() for p in initialization.parameters.values()) * 4 < 2_000_000
    network = initialization.network()
    assert initialization.parameters.keys() == dict(network.named_parameters()).keys()
    assert initialization.rates.keys() <= initialization.parameters.keys()
    recipe = initialization.recipe
    held_out = set(recipe["families_held_out"])
    assert held_out
    assert not held_out & set(recipe["families_trained_on"])
    assert not held_out & set(recipe["families_validated_on"])
    assert not set(recipe["families_trained_on"]) & set(recipe["families_validated_on"])
