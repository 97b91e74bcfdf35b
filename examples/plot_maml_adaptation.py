"""
====================================
How a network adapts to a few rows
====================================

Fifteen rows are few for any learner. :class:`~sklearn_meta.maml.MAMLClassifier` has
seen many other tables before, and its parameters are chosen so that a few gradient
steps on a new one suffice. What are these steps worth, and what would they be worth
from random parameters?
"""

# %%
# Few rows of a real table
# ------------------------
#
# 178 wines of three cultivars, described by 13 chemical measurements. Nothing like it
# was among the tables of the meta-training. We draw five wines of each cultivar to
# learn from, predict all others, and repeat that ten times.

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedShuffleSplit

X, y = load_wine(return_X_y=True)
draws = StratifiedShuffleSplit(n_splits=10, train_size=15, random_state=0)
draws = list(draws.split(X, y))

# %%
# Adaptation, step by step
# ------------------------
#
# ``n_adaptation_steps`` is the number of gradient steps; ``init`` is what they start
# from. Without a step, the meta-learned network is already a fair learner: it reads the
# rows as an input. The steps then fit its parameters to the table.

from sklearn.metrics import accuracy_score, log_loss

from sklearn_meta.maml import MAMLClassifier

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
INITS = {"meta": "meta-learned", "random": "random"}


def scores(learner, train, test):
    """Log loss and accuracy on the other wines."""
    learner.fit(X[train], y[train])
    probabilities = learner.predict_proba(X[test])
    return (
        log_loss(y[test], probabilities),
        accuracy_score(y[test], probabilities.argmax(axis=1)),
    )


curves = {
    init: np.array(
        [
            [
                scores(
                    MAMLClassifier(init, n_adaptation_steps=n, random_state=i),
                    train,
                    test,
                )
                for n in STEPS
            ]
            for i, (train, test) in enumerate(draws)
        ]
    )
    for init in INITS
}

# %%
# Two learners that many would try first, for comparison.

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

others = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "random forest": RandomForestClassifier(random_state=0),
}
levels = {
    name: np.mean([scores(learner, *draw) for draw in draws], axis=0)
    for name, learner in others.items()
}

# %%
# The picture
# -----------

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for column, (ax, title) in enumerate(zip(axes, ["Log loss", "Accuracy"], strict=True)):
    for init, label in INITS.items():
        values = curves[init][:, :, column]
        mean = values.mean(axis=0)
        error = values.std(axis=0, ddof=1) / len(draws) ** 0.5
        ax.fill_between(STEPS, mean - error, mean + error, alpha=0.2)
        ax.plot(STEPS, mean, marker="o", label=f"MAML, {label}")
    for style, (name, level) in zip(["--", ":"], levels.items(), strict=True):
        ax.axhline(level[column], color="0.4", linestyle=style, label=name)
    ax.set_xscale("symlog")
    ax.set_xticks(STEPS, STEPS)
    ax.set_xlim(-0.2, 120)
    ax.set(title=title, xlabel="Gradient steps")
axes[0].legend(loc=(0.03, 0.55))
figure.suptitle("Fifteen wines to learn from, 163 to predict")
plt.show()

# %%
# In numbers:

for init, label in INITS.items():
    before, after = curves[init].mean(axis=0)[[0, STEPS.index(5)], 0]
    print(f"log loss from {label} parameters: {before:.3f}, after 5 steps {after:.3f}")
for name, (loss, _) in levels.items():
    print(f"log loss of {name}: {loss:.3f}")
