"""Writing the page: one HTML file from a template, put in place when all that it shows lies beside it."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matchcut.candidate_page.cards import Card, Section, sections_of, shown_titles
from matchcut.candidate_page.contents import NO_EXTRAS, Extras, FlavorInfo, TitleInfo
from matchcut.candidate_page.files import FilesBeside, write_whole
from matchcut.errors import FeatureStoreError
from matchcut.proxy import Proxy
from matchcut.top_k import Candidate

PAGE_NAME = "index.html"


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
        beside = FilesBeside.write(folder, candidates, titles, proxies, extras, picture_width=picture_width)
        page = _render(sections_of(candidates, flavors, titles, beside), titles, library, picture_width)
        # A file name may hold bytes that are no UTF-8; they are shown as "?".
        write_whole(folder / PAGE_NAME, page.encode("utf-8", errors="replace"))
        beside.remove_stale(keep_stale_seconds)
    except OSError as error:
        raise FeatureStoreError(
            f"{folder}: the candidate page cannot be written: {error}. Free space or choose another folder; "
            "the page that was there is unchanged."
        ) from error
    return folder / PAGE_NAME


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
        titles=list(shown_titles(candidates, titles).values()),
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
