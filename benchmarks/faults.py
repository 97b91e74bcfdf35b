"""Is anything lost, or left behind, whatever happens to a fit?

    python -m benchmarks.faults run --fits 100 --faults 500 --seed 0 --out FILE
    python -m benchmarks.faults report FILE

Each fit of a small table has a checkpoint and runs in a process of its own, which is
started again after a fault that ends it, until all its faults have come and it has a
model. Faults come at random moments: processes are killed or stopped, Ctrl-C is
pressed, and files, descriptors or memory are limited to little more than what is in
use. What was told to the search must be in the checkpoint afterwards, and no process,
descriptor, file or memory may be left. A `run` that is interrupted resumes.

It needs Linux.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import random
import resource
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks._runs import append_line, read_lines
from benchmarks._watch import PROC, descendants, proportional_megabytes

KINDS = (
    "kill parent",
    "kill server",
    "kill worker",
    "stop server",
    "stop worker",
    "interrupt",
    "interrupt twice",
    "disk full",
    "no descriptors",
    "no memory in server",
    "no memory in worker",
)
# Those that fits without workers can have.
WITHOUT_WORKERS = ("kill parent", "interrupt", "interrupt twice", "disk full")
TABLES = ("iris", "wine", "breast_cancer", "digits", "diabetes")

# Seconds after which a fit hangs, and within which everything must have ended after it.
HANGS_SECONDS, ENDING_SECONDS = 120.0, 5.0
MAX_ATTEMPTS, MAX_MISSED = 25, 2
PAUSE = 0.005
# Name of the environment variable by which processes of a fit are found.
MARK = "SKLEARN_META_FAULTS"
NOT_STORED = "cannot be written any more"


@dataclass
class Fault:
    """A fault, and when it comes.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    seconds : float
        Since the begin of the fit.
    told : int
        Number of evaluations of which the search must have been told.
    share : float
        Of something that is drawn: which worker, how much is left.
    missed : int, default=0
        Number of processes in which there was no occasion for it.
    """

    kind: str
    seconds: float
    told: int
    share: float
    missed: int = 0


@dataclass(frozen=True)
class Settings:
    """Settings of a fit."""

    table: str
    n_jobs: int
    max_evaluations: int | None
    time_budget: float
    workers: bool


def draw(seed, fit, n_faults):
    """Draw the settings and the faults of a fit."""
    rng = random.Random(f"{seed}-{fit}")
    counted = rng.random() < 0.6
    settings = Settings(
        table=rng.choice(TABLES),
        n_jobs=rng.choice((1, 2)),
        max_evaluations=rng.randint(8, 15) if counted else None,
        time_budget=20.0 if counted else rng.uniform(3.0, 4.5),
        workers=rng.random() < 0.85,
    )
    kinds = KINDS if settings.workers else WITHOUT_WORKERS
    faults = [
        Fault(
            kind=rng.choice(kinds),
            # Half of them by the clock, half of them by the progress.
            seconds=rng.uniform(0.0, 4.0) if rng.random() < 0.5 else 0.0,
            told=rng.randint(0, 8) if rng.random() < 0.5 else 0,
            share=rng.random(),
        )
        for _ in range(n_faults)
    ]
    return settings, faults


# In the process of the fit


class LoggedSearch:
    """The default search strategy; writes down of what it was told."""

    look_ahead = 16

    def __init__(self, log):
        from sklearn_meta.search import EvolutionarySearch

        self.log = log
        self._strategy = EvolutionarySearch()
        self.look_ahead = self._strategy.look_ahead

    def get_params(self, deep=True):
        return {}

    def start(self, problem):
        return _LoggedRun(self._strategy.start(problem), self.log)

    def __reduce__(self):
        # The same in each process: it belongs to what defines the search.
        return LoggedSearch, ("",)


class _LoggedRun:
    def __init__(self, search, log):
        self._search, self._log = search, log

    def ask(self, n):
        return self._search.ask(n)

    def tell(self, evaluations):
        self._search.tell(evaluations)
        for evaluation in evaluations:
            _log(self._log, "told", evaluation.candidate.text)


def _log(path, kind, what=""):
    """Append a line to a log, in one call."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, json.dumps([kind, what]).encode() + b"\n")
    finally:
        os.close(descriptor)


