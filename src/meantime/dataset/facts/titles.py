"""Short titles of questions, and words for people and places: data, in ``titles.toml``, and a rule for other tables.

A question of the form "Percent of adults who nap" keeps its words, and names a group in the place of its people; one of
the form "Napping among adults" is its title already. Whatever else a question is, it is put in quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import msgspec

from meantime.dataset.facts.conversion import table_of_facts

# "Percent of", "Mean number of", "Crude prevalence of" and the like, before the people.
_SHARE = re.compile(
    r"((?:\w+ ){0,3}(?:percent|percentage|proportion|share|number|prevalence|rate) of )(.+?)( who .+)", re.I
)
_AMONG = re.compile(r"(\w.*?) among (.+)")
_AGED = re.compile(r" age[sd] (?:>=\s?18|18 and older)(?: years)?$| aged 18 years and older$")
_BELOW = re.compile(r"(less|fewer|lower|younger|under|below|up to|<)", re.I)
# In lower case; such a stratum is everybody.
_EVERYBODY = frozenset(
    {
        *(
            "total",
            "overall",
            "all",
            "everyone",
            "everybody",
            "all people",
            "all persons",
            "persons",
            "total population",
        ),
        *("all adults", "all students", "all groups", "all ages", "all age groups", "all races", "all grades"),
        *("all races/ethnicities", "all sexes", "all genders", "both", "both sexes", "both genders"),
        *("males and females", "male and female", "men and women", "women and men"),
        # As codes: SDMX, Eurostat and the WHO.
        *("_t", "t", "btsx", "sex_btsx"),
        # As in Germany and France.
        *("insgesamt", "gesamt", "ensemble"),
    }
)


class _QuestionTitle(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    people: str


class PlaceWords(msgspec.Struct, frozen=True, kw_only=True):
    """How a place is written in a sentence."""

    here: str  # "in Utah", "nationally"
    name: str  # "Utah", "the nation"
    figure: str = ""  # "the national figure of {value}"; "" where it is put together

    def with_figure(self, value: str) -> str:
        """Return its figure, for a sentence."""
        return self.figure.replace("{value}", value) if self.figure else f"the figure of {value} for {self.name}"


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    questions: dict[str, _QuestionTitle]
    groups: dict[str, dict[str, str]]
    spoken: dict[str, str]
    places: dict[str, PlaceWords]


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """What a question is called in a sentence."""

    topic: str  # without the people, where it can be: "obesity"
    people: str = ""  # "adults"; "" where the question does not name them
    around: tuple[str, str] | None = None  # what stands before and after the people, where they are not at the end

    def among(self, people: str = "") -> str:
        """Return the title with the people in it, those of the question if no group is named."""
        people = people or self.people
        if not people:
            return self.topic
        if self.around is not None:
            return people.join(self.around)
        return f"{self.topic} among {people}"


@lru_cache(maxsize=1024)
def title_of(question: str) -> Title:
    """Return the title of a question.

    >>> title_of("Percent of adults aged 18 years and older who have obesity").among("women")
    'obesity among women'
    >>> title_of("Percent of adults who nap").among(), title_of("Percent of adults who nap").among("women")
    ('the percent of adults who nap', 'the percent of women who nap')
    >>> title_of("Napping among adults aged >=18 years").among(), title_of("HIV among adults").topic
    ('napping among adults', 'HIV')
    >>> title_of("How often do you nap?").among(), title_of("How often do you nap?").among("women")
    ('"How often do you nap?"', '"How often do you nap?" among women')
    """
    known = _words().questions.get(question)
    if known is not None:
        return Title(topic=known.title, people=known.people)
    if found := _SHARE.fullmatch(question):
        before, people, after = found.groups()
        return Title(
            topic=f"the {_uncapitalized(question)}", people=people, around=(f"the {_uncapitalized(before)}", after)
        )
    if found := _AMONG.fullmatch(question):
        return Title(topic=_uncapitalized(found[1]), people=_AGED.sub("", found[2]))
    return Title(topic=f'"{question}"')


def is_everybody(category: str, stratum: str) -> bool:
    """Whether a stratum is no group, but all people; of several joined ones, whether each is.

    >>> is_everybody("Total", "Total"), is_everybody("Sex", "Both sexes"), is_everybody("Sex; Age", "All; All ages")
    (True, True, True)
    >>> is_everybody("Sex", "Female"), is_everybody("", "Total; 65 or older"), is_everybody("Total", "65 or older")
    (False, False, False)
    """
    return is_called_everybody(stratum or category)


@lru_cache(maxsize=4096)
def is_called_everybody(name: str) -> bool:
    """Whether a category or stratum is called as all people; "" is, since a row without a group is about everyone."""
    return not name.strip() or all(part.casefold().strip() in _EVERYBODY for part in name.split(";"))


def in_natural_order(strata: Iterable[str]) -> list[str]:
    """Order the groups of a category as a reader expects them, as ``titles.toml`` lists them, or by their numbers.

    >>> in_natural_order(["College graduate", "High school graduate", "Less than high school"])
    ['Less than high school', 'High school graduate', 'College graduate']
    >>> in_natural_order(["65 or older", "Under 18", "18 - 24"])
    ['Under 18', '18 - 24', '65 or older']
    >>> in_natural_order(["Red", "Blue"])
    ['Red', 'Blue']
    """
    given = list(strata)
    for listed in map(list, _words().groups.values()):
        if set(given) <= set(listed):
            return sorted(given, key=listed.index)
    numbers = {stratum: re.findall(r"\d+", stratum.replace(",", "")) for stratum in given}
    if not all(numbers.values()):
        return given
    return sorted(given, key=lambda each: (int(numbers[each][0]), not _BELOW.match(each)))


def group_words(category: str, stratum: str, people: str) -> str:
    """Return the words for the people of a stratum.

    >>> group_words("Sex", "Female", "adults"), group_words("Sex", "Female", "high school students")
    ('women', 'female high school students')
    >>> group_words("Disability", "Hearing", "adults"), group_words("Sex", "Female", "")
    ('adults (Disability: Hearing)', 'people (Sex: Female)')
    """
    template = _words().groups.get(category, {}).get(stratum)
    if template is None or not people:
        named = f"{category}: {stratum}" if category else stratum
        return f"{people or 'people'} ({named})"
    words = template.replace("{people}", people)
    return _words().spoken.get(words, words)


def place_words(location: str) -> PlaceWords:
    """Return how a location is written in a sentence.

    >>> place_words("Utah").here, place_words("National").here, place_words("National").name
    ('in Utah', 'nationally', 'the nation')
    >>> place_words("National").with_figure("33.5%"), place_words("Utah").with_figure("30.2%")
    ('the national figure of 33.5%', 'the figure of 30.2% for Utah')
    """
    return _words().places.get(location) or PlaceWords(here=f"in {location}", name=location)


def _uncapitalized(text: str) -> str:
    """Begin with a small letter, unless the first word is an abbreviation."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


@cache
def _words() -> _Words:
    return table_of_facts("titles.toml", _Words)
