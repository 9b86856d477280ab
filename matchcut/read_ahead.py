"""Reading ahead in a thread: decoding goes on while what was decoded is looked at.

Decoders and networks release Python's lock while they work, so that both cores are busy.
"""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

BLOCK_ITEMS = 32  # handed over together: a hand-over costs as much as scaling a frame
BLOCKS_AHEAD = 8


def read_ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The same items, taken from their iterator by a thread, at most a few hundred ahead of their use.

    An error of the iterator is raised where its item would have come. When the result is closed early, the thread ends
    and the iterator is closed.
    """
    blocks: queue.Queue[list[T] | BaseException | None] = queue.Queue(BLOCKS_AHEAD)
    is_wanted = threading.Event()
    is_wanted.set()
    thread = threading.Thread(target=_fill, args=(items, blocks, is_wanted), name="read_ahead", daemon=True)
    thread.start()
    try:
        while (block := blocks.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield from block
    finally:
        is_wanted.clear()
        while thread.is_alive():  # make room, so that a waiting hand-over ends
            _drop(blocks)
            thread.join(0.01)


def _fill(
    items: Iterable[T], blocks: "queue.Queue[list[T] | BaseException | None]", is_wanted: threading.Event
) -> None:
    iterator = iter(items)
    block: list[T] = []
    try:
        for item in iterator:
            block.append(item)
            if len(block) == BLOCK_ITEMS:
                blocks.put(block)
                block = []
            if not is_wanted.is_set():
                return
        blocks.put(block)
        blocks.put(None)
    except BaseException as error:  # noqa: BLE001  # raised again where the item is used
        blocks.put(block)
        blocks.put(error)
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


def _drop(blocks: "queue.Queue[list[T] | BaseException | None]") -> None:
    try:
        blocks.get_nowait()
    except queue.Empty:
        return
