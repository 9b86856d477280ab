import json
import re
from dataclasses import replace

import pytest

from matchcut.candidate_page import FlavorInfo, TitleInfo, write_page
from matchcut.cue_words import CueWords, Grade
from matchcut.errors import FeatureStoreError
from tests.candidates import candidate_of
from tests.encodes import GreyProxy

FRAME_MATCH = FlavorInfo(
    "frame_match",
    "Frame match",
    "the same silhouette",
    {"iou": CueWords("overlap", (Grade("silhouettes overlap", least=0.5),)), "area": CueWords("area")},
)
ACTION_MATCH = FlavorInfo("action_match", "Action match", "the same movement", {"flow": CueWords("flow agreement")})
HOSTILE = "</script><script>document.title='owned'</script>\"'\n<img src=x onerror=\"document.title='owned'\">"


def write(folder, candidates, **changes):
    arguments = {
        "flavors": [FRAME_MATCH, ACTION_MATCH],
        "titles": {"film": TitleInfo("Film.mp4", "films/Film.mp4", "k1"), "other": TitleInfo("Other", "", "k2")},
        "proxies": {"film": GreyProxy(), "other": GreyProxy()},
        "picture_width": 64,
        **changes,
    }
    return write_page(folder, candidates, **arguments)


def data_of(text):
    """What the page's script knows of each candidate."""
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def pictures_in(folder):
    return sorted(path.name for path in (folder / "pictures").iterdir())


class CountingProxy(GreyProxy):
    """Remembers which frames were read."""

    def frames_at(self, frames, *, size=None):
        for number, picture in super().frames_at(frames, size=size):
            self.__dict__.setdefault("read", []).append(number)
            yield number, picture


def test_a_candidate_is_shown_with_titles_timecodes_score_and_cues(tmp_path):
    text = write(tmp_path, {"frame_match": [candidate_of(1)]}, library="My films").read_text()
    for shown in ("Film.mp4", "Other", "00:00:01:09", "00:00:06:00", "shot 1 · frame 19", "My films", ">0.50<"):
        assert shown in text
    assert "silhouettes overlap; other place; two titles" in text
    assert data_of(text)[0]["cues"][:2] == [{"words": "overlap", "value": "0.83"}, {"words": "area", "value": "0.25"}]
    assert "1 candidate in 2 titles" in text


def test_a_low_score_is_told_from_another(tmp_path):
    text = write(tmp_path, {"frame_match": [candidate_of(1, score=0.151), candidate_of(2, score=0.0042)]}).read_text()
    assert 'title="score">0.15<' in text
    assert 'title="score">0.0042<' in text


def test_the_score_before_demotion_is_shown_where_there_was_one(tmp_path):
    demoted = candidate_of(1)
    demoted.cues["pair_score"] = 0.9
    assert "score before demotion" in write(tmp_path, {"frame_match": [demoted]}).read_text()
    assert "score before demotion" not in write(tmp_path, {"frame_match": [candidate_of(1)]}).read_text()


def test_every_picture_that_is_named_lies_beside_the_page(tmp_path):
    page = write(tmp_path, {"frame_match": [candidate_of(rank) for rank in range(1, 4)]})
    named = set(re.findall(r'src="([^"]+)"', page.read_text()))
    assert named == {f"pictures/{name}" for name in pictures_in(tmp_path)}
    assert len(named) == 6


def test_the_page_names_nothing_outside_itself(tmp_path):
    text = write(tmp_path, {"frame_match": [candidate_of(1)]}).read_text()
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)


def test_hostile_names_stay_text(tmp_path):
    titles = {"film": TitleInfo(HOSTILE, HOSTILE), "other": TitleInfo("Ümläut \udcff \u202e.mp4")}
    text = write(tmp_path, {"frame_match": [candidate_of(1)]}, titles=titles, library=HOSTILE).read_text()
    assert text.count("<script") == 2  # the data and the page's own
    assert text.count("</script>") == 2
    assert "<img src=x" not in text
    assert data_of(text)[0]["a"]["name"] == HOSTILE


