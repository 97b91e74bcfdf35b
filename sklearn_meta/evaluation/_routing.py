"""Metadata routing: arguments of the splitter and the scorer."""

from __future__ import annotations

from dataclasses import dataclass, field

from sklearn import get_config
from sklearn.utils.metadata_routing import process_routing

from sklearn_meta._sklearn_compat import takes_sample_weight


@dataclass(frozen=True)
class RoutedMetadata:
    """Metadata of `fit` or `score`, by receiver.

    Parameters
    ----------
    split : dict of str to object, or None
        Arguments of the splitter besides `X` and `y`; None for the groups.
    score : dict of str to object
        Arguments of the scorer besides estimator, `X`, `y` and the sample weights of
        the method.
    weighs : bool, default=False
        Whether the scorer receives the sample weights of the method.
    """

    split: dict | None
    score: dict = field(default_factory=dict)
    weighs: bool = False


def route(estimator, method, scorer, cv, *, sample_weight=None, **metadata):
    """Return the metadata that the splitter and the scorer receive.

    With metadata routing enabled they receive what they request. Otherwise the splitter
    receives the groups, and the scorer the sample weights if it has such a parameter.

    Parameters
    ----------
    estimator : estimator
        Its `get_metadata_routing` tells what splitter and scorer request.
    method : {"fit", "score"}
    scorer : callable or None
        None for the default scoring, which needs no metadata.
    cv : object
        The `cv` parameter of the estimator.
    sample_weight : array-like of shape (n_samples,), default=None
    **metadata : dict of str to object
        Further metadata by name; None values are ignored.

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
    # The weights with which candidates are fitted are validated and split elsewhere.
    weighs = sample_weight is not None and score.get("sample_weight") is sample_weight
    if weighs:
        score = {k: v for k, v in score.items() if k != "sample_weight"}
    return RoutedMetadata(split, score, weighs)


def routes_metadata(cv) -> bool:
    """Whether `cv` is a splitter with metadata routing."""
    return hasattr(cv, "split") and hasattr(cv, "get_metadata_routing")
