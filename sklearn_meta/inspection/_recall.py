"""Tables of the recalled neighbors, and of the results of their pipelines."""

from __future__ import annotations

from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection._tables import as_table


def neighbors_table(neighbors):
    """Return one row for each neighbor, the nearest first.

    Parameters
    ----------
    neighbors : sequence of Neighbor

    Returns
    -------
    table : DataFrame or list of dict
        A DataFrame where pandas is installed.
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
    """Return the best pipelines of each neighbor with their results in a search.

    Parameters
    ----------
    neighbors : sequence of Neighbor
    history : sequence of Evaluation

    Returns
    -------
    table : DataFrame or list of dict
        One row for each of the best pipelines of a neighbor, the nearest neighbor
        first. ``place_there`` is the rank on the neighbor, ``rank`` that among the
        finished evaluations of the search. ``number`` is the number of the evaluation,
        None for a pipeline that was not tried.
    """
    tried = {evaluation.candidate.text: evaluation for evaluation in history}
    finished = sorted(
        (e for e in history if e.status == Status.OK), key=lambda e: -e.score
    )
    ranks = {e.candidate.text: rank for rank, e in enumerate(finished, start=1)}
    rows = []
    for neighbor in neighbors:
        for place, text in enumerate(neighbor.pipelines, start=1):
            evaluation = tried.get(text)
            rows.append(
                {
                    "dataset": neighbor.dataset,
                    "distance": neighbor.distance,
                    "weight": neighbor.weight,
                    "alike_in": ", ".join(neighbor.alike),
                    "place_there": place,
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
    return as_table(rows, index=["dataset", "place_there"])
