"""Train an initialization by the recipe of the shipped ones.

::

    python -m sklearn_meta.maml.training --data FOLDER --task classification \\
        --hold-out-file families.txt --out sklearn_meta/maml/data/classification

FOLDER holds ``manifest.json`` and the tables, in the format of
``python -m sklearn_meta.building``. Families listed in ``--hold-out-file`` are used
neither for training nor for validation. ``--minutes`` limits the time of the training;
without it every stage takes all its steps. With ``--checkpoint`` an interrupted
training resumes. The best initialization so far is written after every validation.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

import torch

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.maml.training._numeric_table import read_tables
from sklearn_meta.maml.training._recipe import provenance_of, train


def main(arguments=None):
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Arguments of the command line; None takes those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_meta.maml.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", required=True, help="folder with manifest.json")
    parser.add_argument("--task", required=True, choices=TASKS)
    parser.add_argument("--out", required=True, help="path without suffix")
    parser.add_argument("--hold-out-file", help="file with one family per line")
    parser.add_argument("--minutes", type=float, help="time limit of all stages")
    parser.add_argument("--checkpoint", help="prefix of the checkpoint files")
    options = parser.parse_args(arguments)
    # Matrices are small: more threads slow them down.
    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    hold_out = set()
    if options.hold_out_file:
        text = Path(options.hold_out_file).read_text(encoding="utf-8")
        hold_out = {line.strip() for line in text.splitlines() if line.strip()}
    tables = read_tables(options.data, hold_out=hold_out)
    initialization = train(
        options.task,
        tables,
        out=options.out,
        provenance=provenance_of(options.data, tables, hold_out),
        seconds=None if options.minutes is None else 60.0 * options.minutes,
        checkpoint=options.checkpoint,
    )
    print(json.dumps(initialization.log[-1]))


if __name__ == "__main__":
    main()
