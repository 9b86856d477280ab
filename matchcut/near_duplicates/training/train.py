"""Trains the head and the decision on views of made-up set-ups, deterministic under a seed on one machine."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from matchcut.near_duplicates.model import CODE_LENGTHS, MAX_BITS, NearDuplicateModel
from matchcut.near_duplicates.picture_structure import ShotPictures, shot_correlations
from matchcut.near_duplicates.training.loss import hamming_target_loss
from matchcut.near_duplicates.training.setups import SETUPS_PER_FAMILY, family, places, view
from matchcut.shot_embeddings import BLANK_CONTRAST, DIMENSIONS, LUMA_SIZE, appearance, embed, embedding_network
from matchcut.shots.training.takes import Material

VIEWS = 4
"""Of every set-up; two make a shot where the decision is fitted."""


@dataclass(frozen=True)
class TrainingParameters:
    """What is trained, and on how much.

    Attributes:
        seed: of everything that is random.
        families: of four set-ups each.
        held_out: one family in so many is only measured on, and so is every other of the same place.
        shrinkage: of the deviation within set-ups, in shares of its mean variance: how far directions that seem not to
            vary are mistrusted.
        steps: of the optimizer.
        batch_families: families per step.
        learning_rate: of Adam at its highest.
        target_share: Hamming distance that similar codes shall not exceed, in shares of their bits.
        dissimilar_weight: what dissimilar pairs count as against similar ones.
        unrelated: pairs of shots of different families per family, where the decision is fitted.
        unrelated_weight: what such a pair counts there: in a film nearly all pairs are unrelated.
    """

    seed: int = 20261125
    families: int = 400
    held_out: int = 5
    shrinkage: float = 1.0
    steps: int = 120
    batch_families: int = 24
    learning_rate: float = 1e-3
    target_share: float = 0.22
    dissimilar_weight: float = 300.0
    unrelated: int = 10
    unrelated_weight: float = 3.0


@dataclass(frozen=True)
class Views:
    """What was measured of F families of 4 set-ups of 4 views each.

    Attributes:
        vectors: float32 (F, 4, 4, 1280), unit vectors.
        luma: uint8 (F, 4, 4, 36, 64).
        luma_std: float32 (F, 4, 4).
        place: int64 (F,), which photo.
    """

    vectors: np.ndarray
    luma: np.ndarray
    luma_std: np.ndarray
    place: np.ndarray

    def take(self, which: np.ndarray) -> "Views":
        """Some families."""
        return Views(self.vectors[which], self.luma[which], self.luma_std[which], self.place[which])

    def __len__(self) -> int:
        return len(self.vectors)


def look_at(material: Material, weights: Path, parameters: TrainingParameters) -> Views:
    """Draw the families and measure them.

    Args:
        material: photos and things.
        weights: of EfficientNet-Lite0.
        parameters: how many, and the seed.
    """
    network, photos = embedding_network(weights), places(material)
    shape = parameters.families, SETUPS_PER_FAMILY, VIEWS
    views = Views(
        np.zeros((*shape, DIMENSIONS), np.float32),
        np.zeros((*shape, *LUMA_SIZE[::-1]), np.uint8),
        np.zeros(shape, np.float32),
        np.zeros(parameters.families, np.int64),
    )
    for number in range(parameters.families):
        rng = np.random.default_rng((parameters.seed, number))
        place, other = (int(n) for n in rng.integers(len(photos), size=2))
        setups = family(rng, material, photos[place], photos[other])
        pictures = np.stack([view(rng, setup, material) for setup in setups for _ in range(VIEWS)])
        _, deviation, _, luma = appearance(pictures)
        views.place[number] = place
        views.vectors[number] = embed(network, pictures).reshape(*shape[1:], DIMENSIONS)
        views.luma[number] = luma.reshape(*shape[1:], *LUMA_SIZE[::-1])
        views.luma_std[number] = deviation.reshape(shape[1:])
    return views


def train(views: Views, parameters: TrainingParameters, log: Path) -> NearDuplicateModel:
    """Train the head and fit the decision.

    Args:
        views: of the made-up families.
        parameters: see there.
        log: gets a line of JSON every 50 steps, and what was measured on the families held out.
    """
    torch.manual_seed(parameters.seed)
    is_held_out = views.place % parameters.held_out == 0
    seen, held_out = views.take(~is_held_out), views.take(is_held_out)
    log.write_text(json.dumps(asdict(parameters)) + "\n")
    weight, offset = _trained_head(seen.vectors, parameters, log)
    model = NearDuplicateModel(weight, offset, fit_decision(seen, parameters))
    _tell(log, {"held_out": measured(model, held_out, parameters)})
    return model


def discriminant(vectors: np.ndarray, shrinkage: float) -> tuple[np.ndarray, np.ndarray]:
    """The mean, float32 (D,), and the 256 directions, (D, 256), in which set-ups differ most against their own views.

    Linear discriminant analysis (Fisher 1936; Rao 1948) with the deviation within set-ups shrunk (Friedman 1989).

    Args:
        vectors: float32 (F, S, V, D).
        shrinkage: see `TrainingParameters`.
    """
    flat = vectors.reshape(-1, vectors.shape[-1]).astype(np.float64)
    mean = flat.mean(axis=0)
    of_setups = vectors.mean(axis=2, dtype=np.float64)
    within = (vectors - of_setups[:, :, None]).reshape(-1, vectors.shape[-1])
    variance, axes = np.linalg.eigh(within.T @ within / len(within) * vectors.shape[2] / (vectors.shape[2] - 1))
    whitening = axes / np.sqrt(variance + shrinkage * variance.mean())
    between = (of_setups.reshape(-1, vectors.shape[-1]) - mean) @ whitening
    _, turned = np.linalg.eigh(between.T @ between)
    return mean.astype(np.float32), (whitening @ turned[:, ::-1][:, :MAX_BITS]).astype(np.float32)


def _trained_head(vectors: np.ndarray, parameters: TrainingParameters, log: Path) -> tuple[np.ndarray, np.ndarray]:
    """The head's weight (D, 256) and offset (256,): the discriminant directions, turned by what the loss teaches.

    Training all of 1280 x 256 numbers learns the few hundred photos by heart; a turn of 256 directions does not.
    """
    mean, basis = discriminant(vectors, parameters.shrinkage)
    rng = np.random.default_rng(parameters.seed)
    points = torch.from_numpy((vectors - mean) @ basis)
    points /= points.std()
    turn = torch.from_numpy(np.linalg.qr(rng.normal(size=(MAX_BITS, MAX_BITS)))[0].astype(np.float32))
    turn.requires_grad_(True)
    normalize = torch.nn.BatchNorm1d(MAX_BITS, affine=False, momentum=0.05)
    optimizer = torch.optim.Adam([turn], lr=parameters.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, parameters.learning_rate, total_steps=parameters.steps)
    group = torch.arange(parameters.batch_families * SETUPS_PER_FAMILY).repeat_interleave(2)
    recent: list[float] = []
    for step in range(1, parameters.steps + 1):
        chosen = rng.choice(len(vectors), parameters.batch_families, replace=False)
        partners = rng.permutation(VIEWS)[:2]  # every item is brought with a similar one
        outputs = normalize(points[chosen][:, :, partners].reshape(-1, MAX_BITS) @ turn)
        bits = CODE_LENGTHS[step % len(CODE_LENGTHS)]
        target = int(parameters.target_share * bits)
        loss = hamming_target_loss(outputs[:, :bits], group, target, parameters.dissimilar_weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        recent.append(float(loss.detach()))
        if step % 50 == 0:
            _tell(log, {"step": step, "loss": round(sum(recent) / len(recent), 4)})
            recent.clear()
    with torch.no_grad():
        middle = (points.reshape(-1, MAX_BITS) @ turn).median(dim=0).values.numpy()
        weight = basis @ turn.numpy()
    scale = float(((vectors[:8] - mean) @ basis).std() / points[:8].std())
    return weight / scale, -(mean @ weight) / scale - middle


def fit_decision(views: Views, parameters: TrainingParameters) -> np.ndarray:
    """float64 (3,), the logistic regression of `NearDuplicateModel.decision`, by Newton's method."""
    cosine, correlation, is_same, is_unrelated = pairs_of_shots(views, parameters)
    inputs = np.stack([np.ones_like(cosine), cosine, correlation], axis=1)
    weights = np.where(is_unrelated, parameters.unrelated_weight, 1.0)
    decision = np.zeros(3)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-inputs @ decision))
        gradient = inputs.T @ (weights * (is_same - chance))
        curvature = (inputs * (weights * chance * (1 - chance))[:, None]).T @ inputs
        decision = decision + np.linalg.solve(curvature + 1e-6 * np.eye(3), gradient)
    return decision


