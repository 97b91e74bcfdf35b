"""Tables of the neighbors of a dataset and of the results of their pipelines."""

from __future__ import annotations

from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection._tables import as_table


def neighbors_table(neighbors):
    """Return the table of the neighbors.

    Parameters
    ----------
    neighbors : sequence of Neighbor
        The nearest first.

    Returns
    -------
    table : DataFrame or list of dict
        One row for each neighbor: its distance, its weight, and the meta-features in
        which it is most similar (``alike_in``). A DataFrame if pandas is installed.
    """
    return as_table(
        [
            {
                "dataset": neighbor.dataset,
                "distance": neighbor.distance,
                "weight": neighbor.weight,
                "alike_in": ", ".join(neighbor.alike),
            }
            for neighbor in neighbors
        ],
        index="dataset",
    )


def recall_table(neighbors, history):
    """Return the best pipelines of the neighbors with their results in a search.

    Parameters
    ----------
    neighbors : sequence of Neighbor
        The nearest first.
    history : sequence of Evaluation

    Returns
    -------
    table : DataFrame or list of dict
        One row for each of the best pipelines of each neighbor. ``neighbor_rank`` is
        the rank of the pipeline on the neighbor, ``rank`` its rank among the finished
        evaluations of the search, and ``number`` the number of its evaluation, None if
        it was not tried. A DataFrame if pandas is installed.
    """
    return as_table(recall_rows(neighbors, history), index=["dataset", "neighbor_rank"])


def recall_rows(neighbors, history):
    """Return the rows of `recall_table` as a list of dictionaries."""
    tried = {evaluation.candidate.text: evaluation for evaluation in history}
    finished = sorted(
        (e for e in history if e.status == Status.OK), key=lambda e: -e.score
    )
    ranks = {e.candidate.text: rank for rank, e in enumerate(finished, start=1)}
    rows = []
    for neighbor in neighbors:
        for neighbor_rank, text in enumerate(neighbor.pipelines, start=1):
            evaluation = tried.get(text)
            rows.append(
                {
                    "dataset": neighbor.dataset,
                    "distance": neighbor.distance,
                    "weight": neighbor.weight,
                    "alike_in": ", ".join(neighbor.alike),
                    "neighbor_rank": neighbor_rank,
                    "pipeline": text,
                    "number": None if evaluation is None else evaluation.number,
                    "status": "not tried"
                    if evaluation is None
                    else str(evaluation.status),
                    "score": None
                    if evaluation is None or not evaluation.folds
                    else evaluation.score,
                    "rank": ranks.get(text),
                }
            )
    return rows
