"""Student's t: the quantiles behind intervals, and a value with its standard error and the test that it is zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

from emulsion.errors import UserError

LEVEL = 0.95  # of every interval that nobody asked another of


def quantile(freedom: float, level: float = LEVEL) -> float:
    """How many standard errors an interval of this level reaches to either side; infinite freedom is the normal one.

    Raises UserError for a level that is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UserError(f"level: should be above 0 and below 1, such as {LEVEL}, but is {level!r}.")
    return float(scipy.special.stdtrit(freedom, (1 + level) / 2))


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error, and the degrees of freedom that the error was estimated with."""

    value: float
    error: float
    freedom: float

    @classmethod
    def mean(cls, values: ArrayLike) -> Estimate:
        """The mean of two or more independent values [n]: of differences between pairs, the paired t-test."""
        own = np.asarray(values, float)
        return cls(float(own.mean()), float(own.std(ddof=1)) / math.sqrt(len(own)), len(own) - 1.0)

    @property
    def p(self) -> float:
        """Two-sided, of the hypothesis that the true value is 0; 1 where nothing is known of the error."""
        if self.freedom <= 0:
            return 1.0
        if not self.error:
            return float(self.value == 0)
        return float(2 * scipy.special.stdtr(self.freedom, -abs(self.value) / self.error))

    @property
    def quantile(self) -> float:
        """For the interval of `LEVEL`."""
        return quantile(max(self.freedom, 0.25))

    def interval(self) -> list[float]:
        half = self.quantile * self.error
        return [self.value - half, self.value + half]

    def cell(self) -> dict[str, Any]:
        """{"difference", "interval", "p"}."""
        return {"difference": self.value, "interval": self.interval(), "p": self.p}
