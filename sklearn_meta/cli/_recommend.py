"""``sklearn-meta recommend``: what is tried first on a table, without any fit."""

from __future__ import annotations

from sklearn_meta.cli._messages import as_lines
from sklearn_meta.cli._options import (
    add_drop,
    add_recall,
    add_table,
    add_training_target,
    count,
)
from sklearn_meta.cli._scoring import scoring_name

# Default number of pipelines of the list.
N_PIPELINES = 10


def add_parser(subparsers, common):
    """Add the subcommand to a parser."""
    parser = subparsers.add_parser(
        "recommend",
        parents=[common],
        help="pipelines that did well on similar tables, without any fit",
        description="Write the pipelines that `fit` would try first, and the known "
        "tables that they come from. Nothing is fitted.",
    )
    add_table(parser)
    add_training_target(parser)
    parser.add_argument(
        "-n",
        type=count,
        default=N_PIPELINES,
        metavar="N",
        help="pipelines to write (default: %(default)s)",
    )
    add_recall(parser)
    add_drop(parser)
    parser.set_defaults(run=run)


def run(options, messages):
    """Write the recommendations."""
    from sklearn_meta.cli._training import read_training
    from sklearn_meta.pipelines import format_tree

    training = read_training(options, messages)
    prior = _recall(
        training,
        scoring=scoring_name(options.scoring, training.task),
        seconds=options.seconds,
        knowledge_base=options.knowledge_base,
    )
    if prior.note:
        messages.note(prior.note)
    pipelines = [
        {
            "pipeline": format_tree(proposal.tree),
            "expected_regret": proposal.expected_regret,
            "expected_seconds": proposal.expected_seconds,
            "origin": proposal.origin,
        }
        for proposal in prior.portfolio[: options.n]
    ]
    neighbors = [
        {
            "dataset": neighbor.dataset,
            "distance": neighbor.distance,
            "weight": neighbor.weight,
            "alike_in": list(neighbor.alike),
        }
        for neighbor in prior.neighbors
    ]
    results = {"pipelines": pipelines, "neighbors": neighbors, "note": prior.note}
    messages.results(results, _lines(pipelines, neighbors))


def _recall(training, *, scoring, seconds, knowledge_base):
    """Return the prior of a table."""
    from sklearn_meta.metalearning import KNNMetaLearner
    from sklearn_meta.metalearning._text_pipelines import text_first
    from sklearn_meta.metalearning.metafeatures import encode_dataset
    from sklearn_meta.pipelines import SearchSpace

    y = training.y.to_numpy()
    _, dataset = encode_dataset(training.X, y, training.task)
    catalog = SearchSpace().catalog(training.task)
    meta_learner = KNNMetaLearner().fit(knowledge_base)
    prior = meta_learner.recall(
        dataset, catalog=catalog, time_budget=seconds, scoring=scoring
    )
    return text_first(prior, dataset, catalog)


def _lines(pipelines, neighbors):
    rows = [("", "regret", "seconds", "pipeline", "good on")]
    for rank, row in enumerate(pipelines, start=1):
        good_on = row["origin"].partition("good on ")[2]
        regret, seconds = row["expected_regret"], row["expected_seconds"]
        rows.append(
            (
                str(rank),
                "" if regret is None else f"{regret:.2f}",
                "" if seconds is None else f"{seconds:.2f}",
                row["pipeline"],
                good_on,
            )
        )
    lines = as_lines(rows, right=(0, 1, 2))
    if neighbors:
        rows = [("similar tables", "weight", "alike in")]
        rows += [
            (n["dataset"], f"{n['weight']:.2f}", ", ".join(n["alike_in"]))
            for n in neighbors
        ]
        lines += ["", *as_lines(rows, right=(1,))]
    return lines
