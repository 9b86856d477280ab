"""Average trained networks: `python -m matchcut.shots.training.average FILE... --out FILE`.

Goes of one training end in one valley of the loss; the mean of their weights lies deeper in it (Wortsman et al., "Model
soups", ICML 2022).
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from matchcut.shots.boundary import read_network, write_network
from matchcut.shots.boundary_network import BoundaryNetwork


def averaged(networks: Sequence[BoundaryNetwork]) -> BoundaryNetwork:
    """The network whose weights are the means of those of one or more networks."""
    mean = torch.optim.swa_utils.AveragedModel(networks[0], use_buffers=True)
    for network in networks:
        mean.update_parameters(network)
    result: BoundaryNetwork = mean.module  # type: ignore[assignment]
    return result


def main() -> None:
    """Read the networks, write their mean."""
    parser = argparse.ArgumentParser(prog="python -m matchcut.shots.training.average", description=__doc__)
    parser.add_argument("networks", type=Path, nargs="+", metavar="FILE", help="written by the training, .npz")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the network, .npz")
    arguments = parser.parse_args()
    write_network(averaged([read_network(path) for path in arguments.networks]), arguments.out)
    print(f"{arguments.out}: SHA-256 {hashlib.sha256(arguments.out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
