"""TransNetV2's network for inference: 100 small frames in, two probabilities per frame out.

Stacks of dilated (2+1)D convolutions, beside them how alike every frame is to its neighbours, once by learned
features and once by colour histograms (Souček and Lokoč, "TransNet V2", arXiv:2008.04838). The parameters carry
the names of the published weights, so that their state dict loads strictly; the computation is arranged for speed:
frames stay in channels-last memory, in which a spatial convolution sees (B*T, C, H, W) and a temporal one
(B, C, T, H*W) without a copy, the spatial convolutions of a block's four dilations run as one, and the batch
normalization is folded into the temporal convolutions.

Importing this module imports torch: only `transnet.py` does, inside a function.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

DILATIONS = (1, 2, 4, 8)
FILTERS = (16, 32, 64)  # per dilation, one entry per stack
LOOKUP_WINDOW = 101  # frames, the middle one included, that similarities look at
SIMILARITY_DIM = 128
HIDDEN_DIM = 1024
FRAME_HEIGHT, FRAME_WIDTH = 27, 48
HISTOGRAM_BITS = 3  # per channel: 512 colours
BATCH_NORM_EPSILON = 1e-3  # the paper's TensorFlow default, not torch's


class SeparableConvolution(nn.Module):
    """The parameters of a 3x3 spatial convolution and the dilated temporal one after it."""

    def __init__(self, in_channels: int, filters: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv3d(in_channels, 2 * filters, (1, 3, 3), bias=False),
                nn.Conv3d(2 * filters, filters, (3, 1, 1), bias=False),
            ]
        )

    @property
    def spatial(self) -> Tensor:
        """float (2 * filters, in_channels, 3, 3)."""
        return torch.squeeze(self.layers[0].get_parameter("weight"), 2)

    @property
    def temporal(self) -> Tensor:
        """float (filters, 2 * filters, 3, 1)."""
        return torch.squeeze(self.layers[1].get_parameter("weight"), 4)


class DilatedBlock(nn.Module):
    """Four separable convolutions of dilations 1, 2, 4, 8 side by side, normalized."""

    def __init__(self, in_channels: int, filters: int) -> None:
        super().__init__()
        self.filters = filters
        for dilation in DILATIONS:
            self.add_module(f"Conv3D_{dilation}", SeparableConvolution(in_channels, filters))
        self.bn = nn.BatchNorm3d(len(DILATIONS) * filters, eps=BATCH_NORM_EPSILON)

    def branches(self) -> list[SeparableConvolution]:
        """The separable convolutions in the order of `DILATIONS`."""
        return [self.get_submodule(f"Conv3D_{dilation}") for dilation in DILATIONS]  # type: ignore[misc]

    def prepare(self, dtype: torch.dtype) -> None:
        """Fuse the loaded parameters into the tensors that `forward` uses."""
        assert self.bn.running_var is not None
        assert self.bn.running_mean is not None
        scale = self.bn.weight / torch.sqrt(self.bn.running_var + self.bn.eps)
        shift = self.bn.bias - self.bn.running_mean * scale
        spatial = torch.cat([branch.spatial for branch in self.branches()])
        self.spatial = spatial.to(dtype).contiguous(memory_format=torch.channels_last)
        scales = scale.view(len(DILATIONS), self.filters, 1, 1, 1)
        self.temporal = [
            (branch.temporal * s).to(dtype).contiguous(memory_format=torch.channels_last)
            for branch, s in zip(self.branches(), scales, strict=True)
        ]
        self.shift = list(shift.to(dtype).view(len(DILATIONS), self.filters))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, H, W, C) to (B, T, H, W, 4 * filters)."""
        batch, frames, height, width, channels = x.shape
        pictures = x.view(batch * frames, height, width, channels).permute(0, 3, 1, 2)
        features = functional.conv2d(pictures, self.spatial, padding=1).permute(0, 2, 3, 1)
        lines = features.reshape(batch, frames, height * width, -1).permute(0, 3, 1, 2)
        parts = [
            functional.conv2d(part, weight, bias, padding=(d, 0), dilation=(d, 1)).permute(0, 2, 3, 1)
            for part, weight, bias, d in zip(
                torch.chunk(lines, len(DILATIONS), dim=1), self.temporal, self.shift, DILATIONS, strict=True
            )
        ]
        return torch.cat(parts, dim=3).view(batch, frames, height, width, -1)


