"""Hyperparameters of operators: ranges, scales, defaults, sampling and perturbation.

All randomness comes from the ``numpy.random.Generator`` that is passed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sklearn_meta.exceptions import InvalidHyperparameterError

# One step of `perturb` has this standard deviation, as a share of the range on the
# hyperparameter's own scale: small enough to stay local, large enough that some ten
# steps cross the range.
PERTURBATION_SCALE = 0.15

# Sampled floats keep this many significant digits: texts stay readable and equal
# settings are recognized as duplicates.
SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True)
class Float:
    """A float hyperparameter in ``[low, high]``.

    Parameters
    ----------
    name : str
        Name in the pipeline text and, unless the operator says otherwise, in the
        constructor of its class.
    low, high : float
        Bounds, both included.
    default : float or None
        Value where the text leaves the hyperparameter out. It may lie outside of the
        range (``None``, or a limit such as ``0.0`` of a logarithmic scale).
    log : bool, default=False
        Whether values are drawn and perturbed on a logarithmic scale.
    """

    name: str
    low: float
    high: float
    default: float | None
    log: bool = False

    def to_unit(self, value):
        """Return the position of a value of the range on its scale, in [0, 1].

        Parameters
        ----------
        value : float
            Within the range.

        Returns
        -------
        unit : float
            Linear or logarithmic, as the scale is.
        """
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def from_unit(self, unit):
        """Return the value at a position of the scale.

        Parameters
        ----------
        unit : float
            Clipped to [0, 1].

        Returns
        -------
        value : float
            Within the range.
        """
        unit = min(max(unit, 0.0), 1.0)
        if self.log:
            value = self.low * (self.high / self.low) ** unit
        else:
            value = self.low + unit * (self.high - self.low)
        rounded = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        return min(max(rounded, self.low), self.high)

    def contains(self, value):
        """Whether a value is legal.

        Parameters
        ----------
        value : object
            Value to test.

        Returns
        -------
        legal : bool
            True within the bounds, and for the default.
        """
        if value == self.default and type(value) is type(self.default):
            return True
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high

    def check(self, value):
        """Return a value as it is stored in a tree.

        Parameters
        ----------
        value : object
            Value from a text or a scikit-learn estimator.

        Returns
        -------
        value : float or None
            Always a float, also where an int was given.

        Raises
        ------
        InvalidHyperparameterError
            If the value is not legal.
        """
        if not self.contains(value):
            raise InvalidHyperparameterError(
                f"{self.name} must be a float in [{self.low}, {self.high}]"
                f"{_or_default(self.default)}. Got {value!r} instead."
            )
        return value if value is None else float(value)

    def sample(self, rng):
        """Draw a value from the whole range.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        value : float
            Uniform on the scale of the hyperparameter.
        """
        return self.from_unit(rng.uniform())

    def perturb(self, value, rng):
        """Draw a value near another one.

        Parameters
        ----------
        value : float or None
            Current value. Outside of the range, the whole range is sampled.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        value : float
            At a normal distance with a standard deviation of 15 % of the range.
        """
        if value is None or not self.low <= value <= self.high:
            return self.sample(rng)
        unit = self.to_unit(value)
        for _ in range(20):
            moved = self.from_unit(unit + rng.normal(scale=PERTURBATION_SCALE))
            if moved != value:
                return moved
        return self.sample(rng)


@dataclass(frozen=True)
class Integer:
    """An integer hyperparameter in ``[low, high]``.

    Parameters
    ----------
    name : str
        Name in the pipeline text and, unless the operator says otherwise, in the
        constructor of its class.
    low, high : int
        Bounds, both included.
    default : int or None
        Value where the text leaves the hyperparameter out. It may lie outside of the
        range (``None``, or a limit such as ``-1``).
    log : bool, default=False
        Whether values are drawn and perturbed on a logarithmic scale.
    """

    name: str
    low: int
    high: int
    default: int | None
    log: bool = False

    def to_unit(self, value):
        """Return the position of a value of the range on its scale, in [0, 1].

        Parameters
        ----------
        value : int
            Within the range.

        Returns
        -------
        unit : float
            Linear or logarithmic, as the scale is.
        """
        # Half a step beyond both bounds gives the bounds the weight of other values.
        low, high = self.low - 0.5, self.high + 0.5
        if self.log:
            low = max(low, 0.5)
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def from_unit(self, unit):
        """Return the value at a position of the scale.

        Parameters
        ----------
        unit : float
            Clipped to [0, 1].

        Returns
        -------
        value : int
            Within the range.
        """
        low, high = self.low - 0.5, self.high + 0.5
        unit = min(max(unit, 0.0), 1.0)
        if self.log:
            low = max(low, 0.5)
            value = low * (high / low) ** unit
        else:
            value = low + unit * (high - low)
        return int(min(max(round(value), self.low), self.high))

    def contains(self, value):
        """Whether a value is legal.

        Parameters
        ----------
        value : object
            Value to test.

        Returns
        -------
        legal : bool
            True within the bounds, and for the default.
        """
        if value == self.default and type(value) is type(self.default):
            return True
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        return is_integer and self.low <= value <= self.high

    def check(self, value):
        """Return a value as it is stored in a tree.

        Parameters
        ----------
        value : object
            Value from a text or a scikit-learn estimator.

        Returns
        -------
        value : int or None
            The value, unchanged.

        Raises
        ------
        InvalidHyperparameterError
            If the value is not legal.
        """
        if not self.contains(value):
            raise InvalidHyperparameterError(
                f"{self.name} must be an int in [{self.low}, {self.high}]"
                f"{_or_default(self.default)}. Got {value!r} instead."
            )
        return value

    def sample(self, rng):
        """Draw a value from the whole range.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        value : int
            Uniform on the scale of the hyperparameter.
        """
        return self.from_unit(rng.uniform())

    def perturb(self, value, rng):
        """Draw a value near another one.

        Parameters
        ----------
        value : int or None
            Current value. Outside of the range, the whole range is sampled.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        value : int
            At a normal distance with a standard deviation of 15 % of the range.
        """
        if value is None or not self.low <= value <= self.high:
            return self.sample(rng)
        if self.low == self.high:
            return value
        moved = self.from_unit(
            self.to_unit(value) + rng.normal(scale=PERTURBATION_SCALE)
        )
        if moved == value:
            # A range of few values rounds small steps away: go to a neighbor.
            moved = value + (1 if rng.uniform() < 0.5 else -1)
            if not self.low <= moved <= self.high:
                moved = 2 * value - moved
        return moved


@dataclass(frozen=True)
class Choice:
    """A categorical hyperparameter.

    Parameters
    ----------
    name : str
        Name in the pipeline text and, unless the operator says otherwise, in the
        constructor of its class.
    values : tuple of None, bool, int, float or str
        Legal values.
    default : None, bool, int, float or str
        Value where the text leaves the hyperparameter out; one of `values`.
    """

    name: str
    values: tuple
    default: object

    def contains(self, value):
        """Whether a value is legal.

        Parameters
        ----------
        value : object
            Value to test.

        Returns
        -------
        legal : bool
            True for the values of `values`; 1, 1.0 and True are different.
        """
        # 1 == True == 1.0 in Python; a text must not mix them up.
        return any(value == v and type(value) is type(v) for v in self.values)

    def check(self, value):
        """Return a value as it is stored in a tree.

        Parameters
        ----------
        value : object
            Value from a text or a scikit-learn estimator.

        Returns
        -------
        value : None, bool, int, float or str
            The value, unchanged.

        Raises
        ------
        InvalidHyperparameterError
            If the value is not legal.
        """
        if not self.contains(value):
            raise InvalidHyperparameterError(
                f"{self.name} must be one of {list(self.values)}. Got {value!r} "
                "instead."
            )
        return value

    def sample(self, rng):
        """Draw a value from the whole range.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        value : None, bool, int, float or str
            All values are equally probable.
        """
        return self.values[int(rng.integers(len(self.values)))]

    def perturb(self, value, rng):
        """Draw one of the other values.

        Parameters
        ----------
        value : None, bool, int, float or str
            Current value.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        value : None, bool, int, float or str
            Different from the current one, if there are others.
        """
        others = [v for v in self.values if v != value or type(v) is not type(value)]
        return others[int(rng.integers(len(others)))] if others else value


Hyperparameter = Float | Integer | Choice


def _or_default(default):
    return " or None" if default is None else ""
