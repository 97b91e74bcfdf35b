"""Metadata of the rows: what the splitter and the scorer get of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sklearn import get_config
from sklearn.utils.metadata_routing import process_routing

from sklearn_meta._sklearn_compat import takes_sample_weight


@dataclass(frozen=True)
class RoutedMetadata:
    """Metadata of `fit` by its receiver.

    Parameters
    ----------
    split : dict of str to object, or None
        For the splitter besides `y`; None for the groups.
    score : dict of str to object
        For the scorer besides predictions, targets and the weights of `fit`.
    weighs : bool
        Whether the scorer gets the weights of `fit`.
    """

    split: dict | None
    score: dict = field(default_factory=dict)
    weighs: bool = False


def route(estimator, method, scorer, cv, *, sample_weight=None, **metadata):
    """Return what the splitter and the scorer get.

    With metadata routing that is what they request; without, the splitter gets the
    groups, and the scorer the weights if it can take them.

    Parameters
    ----------
    estimator : estimator
        With `get_metadata_routing`.
    method : {"fit", "score"}
    scorer : callable or None
        None for the default.
    cv : object
        Parameter `cv` of the estimator.
    sample_weight : array-like of shape (n_samples,), default=None
    **metadata : dict of str to object

    Returns
    -------
    routed : RoutedMetadata
    """
    given = {"sample_weight": sample_weight, **metadata}
    given = {name: value for name, value in given.items() if value is not None}
    split, score = None, {}
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(estimator, method, **given)
        split = routed["splitter"].get("split") if routes_metadata(cv) else None
        score = {} if scorer is None else dict(routed["scorer"].score)
    elif sample_weight is not None and takes_sample_weight(scorer):
        score = {"sample_weight": sample_weight}
    # Weights that are those of the candidates are checked and follow the rows.
    weighs = sample_weight is not None and score.get("sample_weight") is sample_weight
    if weighs:
        score = {k: v for k, v in score.items() if k != "sample_weight"}
    return RoutedMetadata(split, score, weighs)


def routes_metadata(cv) -> bool:
    """Whether `cv` is a splitter that takes part in metadata routing."""
    return hasattr(cv, "split") and hasattr(cv, "get_metadata_routing")