def test_a_title_whose_key_is_hostile_gets_pictures_with_plain_names(tmp_path):
    evil = "../../<b>"
    write(tmp_path, {"frame_match": [candidate_of(1, titles=(evil, evil))]}, proxies={evil: GreyProxy()})
    assert all(re.fullmatch(r"[0-9a-f]{24}\.jpg", name) for name in pictures_in(tmp_path))


def test_an_empty_library_says_what_to_do(tmp_path):
    text = write(tmp_path, {}, titles={}).read_text()
    assert "There is no title in this library. Add films with <code>matchcut run PATH</code>" in text
    assert "1 title was compared" in write(tmp_path, {}, titles={"film": TitleInfo("Film")}).read_text()
    assert "2 titles were compared" in write(tmp_path, {"frame_match": []}).read_text()


def test_a_title_without_proxy_has_cards_without_pictures(tmp_path):
    text = write(tmp_path, {"frame_match": [candidate_of(1)]}, proxies={"film": GreyProxy()}).read_text()
    assert text.count('<span class="none">no picture</span>') == 1


def test_known_pictures_are_not_read_again(tmp_path):
    proxies = {"film": CountingProxy(), "other": CountingProxy()}
    write(tmp_path, {"frame_match": [candidate_of(1)]}, proxies=proxies)
    write(tmp_path, {"frame_match": [candidate_of(1), candidate_of(2)]}, proxies=proxies)
    assert proxies["film"].read == [19, 29]


def test_another_encode_of_a_title_gets_new_pictures_and_the_old_ones_go(tmp_path):
    write(tmp_path, {"frame_match": [candidate_of(1)]})
    before = pictures_in(tmp_path)
    titles = {"film": TitleInfo("Film.mp4", "", "recut"), "other": TitleInfo("Other", "", "k2")}
    write(tmp_path, {"frame_match": [candidate_of(1)]}, titles=titles)
    assert len(pictures_in(tmp_path)) == 3  # the old one may still be shown by a page that is open
    write(tmp_path, {"frame_match": [candidate_of(1)]}, titles=titles, keep_stale_seconds=0)
    assert len(set(pictures_in(tmp_path)) & set(before)) == 1
    assert len(pictures_in(tmp_path)) == 2


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "notes.txt").write_text("mine")
    write(tmp_path, {"frame_match": [candidate_of(1)]}, keep_stale_seconds=0)
    assert (tmp_path / "pictures" / "notes.txt").read_text() == "mine"


def test_a_failure_in_the_middle_leaves_the_old_page_and_no_debris(tmp_path):
    class FullDisk(GreyProxy):
        def frames_at(self, frames, *, size=None):
            raise OSError(28, "No space left on device")

    page = write(tmp_path, {"frame_match": [candidate_of(1)]})
    before = page.read_text()
    with pytest.raises(FeatureStoreError, match=r"cannot be written: .*No space left on device.*Free space"):
        write(tmp_path, {"frame_match": [candidate_of(2)]}, proxies={"film": FullDisk()})
    assert page.read_text() == before
    assert not list(tmp_path.rglob("*.partial"))


def test_the_same_candidates_give_the_same_page(tmp_path):
    first = write(tmp_path / "a", {"frame_match": [candidate_of(1)]}).read_bytes()
    assert write(tmp_path / "b", {"frame_match": [candidate_of(1)]}).read_bytes() == first


def test_candidates_of_an_undescribed_flavor_are_refused(tmp_path):
    with pytest.raises(ValueError, match=re.escape("candidates of flavors ['sound']")):
        write(tmp_path, {"sound": []})


@pytest.fixture
def shown(browser, tmp_path):
    """A page in a browser, of three frame matches and two action matches; fails on any complaint or request."""
    candidates = {
        "frame_match": [candidate_of(rank, score=1 - rank / 4) for rank in range(1, 4)],
        "action_match": [
            candidate_of(rank, flavor="action_match", score=0.9, titles=("film", "film")) for rank in (4, 5)
        ],
    }
    titles = {"film": TitleInfo("Film.mp4", "films/Film.mp4"), "other": TitleInfo(HOSTILE)}
    path = write(tmp_path, candidates, titles=titles, library=HOSTILE)
    complaints = []
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert complaints == []


