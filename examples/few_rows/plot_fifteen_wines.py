"""
=====================================================
What can be learned from fifteen wines?
=====================================================

Five wines of each of three cultivars, thirteen measurements of each: does automatic
machine learning help with so few rows, or does it only overfit in more ways? We draw
fifteen wines five times, predict the other 163, and compare with two models that one
would try by hand.
"""

# %%
# The draws
# ---------

from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedShuffleSplit

X, y = load_wine(return_X_y=True)
draws = StratifiedShuffleSplit(n_splits=5, train_size=15, random_state=0)
draws = list(draws.split(X, y))

# %%
# The models
# ----------
#
# On fifteen rows, a search compares pipelines by three wines at a time. ``search=None``
# leaves it out: pipelines that did well on similar tables are fitted, and their
# predictions averaged. Both ways are measured, and one of the networks that were
# meta-learned for such tables by itself.

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_meta import MAMLClassifier, MetaAutoClassifier

models = {
    "recommended pipelines": MetaAutoClassifier(search=None, random_state=0),
    "search": MetaAutoClassifier(max_evaluations=4, n_jobs=2, random_state=0),
    "meta-learned network": MAMLClassifier(random_state=0),
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "random forest": RandomForestClassifier(random_state=0),
}

# %%

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss


def measure(model):
    """Return a frame of log loss and accuracy, one row for each draw."""
    results = []
    for train, test in draws:
        probabilities = model.fit(X[train], y[train]).predict_proba(X[test])
        loss = log_loss(y[test], probabilities)
        results.append((loss, accuracy_score(y[test], probabilities.argmax(axis=1))))
    return pd.DataFrame(results, columns=["log loss", "accuracy"])


results = {name: measure(model) for name, model in models.items()}
pd.DataFrame({name: result.mean() for name, result in results.items()}).T.round(3)

# %%
# The answer
# ----------
#
# A dot is one draw of fifteen wines, a bar their mean. All models see the same draws,
# so differences are taken draw by draw.

from textwrap import fill

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
for ax, metric in zip(axes, ["log loss", "accuracy"], strict=True):
    for position, result in enumerate(results.values()):
        values = result[metric]
        ax.plot(values, np.full(len(values), position), "o", color="C0", alpha=0.4)
        ax.plot(
            [values.mean()] * 2, [position - 0.3, position + 0.3], color="0.2", lw=2
        )
    ax.set(title=f"{metric} on 163 other wines", xlabel=metric)
axes[0].set_yticks(range(len(results)), results)
axes[0].invert_yaxis()
plt.show()

for other in list(models)[1:]:
    gain = results[other]["log loss"] - results["recommended pipelines"]["log loss"]
    print(
        f"log loss of {other} minus that of the recommended pipelines: "
        f"{gain.mean():+.3f} (standard error {gain.std() / len(gain) ** 0.5:.3f})"
    )
shares = [f"{result['accuracy'].mean():.1%}" for result in results.values()]
print(
    fill(
        "Cultivars that are named rightly from fifteen wines: "
        + ", ".join(
            f"{share} ({name})" for share, name in zip(shares, results, strict=True)
        )
        + ".",
        width=76,
    )
)

# %%
# A difference of less than two standard errors may be chance. A search chooses by its
# predictions of fifteen wines, and what was lucky on fifteen wines need not be good: on
# tables as small as this one, try ``search=None`` and the network first.
