"""
======================================================
What do twenty rows tell about three targets?
======================================================

Twenty men of a fitness club did three exercises; their weight, waist and pulse were
measured. Can the measurements be predicted from the exercises? With twenty rows, the
first question is how to know: every row is predicted by a model that has not seen it.
"""

# %%
# The table
# ---------

from sklearn.datasets import load_linnerud

X, Y = load_linnerud(return_X_y=True, as_frame=True)
X.join(Y).head()

# %%
# One model of three targets
# --------------------------
#
# ``best_score_`` is the best of several noisy scores, and too good on so few rows. So
# the whole estimator, search included, is cross-validated like any other one of
# scikit-learn.

import numpy as np
from sklearn.model_selection import KFold, cross_val_predict

from sklearn_meta import MetaAutoRegressor

model = MetaAutoRegressor(max_evaluations=6, n_jobs=2, random_state=0)
outer = KFold(5, shuffle=True, random_state=0)
predicted = cross_val_predict(model, X, Y, cv=outer)

# %%
# The guess to compare with: the mean of the other rows.

from sklearn.dummy import DummyRegressor
from sklearn.metrics import root_mean_squared_error

guessed = cross_val_predict(DummyRegressor(), X, Y, cv=outer)


def errors(prediction):
    """Return the error of each target."""
    return root_mean_squared_error(Y, prediction, multioutput="raw_values")


change = errors(predicted) / errors(guessed) - 1

# %%
# The answer
# ----------

from textwrap import fill

import matplotlib.pyplot as plt
from sklearn.metrics import PredictionErrorDisplay

figure, axes = plt.subplots(1, 3, figsize=(8.5, 3.3), layout="constrained")
for k, (ax, target) in enumerate(zip(axes, Y, strict=True)):
    PredictionErrorDisplay.from_predictions(
        Y[target], predicted[:, k], kind="actual_vs_predicted", ax=ax
    )
    ax.set_title(f"{target}: {100 * change[k]:+.0f} % error")
figure.suptitle("Rows that the model has not seen; change against guessing the mean")
plt.show()

for k, target in enumerate(Y):
    print(
        f"{target}: error {errors(predicted)[k]:.1f}, guessing the mean "
        f"{errors(guessed)[k]:.1f}"
    )
print(
    fill(
        f"Against guessing the mean, the error changes by {np.mean(change):+.1%} on "
        f"average. Targets that the exercises predict more than 5 % better: "
        f"{', '.join(Y.columns[change < -0.05]) or 'none of the three'}.",
        width=76,
    )
)

# %%
# So many rows for so little: a table of twenty rows often says no more than that. What
# protects from reading more into it is the comparison with the guess, on unseen rows.
