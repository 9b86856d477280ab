"""Fades through black, found in the picture's brightness alone.

Every run of black frames between visible ones is a change of shot, except short ones with the same picture before
and after: a dropped frame, a blink of the light. How far the fade reaches is followed outwards from the black run as
long as the picture gets brighter (the classic monochrome-frame detector: Lienhart, "Comparison of Automatic Shot
Boundary Detection Algorithms", SPIE 3656, 1999, section 4). Learned detectors are unsure of slow fades, whose frames
hardly differ; the brightness is not.

"Black" is decided on the small frames that detectors read: scaling by area averages film grain away, so that the
brightest pixel says whether anything is visible.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from matchcut.proxy import LUMA_WEIGHTS
from matchcut.shots.detector import Boundaries, Transition

ALGORITHM = "1"
CERTAIN = 0.99  # confidence of a fade; nothing but black frames can be mistaken for one


@dataclass(frozen=True)
class FadeParameters:
    """When a picture is black and how far a fade reaches. Luma is BT.709's, 0 to 255, of the small frames.

    Attributes:
        black_luma: brightest pixel of a black frame; as far above black as an 8-bit video's black is above 0.
        first_light: how far the brightest pixel rises above the darkest black of the run in the first frame in which
            something is visible: twice the rounding of the proxy's codes.
        blink_frames: the longest black run that may belong to one shot: half a second at 24 frames/s.
        same_correlation: of the pictures before and after a short black run, from which on it is one shot. Neighbouring
            frames of one take correlate above 0.97, of different shots rarely above 0.8.
        black_shot_frames: a cut to black stays a cut of its own, and the black a shot, when it lasts this long.
        slope_frames: over how many frames a slope is taken, so that repeated frames do not end a fade.
        slope_share: a fade goes on while it brightens by this share of its own mean speed: a linear fade keeps its
            speed, one with a soft end halves it.
        min_slope: luma per frame below which nothing brightens.
        max_fade_frames: the longest fade that is followed: five seconds at 24 frames/s.
    """

    black_luma: float = 16.0
    first_light: float = 2.0
    blink_frames: int = 12
    same_correlation: float = 0.9
    black_shot_frames: int = 4
    slope_frames: int = 3
    slope_share: float = 0.25
    min_slope: float = 0.02
    max_fade_frames: int = 120


@dataclass(frozen=True)
class BlackRun:
    """Frames in a row that show nothing.

    Attributes:
        start_frame, stop_frame: half-open.
        correlation: of the last visible picture before and the first after, 0 where one is missing.
    """

    start_frame: int
    stop_frame: int
    correlation: float

    @property
    def num_frames(self) -> int:
        """Length."""
        return self.stop_frame - self.start_frame


@dataclass
class BrightnessTrack:
    """Reads frames as they pass by and remembers two numbers of each, and the black runs."""

    parameters: FadeParameters = field(default_factory=FadeParameters)

    def __post_init__(self) -> None:
        self.mean_luma: list[float] = []
        self.max_luma: list[float] = []
        self.runs: list[BlackRun] = []
        self._last_visible: np.ndarray | None = None
        self._black_since: int | None = None

    def watch(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Hand the frames on, unchanged; after the last one the track is complete."""
        for frame in frames:
            self._add(frame @ LUMA_WEIGHTS)
            yield frame
        self._end_run(len(self.mean_luma), None)

    def _add(self, luma: np.ndarray) -> None:
        number = len(self.mean_luma)
        self.mean_luma.append(float(luma.mean()))
        self.max_luma.append(float(luma.max()))
        if self.max_luma[-1] <= self.parameters.black_luma:
            self._black_since = number if self._black_since is None else self._black_since
            return
        self._end_run(number, luma)
        self._last_visible = luma

    def _end_run(self, stop: int, luma: np.ndarray | None) -> None:
        """Close the present black run, if there is one, at a visible picture or at the end."""
        if self._black_since is None:
            return
        correlation = picture_correlation(self._last_visible, luma)
        self.runs.append(BlackRun(*self._darkest(self._black_since, stop), correlation))
        self._black_since = None

    def _darkest(self, start: int, stop: int) -> tuple[int, int]:
        """Shorten a black run to the frames in which the first or last light is not yet seen."""
        peaks = np.asarray(self.max_luma[start:stop])
        dark = np.flatnonzero(peaks <= peaks.min() + self.parameters.first_light)
        return start + int(dark[0]), start + int(dark[-1]) + 1


