"""The benchmark of meta-training, in small."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from benchmarks import meta_training  # noqa: E402
from sklearn_meta.maml.training._inner_loop import ALGORITHMS  # noqa: E402


@pytest.mark.parametrize("algorithm", ["maml", "meta_sgd"])
def test_vmap_and_loop_give_the_same_gradient(algorithm):
    # `throughput` compares the gradients itself.
    rates = meta_training.throughput("regression", algorithm, 2, 1, repeats=1)
    assert min(rates) > 0


def test_every_algorithm_is_compared(monkeypatch):
    monkeypatch.setattr(meta_training, "N_AVERAGED", 1)
    rows = list(meta_training.compare("classification", 1, 2, 1, 2))
    assert [name for name, *_ in rows] == ["random", *ALGORITHMS, "average"]
    assert all(after > 0 for _, _, after, _ in rows)
