"""Trains the head and the decision on views of made-up set-ups, deterministic under a seed on one machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from matchcut.near_duplicates.model import CODE_LENGTHS, MAX_BITS, NearDuplicateModel
from matchcut.near_duplicates.picture_structure import ShotPictures, shot_correlations
from matchcut.near_duplicates.training.films import moments_of
from matchcut.near_duplicates.training.loss import hamming_target_loss
from matchcut.near_duplicates.training.setups import SETUPS_PER_FAMILY, family, places, view
from matchcut.shot_embeddings import BLANK_CONTRAST, DIMENSIONS, LUMA_SIZE, appearance, embed, embedding_network
from matchcut.shots.training.takes import Material

VIEWS = 4
"""Of every set-up; two make a shot where the decision is fitted."""
FILMS = 1
"""Tells the random numbers of films from those of families."""


@dataclass(frozen=True)
class TrainingParameters:
    """What is trained, and on how much.

    Attributes:
        seed: of everything that is random.
        families: of four set-ups each.
        film_moments: of every stretch of real film.
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
    film_moments: int = 6
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


def look_at_films(stretches: Sequence[np.ndarray], weights: Path, parameters: TrainingParameters) -> np.ndarray:
    """float32 (S, moments, 4, 1280): views of moments of stretches of real film, unit vectors.

    Args:
        stretches: from `films.read_stretches`.
        weights: of EfficientNet-Lite0.
        parameters: how many, and the seed.
    """
    network = embedding_network(weights)
    shape = len(stretches), parameters.film_moments, VIEWS, DIMENSIONS
    vectors = np.zeros(shape, np.float32)
    for number, stretch in enumerate(stretches):
        rng = np.random.default_rng((parameters.seed, FILMS, number))
        for moment in range(parameters.film_moments):
            vectors[number, moment] = embed(network, moments_of(rng, stretch, VIEWS))
    return vectors


def train(views: Views, films: np.ndarray, parameters: TrainingParameters, log: Path) -> NearDuplicateModel:
    """Train the head and fit the decision.

    Args:
        views: of the made-up families.
        films: float32 (S, moments, 4, 1280), of real film, from `look_at_films`; for the head only.
        parameters: see there.
        log: gets a line of JSON every 50 steps, and what was measured on the families held out.
    """
    torch.manual_seed(parameters.seed)
    is_held_out = views.place % parameters.held_out == 0
    seen, held_out = views.take(~is_held_out), views.take(is_held_out)
    log.write_text(json.dumps(asdict(parameters)) + "\n")
    weight, offset = _trained_head(seen.vectors, films, parameters, log)
    model = NearDuplicateModel(weight, offset, fit_decision(seen, parameters))
    _tell(log, {"held_out": measured(model, held_out, parameters)})
    return model


def discriminant(kinds: Sequence[np.ndarray], shrinkage: float) -> tuple[np.ndarray, np.ndarray]:
    """The mean, float32 (D,), and the 256 directions, (D, 256), in which set-ups differ most against their own views.

    Linear discriminant analysis (Fisher 1936; Rao 1948) with the deviation within set-ups shrunk (Friedman 1989). Every
    kind of material counts the same, however much there is of it.

    Args:
        kinds: float32 (set-ups, views, D) each.
        shrinkage: see `TrainingParameters`.
    """
    exact = [kind.astype(np.float64) for kind in kinds]
    mean = np.mean([kind.mean(axis=(0, 1)) for kind in exact], axis=0)
    of_setups = [kind.mean(axis=1) for kind in exact]
    deviations = [kind - setups[:, None] for kind, setups in zip(exact, of_setups, strict=True)]
    # A mean of few views is nearer to them than the set-up itself is.
    unbiased = [_covariance(each) * each.shape[1] / (each.shape[1] - 1) for each in deviations]
    variance, axes = np.linalg.eigh(np.mean(unbiased, axis=0))
    whitening = axes / np.sqrt(np.maximum(variance, 0) + shrinkage * variance.mean())
    _, turned = np.linalg.eigh(np.mean([_covariance((setups - mean) @ whitening) for setups in of_setups], axis=0))
    return mean.astype(np.float32), (whitening @ turned[:, ::-1][:, :MAX_BITS]).astype(np.float32)


def _covariance(centered: np.ndarray) -> np.ndarray:
    flat = centered.reshape(-1, centered.shape[-1])
    return np.asarray(flat.T @ flat / len(flat))


def _trained_head(
    vectors: np.ndarray, films: np.ndarray, parameters: TrainingParameters, log: Path
) -> tuple[np.ndarray, np.ndarray]:
    """The head's weight (D, 256) and offset (256,): the discriminant directions, turned by what the loss teaches.

    Training all of 1280 x 256 numbers learns the few hundred photos by heart; a turn of 256 directions does not. The
    offset is the mean's: half of photos and half of film, of which there is far less. With a photos' mean alone the
    share of a film's frames that a code proposes is several times as large.
    """
    kinds = [each.reshape(-1, VIEWS, DIMENSIONS) for each in (vectors, films)]
    mean, basis = discriminant(kinds, parameters.shrinkage)
    points, of_films = (torch.from_numpy((each - mean) @ basis) for each in (vectors, films))
    scale = points.std()
    turn = _learned_turn(points / scale, of_films / scale, parameters, log)
    weight = basis @ turn / float(scale)
    return weight, -(mean @ weight)


def _learned_turn(points: Tensor, films: Tensor, parameters: TrainingParameters, log: Path) -> np.ndarray:
    """float32 (256, 256), trained from a random rotation on.

    Args:
        points: float (families, set-ups, views, 256).
        films: float (stretches, moments, views, 256); moments of one stretch are no dissimilar pairs.
        parameters: see there.
        log: see `train`.
    """
    rng = np.random.default_rng(parameters.seed)
    turn = torch.from_numpy(np.linalg.qr(rng.normal(size=(MAX_BITS, MAX_BITS)))[0].astype(np.float32))
    turn.requires_grad_(True)
    normalize = torch.nn.BatchNorm1d(MAX_BITS, affine=False, momentum=0.05)
    optimizer = torch.optim.Adam([turn], lr=parameters.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, parameters.learning_rate, total_steps=parameters.steps)
    group = torch.arange(parameters.batch_families * SETUPS_PER_FAMILY + len(films)).repeat_interleave(2)
    recent: list[float] = []
    for step in range(1, parameters.steps + 1):
        chosen = rng.choice(len(points), parameters.batch_families, replace=False)
        moments = rng.integers(films.shape[1], size=len(films))
        partners = rng.permutation(VIEWS)[:2]  # every item is brought with a similar one
        batch = [points[chosen][:, :, partners], films[np.arange(len(films)), moments][:, partners]]
        outputs = normalize(torch.cat([each.reshape(-1, MAX_BITS) for each in batch]) @ turn)
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
    return np.asarray(turn.detach().numpy())


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
