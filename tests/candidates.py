"""Candidates made up by hand, for whatever shows them."""

from matchcut.top_k import Candidate


def candidate_of(
    rank: int, *, flavor: str = "frame_match", score: float = 0.5, titles: tuple[str, str] = ("film", "other")
) -> Candidate:
    """A cut between shots of ten frames, another one for every rank."""
    return Candidate(
        rank=rank,
        flavor=flavor,
        score=score,
        title_a=titles[0],
        shot_a=rank,
        frame_a=rank * 10 + 9,
        timecode_a=f"00:00:{rank:02d}:09",
        title_b=titles[1],
        shot_b=rank + 5,
        frame_b=rank * 10 + 50,
        timecode_b=f"00:00:{rank + 5:02d}:00",
        cues={"iou": 0.83, "area": 0.25, "pair_score": score, "look": 0.4},
        start_frame_a=rank * 10,
        stop_frame_a=rank * 10 + 10,
        start_frame_b=rank * 10 + 50,
        stop_frame_b=rank * 10 + 60,
    )
