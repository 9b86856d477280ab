import threading
from collections.abc import Iterator

import pytest

from matchcut.read_ahead import BLOCK_ITEMS, BLOCKS_AHEAD, read_ahead


@pytest.mark.parametrize("count", [0, 1, BLOCK_ITEMS - 1, BLOCK_ITEMS, BLOCK_ITEMS + 1, 1000])
def test_the_same_items_come_in_the_same_order(count: int) -> None:
    assert list(read_ahead(range(count))) == list(range(count))


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield from range(40)
        raise OSError("the disk is gone")

    seen: list[int] = []
    with pytest.raises(OSError, match="the disk is gone"):
        seen.extend(read_ahead(items()))
    assert seen == list(range(40))


def test_no_more_is_read_than_fits() -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for number in range(10_000):
            read += 1
            yield number

    ahead = read_ahead(items())
    next(ahead)
    ahead.close()
    assert read <= (BLOCKS_AHEAD + 3) * BLOCK_ITEMS


def test_closing_early_ends_the_thread_and_closes_the_iterator() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed.set()

    ahead = read_ahead(items())
    next(ahead)
    ahead.close()
    assert closed.is_set()
    assert not any(thread.name == "read_ahead" for thread in threading.enumerate())
