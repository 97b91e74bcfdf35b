"""AutoML systems side by side: same rows, same cores, same seconds.

    python -m benchmarks.peers.tables --data ../shared/datasets
    python -m benchmarks.peers.environments --systems flaml tpot h2o autogluon
    python -m benchmarks.peers.run --data ../shared/datasets --budgets 10 60
    python -m benchmarks.peers.report --markdown FOLDER --pictures FOLDER

What a run is. A table is split 67/33 (`benchmarks._tables`). The system gets the
training part, its seconds, the number of cores and the metric: log loss or RMSE. It
runs in a process of its own, in its own virtual environment, pinned to the same cores
as all others, and returns predictions for the test part, whose targets it never
sees. What takes more than three times its budget (two minutes more at least) or more
memory than allowed is killed with every process it has started. All systems of a
table, seed and budget run one after the other, so that they meet the same load.

Every run is one line of JSON. A run that has a line is not repeated.

What is measured. ``fit_seconds`` is the clock around ``fit`` and does not contain
imports; for H2O it does not contain the start of its server either. Memory is that of
the whole process tree, sampled twice a second; pages that processes share count
once.

A system is a line of `_systems.py` and a module of `adapters` with one function:
``fit(job)`` returns what has ``predict`` and, for classes, ``predict_proba`` and
``classes_``.
"""
