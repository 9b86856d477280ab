"""What the page is told: titles, flavors, and what candidates have beside their two frames."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from matchcut.cue_words import CueWords


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
        cues: name of a cue to the words an editor reads, in the order of telling.
    """

    name: str
    title: str
    description: str
    cues: Mapping[str, CueWords]
