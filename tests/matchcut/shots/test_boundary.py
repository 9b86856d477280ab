import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from matchcut.errors import MissingWeightsError
from matchcut.shots.boundary import (
    CHUNK_FRAMES,
    FRAMES_AFTER,
    FRAMES_BEFORE,
    BoundaryDetector,
    BoundaryParameters,
    chunks,
    load_network,
    predict,
    transitions_of,
)
from matchcut.shots.detector import Boundaries
from tests.matchcut.shots.pictures import as_frames, black, dissolve, hold, pan


def found(pictures: Sequence[np.ndarray]) -> Boundaries:
    return BoundaryDetector().detect(as_frames(pictures), {})


def cuts(pictures: Sequence[np.ndarray]) -> list[int]:
    boundaries = found(pictures)
    assert all(t.kind == "cut" for t in boundaries.transitions)
    return [t.frame for t in boundaries.transitions]


def numbered(count: int) -> list[np.ndarray]:
    """Frames that show their number, in two digits of base 256."""
    return [np.full((27, 48, 3), (number // 256, number % 256, 0), np.uint8) for number in range(count)]


def chances(
    num_frames: int,
    cut: dict[int, float] | None = None,
    mixed: dict[int, float] | None = None,
    middle: dict[int, float] | None = None,
) -> np.ndarray:
    array = np.zeros((num_frames, 3), np.float32)
    for column, values in enumerate((cut, mixed, middle)):
        for frame, chance in (values or {}).items():
            array[frame, column] = chance
    return array


def test_a_boundary_is_the_first_frame_of_the_new_shot() -> None:
    assert cuts([*hold(1, 30), *hold(2, 25), *hold(3, 40)]) == [30, 55]


def test_a_still_shot_has_no_boundary() -> None:
    assert cuts(hold(1, 100)) == []


@pytest.mark.parametrize("pixels_per_frame", [0.25, 0.5, 1, 2])
def test_a_pan_is_one_shot(pixels_per_frame: float) -> None:
    assert cuts(pan(4, 70, pixels_per_frame)) == []


def test_a_cut_between_pans_is_found() -> None:
    assert cuts([*pan(4, 50, 1), *pan(5, 50, 1)]) == [50]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 10])
def test_very_short_shots_are_found(length: int) -> None:
    assert cuts([*hold(1, 30), *hold(2, length), *hold(3, 30)]) == [30, 30 + length]


@pytest.mark.parametrize("length", [1, 2])
def test_a_flash_is_no_cut(length: int) -> None:
    flash = [np.full((27, 48, 3), 250.0)] * length
    assert cuts([*hold(1, 30), *flash, *hold(1, 30)]) == []


@pytest.mark.parametrize("length", [1, 2, 6])
def test_a_short_blackout_inside_a_shot_is_no_cut(length: int) -> None:
    assert cuts([*hold(1, 30), *black(length), *hold(1, 30)]) == []


def test_a_single_black_frame_between_two_shots_is_one_boundary_at_the_new_shot() -> None:
    (transition,) = found([*hold(1, 30), *black(1), *hold(2, 30)]).transitions
    assert transition[:4] == (31, 30, 31, "fade")


@pytest.mark.parametrize("length", [8, 16, 40])
def test_a_dissolve_has_its_boundary_inside_and_its_extent_about_right(length: int) -> None:
    (transition,) = found([*hold(1, 60), *dissolve(hold(1, length), hold(2, length)), *hold(2, 60)]).transitions
    assert transition.kind == "dissolve"
    assert 60 <= transition.frame <= 60 + length
    assert transition.first_frame == pytest.approx(60, abs=max(4, length / 4))
    assert transition.end_frame == pytest.approx(60 + length, abs=max(4, length / 4))


def test_a_title_may_be_a_single_frame() -> None:
    assert found(hold(1, 1)) == Boundaries.of(1)
    assert cuts(hold(1, 5)) == []


@pytest.mark.parametrize(
    "count",
    [1, 5, CHUNK_FRAMES, CHUNK_FRAMES + FRAMES_AFTER, CHUNK_FRAMES + FRAMES_AFTER + 1, 2 * CHUNK_FRAMES + 100, 1700],
)
def test_every_frame_counts_in_one_chunk_and_is_seen_with_its_neighbours(count: int) -> None:
    counted = []
    for frames, start, stop in chunks(numbered(count)):
        numbers = frames[:, 0, 0, 0].astype(int) * 256 + frames[:, 0, 0, 1]
        assert np.diff(numbers).tolist() == [1] * (len(numbers) - 1)
        assert start == 0 or start == FRAMES_BEFORE
        assert start == min(FRAMES_BEFORE, numbers[start])
        assert len(numbers) - stop == min(FRAMES_AFTER, count - 1 - numbers[stop - 1])
        counted += numbers[start:stop].tolist()
    assert counted == list(range(count))


def test_what_is_said_of_a_frame_does_not_depend_on_the_chunks() -> None:
    pictures = [frame for seed in range(12) for frame in hold(seed, 40 + 7 * seed)]
    frames = as_frames(pictures)
    network = load_network()
    in_chunks = np.concatenate([predict(network, *chunk) for chunk in chunks(frames)])
    at_once = predict(network, np.stack(frames), 0, len(frames))
    assert len(frames) > CHUNK_FRAMES + FRAMES_AFTER
    np.testing.assert_allclose(in_chunks, at_once, atol=0.05)  # bfloat16 rounds by the shape of a product


def test_frames_are_read_one_chunk_at_a_time() -> None:
    read = 0

    def frames():  # type: ignore[no-untyped-def]
        nonlocal read
        for frame in numbered(3 * CHUNK_FRAMES):
            read += 1
            yield frame

    next(chunks(frames()))
    assert read == CHUNK_FRAMES + FRAMES_AFTER


def test_the_likelier_of_two_neighbours_is_the_cut_unless_both_are_sure() -> None:
    (cut,) = transitions_of(chances(40, cut={19: 0.3, 20: 0.8}), BoundaryParameters())
    assert cut[:4] == (20, 20, 20, "cut")
    assert cut.confidence == pytest.approx(0.8)
    (cut,) = transitions_of(chances(40, cut={19: 0.6, 20: 0.7}), BoundaryParameters(cut_threshold=0.5))
    assert cut.frame == 20
    assert [t.frame for t in transitions_of(chances(40, cut={19: 0.5, 20: 0.95}), BoundaryParameters())] == [19, 20]
    assert transitions_of(chances(40, cut={0: 0.9}), BoundaryParameters()) == []


def test_a_run_of_mixed_frames_is_a_dissolve_with_its_boundary_at_the_likeliest_middle() -> None:
    mixed = dict.fromkeys(range(10, 20), 0.8)
    (found,) = transitions_of(chances(40, mixed=mixed, middle={13: 0.4, 14: 0.7}), BoundaryParameters())
    assert found[:4] == (14, 10, 20, "dissolve")
    assert found.confidence == pytest.approx(0.8)


def test_runs_of_mixed_frames_with_no_room_for_a_shot_between_them_are_one_dissolve() -> None:
    middle = {12: 0.5, 16: 0.7}
    mixed = dict.fromkeys([*range(8, 14), *range(16, 20)], 0.8)
    (found,) = transitions_of(chances(40, mixed=mixed, middle=middle), BoundaryParameters())
    assert found[:4] == (16, 8, 20, "dissolve")
    apart = dict.fromkeys([*range(8, 13), *range(16, 20)], 0.8)
    assert [t.frame for t in transitions_of(chances(40, mixed=apart, middle=middle), BoundaryParameters())] == [12, 16]


def test_mixed_frames_around_a_cut_or_without_a_middle_are_no_dissolve() -> None:
    mixed = dict.fromkeys(range(10, 20), 0.8)
    (found,) = transitions_of(chances(40, {15: 0.9}, mixed, {14: 0.7}), BoundaryParameters())
    assert found.kind == "cut"
    assert transitions_of(chances(40, mixed=mixed, middle={14: 0.2}), BoundaryParameters()) == []
    assert transitions_of(chances(40, mixed={10: 0.9, 11: 0.9}, middle={10: 0.9}), BoundaryParameters()) == []


def test_no_frames_and_wrong_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="a video without frames has no shots"):
        BoundaryDetector().detect([], {})
    message = "frames must be uint8 of (27, 48, 3), got uint8 (48, 27, 3)"
    with pytest.raises(ValueError, match=re.escape(message)):
        BoundaryDetector().detect([np.zeros((48, 27, 3), np.uint8)], {})


def test_a_damaged_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "boundary_network.npz"
    path.write_bytes(b"something else")
    with pytest.raises(MissingWeightsError, match=re.escape(f"{path}: the shot detector's network is damaged")):
        load_network(path)


THREE_HOURS = """
from pathlib import Path
import numpy as np
from matchcut.shots.boundary import BoundaryDetector
from tests.matchcut.shots.pictures import as_frames, hold

pictures = [as_frames(hold(seed, 1))[0] for seed in range(60)]
num_frames = 3 * 3600 * 24
found = BoundaryDetector().detect((pictures[n // 120 % 60] for n in range(num_frames)), {})
# Not getrusage's: that remembers across an exec, and would tell the peak of the process that started this one.
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(found.num_frames, len(found.transitions), int(peak.split()[1]) // 1000)
"""


@pytest.mark.slow
def test_three_hours_take_less_than_half_a_gigabyte() -> None:
    done = subprocess.run([sys.executable, "-c", THREE_HOURS], check=True, capture_output=True, text=True)
    num_frames, num_transitions, megabytes = map(int, done.stdout.split())
    assert num_frames == 3 * 3600 * 24
    assert num_transitions == num_frames // 120 - 1
    assert megabytes < 500
