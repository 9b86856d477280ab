"""Pictures for people: what was found in a title, and how a candidate would look as a cut.

All pictures are RGB and bounded in size, so that they fit into a catalogue's metadata and on a page. A
title's frame is laid into a 16:9 box with its shape kept, as on the canonical grid on which shots are
compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matchcut.proxy import EncodeRecord, Proxy
from matchcut.shots.table import ShotTable
from matchcut.timecode import timecode_of

CONTACT_SHEET_BYTES = 200_000  # what a metadata entry carries without making the catalogue slow
LOWEST_QUALITY = 40  # below it, JPEG blocks hide what the picture shows

_BACKGROUND = (24, 24, 27)
_LETTERBOX = (0, 0, 0)
_TEXT = (228, 228, 231)
_FAINT = (150, 150, 158)
_KINDS = {"start": (110, 200, 130), "cut": (150, 150, 158), "dissolve": (240, 180, 70), "fade": (170, 130, 240)}
_GAP = 6
_CAPTION_HEIGHT = 20
_TEXT_SCALE = 0.4  # 9 px capitals in OpenCV's Hershey simplex


@dataclass(frozen=True)
class Tile:
    """One captioned picture of a sheet.

    Attributes:
        picture: uint8 (H, W, 3) RGB, the same size in all tiles of a sheet.
        caption: one line, cut off where it is too long.
        mark: RGB of the tick before the caption.
    """

    picture: np.ndarray
    caption: str
    mark: tuple[int, int, int] = _FAINT


def contact_sheet(
    proxy: Proxy, shots: ShotTable, *, max_shots: int = 60, columns: int = 6, tile_width: int = 192
) -> np.ndarray:
    """One thumbnail per shot: its middle, its number, where it begins and how.

    Args:
        proxy: the title's standardized encode.
        shots: its shots. Of more than `max_shots`, as many are shown, evenly spread.
        max_shots: thumbnails at most.
        columns: thumbnails per row.
        tile_width: pixels of a thumbnail, which is 16:9.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    shown = _evenly(len(shots), max_shots)
    pictures = thumbnails(proxy, _middles(shots)[shown], width=tile_width)
    tiles = [_shot_tile(proxy, shots, int(shot), picture) for shot, picture in zip(shown, pictures, strict=True)]
    return sheet(tiles, columns=columns, title=_count("shot", len(shots), len(shown)))


def duplicate_groups_sheet(
    proxy: Proxy,
    shots: ShotTable,
    group: np.ndarray,
    *,
    max_groups: int = 10,
    max_members: int = 6,
    tile_width: int = 192,
) -> np.ndarray:
    """One row per group of near-duplicates, the earliest shot first, the largest groups on top.

    Args:
        proxy: the title's standardized encode.
        shots: its N shots.
        group: int (N,), the same number for near-duplicates; negative for a shot of its own.
        max_groups: rows at most.
        max_members: thumbnails per row at most.
        tile_width: pixels of a thumbnail, which is 16:9.

    Returns:
        uint8 (H, W, 3) RGB; without near-duplicates a strip that says so.
    """
    members = _groups_of_several(group)
    shown = [each[:max_members] for each in members[:max_groups]]
    if not shown:
        return sheet([], columns=max_members, title="no near-duplicate shots", tile_width=tile_width)
    pictures = thumbnails(proxy, _middles(shots)[np.concatenate(shown)], width=tile_width)
    rows = [
        _group_row(proxy, shots, row, len(all_members), [next(pictures) for _ in row])
        for row, all_members in zip(shown, members, strict=False)
    ]
    width = max(len(row) for row in rows)
    tiles = [tile for row in rows for tile in [*row, *[None] * (width - len(row))]]
    return sheet(tiles, columns=width, title=_count("group", len(members), len(shown)) + " of near-duplicates")


