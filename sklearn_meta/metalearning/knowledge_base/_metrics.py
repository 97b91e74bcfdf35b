"""Which metrics are kept, and which one stands in for another."""

from __future__ import annotations

from collections.abc import Collection

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.metalearning.knowledge_base._records import check_task

# Kept for every evaluation; the first one is the default of the task. ``roc_auc`` of
# more than two classes is that of each class against the rest, weighted by its rows:
# what scikit-learn calls ``roc_auc_ovr_weighted``, and one name for all tables.
STORED_METRICS = {
    CLASSIFICATION: (
        "neg_log_loss",
        "roc_auc",
        "balanced_accuracy",
        "accuracy",
    ),
    REGRESSION: (
        "neg_root_mean_squared_error",
        "neg_mean_absolute_error",
        "r2",
    ),
}

_LOG_LOSS, _AUC, _BALANCED, _ACCURACY = STORED_METRICS[CLASSIFICATION]
_RMSE, _MAE, _R2 = STORED_METRICS[REGRESSION]

# For other metrics, the stored ones that order pipelines most like them, the nearest
# first. Those that weigh classes alike follow balanced accuracy, those that weigh rows
# alike follow accuracy, those of one class's ranking follow the AUC.
_BY_RANKING = (_AUC, _LOG_LOSS, _BALANCED, _ACCURACY)
_BY_CLASS = (_BALANCED, _AUC, _ACCURACY, _LOG_LOSS)
_BY_ROW = (_ACCURACY, _BALANCED, _LOG_LOSS, _AUC)
_BY_PROBABILITY = (_LOG_LOSS, _AUC, _ACCURACY, _BALANCED)
_BY_SQUARE = (_RMSE, _R2, _MAE)
_BY_VARIANCE = (_R2, _RMSE, _MAE)
_BY_DISTANCE = (_MAE, _RMSE, _R2)

RELATED_METRICS = {
    CLASSIFICATION: {
        "neg_log_loss": _BY_PROBABILITY,
        "neg_brier_score": _BY_PROBABILITY,
        "d2_log_loss_score": _BY_PROBABILITY,
        "d2_brier_score": _BY_PROBABILITY,
        "roc_auc": _BY_RANKING,
        "roc_auc_ovr": _BY_RANKING,
        "roc_auc_ovr_weighted": _BY_RANKING,
        "roc_auc_ovo": _BY_RANKING,
        "roc_auc_ovo_weighted": _BY_RANKING,
        "average_precision": _BY_RANKING,
        "top_k_accuracy": _BY_PROBABILITY,
        "accuracy": _BY_ROW,
        "f1_micro": _BY_ROW,
        "f1_weighted": _BY_ROW,
        "f1_samples": _BY_ROW,
        "jaccard_micro": _BY_ROW,
        "jaccard_weighted": _BY_ROW,
        "jaccard_samples": _BY_ROW,
        "precision_micro": _BY_ROW,
        "precision_weighted": _BY_ROW,
        "precision_samples": _BY_ROW,
        "recall_micro": _BY_ROW,
        "recall_weighted": _BY_ROW,
        "recall_samples": _BY_ROW,
        "balanced_accuracy": _BY_CLASS,
        "f1": _BY_CLASS,
        "f1_macro": _BY_CLASS,
        "jaccard": _BY_CLASS,
        "jaccard_macro": _BY_CLASS,
        "precision": _BY_CLASS,
        "precision_macro": _BY_CLASS,
        "recall": _BY_CLASS,
        "recall_macro": _BY_CLASS,
        "matthews_corrcoef": _BY_CLASS,
        "positive_likelihood_ratio": _BY_CLASS,
        "neg_negative_likelihood_ratio": _BY_CLASS,
    },
    REGRESSION: {
        "neg_root_mean_squared_error": _BY_SQUARE,
        "neg_mean_squared_error": _BY_SQUARE,
        "neg_max_error": _BY_SQUARE,
        "r2": _BY_VARIANCE,
        "explained_variance": _BY_VARIANCE,
        "neg_mean_absolute_error": _BY_DISTANCE,
        "neg_median_absolute_error": _BY_DISTANCE,
        "neg_mean_absolute_percentage_error": _BY_DISTANCE,
        "neg_root_mean_squared_log_error": _BY_DISTANCE,
        "neg_mean_squared_log_error": _BY_DISTANCE,
        "neg_mean_poisson_deviance": _BY_DISTANCE,
        "neg_mean_gamma_deviance": _BY_DISTANCE,
        "d2_absolute_error_score": _BY_DISTANCE,
    },
}


def related_metric(name, task, stored: Collection[str]) -> str:
    """Return the stored metric that is nearest to another one.

    Parameters
    ----------
    name : str, callable or None
        scikit-learn's name of a scorer. For a callable, for None and for a name that
        nothing is known about, the default metric of the task stands in.
    task : {"classification", "regression"}
    stored : collection of str
        Metrics to choose from. Where it is empty, all of `STORED_METRICS` are.

    Returns
    -------
    metric : str
        `name` itself where it is stored.
    """
    check_task(task)
    stored = stored or STORED_METRICS[task]
    if isinstance(name, str) and name in stored:
        return name
    # Callables may not be hashable.
    nearest = RELATED_METRICS[task].get(name, ()) if isinstance(name, str) else ()
    for metric in (*nearest, *STORED_METRICS[task]):
        if metric in stored:
            return metric
    return min(stored)
