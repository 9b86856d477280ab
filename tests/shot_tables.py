"""Tables of shots made up by hand."""

from collections.abc import Sequence

import numpy as np

from matchcut.shots.table import ShotTable


def shot_table(lengths: Sequence[int], kinds: Sequence[str] | None = None) -> ShotTable:
    """Shots of so many frames each, wholly usable; joined by cuts where it is not said how each begins."""
    stop = np.cumsum(lengths)
    start = stop - lengths
    begins = np.array(kinds or ["start"] + ["cut"] * (len(lengths) - 1), dtype=object)
    return ShotTable(start, stop, start.copy(), stop.copy(), begins, np.ones(len(lengths), np.float32))
