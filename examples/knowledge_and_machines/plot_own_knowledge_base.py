"""
=======================================================
Does it pay to remember one's own tables?
=======================================================

The tables of a workshop, a hospital or a shop resemble each other. With
``knowledge_base="ours.sqlite"``, every ``fit`` adds what it has measured to a file, and
the next one begins with what was good there. We let three searches fill such a file,
and compare short fits on the next tables with it and without it.
"""

# %%
# A stream of related tables
# --------------------------
#
# Each table is of another machine: eight sensors, and four states to be told apart. All
# sensors vary around zero in all states; the states differ in how the sensors vary
# together, and in that every machine is different.

import numpy as np


def machine(seed, n_rows=100, n_test=1000):
    """Return a table of one machine, and rows to test on."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(4, 8, 8)) * np.exp(rng.normal(scale=0.4, size=(4, 1, 8)))
    y = rng.integers(0, 4, n_rows + n_test)
    X = np.einsum("ri,rij->rj", rng.normal(size=(len(y), 8)), mixing[y])
    return X[:n_rows], y[:n_rows], X[n_rows:], y[n_rows:]


# %%
# Three searches that are remembered
# ----------------------------------
#
# A small space and few folds keep this example short.

import tempfile
from pathlib import Path

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.pipelines import SearchSpace

space = SearchSpace(
    include=[
        "standard_scaler", "quantile_transform", "pca", "polynomial", "nystroem",
        "splines", "logistic_regression", "qda", "lda", "gaussian_nb", "k_neighbors",
        "svc", "extra_trees", "mlp",
    ]
)  # fmt: skip
settings = {"search_space": space, "cv": 5, "n_jobs": 2, "random_state": 0}
folder = tempfile.TemporaryDirectory()
ours = Path(folder.name) / "ours.sqlite"

for seed in range(3):
    X, y, _, _ = machine(seed)
    model = MetaAutoClassifier(max_evaluations=10, knowledge_base=ours, **settings)
    model.fit(X, y)
    print(f"machine {seed}: {model.best_pipeline_}")

# %%
# What the file holds: scores of pipelines, and no row of a table.

from sklearn_meta.metalearning import KnowledgeBase

memory = KnowledgeBase(ours)
print(f"{len(memory.datasets())} tables, {len(memory.evaluations())} evaluations")

# %%
# Short fits on the next tables
# -----------------------------
#
# There is time for two pipelines only, as in a fit of a second. These fits are
# remembered as well.

from sklearn.metrics import log_loss

losses = {"shipped knowledge base": [], "and ours": []}
first = {}
for seed in range(3, 8):
    X, y, X_test, y_test = machine(seed)
    for (name, values), path in zip(losses.items(), [None, ours], strict=True):
        model = MetaAutoClassifier(max_evaluations=2, knowledge_base=path, **settings)
        model.fit(X, y)
        values.append(log_loss(y_test, model.predict_proba(X_test)))
        first[name] = model.history_[0].candidate.text

for name, text in first.items():
    print(f"{name}, first pipeline: {text}")

# %%
# The answer
# ----------

from textwrap import fill

import matplotlib.pyplot as plt

without, remembered = map(np.array, losses.values())
figure, ax = plt.subplots(figsize=(6.4, 3), layout="constrained")
names = [f"machine {seed}" for seed in range(3, 8)]
ax.hlines(names, remembered, without, color="0.8", linewidth=3)
ax.plot(without, names, "o", color="C1", label="shipped knowledge base")
ax.plot(remembered, names, "o", color="C0", label="and our own")
ax.invert_yaxis()
ax.set(xlabel="log loss on 1 000 other rows", title="Fits of two pipelines")
ax.legend()
plt.show()

print(
    fill(
        f"Remembering three tables, a fit of two pipelines has a log loss of "
        f"{remembered.mean():.2f} in place of {without.mean():.2f}, and is better on "
        f"{(remembered < without).sum()} of {len(without)} tables.",
        width=76,
    )
)

# %%
# The gain is in the pipelines that come first: the more of them there is time for, the
# less it matters. And these tables have much in common. A file of tables that have not
# can only tell what the shipped knowledge base tells already.

folder.cleanup()
