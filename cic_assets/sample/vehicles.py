"""Which vehicle is in a picture: a car or a tank of some type with some finish."""

from dataclasses import dataclass

from cic_assets.sample.car_bodies import CarBody
from cic_assets.sample.car_paint import CarFinish
from cic_assets.sample.cars import build_car
from cic_assets.sample.geometry import Floats, Mesh
from cic_assets.sample.tank_paint import TankFinish
from cic_assets.sample.tank_types import TankType
from cic_assets.sample.tanks import build_tank
from cic_assets.sample.textures import Texture


@dataclass(frozen=True, slots=True)
class Car:
    """A car in a picture."""

    body: CarBody
    finish: CarFinish

    @property
    def name(self) -> str:
        """Its type, in words."""
        return self.body.name

    @property
    def length(self) -> float:
        """Metres."""
        return self.body.nose - self.body.tail

    @property
    def height(self) -> float:
        """Metres."""
        return self.body.height


@dataclass(frozen=True, slots=True)
class Tank:
    """A tank in a picture."""

    kind: TankType
    finish: TankFinish

    @property
    def name(self) -> str:
        """Its type, in words."""
        return self.kind.name

    @property
    def length(self) -> float:
        """Metres, without the gun."""
        return self.kind.nose - self.kind.tail

    @property
    def height(self) -> float:
        """Metres."""
        return self.kind.deck + self.kind.turret.height


Subject = Car | Tank


def build(subject: Subject, towards_eye: Floats) -> tuple[Mesh, Texture]:
    """A vehicle as a shape with its texture, to be seen from a (3,) direction."""
    if isinstance(subject, Car):
        return build_car(subject.body, subject.finish, towards_eye)
    return build_tank(subject.kind, subject.finish, towards_eye)
