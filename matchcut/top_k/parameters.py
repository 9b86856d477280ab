"""What ranking removes, what it demotes and by how much: one table of weights."""

from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class RankingWeights:
    """How much each cue may take away from a score, in settings the table `[top_k.weights]`.

    Every cue is a worth in [0, 1] (`cues.py`); a score is multiplied by `1 - weight * (1 - worth)` for each. 0 turns
    a cue off, 1 lets it take everything. A cue that is not known of a pair takes nothing.

    The defaults were chosen on candidates of 14 short films, by the grades of one who also tuned; blind graders have
    judged since (`python -m benchmarks.graded_top --leave-one-out`; the README has the table). What a single cue does,
    and all they do for action match, is one or two candidates of twenty, which is noise there. `confidence` is as high
    as it is because of films beside those: what was no person there (a planet, a dog, a bottle) had 0.3 to 0.75, and
    faces 0.99.

    Attributes:
        agreement: what the other flavors find in the same cut.
        place: how different the two places look.
        time: how far apart they lie in one title.
        confidence: how sure the flavor is of what it found, where it says so.
        motion: how alike what matches moves on both sides, where the flavor says so: who stands is nobody who walks.
        length: whether there is enough of both shots to be seen.
        sharpness: whether both are sharp where the cut would be.
        shape: how far the pictures cover each other when neither is cropped: an upright one after a wide one jumps.
        diversity: how little a cut repeats the shots and scenes of better ones (maximal marginal relevance).
    """

    agreement: float = 0.2
    place: float = 0.9
    time: float = 0.7
    confidence: float = 0.6
    motion: float = 0.45
    length: float = 0.3
    sharpness: float = 0.3
    shape: float = 0.25
    diversity: float = 0.4

    def __post_init__(self) -> None:
        """Refuse weights that would raise a score or turn it round."""
        for each in fields(self):
            if not 0 <= getattr(self, each.name) <= 1:
                raise ValueError(f"the weight {each.name} must lie in [0, 1], got {getattr(self, each.name)}")


@dataclass(frozen=True)
class TopKParameters:
    """What is removed, what is demoted, and by how much.

    Whatever the parameters, a pair whose shot B directly follows shot A in the same title is removed.

    Attributes:
        k: candidates in a title's stored list.
        minimum_score: pairs at or below it are no candidates: next to nothing of the flavor was found in common.
        near_duplicate_similarity: cosine of embeddings, of two titles or one, from which two shots show the
            same thing, whether or not they are in one group: such a pair is removed, and such shots share their uses.
            On four films with labelled set-ups the cosine alone had precision 1.00 and recall 0.99 there; it was
            chosen on them.
        alike_similarity: cosine from which the place or person may be the same; from there on shots repeat what was
            chosen before, up to `near_duplicate_similarity`, where they repeat it altogether.
        same_place_similarity: from `alike_similarity` to this cosine the worth of `place` falls from 1 to 0. Of the
            frame matches that one grader judged the accepted ones lie below 0.53, those of one place above 0.67; both
            limits were chosen with them in view.
        near_seconds: shots of one title with less time between them are near: the worth of `time` rises from 0,
            for nothing between them, to 1. Netflix found most pairs under two minutes to be no match cuts.
        near_share: the same limit as a share of the title's duration, which rules in titles under 4 minutes. Of 18
            such pairs that were graded on those films 4 were accepted, 3 of them in a film of unlike clips.
        enough_seconds: of the shorter shot, from which the worth of `length` is 1; it is in proportion below.
        enough_sharpness: of the less sharp frame (`ShotEmbeddings.sharpness`), from which the worth of `sharpness`
            is 1; in proportion below.
        max_uses_per_shot: candidates in which one shot, or one of its near-duplicates, may appear.
        weights: how much each cue takes away.
    """

    k: int = 50
    minimum_score: float = 0.001
    near_duplicate_similarity: float = 0.82
    alike_similarity: float = 0.55
    same_place_similarity: float = 0.7
    near_seconds: float = 120.0
    near_share: float = 0.5
    enough_seconds: float = 1.0
    enough_sharpness: float = 10.0
    max_uses_per_shot: int = 3
    weights: RankingWeights = field(default_factory=RankingWeights)

    def __post_init__(self) -> None:
        """Refuse limits that allow nothing."""
        if not 0 <= self.near_share <= 1:
            raise ValueError(f"near_share must lie in [0, 1], got {self.near_share}")
        for name in ("near_duplicate_similarity", "same_place_similarity"):
            if not -1 <= self.alike_similarity < getattr(self, name):
                raise ValueError(
                    f"alike_similarity must lie in [-1, {name}), got {self.alike_similarity} and {getattr(self, name)}"
                )
        if min(self.k, self.max_uses_per_shot) < 1 or self.near_seconds < 0:
            raise ValueError(f"k and max_uses_per_shot must be at least 1 and near_seconds at least 0: {self}")
        if min(self.enough_seconds, self.enough_sharpness) <= 0:
            raise ValueError(f"enough_seconds and enough_sharpness must be positive: {self}")


DEFAULTS = TopKParameters()
