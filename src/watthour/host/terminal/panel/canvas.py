"""A picture of dots in a terminal: eight dots to a character (braille), a colour to each character."""

from rich.text import Text

_BLANK = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a character's dots, four rows of two."""

DOTS_ACROSS, DOTS_DOWN = 2, 4


class Canvas:
    """A field of dots, (0, 0) at the upper left.

    >>> canvas = Canvas(2, 1)
    >>> canvas.line(0, 0, 3, 3, "red")
    >>> canvas.text().plain
    '⠑⢄'
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells = [[_BLANK] * columns for _ in range(rows)]
        self._styles = [[""] * columns for _ in range(rows)]

    @property
    def width(self) -> int:
        """Dots across."""
        return self.columns * DOTS_ACROSS

    @property
    def height(self) -> int:
        """Dots down."""
        return self.rows * DOTS_DOWN

    def dot(self, x: float, y: float, style: str) -> None:
        """Set a dot; one outside the field is left out."""
        column, row = round(x) // DOTS_ACROSS, round(y) // DOTS_DOWN
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._cells[row][column] |= _DOTS[round(y) % DOTS_DOWN][round(x) % DOTS_ACROSS]
            self._styles[row][column] = style

    def line(self, x0: float, y0: float, x1: float, y1: float, style: str) -> None:
        """Set the dots from one point to another."""
        steps = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
        for step in range(steps + 1):
            self.dot(x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps, style)

    def write(self, x: float, y: float, word: str, style: str) -> None:
        """Put a word in place of the characters at a point."""
        row = min(max(round(y) // DOTS_DOWN, 0), self.rows - 1)
        first = min(max(round(x) // DOTS_ACROSS, 0), self.columns - len(word))
        for place, letter in enumerate(word, first):
            self._cells[row][place], self._styles[row][place] = ord(letter), style

    def text(self) -> Text:
        """Return the picture."""
        lines = [
            Text.assemble(*((chr(cell), style) for cell, style in zip(cells, styles, strict=True)))
            for cells, styles in zip(self._cells, self._styles, strict=True)
        ]
        return Text("\n").join(lines)
