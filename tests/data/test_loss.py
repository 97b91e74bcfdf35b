"""The loss that a scorer judges, and where it is defined."""

from functools import partial

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import make_scorer

from sklearn_meta.data._loss import SMALLEST_SHARE, Loss, loss_of


def lossy(metric, **arguments):
    return make_scorer(metric, greater_is_better=False, **arguments)


@pytest.mark.parametrize(
    "scoring, loss",
    [
        (lossy(metrics.mean_pinball_loss, alpha=0.9), Loss("quantile", level=0.9)),
        (lossy(metrics.mean_pinball_loss), Loss("quantile", level=0.5)),
        (
            lossy(partial(metrics.mean_pinball_loss, alpha=0.1)),
            Loss("quantile", level=0.1),
        ),
        (
            make_scorer(metrics.d2_pinball_score, alpha=0.2),
            Loss("quantile", level=0.2),
        ),
        ("neg_mean_absolute_error", Loss("quantile", level=0.5)),
        ("neg_median_absolute_error", Loss("quantile", level=0.5)),
        ("d2_absolute_error_score", Loss("quantile", level=0.5)),
        ("neg_mean_poisson_deviance", Loss("tweedie", power=1.0)),
        ("neg_mean_gamma_deviance", Loss("tweedie", power=2.0)),
        (make_scorer(metrics.d2_tweedie_score, power=1.5), Loss("tweedie", power=1.5)),
        (lossy(metrics.mean_tweedie_deviance, power=3), Loss("tweedie", power=3.0)),
        ("neg_mean_squared_log_error", Loss("squared_log")),
        ("neg_root_mean_squared_log_error", Loss("squared_log")),
    ],
)
def test_known_losses(scoring, loss):
    assert loss_of(scoring) == loss


class Unhashable:
    """A scorer that is in no dictionary."""

    __hash__ = None

    def __call__(self, estimator, X, y):
        return 0.0


@pytest.mark.parametrize(
    "scoring",
    [
        None,
        "r2",
        "neg_root_mean_squared_error",
        "no such scorer",
        lambda estimator, X, y: 0.0,
        Unhashable(),
        make_scorer(Unhashable()),
        # Larger is not better.
        make_scorer(metrics.mean_pinball_loss, alpha=0.9),
        # The extremes; the squared error; no distribution.
        lossy(metrics.mean_pinball_loss, alpha=1.0),
        lossy(metrics.mean_tweedie_deviance, power=0),
        lossy(metrics.mean_tweedie_deviance, power=0.5),
    ],
)
def test_other_scorers_have_none(scoring):
    assert loss_of(scoring) is None


@pytest.mark.parametrize(
    "loss, good, bad, what",
    [
        (Loss("tweedie", power=1.0), [0, 2], [-1, 2], "of zero or more"),
        (Loss("tweedie", power=1.5), [0, 2], [-1, 2], "of zero or more"),
        (Loss("tweedie", power=2.0), [1, 2], [0, 2], "above zero"),
        (Loss("tweedie", power=3.0), [1, 2], [0, 2], "above zero"),
        (Loss("squared_log"), [-0.5, 2], [-1, 2], "above -1"),
    ],
)
def test_targets_without_the_loss_are_refused(loss, good, bad, what):
    loss.check_target(np.array(good, float), "name")
    with pytest.raises(ValueError, match=f"'name', the .*{what}.*1 other.*smallest"):
        loss.check_target(np.array(bad, float), "name")
    with pytest.raises(ValueError, match=what):
        loss.check_target(np.array([good, bad], float), "name")


@pytest.mark.parametrize("loss", [Loss("quantile", 0.5), Loss("tweedie", power=-1.0)])
def test_losses_of_all_targets(loss):
    loss.check_target(np.array([-5.0, 0.0, 5.0]), "name")


def test_least_prediction():
    y = np.array([0.0, 4.0, 2.0])
    assert Loss("quantile", level=0.5).least(y) is None
    assert Loss("squared_log").least(y) == 0
    assert Loss("squared_log").least(np.array([-0.5, 1.0])) == -0.5
    deviance = Loss("tweedie", power=1.0)
    assert deviance.least(y) == 2 * SMALLEST_SHARE
    # The mean is smaller than the smallest of the few events.
    assert deviance.least(np.array([0.0] * 9 + [1.0])) == 0.1 * SMALLEST_SHARE
    assert deviance.least(np.stack([y, 10 * y], axis=1)) == pytest.approx(
        (2 * SMALLEST_SHARE, 20 * SMALLEST_SHARE)
    )
    assert deviance.least(np.zeros(3)) > 0


def test_best_constant():
    y = np.random.default_rng(0).gamma(2.0, size=101)
    for scoring in (
        lossy(metrics.mean_pinball_loss, alpha=0.9),
        lossy(metrics.mean_tweedie_deviance, power=1.5),
        lossy(metrics.root_mean_squared_log_error),
    ):
        metric = partial(scoring._score_func, **scoring._kwargs)
        best = loss_of(scoring).constant(y)
        at_best = metric(y, np.full(101, best))
        for other in (0.98 * best, 1.02 * best):
            assert at_best <= metric(y, np.full(101, other))


def test_names_in_messages():
    assert str(Loss("quantile", level=0.9)) == "the pinball loss at 0.9"
    assert str(Loss("quantile", level=0.5)) == "the absolute error"
    assert str(Loss("tweedie", power=2.0)) == "the gamma deviance"
    assert str(Loss("tweedie", power=1.5)) == "the Tweedie deviance of power 1.5"


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0, -1.0])
def test_nearest_scorer_has_a_name(power):
    names = metrics.get_scorer_names()
    assert Loss("tweedie", power=power).metric in names
    assert Loss("squared_log").metric in names
    assert Loss("quantile", level=0.9).metric in names
