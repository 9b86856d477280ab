"""The boundary network: small frames in, per frame the chances of a cut, of a mix and of a mix's middle out.

Made for the time that decoding leaves: about 3 million multiplications a frame, a hundredth of TransNetV2's. A
frame is described by itself (`pictures`), so that it is described once, however many frames it is compared with. Two
branches then look along time. One convolves the descriptions over neighbouring frames, place by place, and sees
movement (as TransNetV2 does, Souček and Lokoč, arXiv:2008.04838). The other compares each frame with those before
it at `LAGS`, region by region, and reads the map of similarities over time and lag as a picture, in which a cut is a
corner, a flash a stripe, a dissolve a ramp and a pan a steady slope (the self-similarity matrix of Foote, ICME 2000).
Dilated convolutions join both.

Importing this module imports torch: only `boundary.py` and `training/` do, inside functions.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

FRAME_HEIGHT, FRAME_WIDTH = 27, 48
LAGS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64)
REGIONS = (3, 4)
STEM, PLACE, DEEP, JOINT = 24, 32, 48, 64
COLORS = 24
CACHED_FRAMES = 64  # described at a time
OUTPUTS = ("cut", "mixed", "middle")


class Along(nn.Module):
    """A residual convolution over time alone: (B, C, T, P) to the same."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, (3, 1), padding=(dilation, 0), dilation=(dilation, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Every place by itself."""
        return x + functional.relu(self.conv(x), inplace=True)


class BoundaryNetwork(nn.Module):
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 3, stride=2, padding=1)
        self.place = nn.Conv2d(STEM, PLACE, 3, stride=2, padding=1)
        self.colors = nn.Conv2d(3, COLORS, 1)
        self.place_offset, self.color_offset = (nn.Parameter(torch.zeros(n)) for n in (PLACE, COLORS))
        self.movement = nn.Sequential(Along(PLACE, 1), Along(PLACE, 2))
        self.deep = nn.Conv2d(PLACE, DEEP, 3, stride=2, padding=1)
        self.deep_movement = nn.Sequential(Along(DEEP, 1), Along(DEEP, 4))
        self.gather = nn.Linear(DEEP * 4 * 6, JOINT)
        regions = REGIONS[0] * REGIONS[1]
        self.lag_maps = nn.Sequential(
            nn.Conv2d(2 * regions + 1, 24, (5, 3), padding=(2, 1)),
            nn.ReLU(inplace=True),
            nn.Conv2d(24, 24, (5, 3), stride=(1, 2), padding=(2, 1)),
            nn.ReLU(inplace=True),
            nn.Conv2d(24, 32, (5, 3), stride=(1, 2), padding=(2, 1)),
            nn.ReLU(inplace=True),
        )
        self.lag_gather = nn.Linear(32 * len(LAGS) // 4, JOINT)
        self.joint = nn.Conv1d(2 * JOINT, JOINT, 1)
        self.joint_movement = nn.ModuleList(nn.Conv1d(JOINT, JOINT, 3, padding=d, dilation=d) for d in (1, 2, 4, 8, 16))
        self.head = nn.Conv1d(JOINT, len(OUTPUTS), 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits.

        Args:
            frames: uint8 (B, T, 27, 48, 3), RGB.

        Returns:
            float32 (B, T, 3), in the order of `OUTPUTS`; a sigmoid makes chances of them.
        """
        batch = len(frames)
        parts = [self._describe(some) for some in torch.split(frames.flatten(0, 1), CACHED_FRAMES)]
        place, places, colors = (torch.cat(each) for each in zip(*parts, strict=True))
        similar = torch.cat([self._similarities(pooled, batch) for pooled in (places, colors)], dim=1)
        maps = self.lag_maps(torch.cat([similar, similar.amin(1, keepdim=True)], 1))
        by_lag = self.lag_gather(maps.permute(0, 2, 1, 3).flatten(2))
        moving = self.movement(_in_films(place.flatten(2), batch).permute(0, 2, 1, 3))
        pictures = moving.permute(0, 2, 1, 3).reshape(place.shape)
        deep = functional.relu(self.deep(pictures), inplace=True)
        deep_moving = self.deep_movement(_in_films(deep.flatten(2), batch).permute(0, 2, 1, 3))
        by_place = self.gather(deep_moving.permute(0, 2, 1, 3).flatten(2))
        y = functional.relu(self.joint(torch.cat([by_lag, by_place], 2).transpose(1, 2)))
        for conv in self.joint_movement:
            y = y + functional.relu(conv(y), inplace=True)
        return self.head(y).transpose(1, 2).float()

    def _describe(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What frames show, each by itself.

        Args:
            frames: uint8 (N, 27, 48, 3); few enough that what is computed from them stays in the processor's cache.

        Returns:
            (N, C, 7, 12) by place, and the means by region of that and of the colours, (N, C, 3, 4) each.
        """
        x = frames.permute(0, 3, 1, 2).to(self.stem.weight.dtype)
        x = 2 * torch.sqrt(x / 255) - 1  # the root, so that dark films are as clear as bright ones
        stem = functional.relu(self.stem(x), inplace=True)
        place = functional.relu(self.place(stem), inplace=True)
        colors = functional.relu(self.colors(x), inplace=True)
        places = functional.avg_pool2d(place, (3, 3), (2, 3)) - self.place_offset[:, None, None]
        return place, places, functional.avg_pool2d(colors, (9, 12)) - self.color_offset[:, None, None]

    @staticmethod
    def _similarities(pooled: Tensor, batch: int) -> Tensor:
        """Cosine similarity of every frame to the ones before it: (B * T, C, 3, 4) to (B, regions, T, lags).

        The first frame stands for what is not there before it.
        """
        unit = _in_films(functional.normalize(pooled.flatten(2), dim=1), batch).permute(0, 3, 1, 2)
        matrix = unit @ unit.transpose(2, 3)  # (B, regions, T, T)
        time = torch.arange(matrix.shape[2], device=matrix.device)
        earlier = (time[:, None] - torch.tensor(LAGS, device=matrix.device)).clamp(min=0)
        return matrix.gather(3, earlier.expand(*matrix.shape[:2], -1, -1))


def _in_films(frames: Tensor, batch: int) -> Tensor:
    """(B * T, ...) to (B, T, ...)."""
    return frames.view(batch, -1, *frames.shape[1:])
