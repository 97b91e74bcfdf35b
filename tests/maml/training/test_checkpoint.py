"""Checkpoints: what is written is read, and nothing else."""

import pytest
import torch

from sklearn_meta.maml.training._checkpoint import (
    TrainingState,
    read_checkpoint,
    write_checkpoint,
)


def test_a_state_is_read_as_it_was_written(tmp_path):
    tensors = {"head.weights": torch.arange(3.0)}
    state = TrainingState(
        7, tensors, {}, {"mean/a": torch.ones(2)}, tensors, tensors, 0.5, 2,
        [{"step": 5, "loss_after": 0.5}], 1.5,
    )  # fmt: skip
    path = tmp_path / "folder" / "state"
    write_checkpoint(path, "fingerprint", state)
    found = read_checkpoint(path, "fingerprint", "cpu")
    assert [file.name for file in path.parent.iterdir()] == ["state"]
    for name, value in vars(state).items():
        if isinstance(value, dict):
            assert getattr(found, name).keys() == value.keys()
            for key, tensor in value.items():
                assert torch.equal(getattr(found, name)[key], tensor)
        else:
            assert getattr(found, name) == value


def test_without_a_file_there_is_no_state(tmp_path):
    assert read_checkpoint(tmp_path / "state", "fingerprint", "cpu") is None


def test_another_training_is_refused(tmp_path):
    path = tmp_path / "state"
    write_checkpoint(path, "one", TrainingState(0, *[{"a": torch.ones(1)}] * 5))
    with pytest.raises(ValueError, match="other settings"):
        read_checkpoint(path, "another", "cpu")
