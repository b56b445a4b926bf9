"""Who stands in a lane, and how many before whom: thousands who wait ask that, so nobody counts."""

from __future__ import annotations

from bisect import bisect_left, insort

# Places that were left at the front are cleared away when there are more of them than this, and than of the others: so
# leaving from the front, which is what nearly all do, costs nothing however long the lane is.
_LEFT_LIMIT = 1_000


class Lane:
    """Places in ascending order. Who enters later usually stands further back, and who is in front leaves first."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._first = 0  # of those that are still there; what is before it has left

    def __len__(self) -> int:
        return len(self._places) - self._first

    def enter(self, place: int) -> None:
        """Stand in a place that nobody has."""
        # What has left is lower than what is there, so the last place says enough also where nobody is there.
        if not self._places or place > self._places[-1]:
            self._places.append(place)
        else:
            insort(self._places, place, lo=self._first)

    def leave(self, place: int) -> None:
        """Let those behind a place move up."""
        if place != self._places[self._first]:
            del self._places[bisect_left(self._places, place, lo=self._first)]
            return
        self._first += 1
        if self._first > _LEFT_LIMIT and self._first > len(self):
            del self._places[: self._first]
            self._first = 0

    def before(self, place: int) -> int:
        """Say how many stand before a place."""
        return bisect_left(self._places, place, lo=self._first) - self._first


NOWHERE = Lane()  # where those are who stand in no lane
