"""
=====================================================
What does an answer within five milliseconds cost?
=====================================================

A credit application is scored while the applicant waits, one row at a time. The best
model is usually a combination of several pipelines, and slow. With ``max_predict_ms``,
the fit returns the best combination that answers in time. How much of the quality is
lost?
"""

# %%
# The applications
# ----------------
#
# Generated: numbers, categories and missing values, as they come from a form. They are
# passed as an array, with a column of zeros and ones for each category: to read a data
# frame of one row takes several milliseconds by itself.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n = 3000
income = rng.lognormal(10.3, 0.5, n)
amount = rng.lognormal(9, 0.8, n)
table = pd.DataFrame(
    {
        "income": income.round(-2),
        "amount": amount.round(-2),
        "months": rng.choice([12, 24, 36, 48, 60], n),
        "age": rng.integers(18, 75, n),
        "job": rng.choice(["employed", "self-employed", "retired", "none"], n),
        "purpose": rng.choice(["car", "house", "travel", "furniture", "debts"], n),
        "years_employed": np.where(rng.random(n) < 0.2, np.nan, rng.exponential(6, n)),
        "late_payments": rng.poisson(0.6, n),
    }
)
burden = amount / table["months"] / (income / 12)
risk = (
    -3.2
    + 8 * burden.clip(0, 0.4)
    + 0.9 * table["late_payments"]
    + 0.8 * (table["purpose"] == "debts")
    + 0.7 * (table["job"] == "none")
    - 0.08 * table["years_employed"].fillna(4)
)
default = np.where(rng.random(n) < 1 / (1 + np.exp(-risk)), "default", "paid")
X = pd.get_dummies(table).to_numpy(dtype=float)
table.head(3)

# %%
# Two fits
# --------
#
# The limit is the time of ``predict_proba`` for one row, all of it: reading the row,
# every pipeline, combining them. It is measured after the final fits.

from sklearn.model_selection import train_test_split

from sklearn_meta import MetaAutoClassifier

X_train, X_test, y_train, y_test = train_test_split(
    X, default, test_size=0.33, stratify=default, random_state=0
)
settings = {"max_evaluations": 7, "n_jobs": 2, "random_state": 0}
models = {
    "no limit": MetaAutoClassifier(**settings),
    "5 ms": MetaAutoClassifier(max_predict_ms=5, **settings),
}
for model in models.values():
    model.fit(X_train, y_train)

# %%
# The answer
# ----------
#
# The median time of one answer, and the quality on other applications.

from time import perf_counter

from sklearn.metrics import roc_auc_score


def milliseconds(model, n_answers=40):
    """Return the median time to score one application."""
    seconds = []
    for row in range(n_answers):
        start = perf_counter()
        model.predict_proba(X_test[[row]])
        seconds.append(perf_counter() - start)
    return 1000 * np.median(seconds)


results = pd.DataFrame(
    {
        name: {
            "milliseconds": milliseconds(model),
            "AUC": roc_auc_score(y_test == "paid", model.predict_proba(X_test)[:, 1]),
            "members": len(model.ensemble_weights_),
        }
        for name, model in models.items()
    }
).T
results.round({"milliseconds": 1, "AUC": 4})

# %%

from textwrap import fill

import matplotlib.pyplot as plt

from sklearn_meta.inspection import ParetoDisplay

ParetoDisplay.from_estimator(models["no limit"])
plt.show()

# %%
# The pipelines of the search, by the time of their predictions; circles are members of
# the model without a limit. The final models, and what they need for one row:

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for name, result in results.iterrows():
    ax.plot(result["milliseconds"], result["AUC"], "o", markersize=9, label=name)
ax.axvline(5, color="0.4", linestyle=":", label="limit")
ax.set(
    xlabel="milliseconds of one answer",
    ylabel=f"AUC on {len(y_test)} other applications",
    xlim=(0, 1.2 * max(6, results["milliseconds"].max())),
)
ax.margins(y=0.6)
ax.legend()
plt.show()

free, limited = results.loc["no limit"], results.loc["5 ms"]
print(
    fill(
        f"Without a limit, an answer takes {free['milliseconds']:.1f} ms and the AUC "
        f"is {free['AUC']:.4f}; with the limit {limited['milliseconds']:.1f} ms and "
        f"{limited['AUC']:.4f}. Being "
        f"{free['milliseconds'] / limited['milliseconds']:.1f} times as fast changes "
        f"the AUC by {limited['AUC'] - free['AUC']:+.4f}.",
        width=76,
    )
)
