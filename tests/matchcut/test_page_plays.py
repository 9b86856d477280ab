"""The page in a real browser: cuts play across the cut, and nothing comes from outside.

The films are played from the folder, as a double click opens it. Each of their frames carries its number, which is read
from what the browser painted.
"""

import io
import time
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import pytest

from matchcut.candidate_page import Extras, PlayedCut, TitleInfo, write_page
from matchcut.ffmpeg import find_ffmpeg
from matchcut.played_cut import PlayedCutParameters, Take, first_frame_seconds, play_cut
from matchcut.source_video import inspect_source
from tests.candidates import candidate_of
from tests.clips import Shot, make_clip, read_frame_number
from tests.frame_for_frame import encoded
from tests.matchcut.test_candidate_page import ACTION_MATCH, FRAME_MATCH, HOSTILE

pytestmark = pytest.mark.slow
LAST, FIRST, SHOWN = 49, 70, 25
SECOND = 25  # frames
MASK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><path fill="#f0f" d="M0 0h16v9H0z"/></svg>'
PAINTED = """async (video) => {
    await new Promise((done) => video.requestVideoFrameCallback(done));
    return video.currentTime;
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page of two frame matches that play and an action match that does not; its title is hostile."""
    made = tmp_path_factory.mktemp("page")
    clip = make_clip(made / "film.mp4", [Shot(60, 3), Shot(60, 8)], size=(640, 360), audio=True)
    ffmpeg, proxy = find_ffmpeg(), encoded(clip.path, find_ffmpeg())
    source = inspect_source(clip.path, ffmpeg)
    whole = Take(clip.path, source, proxy, 0, 1, first_frame_seconds(clip.path, source, ffmpeg))
    a = replace(whole, start_frame=LAST + 1 - SHOWN, stop_frame=LAST + 1)
    b = replace(whole, start_frame=FIRST, stop_frame=FIRST + SHOWN)
    assert play_cut(a, b, made / "cut.mp4", PlayedCutParameters(), ffmpeg)
    film = PlayedCut(made / "cut.mp4", "cut", SHOWN / SECOND)
    same = {"frame_a": LAST, "frame_b": FIRST, "title_a": "film", "title_b": "film"}
    candidates = {
        "frame_match": [replace(candidate_of(rank), **same) for rank in (1, 2)],
        "action_match": [replace(candidate_of(1, flavor="action_match"), **same)],
    }
    write_page(
        made / "page",
        candidates,
        flavors=[FRAME_MATCH, ACTION_MATCH],
        titles={"film": TitleInfo(HOSTILE)},
        proxies={"film": proxy},
        extras=Extras({("frame_match", rank): film for rank in (1, 2)}, {("frame_match", 1): (MASK, None)}),
        library=HOSTILE,
    )
    return made / "page"


@pytest.fixture
def page(browser, folder):
    """The page, opened from disk; fails on any complaint, and on any request outside its folder."""
    complaints = []
    shown = browser.new_page(viewport={"width": 1500, "height": 1000})
    inside = folder.as_uri()
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("request", lambda request: request.url.startswith(inside) or complaints.append(request.url))
    shown.goto((folder / "index.html").as_uri())
    yield shown
    title = shown.title()
    shown.close()
    assert complaints == []
    assert title.startswith("Match cuts")


