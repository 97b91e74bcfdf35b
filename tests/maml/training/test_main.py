"""The command ``python -m sklearn_meta.maml.training``."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from sklearn_meta.maml import load_initialization
from sklearn_meta.maml.training import _recipe
from sklearn_meta.maml.training.__main__ import main


def test_the_command_trains_without_the_families_held_out(
    tmp_path, monkeypatch, capsys
):
    rng = np.random.default_rng(0)
    entries = []
    for name in ("one", "two", "three"):
        frame = pd.DataFrame({"a": rng.normal(size=40), "target": rng.normal(size=40)})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        entries.append({"name": name, "task": "regression", "file": f"{name}.csv"})
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    (tmp_path / "families.txt").write_text("two\n\nnot there\n")
    stages = [replace(s, n_steps=1, tasks_per_step=2) for s in _recipe.STAGES]
    monkeypatch.setattr(_recipe, "STAGES", stages)
    monkeypatch.setattr(_recipe, "N_VALIDATION", 2)
    before = torch.get_num_threads()
    try:
        main(
            ["--data", str(tmp_path), "--task", "regression"]
            + ["--hold-out-file", str(tmp_path / "families.txt")]
            + ["--minutes", "5", "--out", str(tmp_path / "own")]
        )
    finally:
        torch.set_num_threads(before)
    recipe = load_initialization(tmp_path / "own").recipe
    assert recipe["families_held_out"] == ["not there", "two"]
    families = recipe["families_trained_on"] + recipe["families_validated_on"]
    assert sorted(families) == ["one", "three"]
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["step"] == 1
