"""Checkpoints of meta-training: write and read its state as a safetensors file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

_TENSOR_FIELDS = ("parameters", "log_rates", "moments", "averaged", "best")
_OTHER_FIELDS = ("step", "best_loss", "n_without_gain", "log", "seconds")


@dataclass(frozen=True, eq=False)
class TrainingState:
    """State of the outer loop.

    Parameters
    ----------
    step : int
        Number of steps taken.
    parameters, log_rates : dict of str to Tensor
        Initialization and logarithms of the step sizes.
    moments : dict of str to Tensor
        First and second moments of Adam: ``mean/NAME`` and ``square/NAME``.
    averaged : dict of str to Tensor
        Running averages of parameters and log rates, which are validated and returned.
    best : dict of str to Tensor
        Averages with the lowest validation loss.
    best_loss : float, default=inf
        Lowest validation loss.
    n_without_gain : int, default=0
        Number of validations since.
    log : list of dict, default=[]
        One row for each validation.
    seconds : float, default=0.0
        Wall-clock seconds of all runs of the training.
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
    """Write a `TrainingState` to a safetensors file.

    The file is replaced atomically: a crash leaves the old one. `fingerprint`
    identifies the training, see `read_checkpoint`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}:{name}": tensor.detach().cpu().clone().contiguous()
        for part in _TENSOR_FIELDS
        for name, tensor in getattr(state, part).items()
    }
    others = {name: getattr(state, name) for name in _OTHER_FIELDS}
    metadata = {"fingerprint": fingerprint, "state": json.dumps(others)}
    unfinished = path.with_name(path.name + ".unfinished")
    save_file(tensors, unfinished, metadata)
    os.replace(unfinished, path)


def read_checkpoint(path, fingerprint, device):
    """Read the `TrainingState` of a file; None if there is no such file.

    Raises
    ------
    ValueError
        If the file was written with another fingerprint.
    """
    path = Path(path)
    if not path.exists():
        return None
    parts = {part: {} for part in _TENSOR_FIELDS}
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