def side_by_side(
    proxy_a: Proxy,
    frame_a: int,
    proxy_b: Proxy,
    frame_b: int,
    *,
    height: int = 216,
    caption_a: str = "",
    caption_b: str = "",
) -> np.ndarray:
    """A cut as three pictures: the last frame of A, the first of B, and both on top of each other.

    Args:
        proxy_a: the outgoing title.
        frame_a: the last frame that is shown of it.
        proxy_b: the incoming title.
        frame_b: the first frame that is shown of it.
        height: pixels of each picture, which is 16:9.
        caption_a: before A's timecode, e.g. its title.
        caption_b: before B's timecode.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    width = round(height * 16 / 9)
    (a,), (b,) = thumbnails(proxy_a, [frame_a], width=width), thumbnails(proxy_b, [frame_b], width=width)
    tiles = [
        Tile(a, f"{caption_a} {_timecode(proxy_a, frame_a)}".strip(), _KINDS["start"]),
        Tile(b, f"{caption_b} {_timecode(proxy_b, frame_b)}".strip(), _KINDS["dissolve"]),
        Tile(onion_skin(a, b), "onion skin"),
    ]
    return sheet(tiles, columns=3)


def onion_skin(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Both pictures at half strength, uint8 (H, W, 3), as animators lay drawings over each other."""
    if a.shape != b.shape:
        raise ValueError(f"pictures of different sizes cannot be laid over each other: {a.shape} and {b.shape}")
    return np.asarray((a.astype(np.uint16) + b + 1) // 2, dtype=np.uint8)


def thumbnails(proxy: Proxy, frames: Iterable[int], *, width: int) -> Iterator[np.ndarray]:
    """Frames in a 16:9 box, in the order asked for; decoded in one pass.

    Args:
        proxy: the title's standardized encode.
        frames: frame numbers, doubles allowed.
        width: pixels of the box.

    Yields:
        uint8 (round(width * 9 / 16), width, 3) RGB.
    """
    wanted = [int(frame) for frame in frames]
    found = dict(boxed_frames(proxy, wanted, width=width))
    for frame in wanted:
        yield found[frame]


def boxed_frames(proxy: Proxy, frames: Iterable[int], *, width: int) -> Iterator[tuple[int, np.ndarray]]:
    """As `thumbnails`, but in ascending order, each frame once and with its number, holding one at a time."""
    box = (width, round(width * 9 / 16))
    for number, picture in proxy.frames_at(frames, size=_fitted_size(proxy.record, box)):
        yield number, boxed(picture, box)


def boxed(picture: np.ndarray, box: tuple[int, int]) -> np.ndarray:
    """A picture in the middle of a black box of (width, height), uncropped; it must not be larger."""
    width, height = box
    rows, columns = picture.shape[:2]
    if rows > height or columns > width:
        raise ValueError(f"a picture of {columns}x{rows} does not fit into a box of {width}x{height}")
    canvas = np.full((height, width, 3), _LETTERBOX, dtype=np.uint8)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = picture
    return canvas


def sheet(tiles: Sequence[Tile | None], *, columns: int, title: str = "", tile_width: int = 192) -> np.ndarray:
    """Tiles in rows, row by row, on a dark ground.

    Args:
        tiles: of one size; None leaves a place empty.
        columns: tiles per row.
        title: a line above; none where empty.
        tile_width: pixels, for a sheet without tiles.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    first = next((tile for tile in tiles if tile is not None), None)
    height, width = (0, tile_width) if first is None else first.picture.shape[:2]
    columns = max(1, min(columns, len(tiles) or columns))
    rows = -(-len(tiles) // columns)
    head = _CAPTION_HEIGHT + _GAP if title else _GAP
    step_y, step_x = height + _CAPTION_HEIGHT + _GAP, width + _GAP
    canvas = np.full((head + rows * step_y, _GAP + columns * step_x, 3), _BACKGROUND, dtype=np.uint8)
    _write(canvas, title, _GAP, 2, canvas.shape[1] - 2 * _GAP)
    for place, tile in enumerate(tiles):
        if tile is not None:
            _put(canvas, tile, head + place // columns * step_y, _GAP + place % columns * step_x)
    return canvas


def encode_jpeg(rgb: np.ndarray, quality: int = 85, *, max_bytes: int | None = None) -> bytes:
    """A picture as JPEG, made coarser, then smaller, until it fits.

    Args:
        rgb: uint8 (H, W, 3), RGB.
        quality: JPEG quality to begin with, 1 to 100.
        max_bytes: upper bound; None for none.

    Returns:
        The file's bytes.

    Raises:
        ValueError: not an RGB picture, or not even 16 pixels fit.
    """
    import cv2

    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"expected a uint8 (H, W, 3) picture, got {rgb.dtype} {rgb.shape}")
    picture = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    while True:
        for tried in range(quality, min(quality, LOWEST_QUALITY) - 1, -15):
            data: bytes = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, tried])[1].tobytes()
            if max_bytes is None or len(data) <= max_bytes:
                return data
        if max(picture.shape) <= 16:
            raise ValueError(f"no JPEG of {rgb.shape[1]}x{rgb.shape[0]} fits into {max_bytes} bytes")
        smaller = [max(1, side * 3 // 4) for side in picture.shape[1::-1]]
        picture = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)


def _shot_tile(proxy: Proxy, shots: ShotTable, shot: int, picture: np.ndarray) -> Tile:
    kind = str(shots.transition_in[shot])
    return Tile(picture, f"{shot}  {_timecode(proxy, int(shots.start_frame[shot]))}  {kind}", _KINDS[kind])


def _group_row(
    proxy: Proxy, shots: ShotTable, row: np.ndarray, num_members: int, pictures: Sequence[np.ndarray]
) -> list[Tile]:
    """The earliest shot is marked as kept; the last one shown says how many are not."""
    tiles = [
        Tile(picture, f"{shot}  {_timecode(proxy, int(shots.start_frame[shot]))}", _KINDS["cut"])
        for shot, picture in zip(row, pictures, strict=True)
    ]
    tiles[0] = Tile(tiles[0].picture, f"{tiles[0].caption}  first", _KINDS["start"])
    if num_members > len(row):
        tiles[-1] = Tile(tiles[-1].picture, f"{tiles[-1].caption}  +{num_members - len(row)}", tiles[-1].mark)
    return tiles


def _groups_of_several(group: np.ndarray) -> list[np.ndarray]:
    """Shots of every group of two or more; the largest group first, of equals the earliest."""
    members = [np.flatnonzero(group == number) for number in np.unique(group[group >= 0])]
    several = [each for each in members if len(each) > 1]
    return sorted(several, key=lambda each: (-len(each), int(each[0])))


def _middles(shots: ShotTable) -> np.ndarray:
    """int64 (N,), the middle of each shot's usable frames."""
    return np.asarray((shots.usable_start_frame + shots.usable_stop_frame - 1) // 2)


def _evenly(total: int, limit: int) -> np.ndarray:
    """Up to `limit` numbers of range(total), first and last included, evenly spread."""
    if limit < 1:
        raise ValueError(f"at least one picture must be allowed, got {limit}")
    return np.unique(np.linspace(0, total - 1, min(total, limit)).round().astype(np.int64))


def _count(noun: str, total: int, shown: int) -> str:
    """`"12 shots"`, `"60 of 2013 shots"`."""
    plural = noun if total == 1 else f"{noun}s"
    return f"{total} {plural}" if shown == total else f"{shown} of {total} {plural}"


def _fitted_size(record: EncodeRecord, box: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the title's picture in a box, shape kept, at least 2 pixels each way."""
    scale = min(box[0] / record.width, box[1] / record.height)
    fitted = (round(record.width * scale), round(record.height * scale))
    return min(max(fitted[0], 2), box[0]), min(max(fitted[1], 2), box[1])


def _timecode(proxy: Proxy, frame: int) -> str:
    record = proxy.record
    return timecode_of(frame, record, proxy.time_of(frame) if record.is_variable_rate else None)


def _put(canvas: np.ndarray, tile: Tile, top: int, left: int) -> None:
    """Draw a tile with its caption below."""
    height, width = tile.picture.shape[:2]
    canvas[top : top + height, left : left + width] = tile.picture
    below = top + height
    canvas[below + 5 : below + 15, left : left + 3] = tile.mark
    _write(canvas, tile.caption, left + 8, below, width - 8)


def _write(canvas: np.ndarray, text: str, left: int, top: int, width: int) -> None:
    """One line of text in a strip of `_CAPTION_HEIGHT`, cut off at `width`; signs beyond ASCII become `?`."""
    import cv2

    line = "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text[:200])
    font = cv2.FONT_HERSHEY_SIMPLEX
    while line and cv2.getTextSize(line, font, _TEXT_SCALE, 1)[0][0] > width:
        line = line[:-1]
    cv2.putText(canvas, line, (left, top + 14), font, _TEXT_SCALE, _TEXT, 1, cv2.LINE_AA)
