"""
==================================================
Does it help to have learned other tables before?
==================================================

:class:`~sklearn_meta.MAMLClassifier` adapts to a table of few rows by a few gradient
steps from an initialization that was meta-learned on many other tables. This example
compares the loss over the gradient steps with that from random parameters.
"""

# %%
# Data
# ----
#
# 178 wines of three cultivars, described by 13 chemical measurements. The table was not
# used for meta-training. We train on five wines of each cultivar, predict all others,
# and repeat this ten times.

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedShuffleSplit

X, y = load_wine(return_X_y=True)
draws = StratifiedShuffleSplit(n_splits=10, train_size=15, random_state=0)
draws = list(draws.split(X, y))

# %%
# Adaptation
# ----------
#
# ``n_adaptation_steps`` is the number of gradient steps and ``init`` the
# initialization. Without any step, the network already predicts from the training rows,
# which are an input. The steps fit its parameters to the table.

from sklearn.metrics import accuracy_score, log_loss

from sklearn_meta import MAMLClassifier

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
INITS = {"meta": "meta-learned", "random": "random"}


def scores(learner, train, test):
    """Return log loss and accuracy on the test rows."""
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
# Baselines: logistic regression and a random forest.

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
# Loss and accuracy over the gradient steps
# -----------------------------------------

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
figure.suptitle("Wine: 15 training rows, 163 test rows")
plt.show()

# %%
# The answer, as means over the ten repetitions:

from textwrap import fill

before, after = curves["meta"].mean(axis=0)[[0, -1], 0]
random_before, random_after = curves["random"].mean(axis=0)[[0, -1], 0]
print(
    fill(
        f"{STEPS[-1]} steps from the meta-learned parameters change the log loss from "
        f"{before:.3f} to {after:.3f}, from random ones from {random_before:.3f} to "
        f"{random_after:.3f}.",
        width=76,
    )
)
for name, (loss, _) in levels.items():
    print(f"log loss of {name}: {loss:.3f}")
