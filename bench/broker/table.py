"""What the figures are printed in."""

from collections.abc import Sequence


def show(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Prints a title and aligned rows of a label, figures and a remark; the first row names the columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"broker  {title}")
    for label, *figures, remark in rows:
        cells = [figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True)]
        print("        " + "   ".join([label.ljust(widths[0]), *cells, remark]).rstrip())
    print(flush=True)
