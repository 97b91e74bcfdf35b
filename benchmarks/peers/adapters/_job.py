"""What a system is asked to do, and what it leaves behind."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

TARGET = "target"
TRAIN, TEST = "train.parquet", "test.parquet"
SETTINGS, RESULT, PREDICTIONS = "job.json", "result.json", "predictions.npz"


@dataclass(frozen=True)
class Settings:
    """What is asked of a system, beside the table.

    Parameters
    ----------
    adapter : str
        Module.
    task : {"classification", "regression"}
        What is to be small on the test part is the log loss or the RMSE.
    family : str
        Family of the table, for systems that know tables from before.
    budget : float or None
        Seconds for ``fit``; None for systems that use no budget.
    n_jobs : int
        Cores.
    seed : int
    model : str, default=""
    distributions : tuple of str, default=()
        Whose versions are wanted.
    initializations : str, default=""
        Folder of initializations that were trained without the table, for systems that
        have meta-learned networks.
    """

    adapter: str
    task: str
    family: str
    budget: float | None
    n_jobs: int
    seed: int
    model: str = ""
    distributions: tuple[str, ...] = ()
    initializations: str = ""


@dataclass(frozen=True)
class Job:
    """One run as an adapter sees it.

    Parameters
    ----------
    settings : Settings
    X : DataFrame
        Training part: numbers, categories, text and booleans, with missing values.
    y : ndarray
        Class labels as text, or floats.
    folder : Path
        Where the system may write.
    """

    settings: Settings
    X: pd.DataFrame
    y: np.ndarray
    folder: Path

    @property
    def classifies(self):
        """Whether the target is a class."""
        return self.settings.task == "classification"


def write_job(folder, settings, X_train, y_train, X_test):
    """Write what a run needs. The targets of the test part are not among it."""
    folder = Path(folder)
    (folder / SETTINGS).write_text(json.dumps(asdict(settings)), encoding="utf-8")
    # The table itself has no column of that name: there, it is the target.
    X_train.assign(**{TARGET: y_train}).to_parquet(folder / TRAIN)
    X_test.to_parquet(folder / TEST)


def read_job(folder):
    """Return the `Job` and the test part that `write_job` has written."""
    folder = Path(folder).resolve()
    stored = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    settings = Settings(**{**stored, "distributions": tuple(stored["distributions"])})
    train = pd.read_parquet(folder / TRAIN)
    y = train.pop(TARGET)
    y = y.to_numpy(object if settings.task == "classification" else float)
    X_test = pd.read_parquet(folder / TEST)
    return Job(settings, train, y, folder), X_test
