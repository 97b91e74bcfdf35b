"""The state of a training in a file, written so that a crash leaves the old one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

_TENSORS = ("parameters", "log_rates", "moments", "averaged", "best")
_NUMBERS = ("step", "best_loss", "n_without_gain", "log", "seconds")


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything that a training needs to go on.

    Parameters
    ----------
    step : int
        Steps taken.
    parameters, log_rates : dict of str to Tensor
    moments : dict of str to Tensor
        Of Adam: ``mean/NAME`` and ``square/NAME``.
    averaged : dict of str to Tensor
        Running means of parameters and log rates, which are validated and returned.
    best : dict of str to Tensor
        The averaged ones with the lowest validation loss.
    best_loss : float
    n_without_gain : int
        Validations since.
    log : list of dict
    seconds : float
        Time spent in all runs.
    """

    step: int
    parameters: dict[str, Tensor]
    log_rates: dict[str, Tensor]
    moments: dict[str, Tensor]
    averaged: dict[str, Tensor]
    best: dict[str, Tensor]
    best_loss: float = float("inf")
    n_without_gain: int = 0
    log: list = field(default_factory=list)
    seconds: float = 0.0


def write_checkpoint(path, fingerprint, state):
    """Write the state of a training.

    Parameters
    ----------
    path : str or path-like
        A safetensors file; replaced at once when the new one is complete.
    fingerprint : str
        Which training it belongs to.
    state : TrainingState
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}:{name}": tensor.detach().cpu().clone().contiguous()
        for part in _TENSORS
        for name, tensor in getattr(state, part).items()
    }
    numbers = {name: getattr(state, name) for name in _NUMBERS}
    metadata = {"fingerprint": fingerprint, "state": json.dumps(numbers)}
    unfinished = path.with_name(path.name + ".unfinished")
    save_file(tensors, unfinished, metadata)
    os.replace(unfinished, path)


def read_checkpoint(path, fingerprint, device):
    """Read the state of a training.

    Returns
    -------
    state : TrainingState or None
        None if there is no such file.

    Raises
    ------
    ValueError
        If the file belongs to another training.
    """
    path = Path(path)
    if not path.exists():
        return None
    parts = {part: {} for part in _TENSORS}
    with safe_open(path, framework="pt", device=str(device)) as file:
        metadata = file.metadata() or {}
        if metadata.get("fingerprint") != fingerprint:
            raise ValueError(
                f"The checkpoint {path} belongs to a training with other settings, "
                "architecture or initial parameters. Pass those, or another path."
            )
        for key in file.keys():
            part, _, name = key.partition(":")
            parts[part][name] = file.get_tensor(key)
    return TrainingState(**json.loads(metadata["state"]), **parts)
