"""Where a picture is taken: a table of places, each with its ground and what stands at its horizon."""

from dataclasses import dataclass

from tools.draw_sample.textures import Colour


@dataclass(frozen=True, slots=True)
class Place:
    """A place.

    Attributes:
        ground: colour in white light, RGB in [0, 255].
        grain: how rough the ground looks, 0 to 1.
        backdrop: what stands at the horizon: a name in `backdrops.BACKDROPS`.
        verge: colour beside the road, or None where there is no road.
        lines: markings: "road", "slabs", "ruts", "none".
        hours: names in `lights.HOURS` that suit it.
        props: what stands about behind the vehicle: names in `props.PROPS`.
        falling: what may fall: "rain", "snow", "dust" or "".
    """

    name: str
    ground: Colour
    grain: float
    backdrop: str
    verge: Colour | None
    lines: str
    hours: tuple[str, ...]
    props: tuple[str, ...] = ()
    falling: str = ""


PLACES: tuple[Place, ...] = (
    Place(
        name="city",
        ground=(108, 108, 110),
        grain=0.25,
        backdrop="city",
        verge=(150, 146, 140),
        lines="road",
        hours=("day", "overcast", "dusk", "night"),
        props=("lamp post", "tree", "cone"),
        falling="rain",
    ),
    Place(
        name="country road",
        ground=(112, 110, 108),
        grain=0.3,
        backdrop="hills",
        verge=(104, 118, 66),
        lines="road",
        hours=("day", "golden", "overcast", "fog"),
        props=("tree", "post", "bush"),
        falling="rain",
    ),
    Place(
        name="desert",
        ground=(206, 172, 122),
        grain=0.5,
        backdrop="dunes",
        verge=None,
        lines="ruts",
        hours=("day", "golden", "sunset"),
        props=("rock", "bush"),
        falling="dust",
    ),
    Place(
        name="forest",
        ground=(116, 98, 72),
        grain=0.8,
        backdrop="forest",
        verge=(78, 92, 48),
        lines="ruts",
        hours=("day", "overcast", "fog", "dusk"),
        props=("tree", "spruce", "bush"),
        falling="rain",
    ),
    Place(
        name="snow",
        ground=(226, 230, 236),
        grain=0.35,
        backdrop="conifers",
        verge=None,
        lines="ruts",
        hours=("day", "overcast", "dusk", "fog"),
        props=("spruce", "rock"),
        falling="snow",
    ),
    Place(
        name="seaside",
        ground=(150, 142, 130),
        grain=0.35,
        backdrop="sea",
        verge=None,
        lines="slabs",
        hours=("day", "golden", "sunset", "night"),
        props=("lamp post", "post"),
    ),
    Place(
        name="hall",
        ground=(120, 118, 116),
        grain=0.05,
        backdrop="hall",
        verge=None,
        lines="slabs",
        hours=("studio",),
    ),
    Place(
        name="meadow",
        ground=(112, 128, 64),
        grain=0.8,
        backdrop="hills",
        verge=None,
        lines="none",
        hours=("day", "golden", "overcast", "sunset"),
        props=("tree", "bush", "rock"),
        falling="rain",
    ),
    Place(
        name="mountains",
        ground=(128, 120, 108),
        grain=0.6,
        backdrop="mountains",
        verge=(120, 122, 92),
        lines="road",
        hours=("day", "overcast", "golden", "fog"),
        props=("rock", "spruce", "post"),
        falling="snow",
    ),
    Place(
        name="yard",
        ground=(152, 148, 142),
        grain=0.3,
        backdrop="sheds",
        verge=None,
        lines="slabs",
        hours=("day", "overcast", "dusk", "night"),
        props=("crate", "cone", "lamp post"),
        falling="rain",
    ),
    Place(
        name="mud",
        ground=(104, 84, 62),
        grain=0.9,
        backdrop="forest",
        verge=(92, 88, 52),
        lines="ruts",
        hours=("overcast", "day", "golden"),
        props=("tree", "rock", "crate"),
        falling="rain",
    ),
    Place(
        name="plain",
        ground=(150, 126, 92),
        grain=0.6,
        backdrop="mountains",
        verge=None,
        lines="none",
        hours=("sunset", "golden", "dusk"),
        props=("bush", "rock"),
        falling="dust",
    ),
)
"""All places; both classes come from each of them equally often."""