def pairs_of_shots(
    views: Views, parameters: TrainingParameters
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cosine, correlation, whether it is one set-up, and whether the families differ, of pairs of two-view shots.

    The first two views of a set-up are a shot, the other two another one. Compared are: every set-up with itself, with
    the others of its family, and with some of other families.
    """
    rng = np.random.default_rng(parameters.seed)
    rows = []
    for number in range(len(views)):
        within = [(number, s, number, t) for s in range(SETUPS_PER_FAMILY) for t in range(s + 1)]
        others = rng.integers(len(views), size=parameters.unrelated)
        across = [(number, *rng.integers(4, size=1), other, *rng.integers(4, size=1)) for other in others]
        rows += [*within, *(pair for pair in across if pair[2] != number)]
    f, s, g, t = np.array(sorted(rows), dtype=np.int64).T
    # Of every set-up two shots of two views each: the even ones are compared with the odd ones.
    i, j = 2 * (f * SETUPS_PER_FAMILY + s), 2 * (g * SETUPS_PER_FAMILY + t) + 1
    vectors = views.vectors.reshape(-1, VIEWS // 2, DIMENSIONS)
    seen = views.luma_std.reshape(-1, VIEWS // 2) >= BLANK_CONTRAST
    cosines = np.matmul(vectors[i], vectors[j].swapaxes(1, 2))
    cosine = np.where(seen[i][:, :, None] & seen[j][:, None], cosines, -1).max(axis=(1, 2))
    shot = np.arange(len(vectors)).repeat(VIEWS // 2)[seen.ravel()]
    pictures = ShotPictures.of(views.luma.reshape(-1, *LUMA_SIZE[::-1])[seen.ravel()], shot, len(vectors))
    correlation = shot_correlations(pictures, pictures, i, j)
    shown = cosine > -1
    return tuple(each[shown] for each in (cosine.astype(np.float64), correlation, (f == g) & (s == t), f != g))


def measured(model: NearDuplicateModel, views: Views, parameters: TrainingParameters) -> dict[str, float]:
    """What the model is worth on families: of pairs of shots the F1 of the decision, of views the bits' separation."""
    cosine, correlation, is_same, is_unrelated = pairs_of_shots(views, parameters)
    weights = np.where(is_unrelated, parameters.unrelated_weight, 1.0)
    claimed = model.chance(cosine, correlation) >= 0.5
    found = float((weights * (claimed & is_same)).sum())
    told = {"f1": 2 * found / float((weights * claimed).sum() + (weights * is_same).sum())}
    group = np.arange(len(views) * SETUPS_PER_FAMILY).repeat(VIEWS)
    i, j = np.triu_indices(len(group), 1)
    same = group[i] == group[j]
    for bits in CODE_LENGTHS:
        signs = np.unpackbits(model.codes(views.vectors.reshape(-1, DIMENSIONS), bits), axis=1).astype(np.float32)
        distance = (signs @ (1 - signs).T + (1 - signs) @ signs.T)[i, j]
        for recall in (95, 99):
            limit = np.percentile(distance[same], recall)
            told[f"distance_{bits}_at_recall_{recall}"] = float(limit)
            told[f"dissimilar_{bits}_within_it_{recall}"] = round(float((distance[~same] <= limit).mean()), 5)
    return told


def _tell(log: Path, what: dict[str, object]) -> None:
    with log.open("a") as file:
        file.write(json.dumps(what) + "\n")
