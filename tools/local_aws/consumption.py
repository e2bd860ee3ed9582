"""Whether event sources are consumed, and a lock that keeps what comes of it in one piece."""

import threading

# Held while it is written down what became of a batch or an event: the record at a destination,
# and that it is done with. Whoever holds it sees both or neither.
committing = threading.RLock()

# Sources are consumed while this is set. What runs when it is cleared comes to no result: it is
# delivered again.
allowed = threading.Event()
allowed.set()


class Arrivals:
    """Counts events that left a service and have not reached their queue yet."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        """Count an event in."""
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """Count an event out."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait_for_all(self, seconds: float) -> None:
        """Wait until none is on its way, `seconds` at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._count <= 0, timeout=seconds)


# A stop lets them arrive first.
arrivals = Arrivals()
