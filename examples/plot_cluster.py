"""
======================================
A search on a cluster
======================================

Within joblib's context for Dask, :class:`~sklearn_meta.MetaAutoClassifier` runs its
candidates on the workers of a Dask cluster. The cluster of this example is on the same
machine; with the address of a scheduler in place of it, nothing else changes.
"""

# %%
# The cluster
# -----------
#
# One worker of two threads, hence two slots. Workers that share this process are enough
# here, since every candidate runs in a process of its own in any case.

from dask.distributed import Client

client = Client(
    n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
)

# %%
# The fit
# -------
#
# Without ``n_jobs``, the whole cluster is used.

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklearn_meta import MetaAutoClassifier

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.33, stratify=y, random_state=0
)
model = MetaAutoClassifier(time_budget=20, random_state=0)
with joblib.parallel_config(backend="dask"):
    model.fit(X_train, y_train)

print(f"{model.n_evaluations_} pipelines, {model.time_report_['n_workers']} at a time")
print(f"test accuracy {(model.predict(X_test) == y_test).mean():.3f}")

# %%
# The leaderboard is that of any other fit.

columns = ["score", "weight", "fit_seconds", "pipeline"]
print(model.leaderboard_[columns].head().to_string(max_colwidth=44))

# %%
# Nothing of the fit is left on the cluster.

client.close()
