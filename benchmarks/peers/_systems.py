"""The systems that are compared."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.peers.adapters._job import Settings

# One thread in each process, for systems that run processes side by side themselves.
ONE_THREAD = (
    ("MKL_NUM_THREADS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
)


@dataclass(frozen=True)
class System:
    """How to run one system.

    Parameters
    ----------
    name : str
    adapter : str
        Module with the function ``fit(job)``.
    distributions : tuple of str
        Whose versions are recorded, the system's own first.
    environment : str or None, default=None
        Name of its virtual environment, see `environments`. None: it runs in the
        interpreter that runs the benchmark.
    model : str, default=""
        Passed on to adapters that know several models.
    searches : bool, default=True
        Whether it uses a budget. What does not is run once for all budgets.
    variables : tuple of (str, str), default=()
        Of the process environment.
    """

    name: str
    adapter: str
    distributions: tuple[str, ...]
    environment: str | None = None
    model: str = ""
    searches: bool = True
    variables: tuple[tuple[str, str], ...] = ()

    def settings(self, run, task, family):
        """Return the settings of one run.

        Parameters
        ----------
        run : dict
            With the keys `budget`, `n_cores` and `seed`.
        task, family : str
            Of the table.

        Returns
        -------
        settings : Settings
        """
        return Settings(
            adapter=self.adapter,
            task=task,
            family=family,
            budget=run["budget"],
            n_jobs=run["n_cores"],
            seed=run["seed"],
            model=self.model,
            distributions=self.distributions,
        )


def _untuned(name, *distributions):
    return System(
        name,
        "benchmarks.peers.adapters.untuned",
        (*distributions, "scikit-learn"),
        model=name,
        searches=False,
    )


def _peer(name, distribution, variables=()):
    return System(
        name,
        f"benchmarks.peers.adapters.{name}",
        (distribution,),
        environment=name,
        variables=variables,
    )


SYSTEMS = {
    system.name: system
    for system in (
        System(
            "sklearn_meta",
            "benchmarks.peers.adapters.sklearn_meta",
            ("sklearn-meta", "scikit-learn", "lightgbm"),
        ),
        _peer("autogluon", "autogluon.tabular"),
        _peer("flaml", "flaml"),
        _peer("h2o", "h2o"),
        _peer("tpot", "tpot", ONE_THREAD),
        System(
            "lightgbm_tuned",
            "benchmarks.peers.adapters.lightgbm_tuned",
            ("lightgbm", "scikit-learn"),
        ),
        _untuned("lightgbm", "lightgbm"),
        _untuned("hist_gradient_boosting"),
        _untuned("random_forest"),
        _untuned("linear"),
    )
}


def system_of(label):
    """Return the system of a name, or of ``NAME@LABEL``.

    The label tells states of the code apart in the results: ``sklearn_meta@before``.

    Raises
    ------
    ValueError
        If no system has that name.
    """
    name = label.partition("@")[0]
    if name not in SYSTEMS:
        raise ValueError(
            f"The systems are {', '.join(SYSTEMS)}, each with @LABEL after it if "
            f"wanted. Got {label!r} instead."
        )
    return SYSTEMS[name]
