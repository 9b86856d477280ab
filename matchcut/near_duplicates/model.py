"""What `python -m matchcut.near_duplicates.training` trained, as the package carries it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from matchcut.packaged_file import require_intact

MODEL_FILE = Path(__file__).with_name("model.npz")
MODEL_SHA256 = "bfcf58d396d7ebd69912ffb3f45db14f22219b9b2048f60f9f6007c68bc0b4b7"
"""Of the file that the package carries; a part of what names every result."""
CODE_LENGTHS = (64, 128, 256)
"""Bits. The shorter codes are the first bits of the longest."""
MAX_BITS = CODE_LENGTHS[-1]


@dataclass(frozen=True)
class NearDuplicateModel:
    """A linear head and a decision.

    Attributes:
        weight: float32 (1280, 256); `vector @ weight + offset` are the outputs whose signs are a code.
        offset: float32 (256,).
        decision: float64 (3,), of a logistic regression: what is added up is a constant, a weight for the greatest
            cosine of two shots' embeddings and one for the correlation of their pictures.
    """

    weight: np.ndarray
    offset: np.ndarray
    decision: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays of other shapes."""
        if self.weight.shape[1:] != (MAX_BITS,) or self.offset.shape != (MAX_BITS,) or self.decision.shape != (3,):
            shapes = self.weight.shape, self.offset.shape, self.decision.shape
            raise ValueError(f"a model has arrays of shapes (D, {MAX_BITS}), ({MAX_BITS},) and (3,), got {shapes}")

    def outputs(self, vectors: np.ndarray) -> np.ndarray:
        """float32 (..., 256) of unit vectors (..., D)."""
        return np.asarray(vectors @ self.weight + self.offset, dtype=np.float32)

    def codes(self, vectors: np.ndarray, bits: int = MAX_BITS, center: np.ndarray | None = None) -> np.ndarray:
        """uint8 (..., bits / 8): packed binary codes of unit vectors.

        Args:
            vectors: float32 (..., 1280).
            bits: one of `CODE_LENGTHS`.
            center: float32 (256,), outputs above which a bit is set; None for 0, the center of what was trained on.
        """
        if bits not in CODE_LENGTHS:
            raise ValueError(f"a code has {', '.join(map(str, CODE_LENGTHS))} bits, not {bits}")
        outputs = self.outputs(vectors) if center is None else self.outputs(vectors) - center
        return np.packbits(outputs[..., :bits] > 0, axis=-1)

    def log_odds(self, cosine: np.ndarray, correlation: np.ndarray) -> np.ndarray:
        """float64, the logarithm of the odds that two shots show the same set-up.

        Args:
            cosine: greatest cosine of their embeddings.
            correlation: of their pictures, of the same shape.
        """
        constant, of_cosine, of_correlation = self.decision
        return np.asarray(constant + of_cosine * cosine + of_correlation * correlation, dtype=np.float64)

    def chance(self, cosine: np.ndarray, correlation: np.ndarray) -> np.ndarray:
        """float64, the chance that two shots show the same set-up, in [0, 1]; arguments as of `log_odds`."""
        return chance_of(self.log_odds(cosine, correlation))

    def least_cosine(self, chance: float) -> float:
        """The cosine below which even pictures that coincide wholly do not reach a chance."""
        constant, of_cosine, of_correlation = self.decision
        return float((log_odds_of(chance) - constant - of_correlation) / of_cosine)

    def save(self, path: Path) -> None:
        """Write an `.npz`; the head as float16, which moves no sign that matters."""
        np.savez_compressed(
            path,
            weight=self.weight.astype(np.float16),
            offset=self.offset.astype(np.float16),
            decision=self.decision.astype(np.float64),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            weight, offset = (arrays[name].astype(np.float32) for name in ("weight", "offset"))
            return cls(weight, offset, arrays["decision"])


def log_odds_of(chance: np.ndarray | float) -> np.ndarray:
    """Logarithm of the odds of a chance in [0, 1]; those of 0 and 1 are taken as one to a million."""
    clipped = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))


def chance_of(log_odds: np.ndarray | float) -> np.ndarray:
    """float64, in [0, 1]: what `log_odds_of` undoes."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))


@lru_cache
def load_model(path: Path = MODEL_FILE, sha256: str = MODEL_SHA256) -> NearDuplicateModel:
    """The trained model.

    Raises:
        MissingWeightsError: the file is missing or not the one that was trained.
    """
    require_intact(path, sha256, "the model of near-duplicates")
    return NearDuplicateModel.read(path)
