"""
======================================================
Is tomorrow's error that of the shuffled rows?
======================================================

Cross-validation shuffles rows by default. For rows in temporal order, this asks a
question that nobody has: how well is a day predicted from the days before *and after*
it? We fit the same series with shuffled folds and with folds that are later than the
rows that they are predicted from, and wait two months.
"""

# %%
# The series
# ----------
#
# Visitors of a shop on 400 days: a trend, a weekly pattern, warm days, and a popularity
# that drifts. The 60 days after them are kept for the comparison.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
days = np.arange(460)
weekday = days % 7
temperature = 12 - 9 * np.cos(days * 2 * np.pi / 365) + rng.normal(scale=3, size=460)
drift = np.cumsum(rng.normal(size=460))
visitors = (
    200
    + 0.5 * days
    + np.array([0, -5, -5, 0, 15, 40, 25])[weekday]
    + 1.2 * temperature
    + drift
    + rng.normal(scale=6, size=460)
)
table = pd.DataFrame(
    {"day": days, "weekday": weekday.astype(str), "temperature": temperature}
)
past, future = slice(0, 400), slice(400, 460)

# %%
# Two searches
# ------------

from sklearn.model_selection import KFold, TimeSeriesSplit

from sklearn_meta import MetaAutoRegressor

splitters = {
    "shuffled": KFold(5, shuffle=True, random_state=0),
    "in order": TimeSeriesSplit(4, test_size=60),
}
models = {
    name: MetaAutoRegressor(cv=cv, max_evaluations=8, n_jobs=2, random_state=0).fit(
        table[past], visitors[past]
    )
    for name, cv in splitters.items()
}

# %%
# The answer
# ----------

from sklearn.metrics import root_mean_squared_error as rmse

promised = {name: -model.best_score_ for name, model in models.items()}
forecasts = {name: model.predict(table[future]) for name, model in models.items()}
happened = {name: rmse(visitors[future], f) for name, f in forecasts.items()}
pd.DataFrame({"promised": promised, "happened": happened}).round(1)

# %%

from textwrap import fill

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.6), layout="constrained", width_ratios=[2, 1]
)
folds = {"shuffled": "shuffled folds", "in order": "folds in order"}
shown = slice(300, 460)
left.plot(days[shown], visitors[shown], color="0.6", label="visitors")
for name, forecast in forecasts.items():
    left.plot(days[future], forecast, label=f"chosen on {folds[name]}")
left.axvline(399.5, color="0.3", linestyle=":")
left.set(xlabel="day", ylabel="visitors")
left.legend(loc="upper left")
positions = np.arange(2)
for offset, label, errors, colors in [
    (-0.2, "promised", promised, "0.8"),
    (0.2, "happened", happened, ["C0", "C1"]),
]:
    bars = right.bar(positions + offset, list(errors.values()), 0.4, color=colors)
    right.bar_label(
        bars,
        [f"{label}\n{e:.1f}" for e in errors.values()],
        padding=2,
        fontsize="small",
    )
right.set_xticks(positions, list(folds.values()))
right.set(ylabel="error (RMSE) in visitors")
right.margins(y=0.15)
plt.show()

print(
    fill(
        f"Shuffled folds promise an error of {promised['shuffled']:.1f} visitors; in "
        f"the next 60 days it is {happened['shuffled']:.1f}. Folds in order promise "
        f"{promised['in order']:.1f}, and it is {happened['in order']:.1f}.",
        width=76,
    )
)

# %%
# Shuffled folds reward pipelines that interpolate between known days. After the last
# known day there is nothing to interpolate. The largest members of both models:

for name, model in models.items():
    members = model.leaderboard_.query("weight > 0").nlargest(3, "weight")
    for weight, text in zip(members["weight"], members["pipeline"], strict=True):
        print(f"{name:10s}{weight:5.0%}  {text[:58]}")
