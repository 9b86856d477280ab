"""What moves from one frame to the next: dense flow, split into the camera's movement and the rest.

Dense flow is DIS (Kroeger et al., arXiv 1603.03590). The camera's part is a similarity (pan, tilt, zoom and roll),
fitted robustly as in iteratively reweighted least squares (Holland and Welsch 1977), each cell of the picture weighted
by how much there is in it to see moving, and by its place: what is filmed is seldom at the edge. How much of the
picture's two ends moves with the camera is kept beside it, because an actor before an empty sky is all there is to fit.
"""

from dataclasses import dataclass

import numpy as np

from matchcut.representations.grid import lay_field

GRID_HEIGHT, GRID_WIDTH = 9, 16
FLOW_HEIGHT, FLOW_WIDTH = 180, 320  # box into which a frame is fitted: 1 ms a pair
FIT_CELL = 10  # pixels of the cells on which the camera is fitted

# Steps of brightness per pixel below which flow is made up, and from which it is trusted: a wall out of focus has 0.5,
# faces 5 and more. On the planted movements for tuning, with a third of the backgrounds out of focus, 1.5 and 5 found
# 0.90 of the partners among the first ten, 0.3 and 3 found 0.975, these 0.99: before a soft background the actor is
# all that has texture, and is not to be taken for a camera.
NO_TEXTURE, SURE_TEXTURE = 0.2, 1.5
GRAIN_BLUR = 1.5  # standard deviation in pixels: grain is no texture
# A cell in the middle has this share of the say of one at the edge, and half-way hardly more. On the planted movements
# for tuning it makes little difference where the camera is read in two ways (recall@1 0.725, 0.72 with all alike), and
# more where it is not: recall@10 0.88 against 0.85.
MIDDLE_SAY, EDGE_POWER = 0.1, 4
LEAST_WEIGHT = 4.0  # of all cells together, or no camera is fitted
END_WIDTH = 1 / 8  # of the picture's longer side: an end, where the camera should be seen
FIT_ROUNDS = 6
FIT_NOISE = 0.0006  # heights per pair of frames: a tenth of a pixel, what flow is wrong by anyway
# What is faster than this, in heights per second, and than this share of the fastest cells, is what moves.
MOVER_LEAST_SPEED, MOVER_SHARE, FASTEST = 0.05, 0.4, 0.98
DIRECTIONS = 8
SPEED_BANDS = (0.03, 0.1, 0.3, 0.9)  # heights per second, lower ends


@dataclass(frozen=True)
class PairFlow:
    """What moves between two consecutive frames.

    Attributes:
        camera: float64 (4,), right and down in heights, growth, clockwise turn.
        subject: float32 (9, 16, 2), what the camera does not explain, in heights.
        total: float32 (9, 16, 2), all movement that can be trusted, in heights.
        support: how much of either end of the picture can be trusted and moves with the camera, in [0, 1].
    """

    camera: np.ndarray
    subject: np.ndarray
    total: np.ndarray
    support: float

    @property
    def readings(self) -> tuple[np.ndarray, np.ndarray]:
        """What moves: by the camera that was fitted, and by a camera that stands still."""
        return self.subject, self.total


def flow_between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Dense flow from one picture to the next.

    Args:
        before: uint8 (H, W), grey.
        after: uint8 (H, W), grey.

    Returns:
        float32 (H, W, 2), the way of each pixel to the right and down, in pixels.
    """
    import cv2

    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(dis.calc(before, after, None), np.float32)  # type: ignore[call-overload]


def texture_of(grey: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How far flow can be trusted, float32 (rows, columns) in [0, 1], by the steps of brightness in each cell.

    Args:
        grey: uint8 (H, W).
        size: columns and rows.
    """
    import cv2

    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), GRAIN_BLUR)
    right, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    steps = cv2.resize(cv2.magnitude(right, down), size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.interp(steps, (NO_TEXTURE, SURE_TEXTURE), (0, 1)), np.float32)


def edge_say(rows: int, columns: int) -> np.ndarray:
    """What the place of a cell lets it say about the camera, float64 (rows, columns): most at the edge, 1."""
    y, x = np.abs((np.arange(rows) + 0.5) / rows - 0.5), np.abs((np.arange(columns) + 0.5) / columns - 0.5)
    outwards = 2 * np.maximum(y[:, None], x)
    return np.asarray(MIDDLE_SAY + (1 - MIDDLE_SAY) * outwards**EDGE_POWER)


