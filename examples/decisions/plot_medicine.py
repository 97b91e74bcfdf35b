"""
=====================================================
Which tumors should a second doctor look at?
=====================================================

A classifier always names a class, also where it does not know. ``predict_set`` names
all classes that cannot be ruled out at a given coverage: where it is one, the diagnosis
stands; where it is not, somebody should look again. And before anybody relies on it:
how good is the model on new patients, by an estimate that does not flatter?
"""

# %%
# The fit
# -------
#
# Thirty measurements of cell nuclei, of 569 tumors. A third of them is kept.

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklearn_meta import MetaAutoClassifier

data = load_breast_cancer(as_frame=True)
X, y = data.data, data.target_names[data.target]
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.33, stratify=y, random_state=0
)
model = MetaAutoClassifier(max_evaluations=8, n_jobs=2, random_state=0)
model.fit(X_train, y_train)

# %%
# Is the score to be trusted?
# ---------------------------
#
# ``best_score_`` is the best of several scores, and its luck is part of it.
# ``honest_score_`` is corrected for that, and ``honest_interval_`` says how far the
# score on new patients may be away.

from sklearn.metrics import log_loss

low, high = model.honest_interval_
test_score = -log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
print(f"best_score_    {model.best_score_:.4f}")
print(
    f"honest_score_  {model.honest_score_:.4f}, 95 % interval {low:.4f} to {high:.4f}"
)
print(f"test score     {test_score:.4f} (negative log loss)")

# %%
# Sets of diagnoses
# -----------------
#
# Of a hundred tumors, the set of one may lack the true diagnosis.

import numpy as np

sets = model.predict_set(X_test, coverage=0.99)
sure = sets.sum(axis=1) == 1
covered = sets[np.arange(len(y_test)), np.searchsorted(model.classes_, y_test)]
wrong = model.predict(X_test) != y_test

# %%
# The answer
# ----------

from textwrap import fill

import matplotlib.pyplot as plt

malignant = model.predict_proba(X_test)[:, 1 - list(model.classes_).index("benign")]
order = np.argsort(malignant)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.6), layout="constrained", width_ratios=[1, 1.6]
)
left.errorbar(
    [model.honest_score_], [1],
    xerr=np.abs(np.c_[model.honest_interval_] - model.honest_score_),
    fmt="o", capsize=4,
)  # fmt: skip
left.plot([model.best_score_], [2], "o", color="C1")
left.plot([test_score], [0], "D", color="0.2")
left.set_yticks(
    [0, 1, 2], [f"{len(y_test)} other tumors", "honest_score_", "best_score_"]
)
left.set(
    xlabel="negative log loss", ylim=(-0.6, 2.6), title="Estimates, and what happened"
)
position = np.arange(len(order))
for label, rows, style in [
    ("one diagnosis", sure[order], {"color": "C0", "marker": "."}),
    ("look again", ~sure[order], {"color": "C1", "marker": "o"}),
]:
    right.scatter(position[rows], malignant[order][rows], label=label, **style)
mistakes = wrong[order]
right.scatter(
    position[mistakes], malignant[order][mistakes], s=120, facecolors="none",
    edgecolors="C3", label="more probable diagnosis is wrong",
)  # fmt: skip
right.set(xlabel="tumors, by probability", ylabel="probability of malignancy")
right.legend(loc="upper left", fontsize="small")
plt.show()

print(
    fill(
        f"{np.mean(covered):.1%} of the sets hold the true diagnosis (asked for: 99 "
        f"%). {np.mean(~sure):.0%} of the tumors need a second look, and "
        f"{np.sum(wrong & ~sure)} of {np.sum(wrong)} mistakes are among them. Of the "
        f"others, {np.mean(wrong[sure]):.1%} are diagnosed wrongly.",
        width=76,
    )
)

# %%
# The report
# ----------
#
# One file for those who were not here: how good, what it looks at, how it was found. It
# opens without a network, and holds no row of the table.

import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "report.html"
    report = model.report(path, X_test, y_test)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")

# %%
# Its first two sections, as text:

for paragraph in str(report).splitlines():
    print(fill(paragraph, width=76))
