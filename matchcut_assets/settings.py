"""Settings: where things are and the parameters of every stage, from `matchcut.toml` in the home folder.

    [library]
    root = "/media/films"            # any fsspec URL; default: library/ in the home folder
    [store]
    root = "s3://bucket/matchcut"    # any fsspec URL; default: store/ in the home folder
    [dagster]
    executor = "multiprocess"        # default: in_process
    [ffmpeg]
    path = "/usr/bin/ffmpeg"         # default: the one that imageio-ffmpeg ships
    [shots]
    detector = "full"                # default: fast
    [delivery]
    played_on_page = 200             # cuts per flavor that the page plays; default: 25
    [top_k]
    max_uses_per_shot = 1            # the parameters of each stage, by the names in its dataclass
    [top_k.weights]
    place = 0.8                      # how much each cue of the ranking may take away

A parameter that changes results is part of its stage's version: changing it recomputes that stage and what
depends on it, and changing it back finds the old values.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from matchcut.deduplicated_shots import DeduplicatedShotsParameters
from matchcut.errors import MatchcutError
from matchcut.flavors import FLAVORS
from matchcut.pair_scores import PairScoreParameters
from matchcut.played_cut import PlayedCutParameters
from matchcut.repeats import RepeatsParameters
from matchcut.representations.flavor import Flavor
from matchcut.shot_embeddings import ShotEmbeddingsParameters
from matchcut.shots import DEFAULT_DETECTOR, DETECTORS, ShotDetector
from matchcut.standardized_encode import EncodeParameters
from matchcut.text_cards import TextCardsParameters
from matchcut.top_k import TopKParameters


@dataclass(frozen=True)
class Library:
    """`[library]`: where the videos are. Empty for the home folder's own."""

    root: str = ""


@dataclass(frozen=True)
class Store:
    """`[store]`: where features are kept. Empty for the home folder's own."""

    root: str = ""


@dataclass(frozen=True)
class DagsterOptions:
    """`[dagster]`: how runs that the UI or a sensor starts are executed."""

    executor: Literal["in_process", "multiprocess"] = "in_process"


@dataclass(frozen=True)
class FfmpegOptions:
    """`[ffmpeg]`: which ffmpeg. Empty for the one that imageio-ffmpeg ships."""

    path: str = ""


@dataclass(frozen=True)
class ShotOptions:
    """`[shots]`: which detector; its own parameters are in a section of its name."""

    detector: str = DEFAULT_DETECTOR

    def __post_init__(self) -> None:
        if self.detector not in DETECTORS:
            raise ValueError(f"detector must be one of {sorted(DETECTORS)}, got {self.detector!r}")


@dataclass(frozen=True)
class DeliveryOptions:
    """`[delivery]`: how much is played. None of this changes what a played cut or a timeline holds.

    Attributes:
        played_per_title: cuts of each flavor that are made with a title's list.
        played_on_page: cuts of each flavor that the library's page plays.
        played_megabytes: what all played cuts may take in the store; those not asked for longest go first.
    """

    played_per_title: int = 2
    played_on_page: int = 25
    played_megabytes: int = 4000

    def __post_init__(self) -> None:
        if min(self.played_per_title, self.played_on_page, self.played_megabytes) < 0:
            raise ValueError(f"played_per_title, played_on_page and played_megabytes must be at least 0, got {self}")


@dataclass(frozen=True)
class Settings:
    """Everything that can be set; the defaults are what the benchmarks measure."""

    library: Library = Library()
    store: Store = Store()
    dagster: DagsterOptions = DagsterOptions()
    ffmpeg: FfmpegOptions = FfmpegOptions()
    standardized_encode: EncodeParameters = EncodeParameters()
    shots: ShotOptions = ShotOptions()
    shot_embeddings: ShotEmbeddingsParameters = ShotEmbeddingsParameters()
    text_cards: TextCardsParameters = TextCardsParameters()
    deduplicated_shots: DeduplicatedShotsParameters = DeduplicatedShotsParameters()
    repeats: RepeatsParameters = RepeatsParameters()
    pair_scores: PairScoreParameters = PairScoreParameters()
    top_k: TopKParameters = TopKParameters()
    played_cut: PlayedCutParameters = PlayedCutParameters()
    delivery: DeliveryOptions = DeliveryOptions()
    detectors: Mapping[str, ShotDetector] = field(default_factory=lambda: dict(DETECTORS))
    flavors: tuple[Flavor, ...] = FLAVORS

    @property
    def detector(self) -> ShotDetector:
        """The chosen shot detector with its parameters."""
        return self.detectors[self.shots.detector]


def load_settings(path: Path) -> Settings:
    """Read settings; a missing file gives the defaults.

    Raises:
        MatchcutError: no valid TOML, or a section, name or value that does not exist; the message lists what does.
    """
    if not path.exists():
        return Settings()
    try:
        return settings_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise MatchcutError(f"{path}: {error}. Correct the file, or remove it to use the defaults.") from error


def settings_of(sections: Mapping[str, Any]) -> Settings:
    """Settings from the sections of a TOML file.

    Raises:
        ValueError: a section, name or value that does not exist.
    """
    settings = Settings()
    plain = {f.name for f in fields(Settings) if is_dataclass(getattr(settings, f.name))}
    known = plain | settings.detectors.keys() | {flavor.name for flavor in settings.flavors}
    unknown = sections.keys() - known
    if unknown:
        raise ValueError(f"there is no section {sorted(unknown)}; sections are {sorted(known)}")

    def changed(name: str, default: Any) -> Any:
        return _validated(name, default, sections[name]) if name in sections else default

    return replace(
        settings,
        **{name: changed(name, getattr(settings, name)) for name in plain},
        detectors={
            name: _with_parameters(detector, changed(name, detector.parameters))
            for name, detector in settings.detectors.items()
        },
        flavors=tuple(_with_parameters(flavor, changed(flavor.name, flavor.parameters)) for flavor in settings.flavors),
    )


def _with_parameters(stage: Any, parameters: Any) -> Any:
    """A detector or flavor with other parameters; their protocols do not say that they are dataclasses."""
    return replace(stage, parameters=parameters)


def _refuse_unknown(section: str, default: Any, values: Any) -> None:
    """Raise for names that the section, or a table in it, does not have; pydantic would ignore those in a table."""
    names = {f.name for f in fields(default)}
    if not isinstance(values, dict) or values.keys() - names:
        wrong = sorted(values.keys() - names) if isinstance(values, dict) else values
        raise ValueError(f"[{section}] has no {wrong}; it has {sorted(names)}")
    for name, value in values.items():
        if is_dataclass(getattr(default, name)):
            _refuse_unknown(f"{section}.{name}", getattr(default, name), value)


def _validated(section: str, default: Any, values: Any) -> Any:
    _refuse_unknown(section, default, values)
    try:
        return TypeAdapter(type(default)).validate_python(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise ValueError(f"[{section}] {name}: {problem['msg']}, got {problem['input']!r}") from error
