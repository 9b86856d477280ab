"""What a card of the page says of a candidate, and the sections of cards, one per flavor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from matchcut.candidate_page.contents import FlavorInfo, TitleInfo
from matchcut.candidate_page.files import OVERLAYS_NAME, PICTURES_NAME, PLAYED_NAME, FilesBeside
from matchcut.cue_words import labels
from matchcut.top_k import PAIR_SCORE_CUE, RANKING_CUES, Candidate, value_in_words, words

_NOTICED_DEMOTION = 0.005  # scores are shown with two digits


@dataclass(frozen=True)
class Side:
    """One half of a cut, as shown."""

    title: int
    name: str
    source: str
    timecode: str
    shot: int
    frame: int
    start_frame: int
    stop_frame: int
    picture: str
    overlay: str
    says: str


@dataclass(frozen=True)
class Cue:
    """A cue in words, with its value as text; the large view lists them."""

    words: str
    value: str


@dataclass(frozen=True)
class Card:
    """One candidate, as shown; `number` counts the cards of the page from 0, `played` is empty without a film."""

    number: int
    candidate: Candidate
    words: str
    a: Side
    b: Side
    cues: tuple[Cue, ...]
    played: str
    cut_seconds: float


@dataclass(frozen=True)
class Section:
    """The candidates of one flavor."""

    flavor: FlavorInfo
    cards: tuple[Card, ...]


def sections_of(
    candidates: Mapping[str, Sequence[Candidate]],
    flavors: Sequence[FlavorInfo],
    titles: Mapping[str, TitleInfo],
    beside: FilesBeside,
) -> list[Section]:
    """The cards of all flavors, in their order; a flavor without candidates has an empty section."""
    places = {title: place for place, title in enumerate(shown_titles(candidates, titles))}
    numbers = count()
    return [
        Section(
            flavor,
            tuple(
                _card(next(numbers), candidate, flavor, titles, places, beside)
                for candidate in candidates.get(flavor.name, ())
            ),
        )
        for flavor in flavors
    ]


def _card(
    number: int,
    candidate: Candidate,
    flavor: FlavorInfo,
    titles: Mapping[str, TitleInfo],
    places: Mapping[str, int],
    beside: FilesBeside,
) -> Card:
    a, b = _sides(candidate, titles, places, beside)
    place = candidate.flavor, candidate.rank
    film = beside.played.get(place)
    return Card(
        number,
        candidate,
        words(candidate, flavor.cues),
        a,
        b,
        tuple(_cues(candidate, flavor)),
        played=f"{PLAYED_NAME}/{film}" if film else "",
        cut_seconds=beside.cut_seconds.get(place, 0.0),
    )


def shown_titles(
    candidates: Mapping[str, Sequence[Candidate]], titles: Mapping[str, TitleInfo]
) -> dict[str, TitleInfo]:
    """Every title that the page can name, in the order of names."""
    named = {title for each in candidates.values() for c in each for title in (c.title_a, c.title_b)}
    shown = {title: titles.get(title, TitleInfo(name=title)) for title in {*titles, *named}}
    return dict(sorted(shown.items(), key=lambda item: (item[1].name.casefold(), item[0])))


def _sides(
    candidate: Candidate,
    titles: Mapping[str, TitleInfo],
    places: Mapping[str, int],
    beside: FilesBeside,
) -> Iterator[Side]:
    """A and B of a candidate."""
    for letter, says in (("a", "Last frame"), ("b", "First frame")):
        of: dict[str, Any] = {
            name: getattr(candidate, f"{name}_{letter}")
            for name in ("title", "timecode", "shot", "frame", "start_frame", "stop_frame")
        }
        title = of.pop("title")
        info = titles.get(title, TitleInfo(name=title))
        picture = beside.pictures.get((title, of["frame"]))
        overlay = beside.overlays.get((candidate.flavor, candidate.rank, letter))
        yield Side(
            title=places[title],
            name=info.name,
            source=info.source,
            picture=f"{PICTURES_NAME}/{picture}" if picture else "",
            overlay=f"{OVERLAYS_NAME}/{overlay}" if overlay else "",
            says=f"{says} of {info.name} at {of['timecode']}",
            **of,
        )


def _cues(candidate: Candidate, flavor: FlavorInfo) -> Iterator[Cue]:
    """Every cue that has words, the flavor's first; the score before demotion only where there was one."""
    demoted = candidate.cues.get(PAIR_SCORE_CUE, candidate.score) - candidate.score > _NOTICED_DEMOTION
    for name, label in labels({**flavor.cues, **RANKING_CUES}).items():
        if name in candidate.cues and (demoted or name != PAIR_SCORE_CUE):
            yield Cue(label, value_in_words(candidate.cues[name]))
