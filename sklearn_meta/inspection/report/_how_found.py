"""Section "How it was found": the search, and the tables it was recalled from."""

from __future__ import annotations

from sklearn_meta.inspection.report._figures import draw_search
from sklearn_meta.inspection.report._html import (
    figure,
    paragraph,
    section,
    table,
)
from sklearn_meta.inspection.report._metric import (
    count,
    listed,
    number,
    percent,
    seconds,
    short,
)

# Meta-features that are named for a neighbor.
N_ALIKE = 3

_STATUSES = {
    "ok": "scored on all folds",
    "pruned": "given up as clearly worse",
    "duplicate": "given up as a duplicate of another one",
    "failed": "failed",
    "timeout": "stopped at a deadline",
    "memory": "stopped at the memory limit",
    "crashed": "ended with a crash",
    "skipped": "not started, as there was no time",
}


def render(facts):
    """Return the section as HTML."""
    search = facts.search
    parts = [paragraph(_what_was_done(search))]
    if search.is_search:
        parts.append(
            figure(
                draw_search(search, facts.scores.metric),
                "Scores of the evaluations",
                "Score of each pipeline that was evaluated on all folds, by its "
                "origin, and the best one so far. Much worse ones may be outside of "
                "the figure.",
            )
        )
        rows = [(_STATUSES.get(s, s), f"{n:,}") for s, n in search.statuses]
        parts.append(table(("evaluations", "number"), rows, numbers={1}))
    parts += _recall(search)
    return section("how-it-was-found", "How it was found", *parts)


def _what_was_done(search):
    """Describe the search in a sentence."""
    took = seconds(search.seconds)
    workers = "" if search.n_workers <= 1 else f" with {search.n_workers} workers"
    if not search.is_search:
        return f"Recommended pipelines were fitted without a search; fit took {took}."
    folds = "one holdout part" if search.n_folds == 1 else count(search.n_folds, "fold")
    origins = [f"{n} from {_origin(origin)}" for origin, n in search.origins]
    return (
        f"{count(search.n_evaluations, 'pipeline')} were evaluated on {folds} in "
        f"{took}{workers} ({listed(origins, 5)}). The search ended: "
        f"{search.stop_reason}."
    )


def _origin(origin):
    return {
        "portfolio": "recall",
        "initial": "you",
        "random": "random draws",
        "default": "the defaults",
        "fallback": "the fallback",
    }.get(origin, origin)


def _recall(search):
    """Return the table of similar tables."""
    if not search.neighbors:
        reason = search.note or "no similar table is known"
        text = f"Nothing was recalled from a knowledge base: {reason.rstrip('.')}."
        return [paragraph(text)]
    parts = []
    if search.note:
        parts.append(paragraph(f"About the recall: {search.note.rstrip('.')}."))
    rows = [
        (
            short(n.name, 40),
            number(n.distance, 2),
            percent(n.weight),
            ", ".join(a.replace("_", " ") for a in n.alike[:N_ALIKE]) or "–",
            _became(n),
        )
        for n in search.neighbors
    ]
    header = ("table", "distance", "weight", "alike in", "its best pipelines here")
    caption = "Known tables that are most similar to this one"
    return [*parts, table(header, rows, numbers={1, 2}, caption=caption)]


def _became(neighbor):
    """Say what became of the best pipelines of a similar table."""
    if not neighbor.n_tried:
        return "not tried"
    text = f"{neighbor.n_tried} of {neighbor.n_pipelines} tried"
    if neighbor.best_rank is None:
        return text
    return f"{text}, best rank {neighbor.best_rank}"
