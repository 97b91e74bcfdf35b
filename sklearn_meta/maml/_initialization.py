"""Initializations: parameters and step sizes, stored as safetensors and JSON."""

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
from sklearn_meta.maml._network import NetworkConfig, TableNetwork, kept_torch_generator

# Version of the file format.
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Initialization:
    """Initial parameters of a network, with the step sizes of their adaptation.

    Parameters
    ----------
    config : NetworkConfig
        Architecture.
    parameters : dict of str to Tensor
        Named as in ``TableNetwork(config).named_parameters()``.
    rates : dict of str to Tensor
        Step sizes of the adapted tensors; the other tensors are not adapted.
    n_inner_steps : int
        Number of gradient steps that the initialization was trained for.
    recipe : dict, default={}
        Settings of the training as JSON values: algorithm, seed, data.
    log : list of dict, default=[]
        One row for each validation: `step`, `train_loss`, `loss_before` and
        `loss_after` adaptation on the validation tasks, `seconds`.

    See Also
    --------
    load_initialization : Read an initialization.
    meta_train : Train an initialization.

    Examples
    --------
    >>> from sklearn_meta.maml import load_initialization
    >>> initialization = load_initialization("classification")
    >>> initialization.task, initialization.n_inner_steps
    ('classification', 3)
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
            It holds a copy of the parameters.
        """
        with kept_torch_generator():
            network = TableNetwork(self.config)
        network.load_state_dict(self.parameters, strict=True)
        return network

    def save(self, path):
        """Write ``PATH.safetensors`` (tensors) and ``PATH.json`` (everything else).

        Parameters
        ----------
        path : str or path-like
            Path without a suffix. Existing files are replaced.
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
        _with_suffix(path, ".safetensors").write_bytes(content)
        text = json.dumps(description, indent=1, ensure_ascii=False)
        _with_suffix(path, ".json").write_text(text + "\n", encoding="utf-8")


def random_initialization(config, random_state=0, *, rate=0.05, n_inner_steps=0):
    """Return random parameters, all of them with the same step size.

    Parameters
    ----------
    config : NetworkConfig
    random_state : int, default=0
        Seed of the parameters.
    rate : float, default=0.05
        Step size of all tensors.
    n_inner_steps : int, default=0
        Default number of gradient steps.

    Returns
    -------
    initialization : Initialization
    """
    with kept_torch_generator(random_state):
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
        ``"classification"`` or ``"regression"`` for the shipped initialization, or the
        path that `Initialization.save` was given.

    Returns
    -------
    initialization : Initialization
        Tensors, architecture, recipe and log.

    Raises
    ------
    FileNotFoundError
        If there are no such files.
    ValueError
        If the hash of the tensors is not that in the description, or the version of the
        format is unknown.

    Examples
    --------
    >>> from sklearn_meta.maml import load_initialization
    >>> load_initialization("regression").recipe["algorithm"]
    'meta_sgd'
    """
    if path in TASKS:
        with as_file(files("sklearn_meta.maml") / "data") as folder:
            return _load(folder / path)
    return _load(Path(path))


def _load(path):
    """Read the two files of an initialization."""
    described, tensors = (_with_suffix(path, s) for s in (".json", ".safetensors"))
    for file in (described, tensors):
        if not file.is_file():
            raise FileNotFoundError(
                f"There is no file {file}. Pass one of {TASKS}, or the path "
                "(without suffix) that Initialization.save was given."
            )
    description = json.loads(described.read_text(encoding="utf-8"))
    if description.get("format") != FORMAT:
        raise ValueError(
            f"{described} has format {description.get('format')!r}; this version reads "
            f"format {FORMAT}. Train the initialization again."
        )
    content = tensors.read_bytes()
    if hashlib.sha256(content).hexdigest() != description["sha256"]:
        raise ValueError(
            f"{tensors} is not the file that {described} describes: its SHA-256 "
            "differs. One of them was changed or is incomplete; copy both again."
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


def _with_suffix(path, suffix):
    """Append a suffix; dots in the name are kept."""
    return path.with_name(path.name + suffix)
