"""What was recalled from similar datasets, and what became of it."""

from __future__ import annotations

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection._plot import (
    BLUE,
    GRAY,
    INK,
    LIGHT,
    ORANGE,
    check_matplotlib,
    learner_of,
    score_name_of,
    set_title,
    start_plot,
    visible_range,
    write_instead,
)
from sklearn_meta.inspection._recall import recall_rows
from sklearn_meta.metalearning._dataset_map import map_of_datasets

_KINDS = ("pipelines", "map")
# What is written for a pipeline without a score, by its status.
_WITHOUT_SCORE = {
    str(Status.OK): "fitted",
    str(Status.SKIPPED): "skipped",
    str(Status.TIMEOUT): "too slow",
    str(Status.MEMORY): "too large",
}


class RecallDisplay:
    """The nearest datasets, what became of their pipelines here, and a map of all.

    Use `from_estimator` to create it.

    Parameters
    ----------
    suggestions : list of dict
        One for each of the best pipelines of each neighbor, the nearest first, with the
        columns of ``explain_recall``: ``dataset``, ``distance``, ``weight``,
        ``alike_in``, ``neighbor_rank``, ``pipeline``, ``number``, ``status``, ``score``
        and ``rank``.
    scores : array-like of shape (n_finished,)
        Scores of all complete evaluations; greater is better.
    map : DatasetMap or None, default=None
        Positions of all known datasets (``datasets``, ``points``) and of this one
        (``here``); None if it was not described, or the knowledge base is not at hand.
    score_name : str, default="Score"
        Name of the metric.
    note : str, default=""
        Why nothing was recalled.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the pipelines or the map.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    SearchDisplay : Scores of all evaluations.

    Notes
    -----
    The map shows the first two principal components of the ranks of the meta-features,
    weighted by their importance for the similarity of datasets. Datasets may be near in
    it that differ in other directions; the neighbors are those of the similarity.
    """

    def __init__(self, *, suggestions, scores, map=None, score_name="Score", note=""):
        self.suggestions = suggestions
        self.scores = scores
        self.map = map
        self.score_name = score_name
        self.note = note

    @classmethod
    def compute(cls, estimator):
        """Return the display without plotting it; does not need matplotlib.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted. The map is made from its knowledge base, which is read again.

        Returns
        -------
        display : RecallDisplay
            Not plotted.
        """
        check_is_fitted(estimator)
        history = estimator.history_
        scoring = estimator.scoring
        return cls(
            suggestions=recall_rows(estimator._neighbors, history),
            scores=np.array(
                [
                    e.score
                    for e in history
                    if e.status is Status.OK and e.defined_scores
                ],
                dtype=float,
            ),
            map=map_of_datasets(
                estimator.meta_learner,
                estimator.knowledge_base,
                estimator._metafeatures,
                "classification" if is_classifier(estimator) else "regression",
                scoring if isinstance(scoring, str) else None,
            ),
            score_name=score_name_of(estimator),
            note=estimator.recall_note_,
        )

    @classmethod
    def from_estimator(cls, estimator, *, kind="pipelines", ax=None):
        """Plot what a fitted estimator has recalled.

        Parameters
        ----------
        estimator : MetaAutoClassifier or MetaAutoRegressor
            Fitted. The map is made from its knowledge base, which is read again.
        kind : {"pipelines", "map"}, default="pipelines"
            See `plot`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.

        Returns
        -------
        display : RecallDisplay
            The plotted display.
        """
        check_matplotlib(cls)
        return cls.compute(estimator).plot(kind=kind, ax=ax)

    def plot(self, ax=None, *, kind="pipelines"):
        """Draw the pipelines of the neighbors or the map of all datasets.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None for a new figure.
        kind : {"pipelines", "map"}, default="pipelines"
            The scores here of the best pipelines of the nearest datasets, or where the
            table lies among all known ones.

        Returns
        -------
        display : RecallDisplay
            This object.
        """
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {_KINDS}. Got {kind!r}.")
        return self._plot_pipelines(ax) if kind == "pipelines" else self._plot_map(ax)

    def neighbors(self):
        """Return the nearest datasets.

        Returns
        -------
        neighbors : dict of str to float
            Weight of each dataset in the selection of the portfolio, the nearest first.
        """
        return {row["dataset"]: row["weight"] for row in self.suggestions}

    def _plot_pipelines(self, ax):
        rows = self.suggestions
        ax = start_plot(self, ax, (7.0, 1.4 + 0.34 * max(len(rows), 4)))
        if not rows:
            write_instead(ax, _wrapped(self.note) or "Nothing was recalled.")
            return self
        scores = np.asarray(self.scores, dtype=float)
        here = [np.nan if r["score"] is None else r["score"] for r in rows]
        low, high = visible_range(scores if len(scores) else here, here)
        places, labels = _places(rows)
        strip = places[0] - 2.2
        if len(scores):
            # All pipelines, above the rows.
            seen = scores[scores >= low]
            ax.plot(seen, np.full(len(seen), strip), "|", color=GRAY, markersize=9)
            ax.axvline(scores.max(), color=GRAY, linewidth=0.8, zorder=0)
            places, labels = [strip, *places], ["all of this search", *labels]
        ax.set_yticks(places, labels)
        ax.set_ylim(places[-1] + 0.7, min(places[0], strip + 1) - 0.7)
        places = places[-len(rows) :]
        for place, row, score in zip(places, rows, here, strict=True):
            self._draw_row(ax, place, row, score, high)
        for dataset, weight in self.neighbors().items():
            of_it = [
                p for p, r in zip(places, rows, strict=True) if r["dataset"] == dataset
            ]
            ax.annotate(
                f"{dataset}  (weight {100 * weight:.0f} %)",
                (0, min(of_it) - 0.95),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
                fontweight="bold",
                color=INK,
            )
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(low, high + 0.22 * (high - low))
        ax.set_xlabel(f"{self.score_name} here")
        if not np.isfinite([*scores, *here]).any():
            ax.set_xlabel("")
            ax.set_xticks([])
        ax.grid(axis="x", color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
        set_title(ax, "Best pipelines of the nearest datasets: their scores here")
        return self

    def _draw_row(self, ax, place, row, score, high):
        """Draw what became of one pipeline."""
        status = row["status"]
        if np.isfinite(score):
            complete = status == Status.OK
            ax.plot(
                [score],
                [place],
                "o",
                color=BLUE,
                markerfacecolor=BLUE if complete else "none",
                markersize=6,
                clip_on=False,
            )
            text = (
                f"rank {row['rank']:.0f} of {len(self.scores)}"
                if complete
                else (
                    "stopped early"
                    if status == Status.PRUNED
                    else "as another one"
                    if status == Status.DUPLICATE
                    else _WITHOUT_SCORE.get(status, status)
                )
            )
        else:
            text = _WITHOUT_SCORE.get(status, status)
        ax.annotate(
            text,
            (1, place),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            fontsize="small",
            color=INK if np.isfinite(score) else GRAY,
        )

    def _plot_map(self, ax):
        ax = start_plot(self, ax, (6.0, 5.0))
        if self.map is None:
            write_instead(
                ax, _wrapped(self.note) or "The knowledge base is not at hand."
            )
            return self
        points, here = np.asarray(self.map.points), np.asarray(self.map.here)
        weights = self.neighbors()
        near = [i for i, name in enumerate(self.map.datasets) if name in weights]
        ax.scatter(*points.T, s=14, color=LIGHT, edgecolors=GRAY, linewidths=0.4,
                   label=f"{len(points)} known datasets")  # fmt: skip
        ax.scatter(*points[near].T, s=40, color=BLUE, zorder=3,
                   label="nearest in the similarity")  # fmt: skip
        ax.scatter(*here, marker="*", s=190, color=ORANGE, edgecolors=INK,
                   linewidths=0.8, zorder=4, label="this table")  # fmt: skip
        pad = 0.06 * np.ptp(np.vstack([points, here]), axis=0)
        low, high = np.vstack([points, here]).min(0), np.vstack([points, here]).max(0)
        ax.set_xlim(low[0] - pad[0], high[0] + pad[0])
        ax.set_ylim(low[1] - pad[1], high[1] + pad[1])
        self._name_neighbors(ax, points, near)
        ax.set(xticks=[], yticks=[])
        for set_label, names in zip(
            (ax.set_xlabel, ax.set_ylabel), self.map.axes, strict=True
        ):
            set_label(f"{', '.join(names)}  →", fontsize="small", color=INK)
        set_title(
            ax,
            "Where the table lies among the known ones\n"
            f"({100 * self.map.share:.0f} % of the differences in meta-features)",
        )
        ax.legend(loc="best", fontsize="small", framealpha=0.85, edgecolor="none")
        return self

    def _name_neighbors(self, ax, points, near):
        """Write the names of the neighbors, away from each other and inside."""
        middle = np.mean(ax.get_xlim())
        gap = 0.045 * np.ptp(ax.get_ylim())
        heights = {}
        for i in sorted(near, key=lambda i: points[i, 1]):
            height = points[i, 1]
            for other in heights.values():
                if abs(other - height) < gap:
                    height = other + gap
            heights[i] = height
            right = points[i, 0] < middle
            ax.annotate(
                self.map.datasets[i],
                points[i],
                xytext=(points[i, 0] + (gap if right else -gap), height),
                ha="left" if right else "right",
                va="center",
                fontsize="small",
                color=INK,
                zorder=5,
                bbox={"color": "white", "alpha": 0.6, "pad": 0.3},
            )


def _places(rows):
    """Return heights of the rows, with a gap above each dataset, and their labels."""
    places, labels, place = [], [], 0.0
    for before, row in zip([None, *rows], rows, strict=False):
        new = before is None or before["dataset"] != row["dataset"]
        place += 2.0 if new else 1.0
        places.append(place)
        labels.append(learner_of(row["pipeline"]))
    return places, labels


def _wrapped(text, width=50):
    """Break a text into lines."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
