"""Fits the installed package from a folder outside of the checkout."""

from pathlib import Path

from sklearn.datasets import load_iris

import sklearn_meta
from sklearn_meta import MetaAutoClassifier

source = Path(sklearn_meta.__file__).resolve()
assert "site-packages" in source.parts, source

# Without a main guard, as a user would write it.
X, y = load_iris(return_X_y=True)
model = MetaAutoClassifier(time_budget=5, n_jobs=2, random_state=0).fit(X, y)
accuracy = model.score(X, y)
assert accuracy > 0.9, accuracy
print(f"{source.parent}: {model.n_evaluations_} evaluations, accuracy {accuracy:.3f}")
