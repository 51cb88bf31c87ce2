"""Bounds: each figure that must not grow is printed beside the most that it may be."""

from dataclasses import dataclass, field


@dataclass
class Bounds:
    """The bounds of one run, and which of them it missed."""

    missed: list[str] = field(default_factory=list)
    """One line for each, with its figure."""

    def beside(self, name: str, figure: float, most: float) -> str:
        """Compares a figure with its bound. Returns the words that are printed behind the figure."""
        if figure <= most:
            return f"(at most {most:.2f})"
        self.missed.append(f"{name}: {figure:.2f}, expected at most {most:.2f}")
        return f"(at most {most:.2f}: MISSED)"
