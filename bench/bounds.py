"""Bounds: each figure that must stay small, or large, is printed beside its bound."""

import sys
from dataclasses import dataclass, field


@dataclass
class Bounds:
    """The bounds of one run, and which of them it missed."""

    missed: list[str] = field(default_factory=list)
    """One line for each, with its figure."""

    def at_most(self, name: str, figure: float, most: float) -> str:
        """Compares a figure with the most that it may be. Returns the words that are printed behind the figure."""
        return self._compared(name, figure, f"at most {most:,g}", kept=figure <= most)

    def at_least(self, name: str, figure: float, least: float) -> str:
        """Compares a figure with the least that it may be. Returns the words that are printed behind the figure."""
        return self._compared(name, figure, f"at least {least:,g}", kept=figure >= least)

    def exit_if_missed(self) -> None:
        """Ends the program with status 1 and the list of missed bounds, if there are any."""
        if self.missed:
            sys.exit("\n".join(["bounds that were missed:", *self.missed]))

    def _compared(self, name: str, figure: float, bound: str, *, kept: bool) -> str:
        if kept:
            return f"({bound})"
        self.missed.append(f"{' '.join(name.split())}: {figure:,.2f}, expected {bound}")
        return f"({bound}: MISSED)"
