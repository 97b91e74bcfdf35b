"""Tables are read from a folder as the estimators read them."""

import json

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.building._sources import read_manifest, read_table
from tests.building.builds import REGRESSION


def test_tables_come_in_an_order_that_is_not_that_of_the_file(folder):
    names = [source.name for source in read_manifest(folder)]
    assert sorted(names) == ["flowers", "heights"]
    assert read_manifest(folder, tasks=[REGRESSION])[0].family == "heights"
    assert names == [source.name for source in read_manifest(folder)]


def test_table_is_encoded_as_the_estimators_do(flowers):
    dataset = read_table(flowers)
    assert dataset.task.classes.tolist() == ["low", "mid", "top"]
    assert dataset.schema.n_categorical == 1
    assert dataset.X.shape == (90, 4) and len(dataset.y) == 90


def test_rows_without_target_are_left_out(tmp_path):
    frame = pd.DataFrame({"a": range(6), "target": [1.5, np.nan, 2.0, 3.0, np.nan, 4]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    entry = {"name": "t", "task": REGRESSION, "file": "t.csv"}
    (tmp_path / "manifest.json").write_text(json.dumps([entry]))
    dataset = read_table(read_manifest(tmp_path)[0])
    assert dataset.y.tolist() == [1.5, 2.0, 3.0, 4.0]
    assert dataset.X.ravel().tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ([{"name": "a"}], "without 'task'"),
        ([{"name": "a", "task": "clustering"}], "Got 'clustering'"),
        ([{"name": "a", "task": REGRESSION}] * 2, "two tables called 'a'"),
        ([], "no table called 'b'"),
    ],
)
def test_bad_manifest_is_explained(tmp_path, manifest, message):
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=message):
        read_manifest(tmp_path, names=["b"])


def test_folder_without_manifest_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="manifest.json"):
        read_manifest(tmp_path)
