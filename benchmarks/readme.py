"""The README's figures, written from the JSON that the benchmarks leave.

    python -m benchmarks.readme

Replaces what stands between the marks in README.md; a test checks that the two agree.
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- figures: python -m benchmarks.readme -->", "<!-- end of figures -->"
WORTH_TELLING = 0.005
"""Of mean average precision: less is no difference between two codes."""


def figures(results: Path = RESULTS) -> str:
    """Markdown of all figures whose JSON is there."""
    return "\n\n".join(
        describe(json.loads((results / name).read_text()))
        for name, describe in (
            ("graded_top.json", graded_top),
            ("shots.json", shots),
            ("planted.json", planted),
            ("planted_sounds.json", planted_sounds),
            ("persons.json", persons),
            ("pipeline.json", pipeline),
            ("encode.json", encode),
            ("played_cuts.json", played_cuts),
            ("near_duplicates.json", near_duplicates),
        )
        if (results / name).exists()
    )


def graded_top(result: dict[str, Any]) -> str:
    """How many of the best candidates graders accepted, as `benchmarks.graded_top` looked them up."""
    rows = [
        f"| {name.replace('_', ' ')} | {row['candidates']} | {row['accepted']} | {row['different_accepted']} "
        f"| {_why_not(row)} |"
        for name, row in result["lists"].items()
        if row["verdicts"]  # a list that nobody looked at says nothing
    ]
    agree = ", ".join(
        f"{row['kappa']:.2f} over {row['cuts']} {name.replace('_', ' ')}es" for name, row in result["graded"].items()
    )
    return "\n".join(
        [
            f"`python -m benchmarks.graded_top`, the best {result['k']} of {len(result['titles'])} titles as one "
            "catalogue, each cut judged by three graders or more who saw twelve frames of the second before and after "
            "it, in random order among cuts of other methods and random ones, and no score, rank or name; what more "
            "than half accept is accepted. The graders are instances of a vision-language model that were asked as "
            f"film editors; no editor has judged these. They agree (Fleiss' kappa): {agree}. Sound match was not "
            "graded. The plain method matches middle frames (mask IoU) and mean flow (cosine). Scores of action match "
            "were chosen with such grades of these films in view, the ranking's weights with an earlier grading:",
            "",
            "| list | candidates | accepted | different cuts | why the others are not |",
            "|---|---:|---:|---:|---|",
            *rows,
            *_handles(result["handles"]),
            *_leave_one_out(result["leave_one_out"], result["k"]),
        ]
    )


def _handles(handles: dict[str, Any]) -> list[str]:
    """How many are accepted where all frames at which a shot may be cut are others."""
    if not handles:
        return []
    told = ", ".join(f"{_accepted_of_graded(row)} with {name}" for name, row in handles.items())
    return ["", f"Action match with other handles (`--handles`; it was tuned with 0.2 s): {told}."]


def _why_not(row: dict[str, Any]) -> str:
    counts = {verdict: count for verdict, count in row["verdicts"].items() if verdict != "accepted"}
    counts |= {"not graded": row["ungraded"]} if row["ungraded"] else {}
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items(), key=lambda each: -each[1]))


def _leave_one_out(result: dict[str, Any], k: int) -> list[str]:
    """Different accepted cuts when a cue of the ranking is turned off, by flavor."""
    if not result:
        return []
    flavors = [name for name, rows in result.items() if any(row["verdicts"] for row in rows.values())]
    rows = [
        f"| {name} | " + " | ".join(_accepted_of_graded(result[flavor][name]) for flavor in flavors) + " |"
        for name in result[flavors[0]]
    ]
    return [
        "",
        f"Different accepted cuts among the best {k} when the ranking lacks a cue (with those that nobody graded):",
        "",
        "| ranking | " + " | ".join(name.replace("_", " ") for name in flavors) + " |",
        "|---|" + "---:|" * len(flavors),
        *rows,
    ]


def _accepted_of_graded(row: dict[str, Any]) -> str:
    return f"{row['different_accepted']}" + (f" (+{row['ungraded']}?)" if row["ungraded"] else "")


def shots(result: dict[str, Any]) -> str:
    """Quality and speed of the shot detectors, as `benchmarks.shots` measured them."""
    machine, detectors = result["machine"], result["detectors"]
    films = next(iter(detectors.values()))["films"].values()
    cuts, gradual = (sum(counts[kind] for counts in films) for kind in ("hard", "gradual"))
    rows = [
        f"| {name} | "
        + " | ".join(f"{found[kind][key]:.3f}" for kind in ("hard", "all") for key in ("precision", "recall", "f1"))
        + f" | {found['frames_per_second']:.0f} |"
        for name, found in detectors.items()
    ]
    return "\n".join(
        [
            f"`python -m benchmarks.shots`, {len(films)} films with {cuts} cuts and {gradual} gradual transitions, "
            "none trained on, but three thresholds of `fast` were set with them in view; decoding included, "
            f"{machine['cores']} cores of a shared {machine['processor']}:",
            "",
            "| shot detector | cuts P | R | F1 | all P | R | F1 | frames/s |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"`fast` is the default. It errs more often than TransNetV2 on {where_worse(detectors)}; "
            "`--pictures DIR` draws every boundary that it misses or makes up.",
        ]
    )


def where_worse(detectors: dict[str, Any]) -> str:
    """The films on which the default makes more errors than TransNetV2, with both numbers."""
    ours, peer = (detectors[name]["films"] for name in ("matchcut fast", "TransNetV2"))
    both = {film: (errors(ours[film]), errors(peer[film])) for film in ours}
    return ", ".join(f"`{film}` ({a} to {b})" for film, (a, b) in both.items() if a > b) or "none of them"


def errors(counts: dict[str, int]) -> int:
    """Boundaries missed and made up."""
    return counts["hard"] - counts["found_hard"] + counts["gradual"] - counts["found_gradual"] + counts["false"]


def planted(result: dict[str, Any]) -> str:
    """How many planted match cuts are found, as `benchmarks.planted` measured it."""
    rows = [
        f"| {name.replace('_', ' ')} | {method} | "
        + " | ".join(f"{found[kind][key]:.3f}" for key in ("recall_at_1", "recall_at_10", "mrr"))
        + " |"
        for name, found in result["flavors"].items()
        for kind, method in (("ours", "matchcut"), ("plain", found["plain_method"]))
    ]
    first = next(iter(result["flavors"].values()))
    cuts = "; ".join(
        f"{name.replace('_', ' ')} {found['ours']['cut']['median_frames_off']:g} "
        f"({found['ours']['cut']['default_frames_off']:g})"
        for name, found in result["flavors"].items()
    )
    return "\n".join(
        [
            f"`python -m benchmarks.planted --split {result['split']}`, match cuts planted in composed films, each to "
            f"be found among {first['distractors']} other shots; {first['queries']} queries per flavor. No number was "
            "chosen with this split in view, `tune` is for that; that skies matter was seen on it:",
            "",
            "| flavor | method | recall@1 | recall@10 | MRR |",
            "|---|---|---:|---:|---:|",
            *rows,
            "",
            "Frames of the movement that are skipped or shown twice at the chosen cut, median (and at the last frame "
            f"of A and the first of B): {cuts}.",
        ]
    )


def planted_sounds(result: dict[str, Any]) -> str:
    """How many sounds are found that go on, as `benchmarks.planted_sounds` measured it."""
    rows = [
        f"| {method} | " + " | ".join(f"{figures[key]:.3f}" for key in ("recall_at_1", "recall_at_10", "mrr")) + " |"
        for method, figures in (("matchcut", result["ours"]), (result["plain_method"], result["plain"]))
    ]
    return "\n".join(
        [
            f"`python -m benchmarks.planted_sounds --split {result['split']}`, {result['pairs']} stretches of 3 "
            f"seconds of {len(result['films'])} films, cut in two, the second half made another recording; each half "
            f"to be found among {result['distractors']} others, those beside it included. Weights were chosen on "
            "`tune`, two other films:",
            "",
            "| sound match | recall@1 | recall@10 | MRR |",
            "|---|---:|---:|---:|",
            *rows,
        ]
    )


def persons(result: dict[str, Any]) -> str:
    """What is found of people, as `benchmarks.persons` measured it."""
    ours, plain, figures = result["matchcut"], result["plain"], result["figures"]
    return (
        f"`python -m benchmarks.persons`, middle frames of {result['with_people']} shots with people and "
        f"{result['without_people']} without: persons are found in {ours['found']} and made up in {ours['made_up']} "
        f"(confidence {result['sure_from']:g} and more); the segmentation network alone, {plain['found']} and "
        f"{plain['made_up']}. What counts as a person was set by eye on frames of the same films. What stands out of "
        f"{figures['frames']} of these pictures (`figure.py`, which knows nothing of persons) overlaps the persons who "
        f"are sure there by {figures['overlap']:.2f} (IoU), in the quarter that stands out most by "
        f"{figures['overlap_of_best_quarter']:.2f}; its worth tells overlaps over {figures['right_from']:g} from the "
        f"rest with an area under the curve of {figures['area_under_curve']:.2f}."
    )


def pipeline(result: dict[str, Any]) -> str:
    """Seconds per stage, as `benchmarks.pipeline` measured them."""
    machine = result["machine"]
    rows = [f"| {_part(stage)} | {seconds:.2f} |" for stage, seconds in result["seconds_per_minute_of_video"].items()]
    warm = result["warm_seconds_of"]
    return "\n".join(
        [
            f"`python -m benchmarks.pipeline`, {len(result['films'])} films, {result['minutes_of_video']:.1f} minutes "
            f"of video, shots by `{result['shot_detector']}`. Of {machine['cores']} cores of a shared "
            f"{machine['processor']} it got {result['cold_processor_seconds'] / result['cold_seconds']:.2f}; where "
            "others take the rest, ratios say more than seconds:",
            "",
            "| stage | seconds per minute of video |",
            "|---|---:|",
            *rows,
            f"| everything, cold | {result['cold_seconds_per_minute_of_video']:.2f} |",
            "",
            f"Cold, the whole graph takes {result['cold_over_ffmpeg_alone']:.1f} times as long as ffmpeg alone making "
            f"the same proxies in the same run, {result['cold_over_ffmpeg_alone_processor']:.1f} times the processor "
            f"time (the encode stage {result['encode_over_ffmpeg_alone']:.2f} times as long); warm, "
            f"{result['warm_seconds'] / len(result['films']):.1f} s per title "
            f"({result['warm_processor_seconds'] / len(result['films']):.1f} s of processor time), of which "
            f"{warm['stages'] / result['warm_seconds']:.0%} in stages that read and remember, "
            f"{warm['checks'] / result['warm_seconds']:.0%} in checks and "
            f"{warm['between steps'] / result['warm_seconds']:.0%} between steps: nearly all of it is Dagster's own. "
            f"The largest process held {result['peak_resident_mb']} MB; the store takes "
            f"{result['stored_mb_per_minute_of_video']:.1f} MB per "
            "minute of video.",
        ]
    )


def _part(name: str) -> str:
    """A stage as code; what is no stage in words."""
    return {
        "checks": "asset checks",
        "between steps": "between steps: Dagster, starting, printing",
    }.get(name, f"`{name}`")


def encode(result: dict[str, Any]) -> str:
    """What writing and reading proxies costs with other settings, as `benchmarks.encode` measured it."""
    return "\n".join(
        [
            f"`python -m benchmarks.encode`, the first {result['seconds_per_film']:g} seconds of "
            f"{len(result['films'])} films: `standardize` takes {result['encode_over_alone_passed']:.2f} times as long "
            f"as ffmpeg alone with the same arguments in the same run ({result['encode_over_alone_processor']:.2f} "
            "times the processor time). Seconds of processor time per minute of video, to write a proxy once and to "
            "read it in all later stages (differences of a twentieth are noise):",
            "",
            "| proxy | write | read | sum | MB per minute | SSIM |",
            "|---|---:|---:|---:|---:|---:|",
            *(_encode_row(row, result["settings"][0]["parameters"]) for row in result["settings"]),
        ]
    )


def _encode_row(row: dict[str, Any], defaults: dict[str, Any]) -> str:
    changed = [f"`{name}` {value}" for name, value in row["parameters"].items() if value != defaults[name]]
    write, total = row["seconds_per_minute"]["write"], row["seconds_per_minute"]["sum"]
    figures = f"{write:.2f} | {total - write:.2f} | {total:.2f} | {row['mb_per_minute']:.1f} | {row['ssim']:.4f}"
    return f"| {', '.join(changed) or '**the defaults**'} | {figures} |"


def played_cuts(result: dict[str, Any]) -> str:
    """How long a played cut takes and whether it is right, as `benchmarks.played_cuts` measured it."""
    machine, shifted = result["machine"], result["shifted"]
    return (
        f"`python -m benchmarks.played_cuts`, {result['cuts']} cuts between {len(result['films'])} films, two seconds "
        f"of either side, {machine['cores']} cores of a shared {machine['processor']}: {result['median_seconds']} s "
        f"each (median; {result['median_processor_seconds']} s of processor time; {result['most_seconds']} s at most, "
        f"{result['slowest']}), {result['median_kilobytes']} kB. {result['found_by_seeking']} were found by seeking, "
        f"the others by counting frames; {len(shifted) or 'none'} showed another frame at the cut than the candidate's."
    )


def near_duplicates(result: dict[str, Any]) -> str:
    """Set-ups, other encodes and codes, as `benchmarks.near_duplicates` measured them."""
    setups, copies, codes, machine = (result[name] for name in ("setups", "copies", "codes", "machine"))
    kinds = list(next(iter(copies["methods"].values()))["recall"])
    names = {"plain": "plain method, best threshold", "pHash": "pHash, best threshold"}
    rows = []
    for name, within in setups["methods"].items():
        across = copies["methods"][name]
        figures = [within[key] for key in ("precision", "recall", "f1")]
        figures += [across["recall"][kind]["recall"] for kind in kinds]
        figures += [across["recall_of_all"], across["precision"]]
        rows.append(f"| {names.get(name, name)} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    shots_asked = sum(counts["shots"] for counts in copies["methods"]["matchcut"]["recall"].values())
    not_judged = copies["methods"]["matchcut"]["pairs"]["not_judged"]
    return "\n".join(
        [
            f"`python -m benchmarks.near_duplicates`. Set-ups: {setups['pairs']} pairs of shots of "
            f"{len(setups['methods']['matchcut']['films'])} films, {setups['methods']['matchcut']['wanted']} of them "
            f"one set-up. Other encodes: {shots_asked} shots of {copies['copies']} copies of {len(copies['films'])} "
            "films, recall of the same shot for each kind of copy, and precision where the truth tells set-ups apart "
            f"({not_judged} pairs of different shots of one film that were called the same were not judged). The "
            "plain method (EfficientNet-Lite0, middle frames, cosine) and pHash have the threshold that is best on "
            "these set-ups; ours was trained (`matchcut.near_duplicates.training`) on made-up ones and other films; "
            "interviews before plain walls belong to the former because one of these films showed that they matter, "
            "and text cards and the moments of a shot that are looked at were chosen on some of these films:",
            "",
            "| | set-ups P | R | F1 | " + " | ".join(f"{kind} R" for kind in kinds) + " | all encodes R | P |",
            "|---|" + "---:|" * (len(kinds) + 5),
            *rows,
            "",
            _excerpts(result["excerpts"]),
            "",
            f"{copies['copies_told_to_be_the_same_film']} of {copies['copies']} copies are told to be the same film, "
            f"{copies['other_films_told_to_be_the_same']} of {copies['other_films']} pairs of different films; "
            f"{copies['pairs_compared_exactly']} of {copies['pairs']} pairs were compared exactly. "
            f"{_recuts(result['recuts'])}",
            "",
            f"Codes, one frame per shot (the graph keeps three or more): {codes['queries']} frames of the copies as "
            f"queries among {codes['real_shots']} real shots and so many made up: mixtures of frames of three films "
            f"with noise, {_nearness(codes['made_up'])}. "
            "Mean average precision (mAP; ties count against), the share of the database that is within the distance "
            "that finds 95 % and 99 %, and the time of one query in FAISS on one thread of a shared "
            f"{machine['processor']}. IVF: lists that must be visited. Learned codes are those of the graph, around a "
            "center of each title's own (made-up ones are a thousand to a title), which was chosen on other films, "
            "after a first choice had been seen to do less well on these; signs without training are taken around the "
            "mean of this very database, which no code knows that is stored once. "
            f"{_worth(codes['methods'])} imagededup's network is left out: its weights come from the "
            "internet, and torchvision does not import beside the CPU build of PyTorch:",
            "",
            *_codes(codes["methods"]),
        ]
    )


def _excerpts(excerpts: dict[str, Any]) -> str:
    """What frames by length buy, and cost."""
    all_frames, three = (excerpts["ways"][way] for way in ("all frames", "three frames"))
    return (
        f"Of {excerpts['shots']} excerpts, {excerpts['excerpt_seconds']:g} s of a graded copy at a random place in a "
        f"shot of three seconds or more, {all_frames['found']['shots']} are found by frames according to length "
        f"({all_frames['frames_per_minute']:g} per minute of film) and {three['found']['shots']} by three frames "
        f"({three['frames_per_minute']:g}); of the {excerpts['moving']} from shots whose ends do not coincide, "
        f"{all_frames['found']['moving']} and {three['found']['moving']}."
    )


def _recuts(recuts: dict[str, Any]) -> str:
    """Whether another cut of a film is known."""
    return (
        f"In another cut (two fifths of the shots left out, the others trimmed, encoded anew) {recuts['shots_found']} "
        f"of {recuts['shots']} shots are found again, black ones not; {recuts['told_to_be_the_same_film']} of "
        f"{recuts['recuts']} cuts are told to be the same film, {recuts['others_told_to_be_the_same']} of "
        f"{recuts['pairs_with_other_films']} pairs with other films."
    )


def _nearness(made_up: dict[str, Any]) -> str:
    """How like the made-up shots are to real ones, and real ones to each other."""
    ours, real = (
        made_up[name] for name in ("cosine_to_nearest_real_shot", "cosine_of_real_shots_to_nearest_of_another_film")
    )
    return (
        f"whose nearest real shot has a median cosine of {ours['50']:.2f}, as real shots have to other films' "
        f"({real['50']:.2f}); the 90th percentile is {ours['90']:.2f} to {real['90']:.2f}, because some films "
        "share material"
    )


def _worth(methods: dict[str, Any]) -> str:
    """Whether training was worth it, and from how many shots on."""
    names = "learned code, 256 bits", "signs, 256 random hyperplanes"
    verdicts: dict[str, list[str]] = {"more": [], "as much": [], "less": []}
    for size in sorted((size for size in methods[names[0]]["sizes"] if size != "0"), key=int):
        ours, untrained = (methods[name]["sizes"][size]["mean_average_precision"] for name in names)
        verdict = "as much" if abs(ours - untrained) <= WORTH_TELLING else "more" if ours > untrained else "less"
        verdicts[verdict].append(f"{int(size):,}")
    told = [f"{verdict} among {' and '.join(sizes)}" for verdict, sizes in verdicts.items() if sizes]
    return f"By mAP, the 256 learned bits find {', '.join(told)} shots, compared with as many signs without training."


def _codes(methods: dict[str, Any]) -> list[str]:
    """Rows of the table of codes; a dash where nothing was measured."""
    sizes = [size for size in max((each["sizes"] for each in methods.values()), key=len) if size != "0"]
    labels = [f"{int(size):,}" for size in sizes]
    largest_common = "100000" if "100000" in sizes else sizes[-1]
    head = ["bytes", "mAP, real only", *(f"mAP, {label}" for label in labels)]
    head += [f"share at {recall} % of {int(largest_common):,}" for recall in (95, 99)]
    head += [f"ms, {label}" for label in labels]
    rows = [f"| | {' | '.join(head)} |", "|---|" + "---:|" * len(head)]
    for name, method in methods.items():
        by_size = method["sizes"]
        cells = [f"{method['bytes_per_shot']:,}"]
        cells += [_cell(by_size, size, "mean_average_precision", ".3f") for size in ("0", *sizes)]
        cells += [_cell(by_size, largest_common, f"share_at_recall_{recall}", ".2%") for recall in (0.95, 0.99)]
        cells += [_cell(by_size, size, "milliseconds_per_query", ".3g") for size in sizes]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _cell(by_size: dict[str, Any], size: str, key: str, form: str) -> str:
    value = by_size.get(size, {}).get(key)
    return "—" if value is None else format(value, form)


def with_figures(readme: str, text: str) -> str:
    """The README with these figures between its marks."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def main() -> None:
    README.write_text(with_figures(README.read_text(), figures()))


if __name__ == "__main__":
    main()
