"""A new content is requested once, a copy in progress is left alone, nothing is removed by accident."""

from dataclasses import replace

import pytest

from resources.media_library import LibraryListing, LibraryVideo, title_slug
from sensors.new_videos import MAX_REQUESTS_PER_LOOK, Cursor, Decision, decide, run_key_of


def listing(**fingerprints: str) -> LibraryListing:
    """Videos by title; their paths are `title.mp4`."""
    videos = (LibraryVideo(title, f"{title}.mp4", mark) for title, mark in fingerprints.items())
    return LibraryListing(tuple(videos), ())


def look(*looks: LibraryListing, cursor: Cursor | None = None) -> Decision:
    """The last decision of several looks in a row, the cursor going through its text each time."""
    cursor = cursor or Cursor()
    for each in looks:
        decision = decide(Cursor.from_text(cursor.to_text()), each, lambda video: False)
        cursor = decision.cursor
    return decision


def requested(decision: Decision) -> list[tuple[str, int]]:
    return [(video.title, generation) for video, generation in decision.wanted]


def test_a_new_video_is_requested_at_the_second_look() -> None:
    assert requested(look(listing(heat="1"))) == []
    assert requested(look(listing(heat="1"), listing(heat="1"))) == [("heat", 1)]


def test_a_file_that_still_grows_is_left_alone() -> None:
    growing = look(listing(heat="1"), listing(heat="2"), listing(heat="3"))
    assert requested(growing) == []
    assert growing.waiting == ("heat.mp4",)


def test_a_video_is_requested_once() -> None:
    same = listing(heat="1")
    assert requested(look(same, same, same)) == []


def test_a_changed_video_is_requested_again_and_so_is_one_that_changes_back() -> None:
    one, two = listing(heat="1"), listing(heat="2")
    changed = look(one, one, two, two)
    back = look(one, one, two, two, one, one)
    assert (requested(changed), requested(back)) == ([("heat", 2)], [("heat", 3)])
    assert run_key_of(one.videos[0], 1) != run_key_of(one.videos[0], 3)


def test_a_video_that_was_matched_already_needs_no_run() -> None:
    first = decide(Cursor(), listing(heat="1"), lambda video: True)
    second = decide(first.cursor, listing(heat="1"), lambda video: True)
    assert second.wanted == ()
    assert second.cursor.requested == {"heat.mp4": ("heat", "1")}


def test_a_video_is_gone_after_two_looks_without_it_and_can_come_back() -> None:
    both, one = listing(heat="1", ran="1"), listing(ran="1")
    assert look(both, both, one).gone == ()
    gone = look(both, both, one, one)
    assert gone.gone == ("heat",)
    assert requested(look(both, both, cursor=gone.cursor)) == [("heat", 2)]


def test_a_video_that_blinks_is_not_gone() -> None:
    both, one = listing(heat="1", ran="1"), listing(ran="1")
    assert look(both, both, one, both, one).gone == ()


def test_a_renamed_file_of_the_same_title_is_not_gone() -> None:
    moved = LibraryListing((LibraryVideo("heat", "heat.mkv", "1"),), ())
    decision = look(listing(heat="1"), listing(heat="1"), moved, moved)
    assert decision.gone == ()
    assert requested(decision) == [("heat", 1)]


def test_a_thousand_new_videos_are_requested_in_portions_and_none_is_lost() -> None:
    many = listing(**{f"film{number}": "1" for number in range(120)})
    cursor = look(many).cursor
    seen: list[tuple[str, int]] = []
    for _ in range(4):
        decision = decide(cursor, many, lambda video: False)
        assert len(decision.wanted) <= MAX_REQUESTS_PER_LOOK
        seen += requested(decision)
        cursor = decision.cursor
    assert sorted(seen) == sorted((video.title, 1) for video in many.videos)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '{"looks": 3, "unknown": 1}', '{"requested": {"a": 1}}'])
def test_a_malformed_cursor_is_an_empty_one(text: str | None) -> None:
    assert Cursor.from_text(text) == Cursor()


def test_run_keys_differ_by_title_content_and_generation() -> None:
    video = LibraryVideo(title_slug("heat.mp4"), "heat.mp4", "1")
    keys = {
        run_key_of(video, 1),
        run_key_of(video, 2),
        run_key_of(replace(video, fingerprint="2"), 1),
        run_key_of(replace(video, title="ran"), 1),
    }
    assert len(keys) == 4
