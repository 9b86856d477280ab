"""What happens to the picture within a shot and is no change of it: flashes, blinks, titles, insets, bad copies."""

from collections.abc import Callable

import cv2
import numpy as np

from matchcut.proxy import LUMA_WEIGHTS
from matchcut.shots.training.takes import HEIGHT, WIDTH, Material, random_take, smooth_noise

Frames = np.ndarray
"""uint8 (N, HEIGHT, WIDTH, 3) RGB, changed in place."""


def flash(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """A flash gun, lightning, an explosion: one to four bright frames, dying away."""
    length = int(rng.integers(1, 5))
    strength = rng.uniform(0.2, 1.1) * np.exp(-np.arange(length) * rng.uniform(0.0, 1.2))
    color = 255 * rng.uniform(0.7, 1, 3) if rng.random() < 0.4 else np.full(3, 255.0)
    for frame, share in zip(frames[at : at + length], strength, strict=False):
        lit = frame * (1 + 1.5 * share) + color * share * 0.6 if rng.random() < 0.5 else frame + (color - frame) * share
        frame[:] = np.clip(lit, 0, 255)


def muzzle_fire(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """Bright blobs that come and go from frame to frame."""
    y, x = rng.uniform(0.1, 0.9, 2) * (HEIGHT, WIDTH)
    spread = rng.uniform(4, 30)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    blob = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * spread**2))[..., None] * rng.uniform(0.5, 1.0, 3) * 255
    for frame in frames[at : at + int(rng.integers(4, 30))]:
        if rng.random() < 0.4:
            frame[:] = np.clip(frame + blob * rng.uniform(0.3, 1.3), 0, 255)


