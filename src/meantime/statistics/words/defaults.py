"""What was chosen where a request names nothing, and what else it could name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meantime.statistics.words.subject import Subject
from meantime.text import listed

# More are counted.
_NAMED = 8


def default_group(subject: Subject, group: tuple[str, str], others: Iterable[tuple[str, str]]) -> str:
    """Say which group an answer is about because none was named, and which others there are.

    >>> from meantime.dataset.facts.titles import Title
    >>> of_adults = Subject(title=Title(topic="obesity", people="adults"))
    >>> default_group(of_adults, ("Sex", "Female"), [("Sex", "Male")])
    'No group was requested, so this is about women, the first one; there are figures for men too.'
    >>> default_group(of_adults, ("Sex", "Female"), [])
    'No group was requested, so this is about women, the only one.'
    """
    words = [subject.people_in(*each) for each in others]
    rest = f"the first one; there are figures for {listed(words, most=_NAMED)} too" if words else "the only one"
    return f"No group was requested, so this is about {subject.people_in(*group)}, {rest}."


def default_category(category: str, others: Sequence[str]) -> str:
    """Say whose groups are compared because no category was named.

    >>> default_category("Age", ["Income", "Sex"])
    'No category was requested, so groups are those of Age, the first one; there are Income and Sex too.'
    >>> default_category("Sex", [])
    'No category was requested, so groups are those of Sex.'
    """
    verb = "is" if len(others) == 1 else "are"
    rest = f", the first one; there {verb} {listed(others, most=_NAMED)} too" if others else ""
    return f"No category was requested, so groups are those of {category}{rest}."


def default_member(subject: Subject, part: str, category: str, chosen: str, others: Sequence[str]) -> str:
    """Say which group of a category is the reference, or the group compared with it, because none was named.

    >>> from meantime.dataset.facts.titles import Title
    >>> of_adults = Subject(title=Title(topic="obesity", people="adults"))
    >>> default_member(of_adults, "reference", "Sex", "Female", ["Male"])
    'No reference was requested, so it is women, the first group; it could be men too.'
    >>> default_member(of_adults, "group", "Sex", "Male", [])
    'No group was requested, so it is men.'
    """
    free = [subject.people_in(category, each) for each in others]
    place = "first" if part == "reference" else "next"
    rest = f", the {place} group; it could be {listed(free, most=_NAMED, conjunction='or')} too" if free else ""
    return f"No {part} was requested, so it is {subject.people_in(category, chosen)}{rest}."


def default_standard(name: str, title: str, others: Sequence[str]) -> str:
    """Say which standard population was taken because none was named.

    >>> default_standard("us_2000", "population of the United States", ["european_2013"])
    'No standard was requested, so it is us_2000 (population of the United States); european_2013 fits too.'
    >>> default_standard("ours", "Ours", [])
    'No standard was requested, so it is ours (Ours), the only one that fits.'
    """
    verb = "fits" if len(others) == 1 else "fit"
    rest = f"; {listed(others, most=_NAMED)} {verb} too" if others else ", the only one that fits"
    return f"No standard was requested, so it is {name} ({title}){rest}."