def number_on(locator):
    """The frame number that is painted inside an element of 16:9 in the middle of its box."""
    with av.open(io.BytesIO(locator.screenshot())) as picture:
        (frame,) = picture.decode(video=0)
    rgb = frame.to_ndarray(format="rgb24")
    width = round(rgb.shape[0] * 16 / 9)
    left = max(0, (rgb.shape[1] - width) // 2)
    return read_frame_number(np.ascontiguousarray(rgb[:, left : left + width]))


def wait_until(page, expression):
    """Ask again until it is true; Playwright's own waiting is what the page's content security policy forbids."""
    end = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(30)


def seek(video, frame):
    """Stop at the middle of a frame of the played cut, and wait until it is painted."""
    video.evaluate(
        """(video, seconds) => new Promise((done) => {
            video.pause();
            const painted = () => requestAnimationFrame(() => requestAnimationFrame(done));
            video.addEventListener("seeked", painted, {once: true});
            video.currentTime = seconds;
        })""",
        (frame + 0.5) / SECOND,
    )


def test_a_focused_card_plays_across_the_cut_again_and_again(page):
    page.keyboard.press("j")
    video = page.locator("video.played.is-shown")
    video.wait_for()
    times = [video.evaluate(PAINTED) for _ in range(90)]
    assert min(times) < SHOWN / SECOND < max(times)
    assert any(earlier < SHOWN / SECOND <= later < earlier + 0.5 for earlier, later in pairwise(times))
    assert any(later < earlier for earlier, later in pairwise(times))  # it begins again
    assert video.evaluate("video => video.getVideoPlaybackQuality().totalVideoFrames") > SHOWN


def test_the_browser_paints_the_last_frame_of_a_and_then_the_first_of_b(page):
    page.keyboard.press("j")
    video = page.locator("video.played.is-shown")
    video.wait_for()
    page.mouse.move(0, 0)
    for frame, number in ((SHOWN - 1, LAST), (SHOWN, FIRST)):
        seek(video, frame)
        assert number_on(video) == number


def test_hovering_plays_and_leaving_stops(page):
    page.locator(".stage").nth(1).hover()
    page.locator(".card:nth-child(2) video.played.is-shown").wait_for()
    page.mouse.move(5, 5)
    wait_until(page, "!document.querySelector('video.played')")


def test_only_one_cut_plays_at_a_time(page):
    page.keyboard.press("j")
    page.locator("video.played.is-shown").wait_for()
    page.keyboard.press("j")
    page.locator(".card:nth-child(2) video.played.is-shown").wait_for()
    assert page.locator("video.played").count() == 1


def test_the_large_view_plays_with_sound_when_asked(page):
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    video = page.locator("#big-played")
    wait_until(page, "document.querySelector('#big-played').currentTime > 0.2")
    assert video.evaluate("video => video.muted")
    page.keyboard.press("s")
    assert not video.evaluate("video => video.muted")
    page.keyboard.press(" ")
    assert not video.is_visible()
    assert page.locator("#blend").input_value() == "50"
    page.keyboard.press(" ")
    assert video.is_visible()


def test_onion_skin_takes_the_place_of_playing(page):
    page.keyboard.press("o")
    page.keyboard.press("j")
    page.wait_for_timeout(400)
    assert page.locator("video.played").count() == 0
    lefts = page.eval_on_selector_all(
        ".card:first-child .frame", "all => all.slice(0, 2).map((each) => each.getBoundingClientRect().left)"
    )
    assert lefts[0] == pytest.approx(lefts[1], abs=1)


def test_drawings_are_loaded_and_laid_over_the_frame_when_asked(page):
    assert page.locator(".card .mark-of").count() == 0
    page.keyboard.press("m")
    drawing = page.locator(".card:first-child .frame:first-child .mark-of").first
    drawing.wait_for()
    wait_until(page, "document.querySelector('.mark-of').naturalWidth > 0")
    assert page.locator(".card .mark-of").count() == 1
    assert drawing.bounding_box() == page.locator(".frame").first.bounding_box()
    page.keyboard.press("m")
    assert not drawing.is_visible()


def test_a_candidate_without_a_film_shows_its_frames_in_turn(page):
    page.get_by_text("Action match", exact=False).first.click()
    page.keyboard.press("j")
    assert page.locator("video.played").count() == 0
    page.keyboard.press("Enter")
    page.keyboard.press(" ")
    wait_until(page, "document.querySelector('#blend').value === '100'")


def test_filtering_stops_what_is_filtered_away(page):
    page.locator(".stage").first.focus()
    page.keyboard.press("j")
    page.locator("video.played.is-shown").wait_for()
    page.get_by_text("Action match", exact=False).first.click()
    wait_until(page, "!document.querySelector('video.played')")
    assert page.locator(".card:visible").count() == 1
