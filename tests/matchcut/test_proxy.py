from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matchcut.errors import MissingFeatureError
from matchcut.proxy import RECORD_NAME, TIMES_NAME, EncodeRecord, Proxy
from tests.clips import Shot, draw, make_proxy, numbered, read_frame_number

NUM_FRAMES = 130


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    shots = [Shot(60, seed=1), Shot(70, seed=2)]
    return make_proxy(tmp_path_factory.mktemp("proxy"), numbered(draw(shots, (160, 96))))


def test_every_frame_is_read_once_and_in_order(proxy: Proxy) -> None:
    assert [read_frame_number(frame) for frame in proxy.frames()] == list(range(NUM_FRAMES))


def test_a_range_is_half_open(proxy: Proxy) -> None:
    assert [read_frame_number(frame) for frame in proxy.frames(57, 61)] == [57, 58, 59, 60]


def test_an_empty_range_yields_nothing(proxy: Proxy) -> None:
    assert list(proxy.frames(5, 5)) == []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(st.integers(0, NUM_FRAMES - 1), min_size=1, max_size=8))
def test_chosen_frames_are_exactly_those_that_were_asked_for(proxy: Proxy, wanted: list[int]) -> None:
    found = [(number, read_frame_number(frame)) for number, frame in proxy.frames_at(wanted)]

    assert found == [(number, number) for number in sorted(set(wanted))]


def test_a_frame_is_the_same_after_a_seek_as_in_sequence(proxy: Proxy) -> None:
    sequence = list(proxy.frames())

    for number, frame in proxy.frames_at([0, 1, 23, 24, 77, 129]):
        np.testing.assert_array_equal(frame, sequence[number])


def test_frames_are_scaled_to_width_and_height(proxy: Proxy) -> None:
    (frame,) = proxy.frames(3, 4, size=(80, 48))

    assert frame.shape == (48, 80, 3)
    assert frame.dtype == np.uint8
    assert read_frame_number(frame) == 3


def test_colors_come_back_in_rgb_order(tmp_path: Path) -> None:
    orange = np.full((64, 64, 3), (220, 120, 40), np.uint8)

    (frame, _) = make_proxy(tmp_path, [orange, orange]).frames()

    np.testing.assert_allclose(frame.mean(axis=(0, 1)), (220, 120, 40), atol=3)


@pytest.mark.parametrize("number", [-1, NUM_FRAMES])
def test_a_frame_outside_the_video_is_refused(proxy: Proxy, number: int) -> None:
    with pytest.raises(ValueError, match=f"frame {number} does not exist, the video has {NUM_FRAMES} frames"):
        next(proxy.frames_at([5, number]))


def test_times_that_belong_to_another_encode_are_noticed(tmp_path: Path) -> None:
    proxy = make_proxy(tmp_path, numbered(draw([Shot(10)], (160, 96))))
    np.savez_compressed(tmp_path / TIMES_NAME, ticks=np.arange(10) * 3)

    with pytest.raises(MissingFeatureError, match=r"not in frame_times\.npz.*materialize `standardized_encode`"):
        list(proxy.frames())


def test_a_proxy_that_lacks_its_end_is_noticed(tmp_path: Path) -> None:
    proxy = make_proxy(tmp_path, numbered(draw([Shot(10)], (160, 96))))
    text = (tmp_path / RECORD_NAME).read_text().replace('"num_frames": 10', '"num_frames": 12')
    (tmp_path / RECORD_NAME).write_text(text)
    np.savez_compressed(tmp_path / TIMES_NAME, ticks=np.arange(12))

    with pytest.raises(MissingFeatureError, match="frame 10 of 12 cannot be decoded"):
        list(proxy.frames())


def test_times_are_exact_rationals(tmp_path: Path) -> None:
    proxy = make_proxy(tmp_path, numbered(draw([Shot(4)], (160, 96))), Fraction(24000, 1001))

    assert proxy.time_of(3) == Fraction(3003, 24000)
    assert proxy.time_of(4) == Fraction(4004, 24000)
    assert proxy.seconds == pytest.approx([0, 0.041708333, 0.083416667, 0.125125])


def test_a_record_survives_the_way_through_json(proxy: Proxy) -> None:
    assert EncodeRecord.from_json(proxy.record.to_json()) == proxy.record


def test_small_frames_have_the_same_colors_as_large_ones(tmp_path: Path) -> None:
    colors = [(220, 120, 40), (30, 60, 200), (128, 128, 128), (250, 250, 250), (5, 5, 5)]
    proxy = make_proxy(tmp_path, [np.full((96, 160, 3), color, np.uint8) for color in colors])

    for color, frame in zip(colors, proxy.frames(size=(16, 9)), strict=True):
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), color, atol=3)


def test_a_small_frame_is_the_mean_of_what_it_covers(tmp_path: Path) -> None:
    halves = np.full((96, 160, 3), 40, np.uint8)
    halves[:, 80:] = 200

    (frame, _) = make_proxy(tmp_path, [halves, halves]).frames(size=(15, 9))

    np.testing.assert_allclose(frame[:, :7], 40, atol=4)
    np.testing.assert_allclose(frame[:, 7], 120, atol=8)
    np.testing.assert_allclose(frame[:, 8:], 200, atol=4)
