"""How well and how fast shots are found again among up to a million others: by codes, and by what they stand for.

Queries and what they must find are real; the others are made up around real ones, because nobody has a million shots
lying around. What is made up is a mixture of three frames, each of its own film, multiplied by log-normal noise: the
numbers stay positive and every dimension keeps its scale. The noise is set so that the median cosine to the nearest
real shot is that of real shots to the nearest of another film.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from matchcut.near_duplicates.codes import codes_of_title
from matchcut.near_duplicates.model import CODE_LENGTHS, MAX_BITS, NearDuplicateModel
from matchcut.shot_embeddings import DIMENSIONS

CHUNK = 10_000
SHOTS_OF_TITLE = 1_000
"""Of a made-up title: made-up shots are no titles by themselves."""
SIZES = (0, 10_000, 100_000, 1_000_000)
MOST_FLOATS = 100_000
"""Database of embeddings: a million of them are 5 GB, which a benchmark on a desk does not take."""
RECALLS = (0.95, 0.99)
TIMED_QUERIES = 50
MIXED = 3
LISTS = 256
SEED = 4


@dataclass(frozen=True)
class Questions:
    """Queries, the real part of the database, and which of it answers which query.

    Attributes:
        queries: float32 (Q, 1280), unit vectors.
        real: float32 (R, 1280).
        relation: int8 (Q, R), 1 what is to be found, 0 what is not, -1 what nobody judged: it is passed over.
        copy_of_query: int64 (Q,), ascending, the copy that each query is from.
        film_of_real: int64 (R,), ascending, the film of each.
    """

    queries: np.ndarray
    real: np.ndarray
    relation: np.ndarray
    copy_of_query: np.ndarray
    film_of_real: np.ndarray


@dataclass(frozen=True)
class Method:
    """A way to write a frame down and to compare what was written.

    Attributes:
        bits: of a code; 0 for floats.
        describe: float32 (N, 1280) and the title of each, int64 (N,) ascending, to uint8 (N, bits / 8), or to itself.
    """

    bits: int
    describe: Callable[[np.ndarray, np.ndarray], np.ndarray]

    @property
    def bytes_per_shot(self) -> int:
        """For one frame per shot."""
        return self.bits // 8 or DIMENSIONS * 4

    def scores(self, queries: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(Q, N), more is nearer: cosine, or the Hamming distance with a minus."""
        return -hamming(queries, others) if self.bits else queries @ others.T


