"""How well two pictures match in what stands out of them, and in their lines.

The figure counts first: overlap of the masks, and of their outlines, which any two round things in the middle share
less of (boundary IoU, arXiv 2103.16562). Where nothing stands out, and beside it, lines count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matchcut.representations.flavor import BlockScores, Representation, scored_in_parts
from matchcut.representations.masks import iou, num_cells, softened, unpacked
from matchcut.representations.moments import IN, OUT, coarse_cuts

# Standard deviation of brightness, of 255 levels, that counts nothing and that counts fully: blank frames have up to 4
# (`shot_embeddings.BLANK_CONTRAST`), low-key pictures about 12. Part of `appearance.SCORE_ALGORITHM`, as all here.
BLANK, CONTRASTED = 4.0, 12.0
OTHER_COLORS, SAME_COLORS = 0.3, 0.95  # Bhattacharyya coefficients that count nothing and fully
# What other light and dark, other colours and light from elsewhere take away of the lines. Chosen among six ways to
# weigh these by looking at the best twenty pairs of each in the films of `benchmarks.graded_top`.
LAYOUT_WEIGHT, COLOR_WEIGHT, LIGHT_WEIGHT = 0.2, 0.05, 0.05
# What masks and outlines have to say of the figure, and what lines say of what the figure leaves open. Chosen on
# candidates that one grader judged: at nearly all of 100 settings around these 5 to 8 of 20 were accepted, by the lines
# alone 3.
MASK_WEIGHT, OUTLINE_WEIGHT = 0.3, 0.7
LINES_WEIGHT = 0.6
LINES = ("edges", "layout", "colors", "light")
_PAIRS_AT_ONCE = 1024


def proposed(a: Representation, b: Representation) -> BlockScores:
    """Every row of `a` against every row of `b` at some moments, without cues; frames are the outermost."""
    out, into = Side.of(a, OUT), Side.of(b, IN)
    score = np.zeros((len(a), len(b)), np.float32)
    for m, n in coarse_cuts(out.frame.shape[1]):
        parts = {name: out.lines[name][:, m] @ into.lines[name][:, n].T for name in LINES}
        lines = _lines(parts, np.sqrt(np.multiply.outer(out.contrast[:, m], into.contrast[:, n])))
        figure = np.square(out.blurred(m) @ into.blurred(n).T)
        np.maximum(score, _score(figure, lines), out=score)
    return BlockScores.proposal(score, out.frame, into.frame)


def refined(a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """The given pairs of rows, int64 (P,) each, at the best of all their moments; arrays of the result are (P,)."""

    def row_for_row(some_a: np.ndarray, some_b: np.ndarray) -> BlockScores:
        return _refined(Side.of(a.rows(some_a), OUT), Side.of(b.rows(some_b), IN))

    return scored_in_parts(row_for_row, rows_a, rows_b, _PAIRS_AT_ONCE)


@dataclass(frozen=True)
class Side:
    """One side of a comparison: N rows with M moments each.

    Attributes:
        frame: int64 (N, M).
        figure, outline: uint8 (N, M, 288), packed.
        worth: float32 (N, M), of the figure: its root, for it is there or is not.
        lines: float32 (N, M, C) each.
        contrast: float32 (N, M), what it is worth.
    """

    frame: np.ndarray
    figure: np.ndarray
    outline: np.ndarray
    worth: np.ndarray
    lines: Mapping[str, np.ndarray]
    contrast: np.ndarray

    @classmethod
    def of(cls, rows: Representation, side: int) -> "Side":
        """Unpack a side."""
        arrays = rows.arrays
        return cls(
            frame=arrays["frame"][:, side],
            figure=arrays["figure"][:, side],
            outline=arrays["outline"][:, side],
            worth=np.sqrt(arrays["figure_worth"][:, side]),
            lines={name: arrays[name][:, side].astype(np.float32) for name in LINES},
            contrast=np.interp(arrays["contrast"][:, side], (BLANK, CONTRASTED), (0, 1)).astype(np.float32),
        )

    def blurred(self, moment: int) -> np.ndarray:
        """float32 (N, 1152), unit vectors times the fourth root of the worth: squares of products are about scores."""
        parts = [
            np.sqrt(weight) * softened(unpacked(packed[:, moment]))
            for packed, weight in ((self.figure, MASK_WEIGHT), (self.outline, OUTLINE_WEIGHT))
        ]
        return np.concatenate(parts, axis=1) * np.sqrt(np.sqrt(self.worth[:, moment, None]))


def _refined(out: Side, into: Side) -> BlockScores:
    """Row for row."""
    parts = {name: np.einsum("pmc,pnc->pmn", out.lines[name], into.lines[name]) for name in LINES}
    lines = _lines(parts, np.sqrt(out.contrast[:, :, None] * into.contrast[:, None]))
    mask = _overlap(out.figure, into.figure)
    # At most the masks' overlap, as in the paper: the left side of one shape may lie on the right of another.
    shape = MASK_WEIGHT * mask + OUTLINE_WEIGHT * np.minimum(_overlap(out.outline, into.outline), mask)
    figure = shape * np.sqrt(out.worth[:, :, None] * into.worth[:, None])
    score = _score(figure, lines)
    pairs, count = np.arange(len(score)), score.shape[2]
    m, n = np.divmod(score.reshape(len(score), score.shape[1] * count).argmax(axis=1), count)
    cues = {"figure": figure, **{name: np.clip(part, -1, 1) for name, part in parts.items()}}
    return BlockScores(
        score=score[pairs, m, n],
        frame_a=out.frame[pairs, m],
        frame_b=into.frame[pairs, n],
        cues={name: values[pairs, m, n] for name, values in cues.items()},
    )


def _score(figure: np.ndarray, lines: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(figure + (1 - figure) * LINES_WEIGHT * lines, 0, 1), np.float32)


def _lines(parts: Mapping[str, np.ndarray], worth: np.ndarray) -> np.ndarray:
    """float32, of the shape of the parts, in [0, 1]."""
    colors = np.interp(parts["colors"], (OTHER_COLORS, SAME_COLORS), (0.0, 1.0))
    layout, light = np.clip(parts["layout"], 0, 1), np.clip(parts["light"], 0, 1)
    lost = LAYOUT_WEIGHT * (1 - layout) + COLOR_WEIGHT * (1 - colors) + LIGHT_WEIGHT * (1 - light)
    return np.asarray(np.clip(parts["edges"] * (1 - lost), 0, 1) * worth, np.float32)


def _overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of packed masks (P, M, 288) of A with those of B, float32 (P, M, M)."""
    words_a, words_b = (np.ascontiguousarray(each).view(np.uint64) for each in (a, b))
    return iou(num_cells(words_a[:, :, None] & words_b[:, None]), num_cells(a)[:, :, None], num_cells(b)[:, None])
