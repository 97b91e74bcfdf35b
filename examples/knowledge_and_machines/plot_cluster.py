"""
======================================================
Does a cluster find the same model as a laptop?
======================================================

Within joblib's context for Dask, :class:`~sklearn_meta.MetaAutoClassifier` runs its
candidates on the workers of a Dask cluster. The search proposes the same pipelines
wherever they run, so that the model should not depend on it. We fit one table twice,
here and on a cluster.
"""

# %%
# The cluster
# -----------
#
# It is on the same machine; with the address of a scheduler in place of it, nothing
# else changes. One worker of two threads is two slots. Workers that share this process
# are enough here, since every candidate runs in a process of its own in any case.

from dask.distributed import Client

client = Client(
    n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
)

# %%
# Two fits
# --------
#
# Without ``n_jobs``, the whole cluster is used. A number of evaluations in place of
# seconds makes fits comparable between machines.

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklearn_meta import MetaAutoClassifier

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.33, stratify=y, random_state=0
)
here = MetaAutoClassifier(max_evaluations=5, n_jobs=2, random_state=0)
here.fit(X_train, y_train)
there = MetaAutoClassifier(max_evaluations=5, random_state=0)
with joblib.parallel_config(backend="dask"):
    there.fit(X_train, y_train)

# %%
# Nothing of the fit is left on the cluster.

client.close()

# %%
# The answer
# ----------

import matplotlib.pyplot as plt
import numpy as np

models = {"this machine": here, "cluster": there}
difference = np.abs(here.predict_proba(X_test) - there.predict_proba(X_test)).max()

figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained")
for marker, (name, model) in zip(["o", "+"], models.items(), strict=True):
    finished = model.leaderboard_.query("status == 'ok'")
    left.plot(finished["number"], finished["score"], marker, label=name, markersize=9)
left.set(xlabel="number of the evaluation", ylabel="score (negative log loss)")
left.legend()
right.plot([0, 1], [0, 1], color="0.7")
right.plot(here.predict_proba(X_test)[:, 1], there.predict_proba(X_test)[:, 1], ".")
right.set(
    xlabel="probability, model of this machine",
    ylabel="probability, model of the cluster",
)
figure.suptitle("The same search in two places")
plt.show()

for name, model in models.items():
    print(
        f"{name}: {model.n_evaluations_} pipelines, "
        f"{model.time_report_['n_workers']:.0f} at a time, in "
        f"{model.time_report_['fit']:.1f} s; test accuracy "
        f"{model.score(X_test, y_test):.3f}"
    )
print(
    f"The largest difference between two predicted probabilities is {difference:.1g}."
)
