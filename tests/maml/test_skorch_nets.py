"""skorch nets: batches, devices and threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
import torch
from skorch.dataset import Dataset

from sklearn_meta.maml import MAMLRegressor
from sklearn_meta.maml._skorch_nets import (
    Batches,
    one_torch_thread,
    pick_device,
)


def test_batches_are_the_blocks():
    dataset = Dataset({"row": np.arange(5)})
    batches = [X["row"].tolist() for X, _ in Batches(dataset, [slice(3), slice(3, 6)])]
    assert batches == [[0, 1, 2], [3, 4]]


def test_training_takes_as_many_batches_as_steps():
    X = np.random.default_rng(0).normal(size=(30, 2))
    net = MAMLRegressor(n_adaptation_steps=4, batch_size=20).fit(X, X[:, 0]).net_
    dataset = net.get_dataset({"row": np.arange(30)}, None)
    training = [len(b["row"]) for b, _ in net.get_iterator(dataset, training=True)]
    assert training == [20, 10, 20, 10]
    predicting = [len(b["row"]) for b, _ in net.get_iterator(dataset)]
    assert sum(predicting) == 30


def test_the_number_of_threads_is_restored():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), one_torch_thread():
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == before


def test_devices():
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="'device' must be 'auto'.*'abacus'"):
        pick_device("abacus")


def test_one_torch_thread_is_a_limit_of_the_thread():
    def of_a_new_thread():
        with ThreadPoolExecutor(1) as other:
            return other.submit(torch.get_num_threads).result()

    before = torch.get_num_threads(), of_a_new_thread()
    entered, leave = Event(), Event()

    def other():
        with one_torch_thread():
            entered.set()
            leave.wait(20)
        return torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        after = pool.submit(other)
        assert entered.wait(20)
        assert (torch.get_num_threads(), of_a_new_thread()) == before
        with one_torch_thread():
            assert torch.get_num_threads() == 1
            leave.set()
            assert after.result() == before[1]
        assert (torch.get_num_threads(), of_a_new_thread()) == before
