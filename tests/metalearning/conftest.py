"""Knowledge bases that several modules of tests use."""

import math

import pytest

from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from tests.metalearning.knowledge import dataset, evaluation, failure


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.sqlite"


@pytest.fixture
def mine(path):
    return KnowledgeBase(path)


@pytest.fixture
def filled(mine):
    """Three datasets of two families, two pipelines, one evaluation that failed."""
    mine.add(dataset("iris"), [evaluation(), failure("svc(X)")])
    mine.add(dataset("wine_red"), [evaluation(), evaluation("svc(X)")])
    mine.add(dataset("wine_white"), [evaluation("svc(X)", fit_seconds=math.nan)])
    return mine
