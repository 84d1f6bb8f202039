"""Where a picture is taken: a table of places, each with its ground and what stands at its horizon."""

from dataclasses import dataclass

from cic_assets.sample.textures import Colour


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
        falling: what may fall: "rain", "snow", "dust" or "".
    """

    name: str
    ground: Colour
    grain: float
    backdrop: str
    verge: Colour | None
    lines: str
    hours: tuple[str, ...]
    falling: str = ""


PLACES: tuple[Place, ...] = (
    Place("city", (108, 108, 110), 0.25, "city", (150, 146, 140), "road", ("day", "overcast", "dusk", "night"), "rain"),
    Place(
        "country road",
        (112, 110, 108),
        0.3,
        "hills",
        (104, 118, 66),
        "road",
        ("day", "golden", "overcast", "fog"),
        "rain",
    ),
    Place("desert", (206, 172, 122), 0.5, "dunes", None, "ruts", ("day", "golden", "sunset"), "dust"),
    Place("forest", (116, 98, 72), 0.8, "forest", (78, 92, 48), "ruts", ("day", "overcast", "fog", "dusk"), "rain"),
    Place("snow", (226, 230, 236), 0.35, "conifers", None, "ruts", ("day", "overcast", "dusk", "fog"), "snow"),
    Place("sea", (150, 142, 130), 0.35, "sea", None, "slabs", ("day", "golden", "sunset", "night"), ""),
    Place("showroom", (120, 118, 116), 0.05, "hall", None, "slabs", ("studio",), ""),
    Place("meadow", (112, 128, 64), 0.8, "hills", None, "none", ("day", "golden", "overcast", "sunset"), "rain"),
    Place(
        "mountains",
        (128, 120, 108),
        0.6,
        "mountains",
        (120, 122, 92),
        "road",
        ("day", "overcast", "golden", "fog"),
        "snow",
    ),
    Place("yard", (152, 148, 142), 0.3, "sheds", None, "slabs", ("day", "overcast", "dusk", "night"), "rain"),
    Place("mud", (104, 84, 62), 0.9, "forest", (92, 88, 52), "ruts", ("overcast", "day", "golden"), "rain"),
    Place("sunset plain", (150, 126, 92), 0.6, "mountains", None, "none", ("sunset", "golden", "dusk"), "dust"),
)
