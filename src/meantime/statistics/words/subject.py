"""What a sentence is about: the question's short title, the group, the years and the kind of places.

Every sentence names them, so that it stands alone where it is copied to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from meantime import text
from meantime.dataset.cube import Doubles
from meantime.dataset.facts.geography import NOWHERE, Geography
from meantime.dataset.facts.titles import Title, group_words, is_everybody, place_words

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SINGULAR = {"states": "state", "territories": "territory", "places": "place"}
# More places that share a value are counted.
_MOST_TIED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The question, the group and the years of an answer, in words."""

    title: Title
    group: str = ""  # "women"; "" for all people of the question
    years: str = ""  # "2023"; "" where the table has none
    unit: str | None = None
    geography: Geography = NOWHERE

    def __str__(self) -> str:
        return self.title.among(self.group)

    @property
    def difference_unit(self) -> str | None:
        """The unit of differences."""
        return text.unit_of_difference(self.unit)

    @property
    def in_difference_unit(self) -> str:
        """The unit of differences as the end of a phrase: ", in percentage points"; "" without one.

        >>> Subject(title=Title(topic="HIV"), unit="per 100,000 people").in_difference_unit
        ', per 100,000 people'
        """
        unit = self.difference_unit
        return f", {unit}" if unit and unit.startswith("per ") else f", in {unit}" if unit else ""

    def of(self, category: str, stratum: str) -> Subject:
        """Return the same of one stratum."""
        return replace(self, group=self.people(category, stratum))

    def people(self, category: str, stratum: str) -> str:
        """Return the words for a stratum's people; "" where those are everybody."""
        return "" if is_everybody(category, stratum) else group_words(category, stratum, self.title.people)

    def people_in(self, category: str, stratum: str) -> str:
        """Return the words for a stratum's people, also where those are everybody.

        >>> of_adults = Subject(title=Title(topic="obesity", people="adults"))
        >>> of_adults.people_in("Sex", "Female"), of_adults.people_in("Total", "Total")
        ('women', 'adults')
        """
        return self.people(category, stratum) or self.title.people or stratum

    @property
    def during(self) -> str:
        """The years as an adverb, with a space before it."""
        return f" in {self.years}" if self.years else ""

    def with_years(self, *more: str) -> str:
        """Return the years and other short facts in parentheses, with a space before them.

        >>> Subject(title=Title(topic="obesity"), years="2023").with_years("Holm-adjusted")
        ' (2023; Holm-adjusted)'
        """
        facts = "; ".join(filter(None, (self.years, *more)))
        return f" ({facts})" if facts else ""

    def nouns(self, names: Iterable[str], *, conjunction: str = "and") -> str:
        """Return what places are called together: states, states and territories; places where that is not known.

        >>> from meantime.dataset.facts.geography import for_locations
        >>> of = Subject(title=Title(topic="obesity"), geography=for_locations(("Guam", "Ohio", "Utah")))
        >>> of.nouns(["Guam", "Ohio"]), of.nouns(["Ohio"]), of.nouns(["Ohio", "Atlantis"])
        ('states and territories', 'states', 'places')
        """
        rest, kinds = set(names), []
        for kind, members in self.geography.sets.items():
            if kind in _SINGULAR and rest.intersection(members):
                kinds.append(kind)
                rest -= set(members)
        return f" {conjunction} ".join(kinds) if kinds and not rest else "places"

    def noun(self, names: Iterable[str]) -> str:
        """Return the same of one place: "state or territory"."""
        return " or ".join(_SINGULAR[each] for each in self.nouns(names).split(" and "))

    def value(self, value: float, places: int | None = None) -> str:
        """Write a value of the question."""
        return text.amount(value, self.unit, places=places)


def in_list(value: float, unit: str | None, places: int) -> str:
    """Write a value for a list whose heading has the unit; a percent sign is short enough to stand there too.

    >>> in_list(20.84, "percent", 1), in_list(20.84, "cups", 1)
    ('20.8%', '20.8')
    """
    return text.amount(value, unit if unit == text.PERCENT else None, places=places)


def capitalized(sentence: str) -> str:
    """Begin with a capital letter.

    >>> capitalized("obesity rose."), capitalized('"obesity" rose.')
    ('Obesity rose.', '"obesity" rose.')
    """
    return sentence[:1].upper() + sentence[1:]


