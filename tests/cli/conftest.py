"""Tables and models of the tests of the command."""

import os

import numpy as np
import pytest

from tests.contract.small import SETTINGS, classifier, people, prices, regressor


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with ``people.csv`` and ``homes.csv`` in it."""
    monkeypatch.chdir(tmp_path)
    frame, target = people(60)
    # Identifiers with zeros in front.
    frame.insert(0, "id", [f"{i:03d}" for i in range(60)])
    frame.assign(customer=target).to_csv("people.csv", index=False)
    frame, target = prices(60)
    frame.assign(price=target.round(2)).to_csv("homes.csv", index=False)
    return tmp_path


@pytest.fixture
def cheap(monkeypatch):
    """Let ``fit`` evaluate three cheap pipelines."""
    from sklearn_meta.cli import _fit

    make = _fit._estimator
    settings = {name: value for name, value in SETTINGS.items() if name != "cv"}

    def estimator(options, training, messages):
        model = make(options, training, messages)
        return model.set_params(**settings, n_jobs=1, cv=model.cv or 2)

    monkeypatch.setattr(_fit, "_estimator", estimator)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Files of a fitted classifier and a fitted regressor."""
    from sklearn_meta.cli import save_model

    path = tmp_path_factory.mktemp("models")
    frame, target = people()
    save_model(
        classifier().fit(frame, target), path / "people.skops", target="customer"
    )
    frame, target = prices()
    save_model(regressor().fit(frame, target), path / "homes.skops", target="price")
    return path


@pytest.fixture
def people_model(models):
    return os.fspath(models / "people.skops")


@pytest.fixture
def homes_model(models):
    return os.fspath(models / "homes.skops")


@pytest.fixture
def rows():
    """A table of three rows without a target."""
    frame, _ = people(3)
    return frame.assign(height=np.array([170.5, np.nan, 180.0]))
