"""The types of tanks: a table of hulls, turrets and guns. How they are built is in `tanks`."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tools.draw_sample.geometry import Floats, floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Turret:
    """A turret, in metres from the middle of its ring, x towards the gun.

    Attributes:
        x: half of its plan from the front to the back, and
        y: how far it reaches to the left there.
        height: of its walls.
        lean: how much smaller the roof is than the base, from 0 to 1.
        ring: x of its middle on the hull.
        cast: rounded rather than made of plates.
        turns: whether it can turn; a casemate cannot.
    """

    x: Sequence[float]
    y: Sequence[float]
    height: float
    lean: float
    ring: float
    cast: bool = False
    turns: bool = True

    @property
    def plan(self) -> Floats:
        """(n, 2) the whole outline seen from above."""
        half = np.column_stack([self.x, self.y]).astype(np.float32)
        return np.concatenate([half, half[::-1] * floats((1, -1))])


@dataclass(frozen=True, slots=True, kw_only=True)
class TankType:
    """A type of tank, in metres. x runs forward from the middle of the hull, z up from the ground.

    Attributes:
        name: in words.
        x: the upper hull seen from the side, from the lower front edge over the deck to the rear, and
        z: how high it is there: a convex outline.
        width: over the tracks.
        track: width of one.
        wheels: how many road wheels a side has.
        wheel: their radius.
        axles: x of the last and the first.
        sprockets: (x, z, radius) of the rear and the front one.
        turret: what stands on the hull.
        gun: its length beyond the turret's front, and its calibre.
        muzzle: "brake", "evacuator" or "plain".
        skirt: height of the lower edge of the side skirts, or None.
        details: any of "cupola", "machine gun", "bin", "rack", "smoke", "fenders", "antenna".
    """

    name: str
    x: Sequence[float]
    z: Sequence[float]
    width: float
    track: float
    wheels: int
    wheel: float
    axles: tuple[float, float]
    sprockets: tuple[tuple[float, float, float], tuple[float, float, float]]
    turret: Turret
    gun: tuple[float, float]
    muzzle: str
    skirt: float | None = None
    details: frozenset[str] = frozenset()

    @property
    def tail(self) -> float:
        """The rear end's x."""
        x, _, radius = self.sprockets[0]
        return min(*self.x, x - radius)

    @property
    def nose(self) -> float:
        """The front end's x, without the gun."""
        x, _, radius = self.sprockets[1]
        return max(*self.x, x + radius)

    @property
    def deck(self) -> float:
        """Height of the hull's deck."""
        return max(self.z)

    @property
    def fender(self) -> float:
        """Height at which the upper hull begins, over the tracks."""
        return self.z[0]

    def track_outline(self, thickness: float = 0.0) -> Floats:
        """(n, 2) a track seen from the side, shrunk by `thickness`: a band around sprockets and road wheels."""
        wheels = [(x, self.wheel + 0.06, self.wheel + 0.06) for x in self.axles]
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        rims = [
            np.column_stack([x + (r - thickness) * np.cos(angle), z + (r - thickness) * np.sin(angle)])
            for x, z, r in (*self.sprockets, *wheels)
        ]
        return np.asarray(cv2.convexHull(np.concatenate(rims).astype(np.float32))[:, 0], np.float32)


