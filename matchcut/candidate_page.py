"""The page that an editor sees first: a library's candidates by flavor, each of them played as the cut that it is.

A folder that needs no server and no network: `index.html` with everything in it, and the pictures, played cuts and
drawings beside it, which are loaded when they are looked at. It opens by a double click, can be sent as an
archive, and shows text as text whatever a file is called: titles reach the page through autoescaping and as JSON
whose `<` is escaped, and a content security policy allows the page's own script alone.
"""

import base64
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matchcut.errors import FeatureStoreError
from matchcut.pictures import boxed_frames, encode_jpeg
from matchcut.proxy import Proxy
from matchcut.top_k import (
    PAIR_SCORE_CUE,
    RANKING_CUES,
    Candidate,
    value_in_words,
    words,
)

PAGE_NAME = "index.html"
PICTURES_NAME = "pictures"
PLAYED_NAME = "cuts"
OVERLAYS_NAME = "overlays"
ALGORITHM = "4"  # changes when the same candidates give another page
PICTURE_ALGORITHM = "1"  # changes when the same frame gives another picture

_JPEG_QUALITY = 80
_NOTICED_DEMOTION = 0.005  # scores are shown with two digits


@dataclass(frozen=True)
class TitleInfo:
    """What the page says of a title.

    Attributes:
        name: as people know it; shown as text.
        source: where the file is, for finding it again; empty where unknown.
        picture_key: changes whenever the proxy does, e.g. the digest and version of the stored encode.
            Pictures of the same key are not made again; empty: they always are.
    """

    name: str
    source: str = ""
    picture_key: str = ""


@dataclass(frozen=True)
class PlayedCut:
    """A candidate as a film.

    Attributes:
        path: of an MP4 that `played_cut.play_cut` wrote.
        key: changes whenever the film does; what the page's copy is called by.
        cut_seconds: when B begins.
    """

    path: Path
    key: str
    cut_seconds: float


@dataclass(frozen=True)
class Extras:
    """What candidates have beside their two frames, by (flavor, rank).

    Attributes:
        played: the films; a candidate without one shows its frames alone.
        overlays: SVG drawings for A and B, None where there is nothing to draw.
    """

    played: Mapping[tuple[str, int], PlayedCut] = field(default_factory=dict)
    overlays: Mapping[tuple[str, int], tuple[str | None, str | None]] = field(default_factory=dict)


NO_EXTRAS = Extras()


@dataclass(frozen=True)
class FlavorInfo:
    """What the page says of a flavor.

    Attributes:
        name: as in `Candidate.flavor`.
        title: as people read it.
        description: half a sentence beside the title.
        cues: name of a cue to the words an editor reads.
    """

    name: str
    title: str
    description: str
    cues: Mapping[str, str]


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


def write_page(
    folder: Path,
    candidates: Mapping[str, Sequence[Candidate]],
    *,
    flavors: Sequence[FlavorInfo],
    titles: Mapping[str, TitleInfo],
    proxies: Mapping[str, Proxy],
    extras: Extras = NO_EXTRAS,
    library: str = "",
    picture_width: int = 640,
    keep_stale_seconds: float = 600.0,
) -> Path:
    """Write the page of a library, or bring it up to date.

    Pictures and films are written first and `index.html` is replaced last, at once: whoever has the page open, or opens
    it meanwhile, sees the old one or the new one.

    Args:
        folder: created where it does not exist. Other files in it are left alone.
        candidates: by flavor, best first.
        flavors: in the order of the page; every flavor in `candidates` must be among them.
        titles: every title of the library; one that a candidate names and that is missing shows its key.
        proxies: where frames are read; a title without one has cards without pictures.
        extras: films and drawings of the candidates.
        library: the library's name, shown as text.
        picture_width: pixels of a picture, which is 16:9.
        keep_stale_seconds: pictures and films that the page no longer shows are removed when they are older, so that
            two writers at once do not remove each other's.

    Returns:
        The path of `index.html`.

    Raises:
        ValueError: candidates of a flavor that is not described.
        FeatureStoreError: the folder cannot be written.
    """
    unknown = sorted(set(candidates) - {flavor.name for flavor in flavors})
    if unknown:
        raise ValueError(f"candidates of flavors {unknown}, described are {[each.name for each in flavors]}")
    try:
        (folder / PICTURES_NAME).mkdir(parents=True, exist_ok=True)
        pictures = _write_pictures(folder / PICTURES_NAME, candidates, titles, proxies, picture_width)
        beside = _Beside(folder, pictures, *_write_extras(folder, extras))
        page = _render(_sections(candidates, flavors, titles, beside), titles, library, picture_width)
        # A file name may hold bytes that are no UTF-8; they are shown as "?".
        _write_whole(folder / PAGE_NAME, page.encode("utf-8", errors="replace"))
        _remove_stale(folder / PICTURES_NAME, set(pictures.values()), keep_stale_seconds)
        _remove_stale(folder / PLAYED_NAME, set(beside.played.values()), keep_stale_seconds)
        _remove_stale(folder / OVERLAYS_NAME, set(beside.overlays.values()), keep_stale_seconds)
    except OSError as error:
        raise FeatureStoreError(
            f"{folder}: the candidate page cannot be written: {error}. Free space or choose another folder; "
            "the page that was there is unchanged."
        ) from error
    return folder / PAGE_NAME


