"""Train the boundary network: `python -m matchcut.shots.training MATERIAL --out FILE`.

MATERIAL is a folder below which photos, pictures with a transparent ground, and films without a cut are found;
`material.py` names the packages that the network which ships was trained on. The log beside the file says how the loss
fell. To ship the file, put its SHA-256 into `matchcut/shots/boundary.py`.
"""

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from matchcut.shots.boundary import read_network, write_network
from matchcut.shots.boundary_network import BoundaryNetwork
from matchcut.shots.training.material import read_material
from matchcut.shots.training.train import TrainingParameters, train


def main() -> None:
    """Read the material, train, write the network."""
    parser = argparse.ArgumentParser(prog="python -m matchcut.shots.training", description=__doc__)
    parser.add_argument("material", type=Path, help="folder of photos, cut-out pictures and films")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the network, .npz")
    parser.add_argument("--steps", type=int, default=TrainingParameters.steps)
    parser.add_argument("--seed", type=int, default=TrainingParameters.seed)
    parser.add_argument("--learning-rate", type=float, default=TrainingParameters.learning_rate)
    parser.add_argument("--initial", type=Path, metavar="FILE", help="a network to go on from")
    arguments = parser.parse_args()
    # Of the whole process. Without it a step takes ten times as long as soon as gradients are tiny.
    torch.set_flush_denormal(True)
    cv2.setNumThreads(0)  # its threads do not survive the fork of the processes that make films
    parameters = replace(
        TrainingParameters(), steps=arguments.steps, seed=arguments.seed, learning_rate=arguments.learning_rate
    )
    initial = read_network(arguments.initial) if arguments.initial else None

    def keep(network: BoundaryNetwork) -> None:
        write_network(network, arguments.out)

    keep(
        train(
            read_material(arguments.material),
            parameters,
            arguments.out.with_suffix(".jsonl"),
            initial=initial,
            every=lambda step, network: keep(network),
        )
    )
    print(f"{arguments.out}: SHA-256 {hashlib.sha256(arguments.out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
