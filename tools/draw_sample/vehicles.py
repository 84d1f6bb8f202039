"""Which vehicle is in a picture: a car or a tank of some type with some finish."""

from dataclasses import dataclass

from tools.draw_sample.car_bodies import CarBody
from tools.draw_sample.car_paint import CarFinish
from tools.draw_sample.cars import build_car
from tools.draw_sample.geometry import Floats, Mesh
from tools.draw_sample.tank_paint import TankFinish
from tools.draw_sample.tank_types import TankType
from tools.draw_sample.tanks import build_tank
from tools.draw_sample.textures import Texture


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
