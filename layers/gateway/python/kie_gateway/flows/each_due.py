"""Go through what is due, for flows that a schedule calls."""

from collections.abc import Callable, Iterable, Iterator


def each_due(find: Callable[[], Iterable[str]], has_time: Callable[[], bool]) -> Iterator[str]:
    """
    Yield the id of whatever is due, each once, also of what becomes due meanwhile.

    Args:
        find: Finds some that are due. One that was yielded may still be: it was left for later.
        has_time: Whether there is time for one more; what is left over is done the next time.
    """
    seen = set[str]()
    while due := [one for one in find() if one not in seen]:
        for one in due:
            if not has_time():
                return
            seen.add(one)
            yield one