def picture_correlation(a: np.ndarray | None, b: np.ndarray | None) -> float:
    """Pearson correlation in [-1, 1] of two pictures, blind to their brightness and contrast; 0 if one is missing."""
    if a is None or b is None:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / norm if norm else 0.0


def find_fades(track: BrightnessTrack) -> Boundaries:
    """Fades through black between shots, and those that open and end the title."""
    num_frames = len(track.mean_luma)
    fades, start, stop = [], 0, num_frames
    for run in track.runs:
        first, end = _fade_extent(track, run)
        if run.start_frame == 0:
            start = end
        elif run.stop_frame == num_frames:
            stop = first
        elif not is_blink(run, track.parameters):
            fades.append(Transition(run.stop_frame, first, end, "fade", CERTAIN))
    return Boundaries(num_frames, tuple(fades), start, stop)


def is_blink(run: BlackRun, parameters: FadeParameters) -> bool:
    """Whether a black run lies inside one shot."""
    return run.num_frames <= parameters.blink_frames and run.correlation >= parameters.same_correlation


def with_fades(found: Boundaries, track: BrightnessTrack) -> Boundaries:
    """Correct a detector's transitions by what the brightness says.

    A transition inside a fade's extent is that fade, one at a blink is none; a cut to a longer black is kept.

    Args:
        found: by a detector that knows nothing of fades.
        track: of the same frames.

    Returns:
        All transitions, each once.
    """
    fades = find_fades(track)
    num_frames = fades.num_frames
    decided = np.zeros(num_frames + 2, bool)  # two more, so that a range may end past the last frame
    for fade in fades.transitions:
        decided[fade.first_frame : fade.end_frame + 1] = True
    decided[: fades.visible_start_frame + 1] = fades.visible_start_frame > 0
    decided[fades.visible_stop_frame : num_frames] = True
    for run in track.runs:
        _decide_run(decided, run, track)
    kept = [t for t in found.transitions if not decided[t.frame]]
    return replace(fades, transitions=tuple(sorted([*kept, *fades.transitions])))


def _decide_run(decided: np.ndarray, run: BlackRun, track: BrightnessTrack) -> None:
    """Leave the hard edges of a long black run to the detector, and nothing of a blink."""
    first, end = _fade_extent(track, run)
    if is_blink(run, track.parameters):
        decided[run.start_frame - 1 : run.stop_frame + 2] = True
    elif run.num_frames >= track.parameters.black_shot_frames:
        if first == run.start_frame:
            decided[run.start_frame] = False
        if run.start_frame == 0 and end == run.stop_frame:
            decided[run.stop_frame] = False


def _fade_extent(track: BrightnessTrack, run: BlackRun) -> tuple[int, int]:
    """The black run together with the frames that darken towards it and brighten after it, half-open."""
    reach, luma = track.parameters.max_fade_frames, track.mean_luma
    black = min(luma[run.start_frame : run.stop_frame])
    before = np.asarray(luma[max(0, run.start_frame - reach) : run.start_frame])[::-1] - black
    after = np.asarray(luma[run.stop_frame : run.stop_frame + reach]) - black
    return (
        run.start_frame - _rising_frames(before, track.parameters),
        run.stop_frame + _rising_frames(after, track.parameters),
    )


def _rising_frames(luma: np.ndarray, parameters: FadeParameters) -> int:
    """How many frames from the first on get steadily brighter: 0 where the picture is there at once.

    Args:
        luma: (N,), above black, beginning at the first frame beside it.
        parameters: what steady is.
    """
    for count in range(len(luma) - 1):
        ahead = luma[count + 1 : count + 1 + parameters.slope_frames]
        mean_slope = luma[count] / (count + 1)
        slope = max(mean_slope * parameters.slope_share, parameters.min_slope)
        if ahead.max() < luma[count] + slope * len(ahead):
            return count
    return max(len(luma) - 1, 0)