class Stack(nn.Module):
    """Two dilated blocks with a shortcut around the second, then half the height and width."""

    def __init__(self, in_channels: int, filters: int) -> None:
        super().__init__()
        width = len(DILATIONS) * filters
        self.DDCNN = nn.ModuleList([DilatedBlock(in_channels, filters), DilatedBlock(width, filters)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, H, W, C) to (B, T, H // 2, W // 2, 4 * filters)."""
        first = functional.relu(self.DDCNN[0](x))
        x = functional.relu(self.DDCNN[1](first)) + first
        batch, frames = x.shape[:2]
        pooled = functional.avg_pool2d(x.flatten(0, 1).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        return pooled.reshape(batch, frames, *pooled.shape[1:])


def similarity_band(features: Tensor) -> Tensor:
    """Cosine similarity of every frame to the `LOOKUP_WINDOW` frames around it, 0 beyond the ends.

    Args:
        features: (B, T, D), any length per row.

    Returns:
        (B, T, LOOKUP_WINDOW), the frame itself in the middle.
    """
    unit = functional.normalize(features, dim=2)
    reach = LOOKUP_WINDOW // 2
    padded = functional.pad(unit @ unit.transpose(1, 2), (reach, reach))
    # Row t of the padded matrix is read from column t on: a view of every row, one step further each.
    batch, frames, columns = padded.shape
    return padded.as_strided((batch, frames, LOOKUP_WINDOW), (frames * columns, columns + 1, 1))


def color_histograms(frames: Tensor) -> Tensor:
    """Counts of 512 colours.

    Args:
        frames: uint8 (B, T, H, W, 3).

    Returns:
        float32 (B, T, 512).
    """
    red, green, blue = (frames >> (8 - HISTOGRAM_BITS)).long().flatten(2, 3).unbind(3)
    colors = (((red << HISTOGRAM_BITS) | green) << HISTOGRAM_BITS) | blue
    counts = torch.zeros(*colors.shape[:2], 1 << (3 * HISTOGRAM_BITS))
    return counts.scatter_add_(2, colors, torch.ones(colors.shape))


class FeatureSimilarity(nn.Module):
    """How alike the frames are in the means of the stacks' features."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(len(DILATIONS) * sum(FILTERS), SIMILARITY_DIM)
        self.fc = nn.Linear(LOOKUP_WINDOW, SIMILARITY_DIM)

    def forward(self, stacks: list[Tensor]) -> Tensor:
        """One (B, T, H, W, C) per stack to (B, T, 128)."""
        means = torch.cat([stack.float().mean(dim=(2, 3)) for stack in stacks], dim=2)
        return functional.relu(self.fc(similarity_band(self.projection(means))))


class ColorSimilarity(nn.Module):
    """How alike the frames are in their colour histograms."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(LOOKUP_WINDOW, SIMILARITY_DIM)

    def forward(self, frames: Tensor) -> Tensor:
        """uint8 (B, T, H, W, 3) to (B, T, 128)."""
        return functional.relu(self.fc(similarity_band(color_histograms(frames))))


class TransNetV2(nn.Module):
    """The whole network; call `prepare` once the weights are loaded."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *(len(DILATIONS) * filters for filters in FILTERS[:-1]))
        self.SDDCNN = nn.ModuleList([Stack(n, filters) for n, filters in zip(inputs, FILTERS, strict=True)])
        self.frame_sim_layer = FeatureSimilarity()
        self.color_hist_layer = ColorSimilarity()
        shrink = 2 ** len(FILTERS)
        pixels = (FRAME_HEIGHT // shrink) * (FRAME_WIDTH // shrink)
        features = pixels * len(DILATIONS) * FILTERS[-1] + 2 * SIMILARITY_DIM
        self.fc1 = nn.Linear(features, HIDDEN_DIM)
        self.cls_layer1 = nn.Linear(HIDDEN_DIM, 1)
        self.cls_layer2 = nn.Linear(HIDDEN_DIM, 1)
        self._dtype = torch.float32

    def prepare(self, dtype: torch.dtype = torch.float32) -> "TransNetV2":
        """Fuse the loaded weights; the convolutions then compute in `dtype`, everything else in float32."""
        self._dtype = dtype
        self.eval()
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, DilatedBlock):
                    module.prepare(dtype)
        return self

    def forward(self, frames: Tensor) -> Tensor:
        """Probabilities of a transition.

        Args:
            frames: uint8 (B, T, 27, 48, 3), RGB; T is 100 in training.

        Returns:
            float32 (B, T, 2) in [0, 1]: that the transition's middle is this frame (of a cut: the last frame before
            it), and that the frame lies in a transition.
        """
        x = (frames.float() / 255).to(self._dtype)
        stacks: list[Tensor] = []
        for stack in self.SDDCNN:
            x = stack(x)
            stacks.append(x)
        pooled = x.flatten(2).float()
        joined = torch.cat([self.color_hist_layer(frames), self.frame_sim_layer(stacks), pooled], dim=2)
        hidden = functional.relu(self.fc1(joined))
        return torch.sigmoid(torch.cat([self.cls_layer1(hidden), self.cls_layer2(hidden)], dim=2))