TYPES: tuple[TankType, ...] = (
    TankType(
        name="main battle tank",
        x=(3.45, 3.35, 1.9, -3.3, -3.45),
        z=(0.95, 1.15, 1.45, 1.52, 1.0),
        width=3.6,
        track=0.62,
        wheels=7,
        wheel=0.36,
        axles=(-2.35, 2.3),
        sprockets=((-3.05, 0.72, 0.34), (2.95, 0.72, 0.32)),
        turret=Turret(
            x=(2.0, 1.55, -0.6, -2.3, -2.35), y=(0.35, 1.35, 1.5, 1.2, 0.6), height=0.78, lean=0.14, ring=-0.2
        ),
        gun=(4.3, 0.13),
        muzzle="evacuator",
        skirt=0.72,
        details=frozenset({"cupola", "machine gun", "rack", "smoke", "antenna"}),
    ),
    TankType(
        name="low battle tank",
        x=(3.3, 3.2, 1.7, -2.9, -3.2),
        z=(0.95, 1.1, 1.38, 1.40, 0.95),
        width=3.4,
        track=0.58,
        wheels=6,
        wheel=0.38,
        axles=(-2.2, 2.15),
        sprockets=((-2.9, 0.78, 0.32), (2.8, 0.78, 0.30)),
        turret=Turret(
            x=(1.35, 1.15, 0.4, -0.6, -1.35, -1.5),
            y=(0.4, 0.95, 1.35, 1.4, 0.9, 0.3),
            height=0.72,
            lean=0.42,
            ring=0.2,
            cast=True,
        ),
        gun=(4.0, 0.125),
        muzzle="evacuator",
        skirt=0.85,
        details=frozenset({"cupola", "machine gun", "smoke", "antenna", "fenders"}),
    ),
    TankType(
        name="medium tank",
        x=(2.9, 2.6, 1.75, -2.4, -2.85),
        z=(0.85, 1.35, 1.78, 1.78, 0.95),
        width=2.75,
        track=0.42,
        wheels=6,
        wheel=0.27,
        axles=(-1.85, 1.75),
        sprockets=((-2.45, 0.68, 0.30), (2.4, 0.72, 0.33)),
        turret=Turret(
            x=(1.15, 0.85, 0.0, -0.9, -1.35),
            y=(0.45, 0.85, 1.05, 0.9, 0.45),
            height=0.78,
            lean=0.22,
            ring=0.35,
            cast=True,
        ),
        gun=(2.3, 0.10),
        muzzle="plain",
        details=frozenset({"cupola", "machine gun", "fenders", "antenna"}),
    ),
    TankType(
        name="cruiser tank",
        x=(3.0, 2.9, 1.65, -2.2, -3.05),
        z=(0.95, 1.1, 1.62, 1.62, 1.0),
        width=3.0,
        track=0.50,
        wheels=5,
        wheel=0.44,
        axles=(-1.95, 1.85),
        sprockets=((-2.6, 0.70, 0.31), (2.6, 0.72, 0.28)),
        turret=Turret(
            x=(1.3, 0.85, -0.1, -1.0, -1.15), y=(0.4, 0.9, 1.0, 0.75, 0.4), height=0.72, lean=0.30, ring=0.75
        ),
        gun=(3.0, 0.105),
        muzzle="plain",
        details=frozenset({"cupola", "fenders", "drums"}),
    ),
    TankType(
        name="heavy tank",
        x=(3.15, 3.05, 2.1, 2.0, -2.9, -3.1),
        z=(0.9, 1.25, 1.45, 1.80, 1.80, 0.9),
        width=3.6,
        track=0.68,
        wheels=8,
        wheel=0.40,
        axles=(-2.25, 2.0),
        sprockets=((-2.75, 0.66, 0.33), (2.7, 0.75, 0.40)),
        turret=Turret(
            x=(1.2, 1.15, 0.2, -0.7, -1.25), y=(0.75, 0.95, 1.12, 1.0, 0.5), height=0.82, lean=0.06, ring=0.15
        ),
        gun=(3.9, 0.12),
        muzzle="brake",
        details=frozenset({"cupola", "bin", "fenders"}),
    ),
    TankType(
        name="light tank",
        x=(2.2, 2.05, 1.35, -1.85, -2.2),
        z=(0.75, 1.0, 1.38, 1.38, 0.8),
        width=2.3,
        track=0.32,
        wheels=4,
        wheel=0.30,
        axles=(-1.25, 1.15),
        sprockets=((-1.85, 0.60, 0.27), (1.8, 0.66, 0.30)),
        turret=Turret(x=(0.8, 0.5, -0.3, -0.75), y=(0.4, 0.68, 0.72, 0.45), height=0.62, lean=0.20, ring=0.1),
        gun=(1.5, 0.075),
        muzzle="plain",
        details=frozenset({"cupola", "fenders", "antenna"}),
    ),
    TankType(
        name="tank destroyer",
        x=(3.0, 2.95, 2.3, -2.5, -2.9),
        z=(0.95, 1.05, 1.25, 1.25, 0.9),
        width=3.1,
        track=0.50,
        wheels=7,
        wheel=0.34,
        axles=(-2.05, 1.95),
        sprockets=((-2.65, 0.66, 0.30), (2.6, 0.70, 0.33)),
        turret=Turret(
            x=(2.05, 1.8, -1.6, -1.75), y=(1.2, 1.35, 1.35, 1.2), height=0.92, lean=0.28, ring=0.0, turns=False
        ),
        gun=(2.9, 0.12),
        muzzle="brake",
        skirt=0.8,
        details=frozenset({"fenders", "bin", "hatches"}),
    ),
    TankType(
        name="assault gun",
        x=(2.7, 2.6, 1.8, -2.3, -2.7),
        z=(0.8, 1.05, 1.2, 1.28, 0.85),
        width=2.95,
        track=0.42,
        wheels=6,
        wheel=0.28,
        axles=(-1.75, 1.7),
        sprockets=((-2.35, 0.66, 0.28), (2.35, 0.70, 0.31)),
        turret=Turret(x=(1.5, 1.2, -1.1, -1.4), y=(0.9, 1.2, 1.2, 1.0), height=0.72, lean=0.16, ring=0.0, turns=False),
        gun=(2.2, 0.105),
        muzzle="brake",
        details=frozenset({"fenders", "cupola", "machine gun"}),
    ),
    TankType(
        name="super-heavy tank",
        x=(3.6, 3.3, 2.2, -3.2, -3.5),
        z=(0.85, 1.25, 1.7, 1.7, 0.9),
        width=3.5,
        track=0.72,
        wheels=9,
        wheel=0.30,
        axles=(-2.7, 2.55),
        sprockets=((-3.2, 0.70, 0.32), (3.05, 0.78, 0.36)),
        turret=Turret(
            x=(1.7, 1.35, 0.3, -1.2, -2.0), y=(0.5, 1.05, 1.3, 1.15, 0.6), height=0.86, lean=0.20, ring=0.3, cast=True
        ),
        gun=(4.2, 0.15),
        muzzle="brake",
        details=frozenset({"cupola", "rack", "drums", "fenders", "antenna"}),
    ),
)
"""All types."""