def number_word(number: int) -> str:
    """Write a small number as a word.

    >>> number_word(5), number_word(12)
    ('five', '12')
    """
    return _NUMBERS[number] if 0 < number < len(_NUMBERS) else f"{number:,}"


def here(name: str) -> str:
    """Return where: "in Utah", "nationally"."""
    return place_words(name).here


def named(name: str) -> str:
    """Return the place as the subject of a sentence: "Utah", "the nation"."""
    return place_words(name).name


def tied(names: Sequence[str], nouns: str) -> str:
    """Return the places that share a value: by name, or counted where they are many.

    >>> tied(["Colorado", "Hawaii"], "states"), tied(["A", "B", "C", "D", "E", "F"], "places")
    ('Colorado and Hawaii', '6 places')
    """
    if len(names) > _MOST_TIED:
        return f"{len(names):,} {nouns}"
    return text.listed(map(named, names))


def by_size(sizes: Sequence[float] | Doubles, indexes: Iterable[int], most: int) -> list[int]:
    """Return the indexes of the largest sizes, whatever their sign, the largest first; ties keep their order.

    >>> by_size([1.0, -3.0, 2.0, 9.0], [0, 1, 2], most=2)
    [1, 2]

    Sizes that differ only by how they were computed are ties:

    >>> by_size([29.4 - 27.2, 3.4 - 1.2], [0, 1], most=2)
    [0, 1]
    """
    sizes_by_index = {index: abs(sizes[index]) for index in indexes}
    if len(sizes_by_index) > most:
        # Rounding is slow, and moves none of the others among the largest.
        least = sorted(sizes_by_index.values())[-most] - 1e-8
        sizes_by_index = {index: size for index, size in sizes_by_index.items() if size >= least}
    # No finding shows more than nine decimals, and errors of computing are far smaller.
    return sorted(sizes_by_index, key=lambda index: -round(sizes_by_index[index], 9))[:most]


def some_of(number: int, of: int, things: str) -> str:
    """Say how many of several: none, some or all.

    >>> [some_of(number, 52, "states") for number in (0, 15, 52)]
    ['none of the 52 states', '15 of the 52 states', 'all 52 states']
    >>> some_of(2, 2, "states")
    'both states'
    """
    if number == of == 2:
        return f"both {things}"
    if number == of:
        return f"all {of:,} {things}"
    return f"{f'{number:,}' if number else 'none'} of the {of:,} {things}"


def both_counts(one: tuple[int, str, str], other: tuple[int, str, str], of: int, things: str, span: str = "") -> str:
    """Say in how many places one of two things holds and in how many the other, the more frequent first.

    Each has its count, its words where it comes first, and its words where it comes second.

    >>> both_counts((2, "rose", "rose"), (3, "fell", "fell"), 10, "states", " from 2011 to 2023")
    'fell in 3 of the 10 states from 2011 to 2023 and rose in 2'
    >>> both_counts((2, "is above the figure", "above it"), (0, "is below the figure", "below it"), 2, "states")
    'is above the figure in both states and below it in none'
    """
    first, second = (one, other) if one[0] >= other[0] else (other, one)
    return f"{first[1]} in {some_of(first[0], of, things)}{span} and {second[2]} in {second[0] or 'none'}"


def list_of_largest(count: int, what: str, entries: Sequence[str], *, largest: str = "largest") -> str:
    """List the largest of some things: how many there are, and which are listed. ``what`` begins with the noun.

    >>> list_of_largest(7, "differences in obesity (2023)", ["Ohio 4.1", "Utah 3.9"])
    'The two largest of 7 differences in obesity (2023): Ohio 4.1; Utah 3.9.'
    >>> list_of_largest(2, "differences in obesity (2023)", ["Ohio 4.1", "Utah 3.9"])
    'The two differences in obesity (2023), largest first: Ohio 4.1; Utah 3.9.'
    """
    if len(entries) == count:
        start = f"The {number_word(count)} {what}, {largest} first"
    else:
        start = f"The {number_word(len(entries))} {largest} of {count:,} {what}"
    return f"{start}: {'; '.join(entries)}."


def change_text(value: float, places: int) -> str:
    """Write a difference with its sign.

    >>> change_text(3.14, 1), change_text(-3.14, 1), change_text(0.001, 2)
    ('+3.1', '−3.1', '0.00')
    """
    written = text.number(value, places)
    return f"+{written}" if value > 0 and written.strip("0.") else written
