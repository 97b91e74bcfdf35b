"""Write the pool of pipelines that a knowledge base is built from.

    python -m recipes.pool --published FOLDER

`FOLDER` holds ``pipelines.json`` and ``gradient_boosting_and_forests.json``: settings
that the portfolios of auto-sklearn, AutoGluon and FLAML name. The result is
``sklearn_meta/building/data/pool_TASK.txt``, one canonical text a line with its
source. It is made of

1. the fixed portfolio,
2. the default of every learner of the catalog but MAML, whose initialization was
   meta-trained on these very tables,
3. the grid for small tables (`_grid`),
4. a diverse selection of the published settings (`_published`): round-robin over
   learners, and within a learner over its feature steps, in the order of a hash of the
   text, until the pool is full. The number of pipelines of each learner is limited,
5. the winners of long searches (`winners`), beyond that number.

Pipelines that are predicted to take more than 10 s for one fit on 4000 rows and 20
columns are left out, and those of the grid and the published settings from 1.8 s on.
Gaussian processes are kept; the builder skips them on large tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter, defaultdict, deque
from pathlib import Path

from recipes._grid import GRID
from recipes._published import Inexpressible, Translator
from sklearn_meta.building._pipeline_pool import read_pool
from sklearn_meta.exceptions import SklearnMetaError
from sklearn_meta.metalearning._default_pipelines import default_portfolio
from sklearn_meta.pipelines import default_catalog, format_tree, parse
from sklearn_meta.timing._operators import predicted_seconds

SIZES = {"classification": 144, "regression": 129}
MOST_OF_ONE_LEARNER = 20
# Exceptions for learners with many settings, and for cheap linear models.
EXCEPTIONS = {"lightgbm": 25, "logistic_regression": 40, "ridge": 40}
# Size of the table on which the seconds of one fit are predicted.
ROWS, COLUMNS = 4000, 20
MOST_SECONDS = 10.0
MOST_SECONDS_OF_ADDED = 1.8
WINNERS = Path(__file__).parent / "winners.txt"
DATA = Path(__file__).parents[1] / "sklearn_meta" / "building" / "data"

# Learners that do not need scaled columns, or scale them themselves.
UNSCALED = ("_nb", "tree", "forest", "boost", "lightgbm", "dummy", "bagged_mlp")
META_TRAINED = "maml"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=DATA)
    arguments = parser.parse_args()
    for task, size in SIZES.items():
        pool = build_pool(task, arguments.published, size)
        lines = [f"# Pipelines for {task}; written by recipes/pool.py."]
        lines += [f"{text}  # {note}" for text, note in pool.items()]
        path = arguments.out / f"pool_{task}.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        kinds = Counter(note.partition(":")[0] for note in pool.values())
        print(f"{path.name}: {len(pool)} pipelines", dict(kinds))


def build_pool(task, published, size):
    """Return the texts of a pool with their sources, in order."""
    catalog = default_catalog(task)
    pool = {}

    def accept(text, note, limit=MOST_SECONDS):
        tree = parse(text, catalog=catalog)
        text = format_tree(tree)
        if "gaussian_process" in text or seconds(tree, catalog) <= limit:
            pool.setdefault(text, note)

    for proposal in default_portfolio(catalog):
        accept(format_tree(proposal.tree), "portfolio")
    for operator in catalog.select("learner"):
        if operator.name == META_TRAINED:
            continue
        unscaled = any(part in operator.name for part in UNSCALED)
        accept(
            f"{operator.name}({'X' if unscaled else 'standard_scaler(X)'})", "default"
        )
    for text in GRID[task]:
        accept(text, "grid", MOST_SECONDS_OF_ADDED)
    counts = Counter(learner(text) for text in pool)
    for text, note in take_turns(translate(published, catalog)):
        if len(pool) >= size:
            break
        name = learner(text)
        if text not in pool and counts[name] < EXCEPTIONS.get(
            name, MOST_OF_ONE_LEARNER
        ):
            counts[name] += 1
            pool[text] = note
    for winner in read_pool([WINNERS], catalog=catalog):
        accept(winner.text, f"winner: {winner.note}")
    return pool


def translate(published, catalog):
    """Return the texts of the published settings that the catalog can express."""
    translator = Translator(catalog)
    texts = {}

    def keep(translation, arguments, source):
        try:
            text = translation(*arguments)
            tree = parse(text, catalog=catalog)
        except (Inexpressible, SklearnMetaError):
            return
        if seconds(tree, catalog) <= MOST_SECONDS_OF_ADDED:
            texts.setdefault(format_tree(tree), source)

    path = published / "gradient_boosting_and_forests.json"
    for entry in read_settings(path, catalog):
        keep(
            translator.boosting_or_forest,
            (entry["family"], entry["settings"]),
            f"published: {source_of(entry)}, {entry['family']}",
        )
    for entry in read_settings(published / "pipelines.json", catalog):
        keep(
            translator.autosklearn,
            (entry["settings"],),
            f"published: {source_of(entry)}",
        )
    return texts


def read_settings(path, catalog):
    """Return the entries of a file for the task of a catalog, or for every one."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    # "binary" and "multiclass" are classification.
    return [
        entry
        for entry in entries
        if "task" not in entry
        or (entry["task"] != "regression") == catalog.is_classifier
    ]


def source_of(entry):
    """Return the repository and the informative part of the path."""
    repository, _, path = entry["source"].partition(" ")
    parts = Path(path).parts
    informative = parts[-2] if parts[-1] == "configurations.csv" else parts[-1]
    return f"{repository} {informative}"


def seconds(tree, catalog):
    """Return the predicted seconds of one fit on a table of some size."""
    return predicted_seconds(tree, catalog=catalog, n_samples=ROWS, n_features=COLUMNS)


def learner(text):
    """Return the learner, or the wrapper, of a pipeline."""
    return text.partition("(")[0]


def feature_step(text):
    """Return the step right before the learner; ``"X"`` without one."""
    return text.partition("(")[2].partition("(")[0].partition(",")[0].strip(")")


def take_turns(texts):
    """Order texts round-robin over learners, and over their feature steps."""
    groups = defaultdict(lambda: defaultdict(list))
    for text in sorted(texts, key=digest):
        groups[learner(text)][feature_step(text)].append(text)
    lines = deque(deque(round_robin(steps.values())) for steps in groups.values())
    for text in round_robin(lines):
        yield text, texts[text]


def round_robin(lists):
    """Yield the first item of each list, then the second of each, and so on."""
    waiting = deque(deque(items) for items in lists)
    while waiting:
        items = waiting.popleft()
        if items:
            yield items.popleft()
            waiting.append(items)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