def read_log(path):
    """Return the whole lines of a log."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [tuple(json.loads(line)) for line in lines]


def load(table):
    """Return estimator class, table and target."""
    from sklearn import datasets

    from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor

    X, y = getattr(datasets, f"load_{table}")(return_X_y=True)
    kind = MetaAutoRegressor if table == "diabetes" else MetaAutoClassifier
    return kind, X[:600], y[:600]


def _fit(settings, folder, log):
    """Fit in this process, which then ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ[MARK] = str(folder)
    # A cache of torch, which stays.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "torch")
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
    output = os.open(folder / "output", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    warnings.simplefilter("always")
    shown = warnings.showwarning

    def show(message, *args, **kwargs):
        if NOT_STORED in str(message):
            _log(log, "not stored", str(message))
        shown(message, *args, **kwargs)

    warnings.showwarning = show
    if settings.workers:
        from sklearn_meta.parallel import _start_pool

        _start_pool.IN_PROCESS_SECONDS = _start_pool.IN_PROCESS_SECONDS_OF_ONE = 0.0
    kind, X, y = load(settings.table)
    model = kind(
        time_budget=settings.time_budget,
        max_evaluations=settings.max_evaluations,
        n_jobs=settings.n_jobs,
        random_state=0,
        search=LoggedSearch(str(log)),
        checkpoint=folder / "checkpoint.sqlite",
    )
    before = _descriptors()
    # If it hangs, where.
    faulthandler.dump_traceback_later(HANGS_SECONDS - 10, file=sys.__stderr__)
    outcome, error = "interrupt", ""
    try:
        outcome, error = _outcome_of(model, X, y, log)
    except KeyboardInterrupt:
        pass  # a second one, after the fit
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.cancel_dump_traceback_later()
    if outcome == "model":
        model.predict(X)
    elif model.__sklearn_is_fitted__():
        outcome, error = "unclear error", f"fitted, but: {outcome} {error}"
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (most, most))
    del model
    gc.collect()
    memory = [x for x in Path("/proc/self/maps").read_text().split() if "memfd:" in x]
    left = {
        "descriptors": max(0, _descriptors() - before),
        "shared memory": len(memory),
    }
    _log(log, "ended", {"outcome": outcome, "error": error, "left": left})


def _outcome_of(model, X, y, log):
    try:
        _log(log, "begun")
        model.fit(X, y)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return "model", ""
    except BaseException as caught:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return _outcome(caught), traceback.format_exc()[-3000:]


def _descriptors():
    return len(os.listdir("/proc/self/fd"))


def _outcome(error):
    """Say whether an exception names its cause."""
    from sklearn_meta.exceptions import SklearnMetaError

    if isinstance(error, KeyboardInterrupt):
        return "interrupt"
    clear = (SklearnMetaError, OSError, MemoryError)
    return "clear error" if isinstance(error, clear) else "unclear error"


# Faults


def _processes(parent):
    """Return the ids of the server and the workers of a fit."""
    # Not what has been forked and is still to become a server: its parent waits for it
    # without any way to end the wait.
    of_parent = _command(parent)
    found = {
        pid: _parent(pid)
        for pid in descendants(parent)[1:]
        if _command(pid) not in (of_parent, b"")
    }
    servers = [pid for pid, its_parent in found.items() if its_parent == parent]
    workers = [pid for pid, its_parent in found.items() if its_parent in servers]
    return servers, workers


def _command(pid):
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def _parent(pid):
    try:
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def inflict(fault, parent):
    """Let a fault come; return whether there was what it needs."""
    target = [parent]
    if "server" in fault.kind or "worker" in fault.kind:
        servers, workers = _processes(parent)
        target = servers if "server" in fault.kind else workers
    if not target:
        return False
    pid = target[int(fault.share * len(target))]
    try:
        if fault.kind.startswith("kill"):
            os.kill(pid, signal.SIGKILL)
        elif fault.kind.startswith("stop"):
            os.kill(pid, signal.SIGSTOP)
        elif fault.kind.startswith("interrupt"):
            os.kill(pid, signal.SIGINT)
            if fault.kind == "interrupt twice":
                time.sleep(0.5 * fault.share)
                os.kill(pid, signal.SIGINT)
        elif fault.kind == "disk full":
            # More than the log of this script has.
            _limit(pid, resource.RLIMIT_FSIZE, 40_000 + int(200_000 * fault.share))
        elif fault.kind == "no descriptors":
            n_open = len(os.listdir(PROC / str(pid) / "fd"))
            _limit(pid, resource.RLIMIT_NOFILE, n_open + int(8 * fault.share))
        else:
            used = int((PROC / str(pid) / "statm").read_text().split()[0])
            more = int(64 * 2**20 * fault.share)
            _limit(pid, resource.RLIMIT_AS, used * resource.getpagesize() + more)
    except (OSError, ValueError):
        return False  # it has just ended
    return True