def visible_cards(page):
    return page.locator(".card:visible").count()


@pytest.mark.slow
def test_pictures_load_from_the_folder_and_names_run_nothing(shown):
    assert visible_cards(shown) == 5
    widths = shown.eval_on_selector_all(".card img", "all => all.map(img => (img.loading = 'eager', img.naturalWidth))")
    shown.wait_for_function("[...document.querySelectorAll('.card img')].every(img => img.naturalWidth === 64)")
    assert len(widths) == 10
    assert shown.title().startswith("Match cuts")


@pytest.mark.slow
def test_filters_by_flavor_title_and_score_combine(shown):
    shown.get_by_text("Action match", exact=False).first.click()
    assert visible_cards(shown) == 2
    shown.get_by_text("All", exact=True).click()
    shown.select_option("select", index=2 if shown.locator("option").nth(1).inner_text() == "Film.mp4" else 1)
    assert visible_cards(shown) == 3
    shown.fill("input[name=score]", "0.5")
    assert visible_cards(shown) == 2
    assert "2 of 5 cuts" in shown.inner_text("#shown")
    shown.fill("input[name=score]", "1")
    assert shown.is_visible("text=Nothing passes these filters")
    shown.click("#reset")
    assert visible_cards(shown) == 5


@pytest.mark.slow
def test_the_keyboard_goes_from_card_to_card_and_compares(shown):
    focused = "document.activeElement.closest('.card').dataset.card"
    shown.keyboard.press("j")
    shown.keyboard.press("j")
    shown.keyboard.press("ArrowRight")
    shown.keyboard.press("k")
    assert shown.evaluate(focused) == "1"
    shown.keyboard.press("Enter")
    assert shown.is_visible("dialog[open]")
    assert "2. silhouettes overlap" in shown.inner_text("#big-words")
    shown.keyboard.press("j")
    assert "3. silhouettes overlap" in shown.inner_text("#big-words")
    shown.keyboard.press(" ")
    assert shown.get_attribute("#flip", "aria-pressed") == "true"
    shown.keyboard.press("Escape")
    assert not shown.is_visible("dialog[open]")
    # The browser tells of the close in a task of its own, some time after it: waited for, not asked once.
    shown.wait_for_function(f"{focused} === '2'")


@pytest.mark.slow
def test_focus_lays_both_frames_on_top_of_each_other(shown):
    shown.keyboard.press("j")
    shown.wait_for_timeout(500)
    lefts = shown.eval_on_selector_all(
        ".card:first-child .frame", "all => all.slice(0, 2).map(each => each.getBoundingClientRect().left)"
    )
    assert lefts[0] == pytest.approx(lefts[1], abs=1)


@pytest.mark.slow
def test_dark_and_light_follow_the_reader(shown):
    ground = "getComputedStyle(document.body).backgroundColor"
    shown.emulate_media(color_scheme="dark")
    dark = shown.evaluate(ground)
    shown.emulate_media(color_scheme="light")
    assert dark != shown.evaluate(ground)


@pytest.mark.slow
def test_of_thousands_of_candidates_only_those_in_view_are_laid_out(browser, tmp_path):
    some = [replace(candidate_of(rank % 15), rank=rank) for rank in range(1, 3001)]
    path = write(tmp_path, {"frame_match": some})
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    laid_out, last = page.evaluate(
        """async () => {
            const stages = [...document.querySelectorAll(".stage")];
            const inView = (stage) => stage.checkVisibility({contentVisibilityAuto: true});
            let most = 0;
            for (let i = 1; i <= 20; i++) {
                scrollTo(0, i * document.body.scrollHeight / 21);
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                most = Math.max(most, stages.filter(inView).length);
            }
            return [most, stages.filter(inView).at(-1).closest(".card").dataset.card];
        }"""
    )
    page.close()
    assert 4 <= laid_out < 100
    assert int(last) > 2000
