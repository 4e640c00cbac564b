"""How a stored frame is turned and mirrored on a screen."""

import math
import struct
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from clinimcl.preparation.formats.reading import UnusableScan

MOST_DEGREES = 1.0  # by which a turn may differ from a quarter turn


class Orientation(NamedTuple):
    """One of the eight: rows and columns may change places first, then each may be reversed."""

    transposed: bool = False
    rows_reversed: bool = False
    columns_reversed: bool = False

    @classmethod
    def of_exif(cls, number: int) -> "Orientation":
        """Of the tag Orientation, 1 to 8; any other number states none.

        Source: CIPA DC-008 (Exif 2.32), section 4.6.4.
        """
        if number not in range(1, 9):
            return cls()
        return cls(number >= 5, number in (3, 4, 7, 8), number in (2, 3, 6, 7))

    @classmethod
    def of_matrix(cls, packed: bytes) -> "Orientation":
        """Of nine int32 as a player applies them: x' = a x + c y, y' = b x + d y; scales and shifts are left aside.

        Raises:
            UnusableScan: it turns by no quarter turn, or leans.

        Source: ISO/IEC 14496-12, section 6.2.2; libavutil/display.h.
        """
        a, b, _, c, d, *_ = struct.unpack("=9i", packed)
        if a * d == b * c:  # of no extent: players leave the frame as it is
            return cls()
        transposed = min(abs(b), abs(c)) > max(abs(a), abs(d))
        along, across = ((b, c), (a, d)) if transposed else ((a, d), (b, c))
        if max(map(abs, across)) > math.tan(math.radians(MOST_DEGREES)) * min(map(abs, along)):
            raise UnusableScan("is shown at an angle, expected upright or turned by quarter turns: save it upright")
        rows, columns = along if transposed else along[::-1]
        return cls(transposed, rows < 0, columns < 0)

    def upright(self, frame: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "rows columns"]:
        """A view of the frame as it is shown."""
        turned = frame.T if self.transposed else frame
        return turned[:: -1 if self.rows_reversed else 1, :: -1 if self.columns_reversed else 1]
