"""Bounds: each figure that must stay small, or large, is printed beside its bound.

Ratios and sizes have the same bound everywhere. Times and rates were set on one machine: `time` and `rate` convert them
for this one.
"""

import sys
from dataclasses import dataclass, field


@dataclass
class Bounds:
    """The bounds of one run, and which of them it missed."""

    slower: float = 1
    """How many times as long the same work takes here as on the machine where times and rates were set."""
    missed: list[str] = field(default_factory=list)
    """One line for each, with its figure."""

    def at_most(self, name: str, figure: float, most: float) -> str:
        """Compares a figure with the most that it may be. Returns the words that are printed behind the figure."""
        return self._compared(name, figure, f"at most {most:,g}", kept=figure <= most)

    def at_least(self, name: str, figure: float, least: float) -> str:
        """Compares a figure with the least that it may be. Returns the words that are printed behind the figure."""
        return self._compared(name, figure, f"at least {least:,g}", kept=figure >= least)

    def time(self, there: float) -> float:
        """Returns the bound on this machine of a time that was set on the other, in any unit, to three digits."""
        return float(f"{there * self.slower:.3g}")

    def rate(self, there: float) -> float:
        """As `time`, for how often something can be done in a second."""
        return float(f"{there / self.slower:.3g}")

    def exit_if_missed(self) -> None:
        """Ends the program with status 1 and the list of missed bounds, if there are any."""
        if self.missed:
            sys.exit("\n".join(["bounds that were missed:", *self.missed]))

    def _compared(self, name: str, figure: float, bound: str, *, kept: bool) -> str:
        if kept:
            return f"({bound})"
        self.missed.append(f"{' '.join(name.split())}: {figure:,.2f}, expected {bound}")
        return f"({bound}: MISSED)"
