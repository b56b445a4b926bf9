"""How somebody wants a chart to look: its words, size, colors and emphasis. The numbers are not among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem, RequestInvalid
from meantime.text import listed, quoted

# What an address calls these parameters, so that none of them is ever a statistic's own: "chart.title".
PREFIX: Final = "chart."
# A PNG has at most so many pixels from left to right, and 40 million in all: a page of a magazine in print. A larger
# one takes the renderer more memory than it is allowed.
MOST_PIXELS_WIDE: Final = 5_120
MOST_PIXELS: Final = 40_000_000
_TEXT_CHARACTERS = 300


class Theme(StrEnum):
    """The colors of a picture."""

    LIGHT = "light"
    DARK = "dark"
    TRANSPARENT = "transparent"


class Order(StrEnum):
    """The order of the rows."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    NAME = "name"


class MarkLabels(StrEnum):
    """What is written at the marks."""

    NONE = "none"
    VALUES = "values"


class Size(StrEnum):
    """The shape of a picture."""

    ARTICLE = "article"
    SOCIAL = "social"
    SLIDE = "slide"


_Text = Annotated[str, msgspec.Meta(max_length=_TEXT_CHARACTERS)]
_Names = Annotated[tuple[str, ...], msgspec.Meta(max_length=20)]
_Width = Annotated[int, msgspec.Meta(ge=280, le=2560)]
_Scale = Annotated[float, msgspec.Meta(ge=0.5, le=4)]
_Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """How a chart is to look. None leaves it to the chart, and an empty text leaves the line out."""

    title: _Text | None = None
    subtitle: _Text | None = None
    note: _Text | None = None
    source: _Text | None = None
    highlight: _Names = ()
    size: Size | None = None
    width: _Width | None = None
    scale: _Scale = 2.0
    theme: Theme = Theme.LIGHT
    limit: _Limit | None = None
    order: Order | None = None
    labels: MarkLabels = MarkLabels.NONE
    ranks: bool = False

    @property
    def layout(self) -> tuple[int, int | None]:
        """Width and height in pixels of the page; None for the height that the rows take."""
        width, height = _SIZES[self.size]
        if self.width is None or self.width == width:
            return width, height
        return self.width, height and round(height * self.width / width)


_SIZES: Mapping[Size | None, tuple[int, int | None]] = {
    None: (900, None),
    Size.ARTICLE: (720, None),
    Size.SOCIAL: (540, 540),
    Size.SLIDE: (960, 540),
}
AS_IT_IS: Final = Figure()
# What each is, and an example, for documentation.
MEANINGS: Final[Mapping[str, tuple[str, Any]]] = {
    "title": ("The title of the chart; empty for none.", "Obesity is most common in the South"),
    "subtitle": ("The text below the title; empty for none.", "Women aged 18 and older, 2023"),
    "note": ("The note above the source, in place of the chart's own; empty for none.", "Provisional figures."),
    "source": ('What follows "Source:"; empty for no source.', "CDC, BRFSS 2023"),
    "highlight": (
        "A location to highlight; repeat it for several. They are drawn even where a chart shows only some.",
        ["Ohio"],
    ),
    "size": ("article is 720 wide and as high as its rows need, social 540 x 540, slide 960 x 540.", "social"),
    "width": ("Width in pixels of a page, 900 by default. With a size, its height changes in proportion.", 1200),
    "scale": ("Pixels of a PNG for each pixel of a page: 2 is sharp on screens and in print.", 2),
    "theme": ("Colors; transparent is light without a background.", "dark"),
    "limit": ("How many locations are shown: the first, in the order of the chart.", 20),
    "order": (
        "The order of the rows: highest first, lowest first, or by name. Each chart has its own default.",
        "name",
    ),
    "labels": ("values writes the value at each mark that has room for it.", "values"),
    "ranks": ("Whether a ranking also shows the confidence interval of each rank.", True),
}


def read_figure(texts: Mapping[str, Sequence[str]], *, prefix: str = PREFIX) -> Figure:
    """Read a figure from texts, by the names of its fields.

    ``prefix`` is what the names begin with where they come from, for the errors.

    Raises:
        RequestInvalid: with all problems: an unknown name, a value that is not allowed, one name with two values.

    >>> read_figure({"width": ["1200"], "highlight": ["Ohio", "Utah"]}).highlight
    ('Ohio', 'Utah')
    """
    if not texts:  # most often
        return AS_IT_IS
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    by_name = {field.name: field.type for field in msgspec.structs.fields(Figure)}

    def wrong(name: str, code: str, detail: str, near: Sequence[str] = ()) -> None:
        problems.append(Problem(pointer=f"/{prefix}{name}", code=code, detail=detail, closest=tuple(near)))

    for name, given in texts.items():
        if name not in by_name:
            near = [f"{prefix}{each}" for each in closest(name, tuple(by_name))]
            hint = suggestion(near) or f"There are {listed((f'{prefix}{each}' for each in by_name), most=None)}."
            wrong(name, "unknown-parameter", f"There is no {quoted(f'{prefix}{name}')}. {hint}".strip(), near)
        elif name != "highlight" and len(set(given)) > 1:
            wrong(name, "repeated", f'"{prefix}{name}" takes one value, but {len(set(given)):,} were given.')
        else:
            raw = tuple(dict.fromkeys(given)) if name == "highlight" else given[0]
            try:
                values[name] = msgspec.convert(raw, by_name[name], strict=False)
            except msgspec.ValidationError:
                wrong(name, "range", f'"{prefix}{name}" {_allowed(by_name[name])}, not {quoted(str(given[0]), 60)}.')
    if not problems:
        figure = Figure(**values)
        if figure.layout[0] * figure.scale <= MOST_PIXELS_WIDE:
            return figure
        detail = (
            f'"{prefix}width" times "{prefix}scale" is {figure.layout[0] * figure.scale:,.0f} pixels, and a picture '
            f"has at most {MOST_PIXELS_WIDE:,}. Make one of them smaller."
        )
        wrong("scale", "range", detail)
    raise RequestInvalid(
        problems[0].detail
        if len(problems) == 1
        else f"{len(problems)} settings of the chart are wrong. The first: {problems[0].detail}",
        problems=tuple(problems),
    )


def _allowed(kind: Any) -> str:
    """Say which values a field takes.

    >>> _allowed(Theme)
    'must be light, dark or transparent'
    """
    limits = msgspec.inspect.type_info(kind)
    match limits.types[0] if isinstance(limits, msgspec.inspect.UnionType) else limits:
        case msgspec.inspect.EnumType(cls=cls):
            *most, last = [str(each) for each in cls]
            return f"must be {', '.join(most)} or {last}"
        case msgspec.inspect.IntType(ge=least, le=most):
            return f"must be a whole number from {least:,} to {most:,}"
        case msgspec.inspect.FloatType(ge=least, le=most):
            return f"must be a number from {least:g} to {most:g}"
        case msgspec.inspect.BoolType():
            return "must be true or false"
        case msgspec.inspect.VarTupleType(max_length=most):
            return f"may name at most {most} locations"
        case _:
            return f"has at most {_TEXT_CHARACTERS} characters"
