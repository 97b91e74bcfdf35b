"""Pool of pipelines: text files with one pipeline and its source per line."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines._tree import Node

# Separates a pipeline from the note about its source.
NOTE = "  # "
SECTIONS = {f"[{task}]": task for task in TASKS}


@dataclass(frozen=True)
class PoolPipeline:
    """One pipeline to be evaluated on every table.

    Parameters
    ----------
    text : str
        Canonical text.
    tree : Node
    note : str, default=""
        Source of the pipeline.
    """

    text: str
    tree: Node
    note: str = ""


def default_pool_files(task):
    """Return the files of the pool that the package ships for a task."""
    return (files("sklearn_meta.building") / "data" / f"pool_{task}.txt",)


def read_pool(paths, *, catalog: Catalog) -> tuple[PoolPipeline, ...]:
    """Read pipelines from files.

    Parameters
    ----------
    paths : sequence of path-like
        Text files in UTF-8 with one pipeline per line, optionally followed by two
        spaces and ``# note``. Empty lines and lines that begin with ``#`` are ignored.
        A line ``[classification]`` or ``[regression]`` gives the task of the lines
        below it; lines before are for every task.
    catalog : Catalog
        Its task selects the lines.

    Returns
    -------
    pool : tuple of PoolPipeline
        In the order of the files, without duplicates.

    Raises
    ------
    ValueError
        If a line is not a pipeline; the message names file and line.
    """
    pool = {}
    for path in paths:
        path = Path(path) if isinstance(path, str) else path
        section = catalog.task
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            text, _, note = line.partition(NOTE)
            text = text.strip()
            if text in SECTIONS:
                section = SECTIONS[text]
            if not text or text.startswith(("#", "[")) or section != catalog.task:
                continue
            try:
                tree = parse(text, catalog=catalog)
            except PipelineSyntaxError as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from error
            text = format_tree(tree)
            pool.setdefault(text, PoolPipeline(text, tree, note.strip()))
    return tuple(pool.values())
