"""What was recalled, and what became of it, as tables that people read."""

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
    """Return what each neighbor suggested and what became of it.

    Parameters
    ----------
    neighbors : sequence of Neighbor
    history : sequence of Evaluation

    Returns
    -------
    table : DataFrame or list of dict
        One row for each pipeline that was among the best of a neighbor, the nearest
        neighbor first. ``rank`` is that among all finished evaluations of this run;
        a pipeline that was not tried has no number.
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
