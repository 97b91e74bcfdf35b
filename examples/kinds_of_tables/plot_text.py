"""
=====================================================
Which library does this documentation come from?
=====================================================

Text classification without preparation: a column of sentences next to a column of
numbers, in one data frame. The texts are the first lines of the documentation of numpy,
SciPy and scikit-learn, which are at hand wherever this package runs. How much of it is
needed to tell the library, if the names of the libraries are struck out?
"""

# %%
# The table
# ---------
#
# One row for each public function or class: how its documentation begins, and how many
# parameters it has.

import importlib
import inspect
import re

import pandas as pd

MODULES = {
    "numpy": ["numpy", "numpy.linalg", "numpy.ma", "numpy.polynomial.polynomial"],
    "SciPy": ["scipy.linalg", "scipy.ndimage", "scipy.optimize", "scipy.signal"],
    "scikit-learn": ["sklearn.linear_model", "sklearn.metrics", "sklearn.utils"],
}
MODULES["SciPy"] += ["scipy.sparse", "scipy.special", "scipy.stats"]
MODULES["scikit-learn"] += ["sklearn.cluster", "sklearn.datasets", "sklearn.ensemble"]
MODULES["scikit-learn"] += ["sklearn.feature_selection", "sklearn.preprocessing"]

NAMES = re.compile(r"\b(numpy|np|scipy|scikit-learn|sklearn)\b", re.IGNORECASE)


def beginning(item):
    """Return up to 160 characters of the documentation, without telling names."""
    text = re.sub(r"^\w+\(.*\)\n", "", inspect.getdoc(item) or "")
    return " ".join(NAMES.sub("", text).replace("`", "").split())[:160]


def n_parameters(item):
    """Return the number of parameters; missing where the signature is not known."""
    try:
        return len(inspect.signature(item).parameters)
    except (TypeError, ValueError):
        return None


rows = {}
for library, modules in MODULES.items():
    for name, item in (
        pair for m in modules for pair in vars(importlib.import_module(m)).items()
    ):
        if callable(item) and not name.startswith("_") and len(beginning(item)) > 30:
            # The first library that has a text keeps it.
            rows.setdefault(beginning(item), (n_parameters(item), library))

table = pd.DataFrame(
    [(text, *rest) for text, rest in rows.items()],
    columns=["text", "n_parameters", "library"],
)
table = table.groupby("library").sample(240, random_state=0, replace=False)
table.groupby("library").head(2)

# %%
# The fit
# -------
#
# ``column_report_`` tells how each column was read. Text becomes weights of n-grams of
# words and characters, or components of them, as each pipeline needs it.

from sklearn.model_selection import train_test_split

from sklearn_meta import MetaAutoClassifier

X, y = table[["text", "n_parameters"]], table["library"]
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=1 / 3, stratify=y, random_state=0
)
model = MetaAutoClassifier(max_evaluations=8, n_jobs=2, random_state=0)
model.fit(X_train, y_train)
model.column_report_[["kind", "levels", "missing", "encoded_as"]]

# %%
# For comparison, what one would write by hand, which reads the text only.

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import make_pipeline

by_hand = make_pipeline(TfidfVectorizer(), LogisticRegression())
by_hand.fit(X_train["text"], y_train)
losses = {
    "MetaAutoClassifier": log_loss(y_test, model.predict_proba(X_test)),
    "by hand": log_loss(y_test, by_hand.predict_proba(X_test["text"])),
}
accuracies = {
    "MetaAutoClassifier": accuracy_score(y_test, model.predict(X_test)),
    "by hand": accuracy_score(y_test, by_hand.predict(X_test["text"])),
}

# %%
# The answer
# ----------
#
# Rows of the figure are true libraries, columns predicted ones.

from textwrap import fill

import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

figure, ax = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y_test, model.predict(X_test), normalize="true", values_format=".0%",
    cmap="Blues", colorbar=False, ax=ax,
)  # fmt: skip
ax.set_title(f"{len(y_test)} texts that the model has not seen")
plt.show()

print(
    fill(
        f"With the first 160 characters, the model names the library of "
        f"{accuracies['MetaAutoClassifier']:.0%} of the texts (log loss "
        f"{losses['MetaAutoClassifier']:.3f}); TF-IDF with logistic regression "
        f"{accuracies['by hand']:.0%} ({losses['by hand']:.3f}). Guessing: 33%.",
        width=76,
    )
)

# %%
# New texts need no preparation either.

new = pd.DataFrame(
    {
        "text": [
            "Return the eigenvalues of a Hermitian matrix.",
            "Fit the model by coordinate descent to training data.",
            "Design a low-pass filter with given stopband attenuation.",
        ],
        "n_parameters": [2, 4, 5],
    }
)
new.assign(library=model.predict(new))
