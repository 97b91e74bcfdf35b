"""Store the predictions of pipelines on tables, and replay searches from them.

    python -m benchmarks.replay collect --data DATA --out FOLDER
    python -m benchmarks.replay compare FOLDER --base "order=static" \
        --settings "order=recall" "order=static,racing=False"

For each table and each pipeline: predictions on every fold of the training part, on the
test part after a fit on the whole training part, and the seconds of each fit, in one
file. It takes some hours; an interrupted run resumes, and further pipelines
(`--pipelines`, `--file`) are added to what there is. The tables are visited in the
order of a hash, classification and regression in turn, so that any part is a random
sample.

`compare` simulates whole fits: order of proposals, racing, holdout or folds, patience,
the budget by recorded seconds, the rule of combination, and the *test* loss of the
final model. Settings are those of `Settings` in `benchmarks.replay._simulate`, and
`order`, see `benchmarks.replay._orders`. Losses are compared table by table; the
interval is of a bootstrap over families.
"""

from __future__ import annotations

import argparse
import time
from itertools import chain, zip_longest
from pathlib import Path

from benchmarks.replay._cells import cell_path, write_cell
from benchmarks.replay._choice import METRICS, choose_pipelines, choose_tables
from benchmarks.replay._compare import compare, parse_settings
from sklearn_meta.parallel._memory_limit import default_memory_limit
from sklearn_meta.parallel._pool import Failed, Payload, Task
from sklearn_meta.parallel._process_pool import ProcessPool
from sklearn_meta.parallel._run_tasks import run_tasks

CELLS = "benchmarks.replay._cells"
# The limit of a cell is in CPU seconds; on a busy machine it takes longer by the clock.
CLOCK_FACTOR = 12.0
PREPARE_SECONDS = 900.0


class Calls:
    """A single call in a worker, and how it ended."""

    def __init__(self, pool, function, arguments, seconds, memory_limit):
        self.pool, self.value, self.failure, self.done = pool, None, None, False
        self.deadline = pool.clock() + seconds
        self.waiting = [
            Task(0, f"{CELLS}:{function}", arguments, self.deadline, memory_limit)
        ]

    def next_task(self, place):
        return self.waiting.pop() if self.waiting and place.has_workers else None

    def collect(self, event):
        if isinstance(event, Payload):
            self.value = event.value
            return
        self.done = True
        if isinstance(event, Failed):
            self.failure = f"{event.kind}: {event.reason}"

    def is_done(self):
        return self.done

    def seconds_left(self):
        return float("inf")


def call(pool, function, arguments, seconds, memory_limit):
    """Return the value of a call in a worker, and why there is none."""
    work = Calls(pool, function, arguments, seconds, memory_limit)
    run_tasks(pool, work)
    return work.value, work.failure


def collect(data, out, tasks, n_tables, pipelines, max_rows, cell_seconds):
    """Store what is not stored yet."""
    tables = [choose_tables(data, task, n_tables) for task in tasks]
    order = [t for t in chain.from_iterable(zip_longest(*tables)) if t is not None]
    memory_limit = default_memory_limit(2)
    with ProcessPool(1, setup=(f"{CELLS}:make_state", ())) as pool:
        pool.start()
        for number, source in enumerate(order, 1):
            folder = Path(out) / source.task / source.name
            folder.mkdir(parents=True, exist_ok=True)
            texts = [
                text
                for text in pipelines[source.task]
                if not cell_path(folder, text).exists()
            ]
            if not texts:
                continue
            began, counts = time.monotonic(), {}
            if not (folder / "prepared.pickle").exists():
                arguments = (source, str(data), max_rows, str(folder))
                _, failure = call(
                    pool, "prepare", arguments, PREPARE_SECONDS, memory_limit
                )
                if failure:
                    print(f"{source.name}: not prepared: {failure}", flush=True)
                    continue
            for text in texts:
                arguments = (str(folder), text, cell_seconds)
                status, failure = call(
                    pool,
                    "evaluate",
                    arguments,
                    CLOCK_FACTOR * cell_seconds,
                    memory_limit,
                )
                if status is None:
                    status = (failure or "lost").partition(":")[0]
                    write_cell(folder, text, status, reason=failure or "")
                counts[status] = counts.get(status, 0) + 1
            (folder / "prepared.pickle").unlink()
            print(
                f"[{number}/{len(order)}] {source.task} {source.name}: {counts}, "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("collect", help="fit pipelines, store predictions")
    add = command.add_argument
    add("--data", type=Path, required=True, help="folder of tables with a manifest")
    add("--out", type=Path, required=True, help="folder of the stored predictions")
    add("--tasks", nargs="+", choices=list(METRICS), default=list(METRICS))
    add("--tables", type=int, default=130, help="of each task")
    add("--pipelines", type=int, default=60, help="of each task")
    add(
        "--file", type=Path, nargs="*", default=[], help="further pipelines, one a line"
    )
    add("--max-rows", type=int, default=12_000, help="of training and test part each")
    add("--cell-seconds", type=float, default=90.0, help="CPU seconds of a pipeline")
    command = commands.add_parser("compare", help="simulate fits, compare test losses")
    add = command.add_argument
    add("folder", type=Path, help="folder of the stored predictions")
    add("--tasks", nargs="+", choices=list(METRICS), default=list(METRICS))
    add("--pipelines", type=int, default=60, help="of each task")
    add("--base", type=parse_settings, default=parse_settings("order=recall"))
    add("--settings", type=parse_settings, nargs="+", required=True)
    arguments = parser.parse_args()
    if arguments.command == "compare":
        for task in arguments.tasks:
            texts = choose_pipelines(task, arguments.pipelines)
            compare(arguments.folder, task, texts, arguments.base, arguments.settings)
        return
    further = [
        line.strip()
        for path in arguments.file
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    pipelines = {
        task: tuple(
            dict.fromkeys([*choose_pipelines(task, arguments.pipelines), *further])
        )
        for task in arguments.tasks
    }
    collect(
        arguments.data,
        arguments.out,
        arguments.tasks,
        arguments.tables,
        pipelines,
        arguments.max_rows,
        arguments.cell_seconds,
    )


if __name__ == "__main__":
    main()
