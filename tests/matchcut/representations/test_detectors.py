import numpy as np
import pytest

from matchcut.representations.detectors import Detector, anchor_grid


def test_anchors_are_cell_centres_row_by_row():
    assert anchor_grid((2, 1), (1, 2)).tolist() == [
        [0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75], [0.5, 0.5], [0.5, 0.5],
    ]  # fmt: skip


def test_a_detection_is_decoded_into_pixels_of_the_frame_and_doubles_are_dropped():
    def network(_picture: np.ndarray) -> list[np.ndarray]:
        values = np.zeros((4, 6), np.float32)  # centre offset, size, one key point; in input pixels
        values[:, 2:4] = [40, 20]
        values[1, 0] = -50  # the second cell's box lies exactly on the first's
        values[1, 4] = -50
        logits = np.array([[4.0], [3.0], [-9.0], [-9.0]], np.float32)
        return [logits, values]

    detector = Detector(network, 100, anchor_grid((2, 1)))  # type: ignore[arg-type]
    found = detector(np.zeros((100, 200, 3), np.uint8), min_score=0.5, overlap=0.3)
    # A frame of 200 x 100 in a square of 100: scale 0.5, 25 pixels down. Anchor at (25, 25).
    assert found.box.tolist() == [[10, -20, 90, 20]]
    assert found.points.tolist() == [[[50, 0]]]
    assert found.score == pytest.approx(1 / (1 + np.exp(-4)))
