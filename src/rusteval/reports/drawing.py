"""How pictures are drawn and saved: colours, axes, and every form that a picture is needed in.

Colours are those of Okabe and Ito, which colour-blind people can tell apart. matplotlib is imported only when a
picture is drawn, because that takes longer than most commands.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

DPI = 200


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
        "hatch.color": theme.text,
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


def ink(colour: str) -> str:
    """Return black or white, whichever is easier to read on the colour (relative luminance, WCAG 2)."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    bright = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
    return "#000000" if bright > 0.18 else "#ffffff"  # noqa: PLR2004 -- where both contrasts are equal
