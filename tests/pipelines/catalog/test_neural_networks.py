"""Arguments of the networks."""

import pytest

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.pipelines._spec import BuildContext
from sklearn_meta.pipelines.catalog import _neural_networks


@pytest.mark.parametrize("task", TASKS)
def test_the_network_is_told_its_categories(task):
    # Whether or not its packages are installed.
    (operator,) = (o for o in _neural_networks.MAMLS if task in o.tasks)
    params = operator.defaults()
    fixed = {"init": "ours"}
    context = BuildContext(task, n_features=3, random_state=5, fixed=fixed)
    plain = operator.build(params, context)
    assert dict(plain.params) == {**params, **fixed, "random_state": 5}
    told = operator.build(params, BuildContext(task, n_features=3, n_categorical=2))
    assert told.param("categorical_features") == [0, 1]
