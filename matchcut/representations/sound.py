"""Sound match: what is heard goes on over the cut, whatever is seen.

A slammed door becomes a shot, a scream a whistle. What is heard goes on where the moments just before and just after
the cut sound alike: they count most, by their log-mel spectrum (Davis and Mermelstein, IEEE TASSP 28, 1980) without
what loudness and a duller or brighter recording change of it. The last second of A and the first of B are described
too: the mean of the spectrum is the colour of the sound, its deviation over time tells a hum from speech; their
loudness; and their onsets, the rises of the spectrum's flux (Bello et al., IEEE TSAP 13, 2005): how strong they are,
and whether one lies at the cut. Silence matches nothing, and a title without sound has no rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from matchcut.cue_words import CueWords, Grade
from matchcut.pictures import Tile, sheet
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.sound import SAMPLE_RATE, Sound

ALGORITHM = "2"
SCORE_ALGORITHM = "2"

START, END = range(2)
WINDOW_SAMPLES, HOP_SAMPLES, FFT_SAMPLES = 400, 160, 512
"""25 ms every 10 ms, as is usual for speech and music."""
NUM_BANDS = 40
EVEN_DB = 2.0  # root mean square by which a moment of even noise deviates over the bands, or nearly
LOWEST_HERTZ, HIGHEST_HERTZ = 50.0, 7600.0
FLOOR_DB = -80.0

# Loudness, dB below full scale, that counts nothing and fully: room tone of the films looked at lies under -55. What is
# above it must not be the louder the better: with -60 and -42 a loud neighbour came before the soft way on (recall@1 of
# the planted sounds for tuning 0.51, against 0.73 without any such weight). Part of SCORE_ALGORITHM.
SILENT_DB, HEARD_DB = -56.0, -50.0
# Differences of loudness that count fully and nothing, dB; 3 dB are hardly heard, 20 are another sound.
# Part of SCORE_ALGORITHM.
SAME_DB, OTHER_DB = 3.0, 20.0
# Difference of the deviations over time, root mean square over bands, that counts nothing: a hum has 2 dB, speech 12.
# Part of SCORE_ALGORITHM.
OTHER_CHANGE_DB = 10.0
# What the parts have to say; they sum to 1. On the planted sounds for tuning (`benchmarks.planted_sounds`), each film
# cut at eight places, MRR is 0.82 so, 0.84 for the sound at the cut alone, and was 0.52 for the rest alone. Part of
# SCORE_ALGORITHM.
AT_CUT_WEIGHT, TIMBRE_WEIGHT, CHANGE_WEIGHT, LEVEL_WEIGHT, ONSET_WEIGHT = 0.5, 0.2, 0.1, 0.1, 0.1

_TILE_SIZE = (256, 144)


@dataclass(frozen=True)
class SoundParameters:
    """What is listened to.

    Attributes:
        end_seconds: how much of the start and of the end of a shot.
        least_seconds: a shot with less sound than this at one of its ends has no row.
        near_seconds: what is heard this near the cut is at the cut.
    """

    end_seconds: float = 1.0
    least_seconds: float = 0.2
    near_seconds: float = 0.15

    def __post_init__(self) -> None:
        """Refuse windows that hold nothing."""
        if not 0.05 <= self.least_seconds <= self.end_seconds or self.near_seconds <= 0:
            raise ValueError(f"0.05 <= least_seconds <= end_seconds and near_seconds > 0 are needed, got {self}")


@dataclass(frozen=True)
class SoundMatch:
    """The flavor `sound_match`.

    Rows of the representation, for the start and the end of every shot that is heard at one of them: `frame` int64 (N,
    2), first and last usable frame; `at_cut` float32 (N, 2, 41), mean log-mel spectrum right at the cut without its
    level, slope and bend over the bands, of length 1; `timbre` float32 (N, 2, 40), mean log-mel spectrum, dB, of mean 0
    and length 1; `change` float32 (N, 2, 40), its standard deviation over time, dB; `loudness` float32 (N, 2), dB below
    full scale; `onsets` float32 (N, 2, 2), strength of the onsets in the window, and of the strongest one at the cut,
    dB.
    """

    parameters: SoundParameters = field(default_factory=SoundParameters)

    name: ClassVar[str] = "sound_match"
    representation: ClassVar[str] = "sound"
    title: ClassVar[str] = "Sound match"
    summary: ClassVar[str] = "what is heard goes on over the cut"
    description: ClassVar[str] = (
        "A row is a kept shot that is heard: loudness, onsets and log-mel statistics of its first and its last second."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, CueWords]] = {
        "at_cut": CueWords(
            "sound at the cut",
            (Grade("the sound goes on over the cut", least=0.85), Grade("much of the sound goes on", least=0.7)),
        ),
        "timbre": CueWords(
            "colour of the sound",
            (Grade("same colour of sound", least=0.92), Grade("similar colour of sound", least=0.8)),
        ),
        "change": CueWords("its course", (Grade("same course", least=0.85), Grade("similar course", least=0.75))),
        "onsets": CueWords("onsets", (Grade("onsets alike", least=0.9),)),
        "level_difference": CueWords("decibels between them", (Grade("equally loud", most=SAME_DB),)),
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, object]) -> Representation:
        """Listen to both ends of each shot; those that are silent at both are left out."""
        ends = [
            self._ends(proxy.sound, float(proxy.time_of(int(start))), float(proxy.time_of(int(stop))))
            for start, stop in zip(shots.start_frame, shots.stop_frame, strict=True)
        ]
        heard = [row for row, both in enumerate(ends) if both is not None]
        sizes = {"at_cut": NUM_BANDS + 1, "timbre": NUM_BANDS, "change": NUM_BANDS, "onsets": 2, "loudness": 1}
        arrays = {
            name: np.array([[end[name] for end in both] for both in ends if both is not None], np.float32).reshape(
                len(heard), 2, size
            )
            for name, size in sizes.items()
        }
        arrays["loudness"] = arrays["loudness"][..., 0]
        frames = np.stack([shots.start_frame, shots.stop_frame - 1], axis=1)
        return Representation(shots.shot[heard], {"frame": frames[heard], **arrays})

    def _ends(self, sound: Sound | None, start: float, stop: float) -> list[dict[str, np.ndarray]] | None:
        """The start and the end of a shot in numbers; None where nothing is heard."""
        if sound is None:
            return None
        length = min(self.parameters.end_seconds, stop - start)
        ranges = ((start, start + length), (stop - length, stop))
        samples = [sound.between(*each) for each in ranges]
        if min(map(len, samples)) < self.parameters.least_seconds * SAMPLE_RATE:
            return None
        both = [self.describe(each, end) for end, each in enumerate(samples)]
        return both if max(float(each["loudness"]) for each in both) > SILENT_DB else None

    def describe(self, samples: np.ndarray, end: int) -> dict[str, np.ndarray]:
        """A stretch of sound in numbers; see the class.

        Args:
            samples: float32 (n,), at least `WINDOW_SAMPLES`, in [-1, 1].
            end: `START` or `END` of a shot: where the cut is.
        """
        mel = log_mel(samples)
        flux = np.maximum(np.diff(mel, axis=0), 0).mean(axis=1)
        near = max(1, round(self.parameters.near_seconds * SAMPLE_RATE / HOP_SAMPLES))
        at_cut = slice(near) if end == START else slice(-near, None)
        return {
            "at_cut": _shape(mel[at_cut].mean(axis=0)),
            "timbre": _unit(mel.mean(axis=0)),
            "change": mel.std(axis=0),
            "loudness": np.array(_decibels(np.square(samples).mean())),
            "onsets": np.array([flux.mean() if len(flux) else 0.0, flux[at_cut].max(initial=0.0)]),
        }

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Score every cut from a row of `a` to a row of `b`: the end of `a` against the start of `b`."""
        at_cut = a.arrays["at_cut"][:, END] @ b.arrays["at_cut"][:, START].T
        timbre = a.arrays["timbre"][:, END] @ b.arrays["timbre"][:, START].T
        change = 1 - np.minimum(
            _distance(a.arrays["change"][:, END], b.arrays["change"][:, START]) / OTHER_CHANGE_DB, 1
        )
        loud_a, loud_b = a.arrays["loudness"][:, END], b.arrays["loudness"][:, START]
        difference = np.abs(np.subtract.outer(loud_a, loud_b))
        onsets = _onset_likeness(a.arrays["onsets"][:, END], b.arrays["onsets"][:, START])
        score = (
            AT_CUT_WEIGHT * np.maximum(at_cut, 0)
            + TIMBRE_WEIGHT * np.maximum(timbre, 0)
            + CHANGE_WEIGHT * change
            + LEVEL_WEIGHT * np.interp(difference, (SAME_DB, OTHER_DB), (1.0, 0.0))
            + ONSET_WEIGHT * onsets
        )
        score *= np.sqrt(np.multiply.outer(_worth(loud_a), _worth(loud_b)))
        return BlockScores(
            score=np.clip(score, 0, 1).astype(np.float32),
            frame_a=np.broadcast_to(a.arrays["frame"][:, 1, None], score.shape),
            frame_b=np.broadcast_to(b.arrays["frame"][None, :, 0], score.shape),
            cues={
                "at_cut": np.clip(at_cut, -1, 1),
                "timbre": np.clip(timbre, -1, 1),
                "change": change,
                "onsets": onsets,
                "level_difference": difference,
            },
        )

    def bytes_per_pair(self) -> int:
        """About a dozen matrices, most of them float64, at a time."""
        return 128

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """The spectra of both ends of each shot, low sounds on the left, as a sheet."""
        tiles = [tile for row in rows for tile in _row_tiles(representation, row)]
        return sheet(tiles, columns=6, tile_width=_TILE_SIZE[0])


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Power in mel bands over time, dB below full scale, not under `FLOOR_DB`.

    Args:
        samples: float32 (n,), at `SAMPLE_RATE`, at least `WINDOW_SAMPLES`.

    Returns:
        float64 (frames, 40), one frame every 10 ms.
    """
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::HOP_SAMPLES]
    hann = np.hanning(WINDOW_SAMPLES)
    power = np.square(np.abs(np.fft.rfft(windows * hann, FFT_SAMPLES))) / np.square(hann.sum() / 2)
    return _decibels(power @ mel_filters().T)


def mel_filters() -> np.ndarray:
    """float64 (40, 257), triangles of equal width on the mel scale (O'Shaughnessy: 2595 log10(1 + f/700))."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HERTZ, HIGHEST_HERTZ))
    corners = 700 * (10 ** (np.linspace(lowest, highest, NUM_BANDS + 2) / 2595) - 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    hertz = np.fft.rfftfreq(FFT_SAMPLES, 1 / SAMPLE_RATE)[None, :]
    return np.asarray(np.maximum(np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle)), 0))