def _limit(pid, kind, value):
    _, most = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (value, most))


# Fits


def attempt(settings, faults, folder, log):
    """Fit once; return the outcome and the faults that have not come."""
    log.unlink(missing_ok=True)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _fit(settings, folder, log)
        finally:
            os._exit(0)
    waiting, began, since, status = list(faults), time.monotonic(), None, None
    came = []
    while status is None:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = code
            break
        if time.monotonic() - began > HANGS_SECONDS:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            status = "hangs"
            break
        lines = read_log(log)
        if since is None and any(kind == "begun" for kind, _ in lines):
            since = time.monotonic()
        if since is not None and not any(kind == "ended" for kind, _ in lines):
            told = sum(kind == "told" for kind, _ in lines)
            seconds = time.monotonic() - since
            for fault in list(waiting):
                if seconds >= fault.seconds and told >= fault.told:
                    if inflict(fault, pid):
                        waiting.remove(fault)
                        came.append(fault)
                    break
        time.sleep(PAUSE)
    lines = read_log(log)
    ended = [what for kind, what in lines if kind == "ended"]
    result = ended[0] if ended else {"outcome": "killed", "error": "", "left": {}}
    text = (folder / "output").read_text(errors="replace")
    if status == "hangs":
        result |= {"outcome": "hangs", "error": text[-3000:]}
    elif not ended and "kill parent" not in {fault.kind for fault in came}:
        result |= {"outcome": "died", "error": f"{text[-1000:]}\nstatus {status}"}
    result["seconds"] = time.monotonic() - began
    result["faults"] = [asdict(fault) for fault in came]
    result["processes"], result["megabytes"] = _left_processes(folder)
    result["told"], result["lost"], result["not stored"] = _lost(lines, folder)
    return result, waiting


def _left_processes(folder):
    """Return number and memory of the processes that remain; they are killed.

    A server that was stopped within its first imports ends when it is continued: it
    has not yet asked the system to be killed with its parent.
    """
    for signal_number in (0, signal.SIGCONT):
        end = time.monotonic() + ENDING_SECONDS
        for pid in _marked(folder):
            _send(pid, signal_number)
        while (left := _marked(folder)) and time.monotonic() < end:
            time.sleep(0.05)
    megabytes = sum(map(proportional_megabytes, left))
    for pid in left:
        _send(pid, signal.SIGKILL)
    return len(left), megabytes


def _send(pid, signal_number):
    try:
        os.kill(pid, signal_number)
    except OSError:
        pass  # it has just ended


def _marked(folder):
    """Return the ids of processes that were started by a fit."""
    mark, found = f"{MARK}={folder}\0".encode(), []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue  # it ended, or is of someone else
            if mark in environment:
                found.append(int(entry.name))
    return found


def _lost(lines, folder):
    """Return how many evaluations were told, lost, and said to be not stored."""
    path = folder / "checkpoint.sqlite"
    kinds = [kind for kind, _ in lines]
    is_said = kinds.index("not stored") if "not stored" in kinds else len(lines)
    told = {
        what: i for i, (kind, what) in reversed([*enumerate(lines)]) if kind == "told"
    }
    stored = _stored(path)
    missing = [i for what, i in told.items() if what not in stored]
    lost = sum(i < is_said for i in missing)
    return len(told), lost, len(missing) - lost


def _stored(path):
    """Return the pipelines whose evaluations are in a checkpoint."""
    if not path.exists():
        return set()
    connection = sqlite3.connect(path)
    try:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
        rows = connection.execute("SELECT text FROM evaluations").fetchall()
    except sqlite3.Error as error:
        answer, rows = str(error), []
        if "no such table" in answer:
            answer = "ok"  # it was killed before
    finally:
        connection.close()
    if answer != "ok":
        raise RuntimeError(f"the checkpoint is damaged: {answer}")
    return {text for (text,) in rows}