@dataclass(frozen=True)
class _Beside:
    """Names of the files beside the page: by (title, frame), by (flavor, rank), by (flavor, rank, side)."""

    folder: Path
    pictures: Mapping[tuple[str, int], str]
    played: Mapping[tuple[str, int], str]
    overlays: Mapping[tuple[str, int, str], str]
    cut_seconds: Mapping[tuple[str, int], float]


def _write_extras(
    folder: Path, extras: Extras
) -> tuple[dict[tuple[str, int], str], dict[tuple[str, int, str], str], dict[tuple[str, int], float]]:
    """Write films and drawings that are not there yet; the last three fields of `_Beside`."""
    (folder / PLAYED_NAME).mkdir(exist_ok=True)
    (folder / OVERLAYS_NAME).mkdir(exist_ok=True)
    played = {}
    for place, film in extras.played.items():
        name = played[place] = f"{hashlib.sha256(film.key.encode()).hexdigest()[:24]}.mp4"
        if not _touch(folder / PLAYED_NAME / name):
            _copy_whole(film.path, folder / PLAYED_NAME / name)
    overlays = {}
    for (flavor, rank), drawings in extras.overlays.items():
        for letter, drawing in zip("ab", drawings, strict=True):
            if drawing is not None:
                name = f"{hashlib.sha256(drawing.encode()).hexdigest()[:24]}.svg"
                overlays[flavor, rank, letter] = name
                if not _touch(folder / OVERLAYS_NAME / name):
                    _write_whole(folder / OVERLAYS_NAME / name, drawing.encode())
    return played, overlays, {place: film.cut_seconds for place, film in extras.played.items()}


def _write_pictures(
    folder: Path,
    candidates: Mapping[str, Sequence[Candidate]],
    titles: Mapping[str, TitleInfo],
    proxies: Mapping[str, Proxy],
    width: int,
) -> dict[tuple[str, int], str]:
    """Write the pictures that are not there yet; file names by (title, frame)."""
    names: dict[tuple[str, int], str] = {}
    for title, frames in sorted(_frames_by_title(candidates).items()):
        if title not in proxies:
            continue
        key = titles[title].picture_key if title in titles else ""
        here = {frame: _picture_name(title, key, frame, width) for frame in frames}
        missing = [frame for frame, name in here.items() if not (key and _touch(folder / name))]
        for frame, picture in boxed_frames(proxies[title], missing, width=width):
            _write_whole(folder / here[frame], encode_jpeg(picture, _JPEG_QUALITY))
        names |= {(title, frame): name for frame, name in here.items()}
    return names


