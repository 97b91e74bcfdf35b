"""
===============================================
Can an image be a row of a table?
===============================================

AutoML for tables takes an image as a row with one column for each pixel. It then knows
a pixel by its position alone, not which pixels are neighbors. We measure what that
costs when digits are written a little to the left or to the right, and what mends it.
"""

# %%
# The table
# ---------
#
# 450 handwritten digits of 8 x 8 pixels to learn from, and about 1 350 to test on.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=450, stratify=y, random_state=0
)


def shift(X, pixels):
    """Shift images to the right by some pixels; the border wraps around."""
    return np.roll(X.reshape(-1, 8, 8), pixels, axis=2).reshape(-1, 64)


# %%
# The digits as they are
# ----------------------

from sklearn_meta import MetaAutoClassifier

plain = MetaAutoClassifier(max_evaluations=5, n_jobs=2, random_state=0)
plain.fit(X_train, y_train)

# %%
# Shifted copies in the training part
# -----------------------------------
#
# The usual remedy: each digit three times, as it is and shifted to both sides. All
# copies of a digit are in one group, so that none is validated with a model that has
# learned from another one; otherwise the scores of the search would be too good.

copies = [0, -1, 1]
many = MetaAutoClassifier(max_evaluations=5, n_jobs=2, random_state=0)
many.fit(
    np.concatenate([shift(X_train, pixels) for pixels in copies]),
    np.tile(y_train, len(copies)),
    groups=np.tile(np.arange(len(y_train)), len(copies)),
)

# %%
# The answer
# ----------

from textwrap import fill

import matplotlib.pyplot as plt

shifts = [-1, 0, 1]
errors = {
    name: [np.mean(model.predict(shift(X_test, k)) != y_test) for k in shifts]
    for name, model in {
        "digits as they are": plain,
        "with shifted copies": many,
    }.items()
}

figure, (left, *right) = plt.subplots(
    1, 3, figsize=(8.5, 3), layout="constrained", width_ratios=[2, 1, 1]
)
for offset, (name, values) in zip([-0.2, 0.2], errors.items(), strict=True):
    bars = left.bar(
        np.array(shifts) + offset, np.multiply(values, 100), 0.4, label=name
    )
    left.bar_label(bars, fmt="%.1f", padding=2)
left.set(xlabel="shift of the test digits", ylabel="misread test digits in %")
left.set_xticks(shifts, ["one pixel left", "none", "one pixel right"])
left.legend(loc="upper center", title="trained on", ncols=2)
left.set_ylim(0, 145 * max(map(max, errors.values())))

# One digit that only the second model reads at both positions.
shifted = shift(X_test, 1)
confused = np.flatnonzero(
    (plain.predict(X_test) == y_test)
    & (plain.predict(shifted) != y_test)
    & (many.predict(shifted) == y_test)
)
row = confused[0] if len(confused) else 0
for ax, images, label in zip(
    right, [X_test, shifted], ["as it is", "shifted"], strict=True
):
    ax.imshow(images[row].reshape(8, 8), cmap="gray_r")
    ax.set(xticks=range(8), yticks=[], title=f"a {y_test[row]}, {label}")
    ax.set_xlabel(f"read as {plain.predict(images[[row]])[0]}")
plt.show()

print(
    fill(
        f"Of the test digits as they are, {errors['digits as they are'][1]:.1%} are "
        f"misread. Shifted by one pixel to the right, it is "
        f"{errors['digits as they are'][2]:.0%}; with shifted copies in the training "
        f"part {errors['with shifted copies'][2]:.1%}.",
        width=76,
    )
)

# %%
# So rows of pixels are enough where what is shown has a fixed place and size. For
# photographs, use the output of a layer of a pretrained image network as columns.
