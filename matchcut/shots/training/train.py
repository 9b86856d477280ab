"""The loop that trains the boundary network, deterministic under a seed on one machine.

Every film is made when it is needed, from its own seed, so that no picture is seen twice in the same film and the
number of worker processes changes nothing.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from matchcut.shots.boundary_network import OUTPUTS, BoundaryNetwork
from matchcut.shots.training.made_up_film import IGNORE, made_up_film
from matchcut.shots.training.takes import Material


@dataclass(frozen=True)
class TrainingParameters:
    """What is trained, and for how long.

    Attributes:
        seed: of everything that is random.
        steps: of the optimizer.
        batch_films: films per step.
        film_frames: frames of every made-up film.
        learning_rate: at its highest, after `warmup_steps`; it then falls to 0 along a cosine.
        weight_decay: of AdamW.
        positive_weights: how much more a missed frame costs than a wrong one, in the order of `OUTPUTS`.
        average_decay: of the running mean of the weights, which is what is kept.
    """

    seed: int = 20261124
    steps: int = 1500
    batch_films: int = 8
    film_frames: int = 160
    learning_rate: float = 2.5e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-3
    positive_weights: tuple[float, float, float] = (3.0, 1.0, 2.0)
    average_decay: float = 0.995


class Films(Dataset[tuple[Tensor, Tensor]]):
    """Made-up films by number."""

    def __init__(self, material: Material, parameters: TrainingParameters) -> None:
        self._material, self._parameters = material, parameters

    def __len__(self) -> int:
        return self._parameters.steps * self._parameters.batch_films

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self._parameters.seed, number))
        film = made_up_film(rng, self._material, self._parameters.film_frames)
        labels = np.stack([getattr(film, name) for name in OUTPUTS], axis=1)
        return torch.from_numpy(film.frames), torch.from_numpy(labels)


def loss_of(logits: Tensor, labels: Tensor, positive_weights: Tensor) -> Tensor:
    """Mean cross entropy of all labels that are told.

    Args:
        logits: (B, T, 3).
        labels: (B, T, 3) in [0, 1], or `IGNORE`.
        positive_weights: (3,).
    """
    told = (labels != IGNORE).float()
    each = functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0), pos_weight=positive_weights, reduction="none"
    )
    return (each * told).sum() / told.sum()


def train(
    material: Material,
    parameters: TrainingParameters,
    log: Path,
    workers: int = 1,
    initial: BoundaryNetwork | None = None,
    every: Callable[[int, BoundaryNetwork], None] | None = None,
) -> BoundaryNetwork:
    """Train.

    Args:
        material: what the films are made of.
        parameters: see there.
        log: gets a line of JSON every 20 steps.
        workers: processes that make films.
        initial: where to begin; random weights when None.
        every: called with the step and the mean network every 100 steps.
    """
    torch.manual_seed(parameters.seed)
    network = initial or BoundaryNetwork()
    average = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(parameters.average_decay),  # type: ignore[no-untyped-call]
    )
    trained: BoundaryNetwork = average.module  # type: ignore[assignment]
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=parameters.learning_rate, weight_decay=parameters.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        parameters.learning_rate,
        total_steps=parameters.steps,
        pct_start=parameters.warmup_steps / parameters.steps,
    )
    films = DataLoader(
        Films(material, parameters), parameters.batch_films, num_workers=workers, multiprocessing_context="fork"
    )
    weights = torch.tensor(parameters.positive_weights)
    recent: list[float] = []
    started = time.monotonic()
    log.write_text(json.dumps(asdict(parameters)) + "\n")
    for step, (frames, labels) in enumerate(films, start=1):
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(frames)
        loss = loss_of(logits, labels, weights)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        recent.append(float(loss.detach()))
        if step % 20 == 0:
            spent = time.monotonic() - started
            with log.open("a") as file:
                file.write(
                    json.dumps({"step": step, "loss": round(sum(recent) / len(recent), 5), "seconds": round(spent)})
                    + "\n"
                )
            recent.clear()
        if every is not None and step % 100 == 0:
            every(step, trained)
    return trained