def _frames_by_title(candidates: Mapping[str, Sequence[Candidate]]) -> dict[str, list[int]]:
    """The frames to show of each title, ascending, each once."""
    wanted = {
        side
        for several in candidates.values()
        for each in several
        for side in ((each.title_a, each.frame_a), (each.title_b, each.frame_b))
    }
    frames: dict[str, list[int]] = {}
    for title, frame in sorted(wanted):
        frames.setdefault(title, []).append(frame)
    return frames


def _picture_name(title: str, key: str, frame: int, width: int) -> str:
    """A name that is safe whatever the title is called, and another one for another picture."""
    recipe = json.dumps([PICTURE_ALGORITHM, key or title, frame, width, _JPEG_QUALITY])
    return f"{hashlib.sha256(recipe.encode()).hexdigest()[:24]}.jpg"


def _touch(path: Path) -> bool:
    """Whether a file is there; if so it is young again, and no other writer removes it as stale."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name never stands for half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy_whole(source: Path, path: Path) -> None:
    """Copy a file so that its name never stands for half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _remove_stale(folder: Path, shown: set[str], keep_seconds: float) -> None:
    """Remove this page's files that it does not show any more, and what crashed writers left."""
    newest_removed = time.time() - keep_seconds
    for pattern in ("*.jpg", "*.mp4", "*.svg", ".*.partial"):
        for path in folder.glob(pattern):
            if path.name not in shown and path.stat().st_mtime <= newest_removed:
                path.unlink(missing_ok=True)


def _sections(
    candidates: Mapping[str, Sequence[Candidate]],
    flavors: Sequence[FlavorInfo],
    titles: Mapping[str, TitleInfo],
    beside: _Beside,
) -> list[Section]:
    places = {title: place for place, title in enumerate(_shown_titles(candidates, titles))}
    sections: list[Section] = []
    number = 0
    for flavor in flavors:
        cards = []
        for candidate in candidates.get(flavor.name, ()):
            a, b = _sides(candidate, titles, places, beside)
            place = candidate.flavor, candidate.rank
            film = beside.played.get(place)
            cards.append(
                Card(
                    number,
                    candidate,
                    words(candidate, flavor.cues),
                    a,
                    b,
                    tuple(_cues(candidate, flavor)),
                    played=f"{PLAYED_NAME}/{film}" if film else "",
                    cut_seconds=beside.cut_seconds.get(place, 0.0),
                )
            )
            number += 1
        sections.append(Section(flavor, tuple(cards)))
    return sections


def _shown_titles(
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
    beside: _Beside,
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
    for name, text in {**flavor.cues, **RANKING_CUES}.items():
        if name in candidate.cues and (demoted or name != PAIR_SCORE_CUE):
            yield Cue(text, value_in_words(candidate.cues[name]))


def _render(sections: Sequence[Section], titles: Mapping[str, TitleInfo], library: str, picture_width: int) -> str:
    """The page as text."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("matchcut"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_own_text(environment, f"candidate_page.{kind}") for kind in ("css", "js"))
    candidates = {section.flavor.name: [card.candidate for card in section.cards] for section in sections}
    cards = [card for section in sections for card in section.cards]
    return environment.get_template("candidate_page.html").render(
        library=library,
        titles=list(_shown_titles(candidates, titles).values()),
        sections=sections,
        total=len(cards),
        width=picture_width,
        height=round(picture_width * 9 / 16),
        data=[_card_data(card) for card in cards],
        style=style,
        script=script,
        script_hash=_script_hash(str(script)),
        counted=_counted,
    )


def _own_text(environment: Any, name: str) -> Any:
    """A file of this package, which is written into the page as it is."""
    import markupsafe

    return markupsafe.Markup(environment.loader.get_source(environment, name)[0])


def _script_hash(script: str) -> str:
    """What the page's content security policy calls the one script that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _card_data(card: Card) -> dict[str, Any]:
    """What the page's script needs for one candidate."""
    return {
        "rank": card.candidate.rank,
        "words": card.words,
        "a": asdict(card.a),
        "b": asdict(card.b),
        "cues": [asdict(cue) for cue in card.cues],
        "played": card.played,
        "cutSeconds": card.cut_seconds,
    }


def _counted(number: int, noun: str) -> str:
    """`"1 title"`, `"3 titles"`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