def run_fit(seed, fit, n_faults):
    """Fit until all faults have come and there is a model."""
    settings, waiting = draw(seed, fit, n_faults)
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        attempts, shared = [], set(os.listdir("/dev/shm"))
        while len(attempts) < MAX_ATTEMPTS:
            n = len(attempts)
            # All at once would hardly let it begin.
            now, later = waiting[: 2 + n % 3], waiting[2 + n % 3 :]
            result, missed = attempt(settings, now, folder, folder / f"log-{n}")
            attempts.append(result)
            if not now:
                break
            # What had no occasion comes earlier the next time.
            for fault in missed:
                fault.seconds, fault.told = fault.seconds / 2, fault.told // 2
                fault.missed += 1
                if fault.missed == MAX_MISSED:
                    # There are no workers, or not for long.
                    fault.kind = WITHOUT_WORKERS[int(fault.share * 4)]
            waiting = [*missed, *later]
            if settings.max_evaluations is not None and result["outcome"] == "model":
                more = settings.max_evaluations + 4
                settings = Settings(**{**asdict(settings), "max_evaluations": more})
            elif result["outcome"] == "model":
                more = settings.time_budget + 1.5
                settings = Settings(**{**asdict(settings), "time_budget": more})
        files = [p.name for p in (folder / "tmp").iterdir()]
        files += [p.name for p in folder.iterdir() if "sqlite-" in p.name]
        files += [
            f for f in set(os.listdir("/dev/shm")) - shared if "sklearn_meta" in f
        ]
    return {
        "seed": seed,
        "fit": fit,
        **asdict(settings),
        "outcome": attempts[-1]["outcome"],
        "attempts": attempts,
        "files": files,
        "missed": len(waiting),
    }


def run(fits, faults, seed, out):
    """Make the fits that have no line in a file yet."""
    load("iris")  # imports, once for all
    done = {record["fit"] for record in read_lines(out) if record["seed"] == seed}
    for fit in range(fits):
        if fit in done:
            continue
        n_faults = faults * (fit + 1) // fits - faults * fit // fits
        record = run_fit(seed, fit, n_faults)
        append_line(out, record)
        outcomes = ", ".join(a["outcome"] for a in record["attempts"])
        print(f"[{fit + 1}/{fits}] {record['table']:14s} {outcomes}", flush=True)
        for problem in problems(record):
            print(f"    {problem}", flush=True)


# Report


def problems(record):
    """Return what must not have happened in a fit, in words."""
    found = []
    if record["outcome"] not in ("model", "clear error"):
        found.append(f"ended with: {record['outcome']}")
    for i, one in enumerate(record["attempts"]):
        faults = ", ".join(fault["kind"] for fault in one["faults"]) or "no fault"
        for kind in ("lost", "processes"):
            if one[kind]:
                found.append(f"{i}: {one[kind]} {kind} after {faults}")
        for kind, n in one["left"].items():
            if n:
                found.append(f"{i}: {n} {kind} left after {faults}")
        if one["outcome"] in ("hangs", "died", "unclear error"):
            lines = one["error"].strip().splitlines() or [""]
            found.append(f"{i}: {one['outcome']} after {faults}: {lines[-1]}")
    if record["files"]:
        found.append(f"files left: {record['files']}")
    return found


def report(path):
    """Print a table of the fits in a file."""
    records = read_lines(path)
    attempts = [one for record in records for one in record["attempts"]]
    faults = Counter(f["kind"] for one in attempts for f in one["faults"])
    print(f"{len(records)} fits, {faults.total()} faults, {len(attempts)} processes")
    for kind in KINDS:
        print(f"    {kind:22s}{faults[kind]:5d}")
    ends = Counter(record["outcome"] for record in records)
    print(f"fits ended with        {_counts(ends)}")
    print(f"processes ended with   {_counts(Counter(a['outcome'] for a in attempts))}")
    print(f"evaluations told       {sum(one['told'] for one in attempts)}")
    print(f"    lost               {sum(one['lost'] for one in attempts)}")
    print(f"    not stored, said   {sum(one['not stored'] for one in attempts)}")
    print("left behind")
    print(f"    processes          {sum(one['processes'] for one in attempts)}")
    print(f"    megabytes          {sum(one['megabytes'] for one in attempts):.0f}")
    for kind in ("descriptors", "shared memory"):
        n = sum(one["left"].get(kind, 0) for one in attempts)
        print(f"    {kind:19s}{n}")
    print(f"    files              {sum(len(r['files']) for r in records)}")
    for record in records:
        for problem in problems(record):
            print(f"fit {record['fit']} ({record['table']}): {problem}")


def _counts(counter):
    return ", ".join(f"{name}: {n}" for name, n in counter.most_common())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="run what is not in the file yet")
    runner.add_argument("--fits", type=int, default=100)
    runner.add_argument("--faults", type=int, default=500, help="of all fits together")
    runner.add_argument("--seed", type=int, default=0)
    runner.add_argument("--out", type=Path, required=True, help="file of JSON lines")
    reporter = commands.add_parser("report", help="print a table")
    reporter.add_argument("file", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.fits, arguments.faults, arguments.seed, arguments.out)
    else:
        report(arguments.file)


if __name__ == "__main__":
    main()