def explosion(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """Fire that bursts out, lights everything around it, and burns down slowly."""
    y, x = rng.uniform(0, 1, 2) * (HEIGHT, WIDTH)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    away = np.sqrt((rows - y) ** 2 + (columns - x) ** 2)
    color = np.array((255, rng.uniform(150, 255), rng.uniform(40, 255)))
    rise, decay, reach = rng.integers(1, 5), rng.uniform(5, 60), rng.uniform(8, 45)
    light = rng.uniform(0, 1.2)
    for age, frame in enumerate(frames[at:]):
        strength = min(1.0, (age + 1) / rise) * np.exp(-age / decay) * (1 + 0.15 * rng.normal())
        size = max(reach * min(1.0, (age + 1) / (2 * rise)), 1.0)
        alpha = np.clip(strength * 1.5 / (1 + np.exp(np.clip((away - size) / (size / 6), -30, 30))), 0, 1)[..., None]
        lit = frame * (1 + light * strength * color / 255)
        frame[:] = np.clip(lit * (1 - alpha) + color * alpha, 0, 255)


def blink(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """One or two frames of black, of white, or of garbage."""
    value = int(rng.choice([0, 0, 0, 255])) if rng.random() < 0.8 else int(rng.integers(256))
    frames[at : at + int(rng.integers(1, 3))] = value


def exposure(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """The light changes, at once or slowly, or flickers."""
    count = len(frames)
    kind = rng.choice(["slow", "flicker", "strobe"], p=[0.5, 0.35, 0.15])
    if kind == "slow":
        gain = np.exp(rng.uniform(-1.2, 1.0) * (1 + np.tanh((np.arange(count) - at) / rng.uniform(4, 50))) / 2)
    elif kind == "flicker":
        gain = np.exp(rng.uniform(0.02, 0.2) * smooth_noise(rng, count, rng.uniform(1, 4)))
    else:
        gain = np.where((np.arange(count) - at) % rng.integers(2, 12) < rng.integers(1, 5), rng.uniform(0.2, 2.0), 1.0)
        gain[:at], gain[at + int(rng.integers(10, 60)) :] = 1, 1
    for frame, factor in zip(frames, gain, strict=True):
        if abs(factor - 1) > 1e-3:
            frame[:] = np.clip(frame * factor, 0, 255)


def lighting(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """The light moves: a lamp, the sun or a door lights one side of the picture more and more, or less and less."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    angle, middle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6), rng.uniform(0.1, 0.8)
    ramp = np.tanh(((columns / WIDTH - 0.5) * np.cos(angle) + (rows / HEIGHT - 0.5) * np.sin(angle) - middle) / soft)
    strength = rng.uniform(-1.2, 1.2) * (1 + ramp[..., None]) / 2 * rng.uniform(0.7, 1.3, 3)
    length = rng.uniform(3, 60)
    for number, frame in enumerate(frames):
        share = (1 + np.tanh((number - at) / length)) / 2
        frame[:] = np.clip(frame * np.exp(strength * share), 0, 255)


def smoke(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """Smoke, dust, spray or fog that drifts through, thickens and clears."""
    across, down = rng.normal(0, 1.5, 2)
    coarse = rng.uniform(0, 1, (int(rng.integers(4, 14)), int(rng.integers(4, 20)), 1)).astype(np.float32)
    cloud = cv2.resize(coarse, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_CUBIC)[..., None].clip(0, 1)
    color, most = (
        rng.uniform(0, 255, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(20, 255)),
        rng.uniform(0.4, 1),
    )
    rise, fall = rng.uniform(4, 50, 2)
    for age, frame in enumerate(frames[at:]):
        thick = most * min(1.0, age / rise) * np.exp(-max(0.0, age - 2 * rise) / (2 * fall))
        shift = int(age * down), int(age * across)
        alpha = (
            thick * np.roll(cloud, shift, (0, 1))[HEIGHT // 2 : HEIGHT // 2 + HEIGHT, WIDTH // 2 : WIDTH // 2 + WIDTH]
        )
        frame[:] = frame * (1 - alpha) + color * alpha


def stutter(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """Repeated frames, as a freeze, or as film shown at a higher rate; or some frames lost."""
    kind = rng.choice(["freeze", "pulldown", "lost"])
    count = len(frames)
    if kind == "freeze":
        frames[at : at + int(rng.integers(2, 20))] = frames[at]
    elif kind == "pulldown":
        step = rng.choice([2, 3, 4, 5])
        frames[:] = frames[np.maximum(np.arange(count) - (np.arange(count) % step == step - 1), 0)]
    else:
        lost = int(rng.integers(1, 4))
        frames[at : count - lost] = frames[at + lost :].copy()


def title(rng: np.random.Generator, frames: Frames, at: int) -> None:
    """Words, a logo or a banner that pops up, slides in or fades in, and goes again, or is followed by others."""
    count = len(frames)
    if at + 8 < count and rng.random() < 0.35:
        title(rng, frames[at + int(rng.integers(4, count - at)) - 2 :], 0)
    layer = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    alpha = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    color = tuple(int(c) for c in rng.integers(0, 256, 3)) if rng.random() < 0.4 else (255, 255, 255)
    if rng.random() < 0.35:
        top, height = int(rng.integers(0, HEIGHT - 8)), int(rng.integers(4, 14))
        layer[top : top + height], alpha[top : top + height] = rng.integers(0, 256, 3), rng.uniform(0.4, 1)
    is_large = rng.random() < 0.25  # words that fill the picture
    for _ in range(int(rng.integers(3, 6) if is_large else rng.integers(1, 4))):
        words = "".join(rng.choice(list("ABCDEFGHIJ KLMNOPRSTUW aeinrst"), int(rng.integers(2, 16))))
        place = int(rng.integers(-10, WIDTH // 2)), int(rng.integers(8, HEIGHT))
        size = float(np.exp(rng.uniform(np.log(0.9 if is_large else 0.25), np.log(3.0 if is_large else 2.2))))
        mark = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.putText(mark, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, round(size * 2)), cv2.LINE_AA)
        layer[mark > 0] = color
        alpha = np.maximum(alpha, mark[..., None] / 255)
    length, ease = int(rng.integers(2, max(3, count))), int(rng.choice([1, 1, 6, 15, 30]))
    slide = rng.random() < 0.2
    for number in range(at, min(count, at + length)):
        seen = min(1.0, (number - at + 1) / ease, (at + length - number) / ease)
        shown, over = layer, alpha * (1.0 if slide else seen)
        if slide:
            offset = int((1 - seen) * WIDTH)
            shown, over = np.roll(layer, offset, 1), np.roll(alpha, offset, 1)
            over[:, :offset] = 0
        frames[number] = frames[number] * (1 - over) + shown * over


def inset(rng: np.random.Generator, frames: Frames, at: int, material: Material) -> None:
    """A picture in the picture, with cuts of its own, over at most a third of the frame."""
    height, width = int(rng.integers(10, 31)), int(rng.integers(16, 52))
    top, left = int(rng.integers(0, HEIGHT - height)), int(rng.integers(0, WIDTH - width))
    number = at
    while number < len(frames) and rng.random() < 0.8:
        take = random_take(rng, material, length := int(rng.integers(5, 60)))
        for step in range(min(length, len(frames) - number)):
            small = cv2.resize(take.frame(step), (width, height), interpolation=cv2.INTER_AREA)
            frames[number + step, top : top + height, left : left + width] = small
        number += length


WITHIN_A_SHOT: tuple[tuple[float, Callable[[np.random.Generator, Frames, int], None]], ...] = (
    (0.10, flash),
    (0.05, muzzle_fire),
    (0.05, explosion),
    (0.05, blink),
    (0.08, exposure),
    (0.06, lighting),
    (0.05, smoke),
    (0.08, stutter),
    (0.16, title),
)
"""Chance per shot, and what happens."""


def disturb(rng: np.random.Generator, frames: Frames, material: Material) -> None:
    """Let some of it happen to the frames of one shot."""
    if len(frames) < 12:
        return
    for chance, happens in WITHIN_A_SHOT:
        while rng.random() < chance:
            happens(rng, frames, int(rng.integers(4, len(frames) - 4)))
    if rng.random() < 0.03:
        inset(rng, frames, int(rng.integers(0, len(frames))), material)


def copy_badly(rng: np.random.Generator, frames: Frames) -> np.ndarray:
    """What grading, bars, a logo, blur, grain and codecs do to a whole film.

    Args:
        rng: seeded.
        frames: uint8 (N, HEIGHT, WIDTH, 3).

    Returns:
        uint8 (N, HEIGHT // 2, WIDTH // 2, 3), the size that the network reads.
    """
    small = np.stack([cv2.resize(f, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA) for f in frames])
    x = small.astype(np.float32)
    if rng.random() < 0.25:
        gamma, gain, lift = np.exp(rng.normal(0, 0.3)), np.exp(rng.normal(-0.1, 0.35)), rng.uniform(0, 25)
        x = 255 * (x / 255) ** gamma * gain + lift
    if rng.random() < 0.3:
        x = x * np.exp(rng.normal(0, 0.12, 3)).astype(np.float32)
    if (choice := rng.random()) < 0.12:
        x = np.repeat((x @ LUMA_WEIGHTS)[..., None], 3, axis=3)
        x = x * np.array((1.1, 1.0, 0.8), np.float32) if choice < 0.04 else x
    elif choice < 0.3:
        grey = x.mean(axis=3, keepdims=True)
        x = grey + (x - grey) * rng.uniform(0.2, 1.6)
    if rng.random() < 0.1:
        x = x * rng.uniform(0.1, 0.5)  # night
    if rng.random() < 0.5:
        sigma = rng.uniform(0.3, 5)
        x = x + rng.normal(0, sigma, x.shape[:3])[..., None].astype(np.float32)
    if rng.random() < 0.25:  # a codec's keyframes: every so often the picture is another one by a little
        period, strength = int(rng.integers(8, 60)), rng.uniform(0.5, 4)
        texture = rng.normal(0, strength, (len(x) // period + 2, 9, 16)).astype(np.float32)
        blocks = [cv2.resize(t, (x.shape[2], x.shape[1]), interpolation=cv2.INTER_NEAREST) for t in texture]
        x = x + np.stack(blocks)[np.arange(len(x)) // period][..., None]
    if rng.random() < 0.1:
        top, left = rng.integers(0, 5), rng.integers(0, 8)
        if rng.random() < 0.5:
            x[:, :top], x[:, x.shape[1] - top :] = 0, 0
        else:
            x[:, :, :left], x[:, :, x.shape[2] - left :] = 0, 0
    if rng.random() < 0.12:
        logo_top, logo_left = rng.choice([1, 22]), rng.choice([1, 38])
        x[:, logo_top : logo_top + 4, logo_left : logo_left + 8] = rng.integers(0, 256, 3)
    return np.clip(x + 0.5, 0, 255).astype(np.uint8)
