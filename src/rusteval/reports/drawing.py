"""How pictures are drawn and saved: colours, axes, and every form that a picture is needed in.

Colours are those of Okabe and Ito, which colour-blind people can tell apart. matplotlib is imported only when a
picture is drawn, because that takes longer than most commands.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

DPI = 200
WIDTH = 6.8  # inches: the text width of a printed page, and legible in half the width of a screen
_LABELLED_PERCENT = 6.5  # of a bar: a number does not fit into less


@dataclass(frozen=True)
class Theme:
    """Colours of the page around the data, and those of the two models on it."""

    text: str
    grid: str
    background: str
    models: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One picture in every form that it is needed in; `description` says in words what it shows."""

    name: str
    title: str
    description: str
    png: bytes
    svg: bytes
    dark_svg: bytes


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One kind of thing in stacked bars: `shares` are its fractions in [0, 1], one for each bar."""

    label: str
    colour: str
    hatch: str
    shares: Sequence[float]


LIGHT = Theme(
    text="#1b1f24",
    grid="#d0d7de",
    background="#ffffff",
    models=MappingProxyType({"base": "#0072B2", "finetuned": "#D55E00"}),
)
DARK = Theme(
    text="#e6edf3",
    grid="#3d444d",
    background="#0d1117",
    models=MappingProxyType({"base": "#56B4E9", "finetuned": "#FF8C3A"}),
)


def render(name: str, title: str, description: str, draw: Callable[[Theme], Any]) -> Chart:
    """Return a chart in all its forms; `draw` returns the matplotlib figure for a theme."""
    return Chart(
        name=name,
        title=title,
        description=description,
        png=_save(draw, LIGHT, "png"),
        svg=_save(draw, LIGHT, "svg"),
        dark_svg=_save(draw, DARK, "svg"),
    )


def _save(draw: Callable[[Theme], Any], theme: Theme, form: str) -> bytes:
    import matplotlib as mpl  # noqa: PLC0415 -- slow to import, and most commands draw nothing

    settings = {
        "font.size": 10,
        "text.color": theme.text,
        "axes.labelcolor": theme.text,
        "axes.edgecolor": theme.grid,
        "xtick.color": theme.text,
        "ytick.color": theme.text,
        "axes.facecolor": theme.background,
        "figure.facecolor": theme.background,
        "savefig.facecolor": theme.background,
        "hatch.color": LIGHT.text,  # on bars, whose colours are bright in either theme
        "hatch.linewidth": 0.5,
        "text.parse_math": False,  # a task id with dollar signs is no formula
        "svg.hashsalt": "rusteval",
        "svg.fonttype": "path",
    }
    stream = io.BytesIO()
    with mpl.rc_context(settings):
        metadata: Mapping[str, Any] = {"Date": None} if form == "svg" else {"Software": None}
        draw(theme).savefig(stream, format=form, dpi=DPI, metadata=metadata)
    return stream.getvalue()


def new_figure(width: float, height: float) -> Any:
    """Return an empty matplotlib figure; width and height are inches."""
    from matplotlib.figure import Figure  # noqa: PLC0415 -- see _save

    return Figure(figsize=(width, height), layout="constrained")


def clean_axes(axes: Any, theme: Theme, *, grid: str) -> None:
    """Leave away what no reader needs, and draw a grid along one axis (`x` or `y`)."""
    axes.grid(visible=True, axis=grid, color=theme.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def percent_axis(axes: Any, theme: Theme, *, most: float = 100.0) -> None:
    """Make the horizontal axis one of percentages from 0 to `most`, for bars or points with names beside them."""
    axes.set_xlim(0, most)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.tick_params(axis="y", length=0)
    clean_axes(axes, theme, grid="x")


def stacked_bars(axes: Any, names: Sequence[str], segments: Sequence[Segment], *, theme: Theme) -> int:
    """Draw one bar for each name, the first on top, and return of how many segments there is any."""
    used = [segment for segment in segments if any(segment.shares)]
    places = list(range(len(names)))[::-1]
    left = [0.0] * len(names)
    for segment in used:
        widths = [share * 100 for share in segment.shares]
        style = {"color": segment.colour, "hatch": segment.hatch, "edgecolor": theme.background}
        axes.barh(places, widths, left=left, height=0.66, label=segment.label, **style)
        for place, start, width in zip(places, left, widths, strict=True):
            if width >= _LABELLED_PERCENT:
                _label_segment(axes, segment, place=place, centre=start + width / 2, text=f"{width:.1f}")
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set_yticks(places, names)
    axes.set_ylim(-0.5, len(names) - 0.5)
    percent_axis(axes, theme)
    return len(used)


def _label_segment(axes: Any, segment: Segment, *, place: float, centre: float, text: str) -> None:
    box = {"boxstyle": "round,pad=0.15", "facecolor": segment.colour, "edgecolor": "none"}
    style = {"ha": "center", "va": "center", "fontsize": 9, "color": ink(segment.colour)}
    axes.text(centre, place, text, bbox=box if segment.hatch else None, **style)


def ink(colour: str) -> str:
    """Return black or white, whichever is easier to read on the colour (relative luminance, WCAG 2)."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    bright = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
    return "#000000" if bright > 0.18 else "#ffffff"  # noqa: PLR2004 -- where both contrasts are equal
