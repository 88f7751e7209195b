"""Tables on the terminal, and verdicts against a goal."""

from collections.abc import Sequence


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """The first column to the left, figures to the right."""
    cells = [list(columns), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    print(f"\n{title}")
    for row in cells:
        first, *others = (cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in _sized(row, widths))
        print("  ".join([first, *others]).rstrip())


def _sized(row: Sequence[str], widths: Sequence[int]) -> list[tuple[int, tuple[str, int]]]:
    return list(enumerate(zip(row, widths, strict=True)))


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if cell >= 100 else f"{cell:.2f}"
    return "" if cell is None else str(cell)


def verdict(goal: str, measured: float, limit: float) -> None:
    """`measured` must not exceed `limit`."""
    print(
        f"goal: {goal}: {measured:.2f} of {limit:.2f} allowed: {'met' if measured <= limit else 'MISSED'}", flush=True
    )
