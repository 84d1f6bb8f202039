"""One look for all figures: SVG that is small, the same for the same numbers, and readable on a light and a dark page.

Figures are drawn in the light colours of `PALETTE`, on no background. `themed` swaps each for a CSS variable of the
page, so an inlined figure follows the reader's colour scheme; the files beside the report keep the plain colours on
white.
"""

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = {
    "ink": "#1d232b",
    "muted": "#5d6673",
    "line": "#d5dae1",
    "accent": "#2457c5",
    "second": "#b4540a",
    "third": "#0f7b63",
    "fourth": "#8a3ea8",
    "bad": "#b42318",
}
"""Light colours by the name of the page's CSS variable; all differ, so that each can be found again in an SVG."""

SERIES = ("accent", "second", "third", "fourth")

_STYLE: Any = {  # the stubs want a literal type of 300 keys
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's own font
    "svg.hashsalt": "cic_assets",  # the same figure gives the same bytes
    "text.parse_math": False,  # a class may be called a$b$
    "font.size": 10,
    "text.color": PALETTE["ink"],
    "axes.labelcolor": PALETTE["muted"],
    "axes.edgecolor": PALETTE["line"],
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": PALETTE["line"],
    "grid.linewidth": 0.7,
    "xtick.color": PALETTE["line"],
    "ytick.color": PALETTE["line"],
    "xtick.labelcolor": PALETTE["muted"],
    "ytick.labelcolor": PALETTE["muted"],
    "legend.frameon": False,
    "legend.labelcolor": PALETTE["ink"],
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}
_FONT = re.compile(r"font(-family)?: (?:([\d.]+px) )?'[^;\"]*")
_GROUP_ID = re.compile(r"<g id=\"[^\"]*\"")
_WHITE = '<rect width="100%" height="100%" fill="#ffffff"/>'


def draw(width: float, height: float, paint: Callable[["Figure", list["Axes"]], None], *, columns: int = 1) -> str:
    """An SVG of `width` by `height` points, painted on `columns` axes side by side.

    Without pyplot: no display is needed and no figure stays in memory.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # The reader's browser has the letters that matplotlib's own font lacks: texts are kept as text.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        figure.patch.set_visible(False)
        axes = list(figure.subplots(1, columns, squeeze=False)[0])
        for axis in axes:
            axis.patch.set_visible(False)
            axis.tick_params(length=0)
        paint(figure, axes)
        target = io.BytesIO()
        figure.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _finish(target.getvalue().decode())


def themed(svg: str) -> str:
    """The figure for inlining: its colours are the page's variables."""
    for name, colour in PALETTE.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def standalone(svg: str) -> str:
    """The figure as a file of its own, on white."""
    head, rest = svg.split(">", 1)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head} font-family="sans-serif">{_WHITE}{rest}'


def _finish(svg: str) -> str:
    svg = svg[svg.index("<svg") :]
    # The page scales it, and gives it its font; ids of groups would repeat from figure to figure.
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="img"', svg, count=1)
    svg = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = _FONT.sub(lambda found: f"font-size: {found[2]}" if found[2] else "font-family: inherit", svg)
    return re.sub(r"\s*\n\s*", " ", _GROUP_ID.sub("<g", svg)).strip()
