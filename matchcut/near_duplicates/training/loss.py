"""The loss of hash codes: the chances that a similar pair is too far apart and a dissimilar one too near.

After Loncaric, Liu and Weber, *Learning Hash Codes via Hamming Distance Targets*, arXiv:1810.01008. Outputs are taken
as points on a sphere. A random hyperplane parts two points with the chance of their angle over pi; if every bit is such
a hyperplane, the Hamming distance of a pair is binomial, and the chance that it is within a target can be written down
and differentiated, though the codes themselves cannot.
"""

import math

import torch
from torch import Tensor

_TAIL_TERMS = 48
"""Of the sum above the target, where a bit differs so seldom that every term is far below the one before."""


def chance_of_a_bit(points: Tensor) -> Tensor:
    """float (N, N) in (0, 1): the chance that a bit differs, the angle between two points over pi.

    Args:
        points: float (N, bits), any length.
    """
    unit = torch.nn.functional.normalize(points, dim=1)
    return torch.arccos((unit @ unit.T).clamp(-1 + 1e-6, 1 - 1e-6)) / math.pi


def log_chances(p: Tensor, bits: int, target: int) -> tuple[Tensor, Tensor]:
    """Logarithms of the chances that a binomial distance is at most the target, and that it is more.

    Args:
        p: float (...), the chance of each of the `bits` bits, in (0, 1).
        bits: of the code.
        target: a distance in [0, bits).
    """
    log_p, log_q = torch.log(p), torch.log1p(-p)
    choose = [math.lgamma(bits + 1) - math.lgamma(k + 1) - math.lgamma(bits - k + 1) for k in range(bits + 1)]

    def summed(first: int, last: int) -> Tensor:
        """log P(first <= distance <= last)."""
        k = torch.arange(first, last + 1, dtype=p.dtype)
        constant = torch.tensor(choose[first : last + 1], dtype=p.dtype)
        return torch.logsumexp(constant + k * log_p[..., None] + (bits - k) * log_q[..., None], dim=-1).clamp(max=0)

    within = summed(0, target)
    # Each form loses all digits where its chance is nearly 1, and is the exact one where it is small.
    beyond_of_rest = torch.log1p(-torch.exp(within.clamp(max=-1e-4)))
    beyond = torch.where(p * bits < target, summed(target + 1, min(bits, target + _TAIL_TERMS)), beyond_of_rest)
    return within, beyond


def hamming_target_loss(points: Tensor, group: Tensor, target: int, dissimilar_weight: float) -> Tensor:
    """Mean of -log P(distance <= target) of similar pairs, plus the weighted mean of -log P(distance > target).

    Args:
        points: float (N, bits), batch-normalized outputs.
        group: int (N,), similar items share one. Every item has a similar partner.
        target: Hamming distance.
        dissimilar_weight: of the second mean; there are far more dissimilar pairs in use than in a batch.
    """
    bits = points.shape[1]
    within, beyond = log_chances(chance_of_a_bit(points), bits, target)
    same = group[:, None] == group[None, :]
    pairs = torch.ones_like(same).triu(1)
    return -within[same & pairs].mean() - dissimilar_weight * beyond[~same & pairs].mean()
