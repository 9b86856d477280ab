from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from matchcut.text_cards import WEIGHTS, TextCards, TextCardsParameters, even_share, find_text_cards, words_share
from resources.model_weights import ModelWeights
from tests.clips import Shot, draw, make_proxy
from tests.shot_tables import shot_table

SIZE = (640, 360)
SHOT_FRAMES = 6
CREDITS = ["Directed by", "A. N. Author", "Produced by", "Some Body Else", "Music", "No One", "Edited by", "The Editor"]


def card(lines: list[str], ground: int = 0, ink: int = 255) -> np.ndarray:
    picture = np.full((SIZE[1], SIZE[0], 3), ground, np.uint8)
    for number, line in enumerate(lines):
        place = (140, 180 + 40 * number - 20 * len(lines))
        cv2.putText(picture, line, place, cv2.FONT_HERSHEY_SIMPLEX, 1.0, (ink, ink, ink), 2, cv2.LINE_AA)
    return picture


@pytest.fixture(scope="module")
def weights() -> dict[str, Path]:
    return ModelWeights().paths(WEIGHTS)


def found(folder: Path, weights: dict[str, Path], *pictures: np.ndarray) -> TextCards:
    frames = [picture for picture in pictures for _ in range(SHOT_FRAMES)]
    shots = shot_table([SHOT_FRAMES] * len(pictures))
    return find_text_cards(make_proxy(folder, frames), shots, weights)


def texture() -> np.ndarray:
    return next(iter(draw([Shot(1, seed=3)], SIZE)))


def test_cards_and_credits_are_found_and_told_apart(tmp_path, weights):
    told = found(tmp_path, weights, card(["PART ONE"]), card(CREDITS), card(["The End"], ground=230, ink=20))
    assert told.is_card.all()
    assert told.is_credits.tolist() == [False, True, False]
    assert told.lines[0] == 1


def test_pictures_and_plain_grounds_are_no_cards(tmp_path, weights):
    blank = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    disc = cv2.circle(np.zeros_like(blank), (320, 180), 130, (200, 180, 160), -1)
    told = found(tmp_path, weights, texture(), blank, np.zeros_like(blank), disc)
    assert told.lines.tolist() == [0, 0, 0, 0]


def test_words_over_a_picture_make_no_card(tmp_path, weights):
    picture = texture().copy()
    cv2.putText(picture, "THREE YEARS LATER", (60, 190), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (255, 255, 255), 4, cv2.LINE_AA)
    assert found(tmp_path, weights, picture).lines.tolist() == [0]


def written(picture: np.ndarray, words: list[str], height: float, top: int) -> np.ndarray:
    """Words in white with a black edge, as high as the given pixels, over a picture."""
    over, font = Image.fromarray(picture), ImageFont.load_default(size=height)
    for number, line in enumerate(words):
        place = (40, top + 1.2 * number * height)
        ImageDraw.Draw(over).text(place, line, font=font, fill="white", stroke_width=2, stroke_fill="black")
    return np.asarray(over)


def test_big_words_are_what_is_seen_and_subtitles_and_captions_are_not(tmp_path, weights):
    ground = cv2.GaussianBlur(texture(), (0, 0), 6)
    told = found(
        tmp_path,
        weights,
        written(ground, ["THE FUTURE", "IS LAUNCHED"], 80, 70),
        written(ground, ["and this is what she says to him", "on the way to the station"], 20, 290),
        written(ground, ["News"], 24, 20),
        ground,
    )
    assert told.is_written_over.tolist() == [True, False, False, False]
    assert not told.is_card.any()
    assert told.words_share[0] > 0.2
    assert told.words_share[1:].tolist() == [0, 0, 0]


def emblem(x: int, words: str) -> np.ndarray:
    """A bright disc on black, with words on it."""
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    cv2.circle(picture, (x, 180), 110, (90, 120, 170), -1, cv2.LINE_AA)
    cv2.putText(picture, words, (x - 90, 195), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (255, 255, 255), 5, cv2.LINE_AA)
    return picture


def test_a_logo_on_an_even_ground_is_a_card_and_a_thing_without_letters_or_at_the_edge_is_none(tmp_path, weights):
    told = found(tmp_path, weights, emblem(320, "LUMEN"), emblem(320, ""), emblem(90, "LUMEN"))
    assert told.is_card.tolist() == [True, False, False]


def test_a_logo_that_comes_up_out_of_the_dark_is_a_card_and_a_light_is_none(tmp_path, weights):
    def comes_up(name: str, end: np.ndarray) -> TextCards:
        dark = np.zeros_like(end)
        spark = cv2.circle(dark.copy(), (300, 190), 6, (255, 255, 255), -1)
        proxy = make_proxy(tmp_path / name, [dark, spark, spark, spark, spark, end, end])
        return find_text_cards(proxy, shot_table([7]), weights)

    assert comes_up("logo", emblem(320, "LUMEN")).is_card.tolist() == [True]
    assert comes_up("light", emblem(320, "")).is_card.tolist() == [False]
    assert comes_up("scene", texture()).is_card.tolist() == [False]


def test_a_title_of_two_lines_over_a_picture_is_what_is_seen(tmp_path, weights):
    ground = cv2.GaussianBlur(texture(), (0, 0), 6)
    title = written(written(ground, ["A NEW STATION"], 42, 120), ["OPENS TODAY"], 52, 180)
    assert found(tmp_path, weights, title).is_written_over.tolist() == [True]


def test_marks_without_edges_are_lights_and_no_letters():
    picture = np.full((288, 512, 3), 90, np.uint8)
    cv2.circle(picture, (250, 140), 30, (220, 220, 220), -1)
    lights = cv2.GaussianBlur(picture, (0, 0), 9)
    mark = [(210, 120, 290, 160)]
    assert words_share(lights, mark) == 0
    words = written(picture, ["HOME"], 60, 110)
    assert words_share(words, [(40, 120, 200, 160)]) > 0.05
    assert words_share(words, [(40, 100, 200, 180)]) == 0  # no letters are as high as that


def test_a_table_survives_storing(tmp_path):
    none = np.zeros(3, bool)
    cards = TextCards(np.array([0, 1, 9]), np.array([False, False, True]), np.float32([0.5, 0, 0]), ~none)
    cards.save(tmp_path)
    loaded = TextCards.load(tmp_path)
    assert loaded.lines.tolist() == [0, 1, 9]
    assert loaded.is_credits.tolist() == [False, False, True]
    assert loaded.words_share.tolist() == [0.5, 0, 0]
    assert loaded.is_written_over.all()


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="1 and 2 rows do not belong together"):
        TextCards(np.zeros(2, np.int64), np.zeros(1, bool), np.zeros(2, np.float32), np.zeros(2, bool))


@pytest.mark.parametrize(
    "name",
    ["even_share", "text_probability", "tallest_line", "logo_share", "tall_line", "tallest_words", "words_share"],
)
def test_shares_that_are_none_are_refused(name):
    with pytest.raises(ValueError, match=name):
        TextCardsParameters(**{name: 1.5})


def test_the_even_share_is_that_of_the_pixels_near_the_median():
    assert even_share(np.array([10.0, 11, 12, 90]), 5) == 0.75
    assert even_share(np.zeros(0), 5) == 0
