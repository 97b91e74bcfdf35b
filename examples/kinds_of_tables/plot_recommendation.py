"""
=====================================================
What will somebody like who has not rated anything?
=====================================================

A recommender can be fitted as a table: one row for each rating, with columns about the
user and about the film. The model is only as good as it is for the users that it will
meet. We estimate its error in two ways, with ratings and with whole users held out, and
compare both with the error for users whom the model knows and for new ones.
"""

# %%
# The ratings
# -----------
#
# 190 users with three hidden preferences, 60 films with three hidden traits. A rating
# is the product of both, plus what the user and the film get in general, plus noise.
# Users fill in a short questionnaire, from which their preferences can be read roughly;
# a film has known shares of three genres.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n_users, n_films, n_rated = 190, 60, 16
preferences = rng.normal(size=(n_users, 3))
traits = rng.normal(size=(n_films, 3))
generous = rng.normal(scale=0.6, size=n_users)
quality = rng.normal(scale=0.4, size=n_films)

users = pd.DataFrame(
    np.clip(np.round(3 + preferences + rng.normal(scale=0.7, size=(n_users, 3))), 1, 5),
    columns=["likes_action", "likes_romance", "likes_science"],
).assign(age=rng.integers(16, 80, n_users), user=[f"u{k:03d}" for k in range(n_users)])
films = pd.DataFrame(
    traits + rng.normal(scale=0.4, size=(n_films, 3)),
    columns=["action", "romance", "science"],
).assign(
    year=rng.integers(1960, 2025, n_films), film=[f"f{k:02d}" for k in range(n_films)]
)

expected = 3.2 + generous[:, None] + quality + 0.5 * preferences @ traits.T
pairs = [(u, f) for u in range(n_users) for f in rng.permutation(n_films)[:n_rated]]
who, what = np.array(pairs).T
ratings = expected[who, what] + rng.normal(scale=0.5, size=len(who))
stars = np.clip(np.round(ratings), 1, 5)
table = pd.concat(
    [users.iloc[who].reset_index(drop=True), films.iloc[what].reset_index(drop=True)],
    axis=1,
)

# %%
# The last 40 users are new: they come after the fit. Of each other user, a quarter of
# the ratings is held out.

new = who >= 150
held_out = ~new & (np.arange(len(who)) % 4 == 0)
known = ~new & ~held_out
table[known].head(3)

# %%
# Two estimates
# -------------
#
# The same search twice: the folds of the first one are drawn from the ratings, those of
# the second one from the users (``groups``). ``honest_score_`` is what each of them
# expects on new rows.

from sklearn_meta import MetaAutoRegressor

settings = {"max_evaluations": 6, "n_jobs": 2, "random_state": 0}
by_rating = MetaAutoRegressor(**settings).fit(table[known], stars[known])
by_user = MetaAutoRegressor(**settings).fit(
    table[known], stars[known], groups=table["user"][known]
)

# %%
# The answer
# ----------

from sklearn.metrics import root_mean_squared_error as rmse

mean_of_film = pd.Series(stars[known]).groupby(what[known]).mean()
rows = {"users of the table": held_out, "new users": new}
errors = {
    "folds of ratings": {
        "its own estimate": -by_rating.honest_score_,
        **{k: rmse(stars[r], by_rating.predict(table[r])) for k, r in rows.items()},
    },
    "folds of users": {
        "its own estimate": -by_user.honest_score_,
        **{k: rmse(stars[r], by_user.predict(table[r])) for k, r in rows.items()},
    },
    "mean of the film": {
        k: rmse(stars[r], mean_of_film[what[r]]) for k, r in rows.items()
    },
}
pd.DataFrame(errors).T.round(3)

# %%
# Recommend the five best of the films to each new user, and look at what these users
# would give them.

fresh = np.arange(150, n_users)


def true_stars(scores):
    """Return the mean expected rating of each new user's five best films."""
    best = np.argsort(-scores, axis=1)[:, :5]
    return np.clip(np.take_along_axis(expected[fresh], best, axis=1), 1, 5).mean()


candidates = users.iloc[fresh].merge(films, how="cross")[table.columns]
liked = {
    "any five": np.clip(expected[fresh], 1, 5).mean(),
    "most popular": true_stars(np.tile(mean_of_film.to_numpy(), (len(fresh), 1))),
    "recommended": true_stars(by_user.predict(candidates).reshape(len(fresh), n_films)),
    "best possible": true_stars(expected[fresh]),
}

# %%

from textwrap import fill

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4), layout="constrained")
pd.DataFrame(errors).iloc[:, :2].T.plot.bar(ax=left, rot=0, width=0.75)
for bars in left.containers:
    left.bar_label(bars, fmt="%.2f", padding=2)
left.set(ylabel="error (RMSE) in stars", title="Which error does the search promise?")
left.set_ylim(0, 1.7 * max(errors["folds of ratings"].values()))
left.legend(loc="upper left")
bars = right.barh(list(liked), list(liked.values()), color=["0.7", "0.7", "C0", "0.7"])
right.bar_label(bars, fmt="%.2f", padding=3)
right.set(
    xlim=(1, 5), xlabel="mean of the true ratings", title="Five films for new users"
)
plt.show()

print(
    fill(
        f"With folds of ratings, the search promises an error of "
        f"{errors['folds of ratings']['its own estimate']:.2f} stars; for new users it "
        f"is {errors['folds of ratings']['new users']:.2f}. With folds of users it "
        f"promises {errors['folds of users']['its own estimate']:.2f}, and it is "
        f"{errors['folds of users']['new users']:.2f}.\n"
        f"The five recommended films get {liked['recommended']:.2f} stars of new "
        f"users; the most popular ones {liked['most popular']:.2f}.",
        width=76,
    )
)

# %%
# Each of the two is right for its question: folds of ratings for the next rating of
# somebody who is in the table, folds of users for somebody who is not.
