"""A folder of two small tables."""

import json

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.building._sources import read_manifest
from tests.building.builds import CLASSIFICATION, REGRESSION


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of two tables: three classes with a category, and a regression."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(90, 3)), columns=list("abc"))
    frame["color"] = pd.Categorical(rng.choice(["red", "green"], size=90))
    y = frame["a"] + 0.3 * rng.normal(size=90)
    labels = np.array(["low", "mid", "top"])[np.digitize(y, [-0.5, 0.5])]
    frame.assign(kind=labels).to_parquet(folder / "flowers.parquet")
    numbers = frame.drop(columns="color").assign(target=y)
    (folder / "train" / REGRESSION).mkdir(parents=True)
    numbers.to_parquet(folder / "train" / REGRESSION / "heights.parquet")
    manifest = [
        {
            "name": "flowers",
            "task": CLASSIFICATION,
            "file": "flowers.parquet",
            "target": "kind",
            "family": "plants",
        },
        {"name": "heights", "task": REGRESSION},
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def flowers(folder):
    return read_manifest(folder, names=["flowers"])[0]
