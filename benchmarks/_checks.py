"""scikit-learn's checks on one estimator, one line of JSON for each.

Run by `compliance.py` with the Python of any environment, so it needs nothing but
scikit-learn and the package of the estimator. Each check has a process of its own: one
that hangs, leaks or ends the interpreter costs one check.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
import unittest
import warnings

# How much of a message is kept.
MESSAGE_LENGTH = 300
GENERATOR = "estimator_checks_generator"


def make_estimator(module, name, parameters):
    """Return an instance of a class that is given by its import path."""
    return getattr(importlib.import_module(module), name)(**parameters)


def name_of(check):
    """Return the name of a check with what it is called with: some run twice."""
    arguments = {}
    while hasattr(check, "func"):
        arguments |= check.keywords
        check = check.func
    values = ", ".join(f"{key}={value}" for key, value in sorted(arguments.items()))
    # The first argument of every check is the name of the class, bound already.
    return f"{check.__name__}({values})" if values else check.__name__


def checks_of(estimator, like):
    """Yield (estimator, check); what the generator raises as (None, error).

    The tags of the estimator say which checks apply. Where they cannot be read, it gets
    those of a class of `sklearn.ensemble`, by its name.
    """
    import sklearn.ensemble
    from sklearn.utils.estimator_checks import estimator_checks_generator

    try:
        yield from estimator_checks_generator(estimator, legacy=True)
    except Exception as error:
        yield None, error
        peer = getattr(sklearn.ensemble, like)()
        for _, check in estimator_checks_generator(peer, legacy=True):
            if applies(check, estimator):
                yield estimator, check


def applies(check, estimator):
    """Whether an estimator has the parameters that a check is about."""
    name = name_of(check)
    fit = inspect.signature(estimator.fit).parameters
    return ("sample_weight" not in name or "sample_weight" in fit) and (
        "class_weight" not in name or "class_weight" in estimator.get_params()
    )


def run_check(estimator, check, limit):
    """Run a check in a child process that is killed, with all its own, in the end."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(sender, estimator, check))
    start = time.monotonic()
    process.start()
    sender.close()
    try:
        if receiver.poll(limit):
            result = receiver.recv()
        else:
            result = {"status": "timeout", "error": f"not finished after {limit:g} s"}
    except EOFError:
        result = {"status": "failed", "error": "the interpreter ended"}
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
        process.join()
    return {**result, "seconds": round(time.monotonic() - start, 2)}


def _in_child(sender, estimator, check):
    os.setsid()
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    try:
        check(estimator)
        result = {"status": "passed"}
    except unittest.SkipTest as reason:
        result = {"status": "skipped", "error": str(reason)}
    except BaseException as error:
        result = {"status": "failed", "error": message_of(error)}
    cpu = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(
            resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
    )
    sender.send({**result, "cpu_seconds": round(cpu, 2)})
    # Neither exit handlers nor the threads of anybody.
    os._exit(0)


def message_of(error):
    """Return type and message of an exception, in one line that is not too long."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text[:MESSAGE_LENGTH]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--settings", required=True, help="JSON: see `make_estimator`")
    parser.add_argument("--like", required=True, help="class that gets its checks")
    parser.add_argument("--done", default="[]", help="JSON: names of checks to leave")
    parser.add_argument("--limit", type=float, required=True, help="seconds of a check")
    arguments = parser.parse_args()
    # The folder of this file holds modules that must not shadow anybody's.
    sys.path.pop(0)
    warnings.simplefilter("ignore")
    done = set(json.loads(arguments.done))
    estimator = make_estimator(**json.loads(arguments.settings))
    for instance, check in checks_of(estimator, arguments.like):
        name = GENERATOR if instance is None else name_of(check)
        if name in done:
            continue
        done.add(name)
        if instance is None:
            result = {"status": "failed", "error": message_of(check), "seconds": 0.0}
        else:
            result = run_check(instance, check, arguments.limit)
        print(json.dumps({"check": name, **result}), flush=True)


if __name__ == "__main__":
    main()
