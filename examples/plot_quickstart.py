"""
===================================
What does half a minute find?
===================================

How much better than a good default is half a minute of search? We let
:class:`~sklearn_meta.MetaAutoClassifier` look for pipelines that tell handwritten
digits apart, and compare its test score with those of four models that many people
would try first.
"""

# %%
# The table
# ---------
#
# 1 797 digits from bank cheques, each described by the grey levels of 64 cells. A third
# of the rows is kept for the comparison; nobody sees them before.

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.33, stratify=y, random_state=0
)

# %%
# The search
# ----------
#
# ``time_budget`` is the wall-clock length of the whole ``fit``; it returns earlier if
# nothing is left to gain. Without ``scoring`` it optimizes the log loss, which rewards
# trustworthy probabilities.

from time import perf_counter

from sklearn_meta import MetaAutoClassifier

model = MetaAutoClassifier(time_budget=30, n_jobs=2, random_state=0)
start = perf_counter()
model.fit(X_train, y_train)
seconds = {"MetaAutoClassifier": perf_counter() - start}

print(f"{model.n_evaluations_} pipelines in {seconds['MetaAutoClassifier']:.1f} s")

# %%
# The leaderboard has a row for every pipeline that was tried, the best first: its
# cross-validated score with the standard error, its share in the final model, what it
# cost, and where it came from.

leaderboard = model.leaderboard_
columns = ["score", "standard_error", "weight", "fit_seconds", "origin", "pipeline"]
print(leaderboard[columns].head(10).to_string(max_colwidth=44, float_format="%.4f"))

# %%
# The final model combines several of them. The best single one is a plain scikit-learn
# pipeline.

model.best_estimator_

# %%
# The comparison
# --------------

from textwrap import fill

from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

baselines = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "random forest": RandomForestClassifier(n_jobs=2, random_state=0),
    "HistGradientBoosting": HistGradientBoostingClassifier(random_state=0),
    "LightGBM": LGBMClassifier(n_jobs=1, random_state=0, verbosity=-1),
}
losses = {"MetaAutoClassifier": log_loss(y_test, model.predict_proba(X_test))}
for name, baseline in baselines.items():
    start = perf_counter()
    baseline.fit(X_train, y_train)
    seconds[name] = perf_counter() - start
    losses[name] = log_loss(y_test, baseline.predict_proba(X_test))

print(f"{'':24s}{'test log loss':>14s}{'fit seconds':>13s}")
for name in sorted(losses, key=losses.get):
    print(f"{name:24s}{losses[name]:14.4f}{seconds[name]:13.2f}")
best_default = min(losses[name] for name in baselines)
print(
    fill(
        f"The test log loss is {losses['MetaAutoClassifier'] / best_default:.0%} of "
        f"that of the best of four defaults.",
        width=76,
    )
)

# %%
# Lower is better.

import matplotlib.pyplot as plt

names = sorted(losses, key=losses.get, reverse=True)
colors = ["tab:orange" if name in baselines else "tab:blue" for name in names]
figure, axes = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
bars = axes.barh(names, [losses[name] for name in names], color=colors)
axes.bar_label(bars, fmt="%.3f", padding=3)
axes.margins(x=0.12)
axes.set_xlabel("log loss on the test part")
axes.set_title("Half a minute of search against four defaults")
plt.show()