def hamming(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """int16 (Na, Nb), bits that differ, of packed codes uint8 (N, B) with B a multiple of 8."""
    words_a, words_b = (np.ascontiguousarray(np.ascontiguousarray(codes).view(np.uint64).T) for codes in (a, b))
    distance = np.zeros((len(a), len(b)), np.int16)
    for row in range(len(a)):
        for word in range(len(words_a)):
            distance[row] += np.bitwise_count(words_b[word] ^ words_a[word, row])
    return distance


def methods(model: NearDuplicateModel, mean: np.ndarray) -> dict[str, Method]:
    """All that are compared.

    Args:
        model: gives the learned codes, which are taken around each title's own center, as in the graph.
        mean: float32 (1280,), of the database, which signs without training are taken around.
    """
    planes = np.random.default_rng(SEED).normal(size=(DIMENSIONS, MAX_BITS)).astype(np.float32)

    def learned(bits: int) -> Method:
        def describe(vectors: np.ndarray, title: np.ndarray) -> np.ndarray:
            titles = np.split(vectors, np.flatnonzero(np.diff(title)) + 1)
            return np.concatenate([codes_of_title(each, np.arange(len(each)), model, bits) for each in titles])

        return Method(bits, describe)

    return {
        **{f"learned code, {bits} bits": learned(bits) for bits in CODE_LENGTHS},
        "signs, 256 random hyperplanes": Method(
            MAX_BITS, lambda vectors, _: np.packbits((vectors - mean) @ planes > 0, axis=1)
        ),
        "signs, all 1280": Method(DIMENSIONS, lambda vectors, _: np.packbits(vectors > mean, axis=1)),
        "cosine": Method(0, lambda vectors, _: vectors),
    }


def made_up(frames: np.ndarray, film: np.ndarray, noise: float, count: int, seed: Sequence[int]) -> np.ndarray:
    """float32 (count, 1280), unit vectors of shots that nobody filmed.

    Args:
        frames: float32 (M, 1280), real ones.
        film: int (M,), the film of each; there are at least `MIXED`.
        noise: standard deviation of the logarithm of what every number is multiplied by.
        count: how many.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    films = np.unique(film)
    chosen = rng.random((count, len(films))).argpartition(MIXED - 1, axis=1)[:, :MIXED]
    weights = rng.dirichlet(np.ones(MIXED), size=count).astype(np.float32)
    members = [np.flatnonzero(film == each) for each in films]
    mixed = rng.standard_normal((count, frames.shape[1]), dtype=np.float32)
    np.exp(np.multiply(mixed, np.float32(noise), out=mixed), out=mixed)
    sums = np.zeros_like(mixed)
    for part in range(MIXED):
        picked = np.zeros(count, np.int64)
        for number, frames_of_film in enumerate(members):
            here = chosen[:, part] == number
            picked[here] = rng.choice(frames_of_film, int(here.sum()))
        sums += frames[picked] * weights[:, part, None]
    mixed *= sums
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))


def nearest_of_other_films(vectors: np.ndarray, film: np.ndarray) -> np.ndarray:
    """float32 (N,), for each shot the cosine of the most similar one of another film."""
    cosine = vectors @ vectors.T
    cosine[film[:, None] == film[None, :]] = -1
    return np.asarray(cosine.max(axis=1))


def fitted_noise(real: np.ndarray, frames: np.ndarray, film: np.ndarray, target: float) -> float:
    """The noise with which the median cosine to the nearest of `real` is the target; by bisection."""
    low, high = 0.0, 3.0
    for _ in range(12):
        noise = (low + high) / 2
        nearest = (made_up(frames, film, noise, 1000, (SEED, 0)) @ real.T).max(axis=1)
        low, high = (noise, high) if np.median(nearest) > target else (low, noise)
    return (low + high) / 2


class Counts:
    """How many others come before what is to be found, counted as the database grows.

    Whatever scores the same comes before: a code that cannot tell two shots apart gains nothing by it.
    """

    def __init__(self, scores: np.ndarray, relation: np.ndarray) -> None:
        """Take in the real part.

        Args:
            scores: (Q, R), more is nearer.
            relation: int8 (Q, R), as in `Questions`.
        """
        wanted = relation == 1
        self.num_wanted = wanted.sum(axis=1)
        # The reach at a recall: as near as all but so many of the pairs to be found are.
        ordered = np.sort(scores[wanted])
        self.reach = [ordered[int((1 - recall) * len(ordered))] for recall in RECALLS]
        self.thresholds = np.zeros((len(scores), int(self.num_wanted.max())), scores.dtype)
        for row, number in enumerate(self.num_wanted.tolist()):
            self.thresholds[row, :number] = np.sort(scores[row, wanted[row]])[::-1]
        self.before = np.zeros(self.thresholds.shape, np.int64)
        self.within = np.zeros(len(RECALLS), np.int64)
        self.total = 0
        lowest = np.iinfo(scores.dtype).min if scores.dtype.kind == "i" else -np.inf
        self.add(np.where(relation == 0, scores, lowest), int((relation == 0).sum()))

    def add(self, scores: np.ndarray, num_pairs: int | None = None) -> None:
        """Count more of the database, (Q, N); `num_pairs` of them count, all if not given."""
        for column in range(self.thresholds.shape[1]):
            self.before[:, column] += (scores >= self.thresholds[:, column, None]).sum(axis=1)
        self.within += [int((scores >= reach).sum()) for reach in self.reach]
        self.total += scores.size if num_pairs is None else num_pairs

    def figures(self) -> dict[str, float]:
        """Mean average precision, and the share of the database within reach at every recall."""
        place = np.arange(1, self.thresholds.shape[1] + 1)
        precision = np.where(place <= self.num_wanted[:, None], place / (place + self.before), 0.0)
        asked = self.num_wanted > 0
        average = precision[asked].sum(axis=1) / self.num_wanted[asked]
        shares = {
            f"share_at_recall_{recall}": float(f"{within / self.total:.3g}")
            for recall, within in zip(RECALLS, self.within.tolist(), strict=True)
        }
        return {"mean_average_precision": round(float(average.mean()), 4), **shares}


def search(
    questions: Questions,
    frames: np.ndarray,
    film: np.ndarray,
    noise: float,
    model: NearDuplicateModel,
    sizes: Sequence[int] = SIZES,
) -> dict[str, Any]:
    """Ask every method all questions at every size, and time them.

    Args:
        questions: what is asked.
        frames: real frames that the others are made from; see `made_up`.
        film: of each.
        noise: see `made_up`.
        model: of the learned codes.
        sizes: of the made-up part, ascending, multiples of `CHUNK`.

    Returns:
        Per method its bytes per shot, and per size its figures.
    """
    mean = made_up(frames, film, noise, CHUNK, (SEED, 1, 0)).mean(axis=0)
    compared = methods(model, mean)
    asked = {name: method.describe(questions.queries, questions.copy_of_query) for name, method in compared.items()}
    stored = {name: [method.describe(questions.real, questions.film_of_real)] for name, method in compared.items()}
    counts = {
        name: Counts(method.scores(asked[name], stored[name][0]), questions.relation)
        for name, method in compared.items()
    }
    results: dict[str, Any] = {
        name: {"bytes_per_shot": method.bytes_per_shot, "sizes": {}} for name, method in compared.items()
    }
    results["cosine, IVF"] = {"bytes_per_shot": DIMENSIONS * 4 + 8, "sizes": {}}
    made_up_title = np.arange(CHUNK) // SHOTS_OF_TITLE
    done = 0
    for size in sizes:
        for number in range(done // CHUNK, size // CHUNK):
            vectors = made_up(frames, film, noise, CHUNK, (SEED, 1, number))
            for name, method in compared.items():
                if method.bits or size <= MOST_FLOATS:
                    described = method.describe(vectors, made_up_title)
                    counts[name].add(method.scores(asked[name], described))
                    stored[name].append(described)
        done = size
        for name, method in compared.items():
            if method.bits or size <= MOST_FLOATS:
                figures: dict[str, Any] = counts[name].figures()
                if size:
                    figures["milliseconds_per_query"] = timed(method, asked[name], np.concatenate(stored[name]))
                results[name]["sizes"][str(size)] = figures
        if 0 < size <= MOST_FLOATS:
            results["cosine, IVF"]["sizes"][str(size)] = inverted_file(questions, np.concatenate(stored["cosine"]))
    return results


def timed(method: Method, queries: np.ndarray, database: np.ndarray) -> float:
    """Median milliseconds of an exhaustive search by FAISS for the ten nearest, one query at a time, one thread."""
    import faiss

    index = faiss.IndexBinaryFlat(method.bits) if method.bits else faiss.IndexFlatIP(DIMENSIONS)
    index.add(np.ascontiguousarray(database))
    return _median_milliseconds(index, queries)


def _median_milliseconds(index: Any, queries: np.ndarray) -> float:
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    seconds = []
    for query in _spread(queries):
        started = time.perf_counter()
        index.search(query, 10)
        seconds.append(time.perf_counter() - started)
    faiss.omp_set_num_threads(threads)
    return float(f"{1000 * median(seconds):.3g}")


def _spread(queries: np.ndarray) -> Iterator[np.ndarray]:
    """Some of the queries, one row each."""
    for row in np.linspace(0, len(queries) - 1, TIMED_QUERIES).astype(int).tolist():
        yield np.ascontiguousarray(queries[row : row + 1])


def inverted_file(questions: Questions, database: np.ndarray) -> dict[str, Any]:
    """FAISS's IVF with as many lists visited as the recalls need, and its time at the greater of them.

    Args:
        questions: what is asked; the database begins with their real part.
        database: float32 (N, 1280).
    """
    import faiss

    quantizer = faiss.IndexFlatIP(DIMENSIONS)
    index = faiss.IndexIVFFlat(quantizer, DIMENSIONS, LISTS, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.niter = SEED, 10
    index.train(database[: 64 * LISTS])
    index.add(database)
    order = quantizer.search(questions.queries, LISTS)[1]
    list_of_real = quantizer.search(questions.real, 1)[1][:, 0]
    length = np.bincount(quantizer.search(database, 1)[1][:, 0], minlength=LISTS)
    query, item = np.nonzero(questions.relation == 1)
    visit = np.argmax(order[query] == list_of_real[item][:, None], axis=1) + 1
    figures: dict[str, Any] = {}
    for recall in RECALLS:
        index.nprobe = int(np.sort(visit)[int(np.ceil(recall * len(visit))) - 1])
        visited = length[order[:, : index.nprobe]].sum(axis=1).mean() / len(database)
        figures |= {f"share_at_recall_{recall}": float(f"{visited:.3g}"), f"lists_at_recall_{recall}": index.nprobe}
    return {**figures, "milliseconds_per_query": _median_milliseconds(index, questions.queries)}


def quantiles(values: np.ndarray) -> Mapping[str, float]:
    """The 10th, 50th and 90th of a hundred."""
    return {str(q): round(float(np.percentile(values, q)), 3) for q in (10, 50, 90)}
