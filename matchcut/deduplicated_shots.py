"""Which shots show what an earlier one showed, and which have nothing to show.

Method: of every two shots it is known how likely they show the same set-up (`near_duplicates`). Groups grow by average
linkage (Sokal and Michener 1958): the two groups whose shots are most similar on average, in log odds, are joined,
until no two reach `same_setup`. Unlike single linkage, one shot that resembles two set-ups does not make them one. The
earliest shot of a group is kept. Shots that are too short, black, blank, blurred, text or under big words are marked
before that: they join no group and are not kept. Nothing is removed, and every index stays what it was.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from matchcut.errors import BadVideoError
from matchcut.near_duplicates.comparison import compare
from matchcut.near_duplicates.model import NearDuplicateModel, load_model, log_odds_of
from matchcut.representations.flavor import UsableShots
from matchcut.shot_embeddings import BLANK_CONTRAST, ShotEmbeddings
from matchcut.shots.table import ShotTable
from matchcut.text_cards import TextCards

ALGORITHM = "2"
TABLE_NAME = "deduplicated_shots.parquet"
TOO_SHORT, BLACK, BLANK, BLURRED = "too short", "black", "blank", "blurred"
CREDITS, TEXT_CARD, WRITTEN_OVER = "credits", "text card", "words over the picture"
ALONE = -1


@dataclass(frozen=True)
class DeduplicatedShotsParameters:
    """What decides.

    Attributes:
        same_setup: chance from which two groups of shots show the same set-up; the model's own, even odds.
        min_seconds: a shot whose usable range is shorter is marked. Chosen, not measured: seven frames of film, less
            than a viewer needs to see what a cut matches; flashes and doubtful boundaries leave such shots behind.
        blank_contrast: a frame is blank where the standard deviation of its brightness is smaller, in levels of 255.
            See `shot_embeddings.BLANK_CONTRAST`.
        black_luma: a blank frame is black where its average brightness is smaller, in levels of 255. Chosen: the black
            frames of eight films had up to 5; it only decides which of the two words is told.
        least_sharpness: a shot none of whose frames reaches it is blurred out: see `ShotEmbeddings.sharpness`. Of the
            shots of seven films the softest reaches 3.8; a photo blurred over a twentieth of its width has 1.2.
    """

    same_setup: float = 0.5
    min_seconds: float = 0.3
    blank_contrast: float = BLANK_CONTRAST
    black_luma: float = 20.0
    least_sharpness: float = 1.5

    def __post_init__(self) -> None:
        if not 0 < self.same_setup < 1:
            raise ValueError(f"same_setup is a chance in (0, 1), got {self.same_setup}")
        for name in ("min_seconds", "blank_contrast", "black_luma", "least_sharpness"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")


DEFAULTS = DeduplicatedShotsParameters()


@dataclass(frozen=True)
class DeduplicatedShots:
    """What became of each shot of the title's `ShotTable`; row *i* is shot *i*.

    Attributes:
        group: int64 (N,), groups of near-duplicates, numbered from 0 in the order of their first shots; -1 for a shot
            that stands alone.
        kept: bool (N,), whether later stages look at the shot.
        similarity: float32 (N,), the chance that the shot and the kept one of its group show the same, in [0, 1]; 1
            for a kept shot, NaN for a marked one.
        reason: str (N,), why a shot is not kept: "near-duplicate of shot 3", "too short", "black", "blank",
            "blurred", "credits", "text card" or "words over the picture"; "" when it is kept.
    """

    group: np.ndarray
    kept: np.ndarray
    similarity: np.ndarray
    reason: np.ndarray

    def __post_init__(self) -> None:
        """Refuse columns of different length, and shots that are kept for no reason or left out without one."""
        lengths = {name: len(column) for name, column in vars(self).items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"columns must have one row per shot, got {lengths}")
        contradiction = self.kept != (self.reason == "")
        if contradiction.any():
            shots = np.flatnonzero(contradiction).tolist()
            raise ValueError(f"shots {shots}: a shot is kept, or has a reason why it is not")

    def __len__(self) -> int:
        return len(self.group)

    def repeats(self) -> list[tuple[int, int, float]]:
        """Every shot of a group with every other: both, and the lesser of their similarities to the kept one."""
        numbers = range(int(self.group.max(initial=ALONE)) + 1)
        members = [np.flatnonzero(self.group == number).tolist() for number in numbers]
        return [
            (one, other, float(min(self.similarity[one], self.similarity[other])))
            for shots in members
            for one in shots
            for other in shots
            if one != other
        ]

    def to_arrow(self) -> pa.Table:
        """One row per shot, with the shot's index as first column."""
        return pa.table({"shot": np.arange(len(self), dtype=np.int64), **vars(self)})

    def save(self, folder: Path) -> None:
        """Write `deduplicated_shots.parquet`."""
        pq.write_table(self.to_arrow(), folder / TABLE_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        table = pq.read_table(folder / TABLE_NAME)
        return cls(**{name: table[name].to_numpy() for name in table.column_names if name != "shot"})


def deduplicate(
    shots: ShotTable,
    embeddings: ShotEmbeddings,
    cards: TextCards,
    seconds: np.ndarray,
    parameters: DeduplicatedShotsParameters = DEFAULTS,
    model: NearDuplicateModel | None = None,
) -> DeduplicatedShots:
    """Mark the shots with nothing to show, group the others, keep the earliest of each group.

    Args:
        shots: the title's shots.
        embeddings: of the same shots.
        cards: which of the same shots are text.
        seconds: float64 (num_frames,), when each frame is shown (`Proxy.seconds`).
        parameters: what decides.
        model: of near-duplicates; None for the one that the package carries.

    Returns:
        One row per shot.

    Raises:
        ValueError: the embeddings, cards or time stamps belong to other shots.
    """
    _refuse_other_title(shots, embeddings, cards, seconds)
    reason = _marks(shots, embeddings, cards, seconds, parameters)
    usable = np.flatnonzero(reason == "")
    chance = compare(embeddings, embeddings, model or load_model(), parameters.blank_contrast).chance
    first = np.arange(len(shots))
    first[usable] = usable[
        average_linkage(log_odds_of(chance[np.ix_(usable, usable)]), float(log_odds_of(parameters.same_setup)))
    ]
    return _told(reason, first, chance)


def usable_shots(shots: ShotTable, deduplicated: DeduplicatedShots) -> UsableShots:
    """The kept shots, without their transitions."""
    kept = np.flatnonzero(deduplicated.kept)
    return UsableShots(kept, shots.usable_start_frame[kept], shots.usable_stop_frame[kept])


def require_usable(title: str, deduplicated: DeduplicatedShots) -> None:
    """Refuse a title in which nothing can be matched.

    Raises:
        BadVideoError: no shot is kept; the message counts what was found instead.
    """
    if deduplicated.kept.any():
        return
    counts = ", ".join(f"{np.sum(deduplicated.reason == reason)} {reason}" for reason in np.unique(deduplicated.reason))
    total = f"{len(deduplicated)} shot{'s' if len(deduplicated) > 1 else ''}"
    raise BadVideoError(
        f"{title}: nothing in it can be matched. It has {total}: {counts}. Is it the right file? If it is, take it out "
        "of the library; if its shots are short on purpose, lower `min_seconds` in the settings."
    )


def average_linkage(alike: np.ndarray, threshold: float) -> np.ndarray:
    """Join the two most similar groups, by the average over their pairs, until none reaches the threshold.

    Args:
        alike: float (N, N), symmetric similarities; the diagonal is not read.
        threshold: groups are joined when they are this similar or more.

    Returns:
        int64 (N,), for each item the smallest index in its group.
    """
    first = np.arange(len(alike))
    if len(alike) < 2:
        return first
    average = alike.astype(np.float64)
    np.fill_diagonal(average, -np.inf)
    size = np.ones(len(alike))
    nearest = average.argmax(axis=1)
    best = average.max(axis=1)
    while best.max() >= threshold:
        row = int(best.argmax())
        i, j = sorted((row, int(nearest[row])))
        _join(average, size, i, j)
        first[first == j] = i
        # An average is never above both its parts, so that only rows whose nearest was i or j have another one now.
        stale = np.flatnonzero(np.isin(nearest, (i, j)) | np.isin(np.arange(len(best)), (i, j)))
        nearest[stale] = average[stale].argmax(axis=1)
        best[stale] = average[stale].max(axis=1)
    return first


def _join(average: np.ndarray, size: np.ndarray, i: int, j: int) -> None:
    """Group j becomes a part of group i, in place."""
    merged = (size[i] * average[i] + size[j] * average[j]) / (size[i] + size[j])
    merged[i] = -np.inf
    average[i], average[:, i] = merged, merged
    average[j], average[:, j] = -np.inf, -np.inf
    size[i] += size[j]


def _refuse_other_title(shots: ShotTable, embeddings: ShotEmbeddings, cards: TextCards, seconds: np.ndarray) -> None:
    if len(embeddings) != len(shots):
        raise ValueError(f"{len(embeddings)} embeddings for {len(shots)} shots: materialize `shot_embeddings` again")
    if len(cards) != len(shots):
        raise ValueError(f"{len(cards)} rows of text cards for {len(shots)} shots: materialize `text_cards` again")
    if len(seconds) != shots.num_frames:
        raise ValueError(f"{len(seconds)} time stamps for {shots.num_frames} frames: materialize `shots` again")


def _marks(
    shots: ShotTable,
    embeddings: ShotEmbeddings,
    cards: TextCards,
    seconds: np.ndarray,
    parameters: DeduplicatedShotsParameters,
) -> np.ndarray:
    """object (N,), why a shot has nothing to show; "" where it has."""
    is_blank = embeddings.luma_std < parameters.blank_contrast
    is_black = is_blank & (embeddings.luma_mean < parameters.black_luma)
    # Time stamps are floats here: a shot of exactly the least duration stays.
    is_short = usable_seconds(shots, seconds) < parameters.min_seconds - 1e-6
    # A card that fades in and out is black at both ends, and nearly black in the middle where it says little.
    found = {
        CREDITS: cards.is_credits,
        TEXT_CARD: cards.is_card,
        BLACK: embeddings.throughout(is_black),
        BLANK: embeddings.throughout(is_blank),
        BLURRED: embeddings.throughout(embeddings.sharpness < parameters.least_sharpness),
        TOO_SHORT: is_short,
        WRITTEN_OVER: cards.is_written_over,
    }
    return np.select(list(found.values()), list(found), default="").astype(object)


def usable_seconds(shots: ShotTable, seconds: np.ndarray) -> np.ndarray:
    """float64 (N,), how long each shot is without its transitions; the last frame lasts as long as the one before."""
    last = seconds[-1] - seconds[-2] if len(seconds) > 1 else 0.0
    shown_until = np.append(seconds, seconds[-1] + last)
    duration: np.ndarray = shown_until[shots.usable_stop_frame] - shown_until[shots.usable_start_frame]
    return duration


def _told(reason: np.ndarray, first: np.ndarray, alike: np.ndarray) -> DeduplicatedShots:
    """The table, from the marks, the earliest shot of each shot's group, and the similarities."""
    index = np.arange(len(first))
    leaders, members = np.unique(first, return_counts=True)
    number = {int(leader): n for n, leader in enumerate(leaders[members > 1])}
    group = np.array([number.get(int(leader), ALONE) for leader in first], dtype=np.int64)
    repeats = first != index
    told = reason.copy()
    told[repeats] = [f"near-duplicate of shot {leader}" for leader in first[repeats]]
    kept = np.asarray(told == "", dtype=bool)
    to_kept = np.where(kept, np.float32(1.0), alike[index, first])
    return DeduplicatedShots(group, kept, np.where(reason == "", to_kept, np.float32(np.nan)), told)
