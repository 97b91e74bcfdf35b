"""Read the initial pipelines of a search: texts and scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Iterator

from sklearn_meta.evaluation._records import INITIAL, Candidate
from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.pipelines._read_estimator import read_estimator
from sklearn_meta.pipelines._text import format_tree, parse


def read_initial(pipelines, vocabulary) -> Iterator[Candidate]:
    """Yield the initial pipelines of a search as candidates.

    Parameters
    ----------
    pipelines : sequence of (str or estimator), or None
        None for no pipelines.
    vocabulary : Vocabulary

    Yields
    ------
    candidate : Candidate

    Raises
    ------
    InvalidPipelineError
        If a pipeline is not in the search space. The message has its index and the
        reason.
    """
    catalog = vocabulary.catalog
    for i, pipeline in enumerate([] if pipelines is None else pipelines):
        try:
            if isinstance(pipeline, str):
                tree = parse(pipeline, catalog=catalog)
            else:
                tree = read_estimator(pipeline, catalog=catalog)
        except InvalidPipelineError as error:
            raise InvalidPipelineError(f"initial_pipelines[{i}]: {error}") from None
        if tree.size > vocabulary.max_size:
            raise InvalidPipelineError(
                f"initial_pipelines[{i}] has {tree.size} operators, but max_size of "
                f"the search space is {vocabulary.max_size}. Raise it: "
                f"search_space=SearchSpace(max_size={tree.size})."
            )
        yield Candidate(tree, format_tree(tree), INITIAL)
