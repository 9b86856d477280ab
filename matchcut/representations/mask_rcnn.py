"""Instances by Mask R-CNN (arXiv 1703.06870, 2111.11429): persons, animals and objects, each with mask and category.

The network is torchvision's, and so are its weights, trained on COCO. It is slow without a GPU, seconds per frame, and
needs the extra `objects`: nothing here is imported before it is asked for.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np

from matchcut.errors import MatchcutError
from matchcut.representations.bodies import MASK_HEIGHT, MASK_WIDTH
from matchcut.representations.instances import CATEGORIES, Instance

WEIGHTS = ("mask_rcnn",)


@dataclass(frozen=True)
class MaskRcnnParameters:
    """What Mask R-CNN is asked for.

    Attributes:
        categories: what is wanted, by COCO's names.
        min_confidence: instances below it are dropped; half is usual, and the other finder's persons that an editor
            would call sure begin there too.
        mask_threshold: probability from which a pixel belongs to an instance; the network's own.
        shorter_side: pixels to which a frame is enlarged first; the network's own, smaller is faster and coarser.
        min_area: share of the picture below which a mask is no silhouette.
        max_area: share of the picture above which a mask has no shape left to match.
    """

    categories: tuple[str, ...] = tuple(CATEGORIES.values())
    min_confidence: float = 0.5
    mask_threshold: float = 0.5
    shorter_side: int = 800
    min_area: float = 0.008
    max_area: float = 0.85

    def __post_init__(self) -> None:
        """Refuse what the network does not know."""
        unknown = set(self.categories) - set(CATEGORIES.values())
        if unknown or not self.categories:
            raise ValueError(
                f"categories has {sorted(unknown) or 'no name'}; choose of {', '.join(sorted(CATEGORIES.values()))}"
            )
        if self.shorter_side < 32:
            raise ValueError(f"shorter_side must be at least 32 pixels, got {self.shorter_side}")


class MaskRcnn:
    """Finds instances in single frames, on the GPU where there is one.

    Args:
        weights: torchvision's file of `maskrcnn_resnet50_fpn_v2`.
        parameters: what is asked for.
    """

    def __init__(self, weights: Path, parameters: MaskRcnnParameters) -> None:
        self._weights = weights
        self._parameters = parameters

    def load(self) -> None:
        """Make the network now rather than at the first frame, so that what is missing is said before work is done.

        Raises:
            MatchcutError: torchvision is not there or does not fit torch, or the weights are another network's.
        """
        _ = self._network

    def find(self, frame: np.ndarray) -> list[Instance]:
        """Instances in a uint8 (H, W, 3) RGB frame, the surest first; errors as of `load`."""
        import torch

        device = next(self._network.parameters()).device
        picture = torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1))).to(device).float() / 255
        with torch.inference_mode():
            (seen,) = self._network([picture])
        settings = self._parameters
        wanted = [number for number, name in CATEGORIES.items() if name in settings.categories]
        found = []
        for category, score, probability in zip(
            seen["labels"].tolist(), seen["scores"].tolist(), seen["masks"][:, 0], strict=True
        ):
            if category not in wanted:
                continue
            mask = _small(probability.cpu().numpy()) >= settings.mask_threshold
            if settings.min_area <= mask.mean() <= settings.max_area:
                found.append(Instance(mask, score, category))
        return found

    @cached_property
    def _network(self) -> Any:
        """The network with its weights."""
        import torch

        network = new_network(self._parameters)
        try:
            network.load_state_dict(torch.load(self._weights, map_location="cpu", weights_only=True))
        except (RuntimeError, OSError, TypeError, ValueError, UnpicklingError) as error:
            raise MatchcutError(
                f"{self._weights} does not hold the weights of torchvision's maskrcnn_resnet50_fpn_v2 ({error}). "
                "Remove it and run `python -m resources.model_weights --objects` once, online."
            ) from error
        return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def new_network(parameters: MaskRcnnParameters) -> Any:
    """torchvision's network without weights.

    Raises:
        MatchcutError: torchvision is not there, or was built for another torch.
    """
    import torch

    try:
        from torchvision.models.detection import maskrcnn_resnet50_fpn_v2
    except (ImportError, RuntimeError) as error:  # its operators fail to register beside another torch
        raise MatchcutError(
            f"Mask R-CNN needs the torchvision that belongs to torch {torch.__version__} ({error}). Install both "
            "together with `pip install --editable '.[objects]'`, or leave `finder` in [frame_match] at \"persons\"."
        ) from error
    return maskrcnn_resnet50_fpn_v2(
        weights=None,
        weights_backbone=None,
        min_size=parameters.shorter_side,
        box_score_thresh=parameters.min_confidence,
    )


def _small(probability: np.ndarray) -> np.ndarray:
    """A picture's probabilities on the grid of masks, float32 (144, 256)."""
    import cv2

    return np.asarray(cv2.resize(probability, (MASK_WIDTH, MASK_HEIGHT), interpolation=cv2.INTER_AREA))
