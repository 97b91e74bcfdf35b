"""
=====================================================
At which probability should a payment be stopped?
=====================================================

One payment in sixty is a fraud. A fraud that passes costs 100, a check of an honest
customer 4. A classifier that calls the more probable class is right nearly always, and
expensive. Given the costs as ``scoring``, the search tunes the threshold as well.
"""

# %%
# The payments
# ------------
#
# Generated: frauds are larger, come at night, from new accounts, and from some
# countries more often than from others.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n = 16_000
payments = pd.DataFrame(
    {
        "amount": rng.lognormal(3.5, 1.0, n).round(2),
        "hour": rng.integers(0, 24, n),
        "account_days": rng.exponential(400, n).round(),
        "country": rng.choice(list("ABCDEFGH"), n, p=[0.4, 0.2, 0.1, 0.1] + [0.05] * 4),
        "payments_today": rng.poisson(1.5, n),
    }
)
risk = (
    -10.2
    + 1.6 * np.log(payments["amount"] / 30).clip(0)
    + 3.0 * (payments["hour"] < 6)
    + 5.0 * np.exp(-payments["account_days"] / 60)
    + payments["country"].map(
        dict(zip("ABCDEFGH", [0, 0, 1, 0, 2, 1, 0, 4], strict=True))
    )
    + 1.0 * (payments["payments_today"] - 1.5).clip(0)
)
fraud = rng.random(n) < 1 / (1 + np.exp(-risk))

# %%
# The fit
# -------
#
# Costs are a metric like any other: a function of true and predicted labels.

from sklearn.metrics import confusion_matrix, make_scorer
from sklearn.model_selection import train_test_split

from sklearn_meta import MetaAutoClassifier

PASSED_FRAUD, NEEDLESS_CHECK = 100, 4


def cost(y_true, y_pred):
    """Return the cost of a thousand payments."""
    (_, checks), (passed, _) = confusion_matrix(y_true, y_pred, labels=[False, True])
    return 1000 * (NEEDLESS_CHECK * checks + PASSED_FRAUD * passed) / len(y_true)


X_train, X_test, y_train, y_test = train_test_split(
    payments, fraud, test_size=0.5, stratify=fraud, random_state=0
)
model = MetaAutoClassifier(
    scoring=make_scorer(cost, greater_is_better=False),
    max_evaluations=8,
    n_jobs=2,
    random_state=0,
)
model.fit(X_train, y_train)
print(f"{fraud.mean():.2%} of the payments are frauds")
print(f"decision_threshold_ = {model.decision_threshold_:.3f}")

# %%
# The answer
# ----------
#
# With probabilities that are exact, it pays to check from 4 / (4 + 100) on: below, the
# expected loss is smaller than the cost of a check.

from textwrap import fill

import matplotlib.pyplot as plt
from sklearn.metrics import PrecisionRecallDisplay, precision_score, recall_score

exact = NEEDLESS_CHECK / (NEEDLESS_CHECK + PASSED_FRAUD)
probabilities = model.predict_proba(X_test)[:, 1]
thresholds = np.geomspace(0.003, 0.9, 150)
costs = [cost(y_test, probabilities > threshold) for threshold in thresholds]
tuned = cost(y_test, model.predict(X_test))
probable = cost(y_test, probabilities > 0.5)
nobody = cost(y_test, np.zeros(len(y_test), dtype=bool))

figure, (ax, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.8), layout="constrained", width_ratios=[1.3, 1]
)
ax.plot(thresholds, costs, color="0.3")
ax.axhline(nobody, color="0.6", linestyle=":", label="no checks at all")
ax.axvline(exact, color="C2", linestyle="--", label="threshold of exact probabilities")
ax.plot(model.decision_threshold_, tuned, "o", color="C0", label="tuned by the fit")
ax.plot(0.5, probable, "s", color="C3", label="more probable class")
ax.set(
    xscale="log",
    ylim=(0, None),
    xlabel="probability from which a payment is checked",
    ylabel="cost of a thousand payments",
    title=f"{len(y_test)} other payments",
)
ax.legend(loc="lower right", fontsize="small")

# The rows of the fit, each predicted by models that have not seen it.
seen = ~np.isnan(model.oof_predictions_[:, 1])
out_of_fold = model.oof_predictions_[seen, 1]
PrecisionRecallDisplay.from_predictions(
    y_train[seen], out_of_fold, name="model", plot_chance_level=True, ax=right
)
caught = out_of_fold > model.decision_threshold_
right.plot(
    recall_score(y_train[seen], caught),
    precision_score(y_train[seen], caught),
    "o",
    label="tuned by the fit",
)
right.set(title="Out-of-fold predictions", xlabel="Share of frauds that are checked")
right.set_ylabel("Share of checks that are frauds")
right.legend(fontsize="small")
plt.show()

flagged = model.predict(X_test)
print(
    fill(
        f"Checking from a probability of {model.decision_threshold_:.3f} on (exact: "
        f"{exact:.3f}), a thousand payments cost {tuned:.0f}; by the more probable "
        f"class {probable:.0f}, without checks {nobody:.0f}.\n"
        f"{flagged.mean():.1%} of the payments are checked, and "
        f"{flagged[y_test].mean():.0%} of the frauds are found.",
        width=76,
    )
)

# %%
# Do not balance the classes first: that changes the probabilities, and the threshold
# with them, and finds nothing that a threshold does not.
