"""What meta-training returns: parameters to start from, and how to adapt them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.maml._network import NetworkConfig, TableNetwork

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Initialization:
    """Parameters from which a few gradient steps lead to a good network for a table.

    Parameters
    ----------
    config : NetworkConfig
        Architecture.
    parameters : dict of str to Tensor
        Named as in ``TableNetwork(config).named_parameters()``.
    rates : dict of str to Tensor
        Step size of each tensor that adapts; the other tensors stay as they are.
    n_inner_steps : int
        Number of steps that the initialization was trained for.
    recipe : dict, default={}
        How it was made: algorithm, seed, data. Whatever JSON can hold.
    log : list of dict, default=[]
        A row for each validation: `step`, `train_loss`, `loss_before` and `loss_after`
        adaptation on the validation tasks, `seconds`.
    """

    config: NetworkConfig
    parameters: dict[str, Tensor]
    rates: dict[str, Tensor]
    n_inner_steps: int
    recipe: dict = field(default_factory=dict)
    log: list = field(default_factory=list)

    @property
    def task(self):
        """Classification or regression."""
        return self.config.task

    def network(self):
        """Return a network with these parameters.

        Returns
        -------
        network : TableNetwork
            With its own copy of the parameters.
        """
        network = TableNetwork(self.config)
        network.load_state_dict(self.parameters, strict=True)
        return network

    def save(self, path):
        """Write ``PATH.safetensors`` (tensors) and ``PATH.json`` (all the rest).

        Parameters
        ----------
        path : str or path-like
            Without a suffix. Existing files are replaced.
        """
        path = Path(path)
        tensors = {f"parameters/{k}": v for k, v in self.parameters.items()}
        tensors |= {f"rates/{k}": v for k, v in self.rates.items()}
        content = save_tensors(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        )
        description = {
            "format": FORMAT,
            "sha256": hashlib.sha256(content).hexdigest(),
            "config": asdict(self.config),
            "n_inner_steps": self.n_inner_steps,
            "recipe": self.recipe,
            "log": self.log,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        _beside(path, ".safetensors").write_bytes(content)
        text = json.dumps(description, indent=1, ensure_ascii=False)
        _beside(path, ".json").write_text(text + "\n", encoding="utf-8")


def random_initialization(config, random_state=0, *, rate=0.05, n_inner_steps=0):
    """Return an initialization that nothing was learned for.

    Parameters
    ----------
    config : NetworkConfig
    random_state : int, default=0
        Seed of the parameters.
    rate : float, default=0.05
        Step size of all tensors.
    n_inner_steps : int, default=0

    Returns
    -------
    initialization : Initialization
    """
    # The layers draw from the global generator, which is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_state)
        network = TableNetwork(config)
    parameters = {k: v.detach().clone() for k, v in network.named_parameters()}
    return Initialization(
        config,
        parameters,
        {name: torch.tensor(float(rate)) for name in parameters},
        n_inner_steps,
        {"algorithm": "random", "random_state": random_state},
    )


def load_initialization(path):
    """Read an initialization.

    Parameters
    ----------
    path : str or path-like
        ``"classification"`` or ``"regression"`` for the one of the package; otherwise
        the path that `Initialization.save` was given.

    Returns
    -------
    initialization : Initialization

    Raises
    ------
    FileNotFoundError
        If there are no such files.
    ValueError
        If the tensors are not those that the description was written for, or the format
        is of another version.
    """
    if path in TASKS:
        with as_file(files("sklearn_meta.maml") / "data") as folder:
            return _load(folder / path)
    return _load(Path(path))


def _load(path):
    for suffix in (".json", ".safetensors"):
        if not _beside(path, suffix).is_file():
            raise FileNotFoundError(
                f"There is no file {_beside(path, suffix)}. Pass one of {TASKS}, or "
                "the path (without suffix) that Initialization.save was given."
            )
    description = json.loads(_beside(path, ".json").read_text(encoding="utf-8"))
    if description.get("format") != FORMAT:
        raise ValueError(
            f"{_beside(path, '.json')} has format {description.get('format')!r}; this "
            f"version reads format {FORMAT}. Train the initialization again."
        )
    content = _beside(path, ".safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != description["sha256"]:
        raise ValueError(
            f"{_beside(path, '.safetensors')} is not the file that "
            f"{_beside(path, '.json')} describes: its SHA-256 differs. One of them was "
            "changed or is incomplete; copy both again."
        )
    parts = {"parameters": {}, "rates": {}}
    for name, tensor in load_tensors(content).items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    return Initialization(
        config=NetworkConfig(**description["config"]),
        n_inner_steps=description["n_inner_steps"],
        recipe=description["recipe"],
        log=description["log"],
        **parts,
    )


def _beside(path, suffix):
    # A path may have dots of its own, which are no suffix.
    return path.with_name(path.name + suffix)


def average_initializations(initializations):
    """Average initializations in weight space.

    Networks that were trained independently from one start, averaged: what Reptile
    tends to with many inner steps and one outer step. The baseline that meta-training
    must beat.

    Parameters
    ----------
    initializations : sequence of Initialization
        Of one architecture, adapting the same tensors.

    Returns
    -------
    initialization : Initialization
        Mean of parameters and of rates.

    Raises
    ------
    ValueError
        If there are none, or their architectures differ.
    """
    initializations = list(initializations)
    if not initializations:
        raise ValueError("'initializations' must contain one at least. Got none.")
    first = initializations[0]
    for other in initializations[1:]:
        if other.config != first.config or other.rates.keys() != first.rates.keys():
            raise ValueError(
                "'initializations' must have one architecture and adapt the same "
                f"tensors. Got {first.config} and {other.config}."
            )
    return Initialization(
        first.config,
        _mean([i.parameters for i in initializations]),
        _mean([i.rates for i in initializations]),
        first.n_inner_steps,
        {"algorithm": "average", "of": [i.recipe for i in initializations]},
    )


def _mean(dictionaries):
    return {
        name: torch.stack([d[name].detach() for d in dictionaries]).mean(0)
        for name in dictionaries[0]
    }