def fit_camera(flow: np.ndarray, places: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The similarity that explains most of a flow; what moves otherwise has little to say.

    Args:
        flow: float (K, 2), movement to the right and down.
        places: float (K, 2), x and y from the middle of the picture, in the same unit.
        weight: float (K,), in [0, 1].

    Returns:
        float64 (4,): movement to the right and down, growth and clockwise turn (radians); zeros without weight.
    """
    if weight.sum() < LEAST_WEIGHT:
        return np.zeros(4)
    camera = np.array([*np.median(flow[weight > 0], axis=0), 0, 0])
    for _ in range(FIT_ROUNDS):
        missed = np.linalg.norm(flow - camera_field(camera, places), axis=1)
        camera = _least_squares(flow, places, weight * _belief(missed, weight))
    return camera


def _belief(missed: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How far each cell goes with a camera that misses its movement by so much, (K,) in [0, 1]."""
    spread = max(1.5 * _weighted_median(missed, weight), FIT_NOISE)
    return np.asarray(1 / (1 + np.square(missed / spread)) ** 2)


def ends_share(explained: np.ndarray, size: tuple[float, float]) -> float:
    """The lesser mean of a field over the two ends of a picture's longer side: a thing seldom reaches both.

    Args:
        explained: float (rows, columns).
        size: the picture's width and height.
    """
    along = explained.mean(axis=0 if size[0] >= size[1] else 1)
    width = max(1, round(len(along) * END_WIDTH))
    return float(min(along[:width].mean(), along[-width:].mean()))


def _weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    """The value up to which half of the weight lies."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def _least_squares(flow: np.ndarray, places: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The similarity, float64 (4,), that misses a flow least: the normal equations, written out."""
    (u, v), (x, y) = flow.T.astype(np.float64), places.T.astype(np.float64)
    wu, wv = weight * u, weight * v
    total, across, down, far = weight.sum(), weight @ x, weight @ y, weight @ (x * x + y * y)
    square = np.array(
        [[total, 0, across, -down], [0, total, down, across], [across, down, far, 0], [-down, across, 0, far]]
    )
    return np.linalg.solve(square + 1e-9 * np.eye(4), [wu.sum(), wv.sum(), wu @ x + wv @ y, wv @ x - wu @ y])


def cell_places(rows: int, columns: int) -> np.ndarray:
    """Middles of a grid's cells, float64 (rows * columns, 2), right and down of its middle, in heights of the grid."""
    y, x = np.mgrid[:rows, :columns]
    return np.stack([(x + 0.5 - columns / 2) / rows, (y + 0.5) / rows - 0.5], axis=-1).reshape(-1, 2)


def camera_field(camera: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Movement (K, 2) that a camera gives to places (K, 2)."""
    right, down, growth, turn = camera
    x, y = places.T
    return np.stack([right + growth * x - turn * y, down + growth * y + turn * x], axis=1)


def spectrum_of(flow: np.ndarray) -> np.ndarray:
    """Shares of directions and speeds in a flow, as square roots: the product of two is their Bhattacharyya overlap.

    Args:
        flow: float (..., 2), movement to the right and down, heights per second.

    Returns:
        float32 (33,): 8 directions in 4 bands of speed, the slowest first, and stillness.
    """
    vectors = flow.reshape(-1, 2)
    speed = np.hypot(*vectors.T)
    band = np.searchsorted(SPEED_BANDS, speed, side="right") - 1
    direction = np.rint(np.arctan2(vectors[:, 1], vectors[:, 0]) / (2 * np.pi / DIRECTIONS)).astype(int) % DIRECTIONS
    still = DIRECTIONS * len(SPEED_BANDS)
    place = np.where(band < 0, still, band * DIRECTIONS + direction)
    counts = np.bincount(place, minlength=still + 1)
    return np.sqrt(counts / counts.sum()).astype(np.float32)


@dataclass(frozen=True)
class Mover:
    """What moves most in a flow, as one thing.

    Attributes:
        place: float (2,), right and down of the grid's middle, in heights of the 16:9 picture; zeros where nothing
            moves, as all.
        velocity: float (2,), to the right and down, in the flow's unit.
        coherence: how far all of it goes one way, in [0, 1].
        area: the share of the grid that it covers, in [0, 1].
    """

    place: np.ndarray
    velocity: np.ndarray
    coherence: float
    area: float


def mover_of(flow: np.ndarray) -> Mover:
    """What moves most: the cells that are nearly as fast as the fastest ones.

    Args:
        flow: float (H, W, 2), movement to the right and down, heights per second.
    """
    speed = np.linalg.norm(flow, axis=2)
    moves = speed > max(MOVER_LEAST_SPEED, MOVER_SHARE * float(np.quantile(speed, FASTEST)))
    if not moves.any():
        return Mover(np.zeros(2), np.zeros(2), 0.0, 0.0)
    say = speed[moves] / speed[moves].sum()
    place, velocity = say @ cell_places(*speed.shape)[moves.ravel()], say @ flow[moves]
    coherence = np.linalg.norm(velocity) / (say @ speed[moves])
    return Mover(place, velocity, float(coherence), float(moves.mean()))


def pair_flow(before: np.ndarray, after: np.ndarray, size: tuple[float, float]) -> PairFlow:
    """What moves from one picture to the next, split into the camera's movement and the rest.

    Args:
        before: uint8 (H, W), grey.
        after: uint8 (H, W), grey.
        size: their width and height in heights of the 16:9 picture.
    """
    import cv2

    found = flow_between(before, after)
    columns, rows = max(1, before.shape[1] // FIT_CELL), max(1, before.shape[0] // FIT_CELL)
    to_heights = np.divide(size, before.shape[::-1], dtype=np.float32)
    cells = cv2.resize(found * to_heights, (columns, rows), interpolation=cv2.INTER_AREA)
    trust = texture_of(before, (columns, rows))
    y, x = np.mgrid[:rows, :columns]
    places = np.stack([((x + 0.5) / columns - 0.5) * size[0], ((y + 0.5) / rows - 0.5) * size[1]], axis=-1)
    flow, places, weight = cells.reshape(-1, 2), places.reshape(-1, 2), (trust * edge_say(rows, columns)).ravel()
    camera = fit_camera(flow, places, weight)
    missed = flow - camera_field(camera, places)
    belief = _belief(np.linalg.norm(missed, axis=1), weight)

    def laid(field: np.ndarray) -> np.ndarray:
        shaped = np.ascontiguousarray(field.reshape(rows, columns, 2) * trust[..., None], np.float32)
        return lay_field(shaped, round(size[0] * FLOW_HEIGHT), round(size[1] * FLOW_HEIGHT), GRID_WIDTH, GRID_HEIGHT)

    support = ends_share(trust * belief.reshape(trust.shape), size)
    return PairFlow(camera, laid(missed), laid(flow), support)
