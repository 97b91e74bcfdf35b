"""
==================================================
How sure is a predicted number?
==================================================

Ten measurements of a patient tell how diabetes will have progressed after a year, but
not exactly. ``predict_interval`` says how exactly: with a coverage of 0.9, nine of ten
intervals are to hold the truth. We check that on patients that the model has not seen,
and ask how much the measurements narrow down what will happen.
"""

# %%
# The fit
# -------

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from sklearn_meta import MetaAutoRegressor

X, y = load_diabetes(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
model = MetaAutoRegressor(max_evaluations=8, n_jobs=2, random_state=0)
model.fit(X_train, y_train)

# %%
# Nothing is fitted for an interval: it comes from the errors that the pipelines made on
# the rows that they were not fitted on.

import pandas as pd

lower, upper = model.predict_interval(X_test, coverage=0.9).T
pd.DataFrame(
    {"from": lower, "to": upper, "predicted": model.predict(X_test), "true": y_test}
).round().head()

# %%
# The answer
# ----------
#
# Without measurements, one would say the same of everybody: the range from which five
# of a hundred patients deviate on each side.

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np

from sklearn_meta.inspection import IntervalDisplay

display = IntervalDisplay.from_estimator(model, X_test, y_test, kind="predictions")
plt.show()

inside = np.mean((lower <= y_test) & (y_test <= upper))
anybody = np.diff(np.quantile(y_train, [0.05, 0.95])).item()
width = np.mean(upper - lower)
print(
    fill(
        f"{inside:.0%} of {len(y_test)} intervals for 90 % hold the truth. Their mean "
        f"width is {width:.0f}; without the measurements it would be {anybody:.0f}. So "
        f"the measurements take away {1 - width / anybody:.0%} of the uncertainty.",
        width=76,
    )
)

# %%
# The same for other coverages, with the mean widths:

display.plot()
plt.show()

# %%
# The coverage is that of many patients, not of each kind of patient: among those with
# the highest predictions it may be lower. How often, can be counted.

order = np.argsort(model.predict(X_test))
for name, rows in zip(["low", "middle", "high"], np.array_split(order, 3), strict=True):
    truth = y_test.to_numpy()[rows]
    share = np.mean((lower[rows] <= truth) & (truth <= upper[rows]))
    print(f"{name:7s}predictions: {share:.0%} of {len(rows)} intervals hold the truth")
