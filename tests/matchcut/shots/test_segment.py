import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchcut.feature import digest_of, parameters_of
from matchcut.shots import DETECTORS, Boundaries, BoundaryDetector, ShotTable, Transition, detect_shots, shot_table
from tests.clips import make_proxy
from tests.matchcut.shots.pictures import as_frames, hold


@st.composite
def any_boundaries(draw: st.DrawFn) -> Boundaries:
    num_frames = draw(st.integers(1, 60))
    frames = draw(st.sets(st.integers(1, num_frames - 1))) if num_frames > 1 else set()
    transitions = [
        Transition(
            frame,
            draw(st.integers(0, frame)),
            draw(st.integers(frame, num_frames)),
            draw(st.sampled_from(["cut", "dissolve", "fade"])),
            draw(st.floats(0, 1)),
        )
        for frame in sorted(frames)
    ]
    visible = st.integers(0, num_frames)
    return Boundaries(num_frames, tuple(transitions), draw(visible), draw(visible))


@given(any_boundaries())
def test_any_boundaries_give_a_valid_table(boundaries: Boundaries) -> None:
    table = shot_table(boundaries)  # the table refuses gaps, overlaps, and shots without a usable frame
    assert table.num_frames == boundaries.num_frames
    assert table.start_frame[1:].tolist() == [t.frame for t in boundaries.transitions]


def test_a_title_without_transitions_is_one_shot() -> None:
    table = shot_table(Boundaries.of(25))
    assert (table.start_frame.tolist(), table.stop_frame.tolist()) == ([0], [25])
    assert (table.transition_in.tolist(), table.confidence.tolist()) == (["start"], [1.0])


def test_gaps_are_closed_and_transitions_left_out_of_the_usable_frames() -> None:
    transitions = [Transition.cut(10, 0.9), Transition.dissolve(20, 30, 0.8), Transition(45, 40, 52, "fade", 0.99)]
    table = shot_table(Boundaries(70, tuple(transitions), 3, 66))
    assert table.start_frame.tolist() == [0, 10, 25, 45]
    assert table.stop_frame.tolist() == [10, 25, 45, 70]
    assert table.usable_start_frame.tolist() == [3, 10, 30, 52]
    assert table.usable_stop_frame.tolist() == [10, 20, 40, 66]
    assert table.transition_in.tolist() == ["start", "cut", "dissolve", "fade"]


def test_a_shot_inside_transitions_keeps_its_least_mixed_frame() -> None:
    table = shot_table(Boundaries.of(60, [Transition.dissolve(10, 30, 0.9), Transition.dissolve(24, 44, 0.9)]))
    assert (table.usable_start_frame[1], table.usable_stop_frame[1]) == (27, 28)


def test_boundaries_that_no_title_can_have_are_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("must rise strictly between 0 and 20, got [9, 9]")):
        Boundaries.of(20, [Transition.cut(9, 1), Transition.cut(9, 1)])
    with pytest.raises(ValueError, match="the boundary must lie in the extent"):
        Boundaries.of(20, [Transition(9, 10, 12, "dissolve", 1)])
    with pytest.raises(ValueError, match="the confidence in"):
        Boundaries.of(20, [Transition.cut(9, 1.5)])
    with pytest.raises(ValueError, match="the visible frames must lie in the title's 20 frames"):
        Boundaries(20, (), 0, 21)


def test_shots_of_a_proxy_are_read_at_the_detectors_size(tmp_path: Path) -> None:
    pictures = [*hold(1, 20), *hold(2, 20)]
    enlarged = [np.kron(frame, np.ones((4, 4, 1), np.uint8)) for frame in as_frames(pictures)]
    table = detect_shots(make_proxy(tmp_path, enlarged), BoundaryDetector(), {})
    assert table.start_frame.tolist() == [0, 20]
    table.save(tmp_path)
    assert ShotTable.load(tmp_path).stop_frame.tolist() == [20, 40]


def test_every_detector_goes_by_its_name_and_has_parameters_that_can_be_hashed() -> None:
    for name, detector in DETECTORS.items():
        assert detector.name == name
        assert digest_of(parameters_of(detector.parameters))