def _decibels(power: np.ndarray) -> np.ndarray:
    return np.maximum(10 * np.log10(np.maximum(power, 1e-12)), FLOOR_DB)


def _shape(spectrum: np.ndarray) -> np.ndarray:
    """The shape of a spectrum, dB, as a vector of length 1, one longer than the spectrum.

    Its mean, slope and bend are left out: another distance or microphone changes little else. What is left is so much
    of the vector as it stands out of `EVEN_DB`: two noises without any shape are alike, not different by chance.
    """
    bands = np.linspace(-1, 1, len(spectrum))
    rest = spectrum - np.polynomial.Legendre.fit(bands, spectrum, 2)(bands)
    vector = np.append(rest / np.sqrt(len(rest)), EVEN_DB)
    return np.asarray(vector / np.linalg.norm(vector))


def _unit(spectrum: np.ndarray) -> np.ndarray:
    """Of mean 0 and length 1; zero where all bands are alike."""
    centred = spectrum - spectrum.mean()
    length = np.sqrt(np.square(centred).sum())
    return np.asarray(centred / length if length > 1e-6 else np.zeros_like(centred))


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (A, B), root mean square difference of rows."""
    squares = np.add.outer(np.square(a).sum(axis=1), np.square(b).sum(axis=1)) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0) / a.shape[1]))


def _worth(loudness: np.ndarray) -> np.ndarray:
    return np.asarray(np.interp(loudness, (SILENT_DB, HEARD_DB), (0.0, 1.0)), np.float32)


def _onset_likeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (A, B), ratio of the weaker to the stronger, mean of all onsets and of those at the cut."""
    ratios = [
        (np.minimum.outer(a[:, kind], b[:, kind]) + 1e-3) / (np.maximum.outer(a[:, kind], b[:, kind]) + 1e-3)
        for kind in range(2)
    ]
    return np.asarray(sum(ratios) / 2, np.float32)


def _row_tiles(representation: Representation, row: int) -> Iterator[Tile]:
    for end, words in ((START, "starts"), (END, "ends")):
        loudness = representation.arrays["loudness"][row, end]
        bars = _bars(representation.arrays["timbre"][row, end])
        yield Tile(bars, f"shot {representation.shot[row]} {words}: {loudness:.0f} dB")


def _bars(timbre: np.ndarray) -> np.ndarray:
    """A bar for each band, uint8 (144, 256, 3)."""
    width, height = _TILE_SIZE
    picture = np.full((height, width, 3), 30, np.uint8)
    step = width // NUM_BANDS
    for band, value in enumerate(np.clip(0.5 + timbre, 0.02, 1).tolist()):
        picture[height - round(value * height) :, band * step : (band + 1) * step - 1] = (90, 170, 240)
    return picture
