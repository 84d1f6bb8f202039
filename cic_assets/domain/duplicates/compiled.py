"""Looking hashes up by a loop that is compiled for this processor by Numba, which the extra `large` brings.

numpy takes a dozen passes over arrays for what this does in one, which compares eight hashes by a few instructions. To
load and to compile it takes seconds, so that it is worth it where tens of thousands are looked up.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import BITS, Hashes

WIDTH = 8
"""Hashes that are compared at a time. So many past the last may be read, and need to be there."""

_ONE = np.uint64(1)
_NUMBERS = ir.VectorType(ir.IntType(BITS), WIDTH)
_NONE = ir.Constant(_NUMBERS, ir.Undefined)

_declared: Any = cgutils.get_or_insert_function

Function = TypeVar("Function", bound=Callable[..., Any])


def _compiled(function: Function) -> Function:
    """When it is first called; other threads go on while it runs."""
    return cast("Function", numba.njit(nogil=True)(function))


def _of_near(_: Any, hashes: Any, start: Any, one: Any, radius: Any) -> tuple[Any, Any]:
    """Compare one hash with `WIDTH` others from a place on: a bit of each, set where it is near.

    Written in LLVM's words, for of a loop it makes code that counts the bits of one number after the other. What
    instructions the processor has for it is LLVM's to know.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        def repeated(number: Any) -> Any:
            first = builder.insert_element(_NONE, number, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(first, _NONE, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None))

        array, at, asked, limit = given
        place = builder.gep(context.make_array(signature.args[0])(context, builder, array).data, [at])
        some = builder.load(builder.bitcast(place, _NUMBERS.as_pointer()), align=BITS // 8)
        kind = ir.FunctionType(_NUMBERS, [_NUMBERS])
        count = _declared(builder.module, kind, f"llvm.ctpop.v{WIDTH}i{BITS}")
        bits = builder.call(count, [builder.xor(some, repeated(asked))])
        near = builder.icmp_unsigned("<=", bits, repeated(limit))
        return builder.zext(builder.bitcast(near, ir.IntType(WIDTH)), ir.IntType(BITS))

    return numba.types.uint64(hashes, start, one, radius), generate


_near: Any = intrinsic(_of_near)


@_compiled
def _bits(number: np.uint64) -> np.uint64:
    count = np.uint64(0)
    while number:  # of pairs that are near, so that there are few
        number &= number - _ONE
        count += _ONE
    return count


@_compiled
def _is_new(difference: np.uint64, masks: Hashes, shares: Hashes) -> bool:
    is_new = bool(_bits(difference & masks[0]) <= shares[0])
    for part in range(1, len(masks)):
        is_new = is_new and bool(_bits(difference & masks[part]) > shares[part])
    return is_new


@_compiled
def look_up(
    asked: Hashes,
    hashes: Hashes,
    starts: NDArray[np.int32],
    flips: Hashes,
    below: np.uint64,
    radius: np.uint64,
    masks: Hashes,
    shares: Hashes,
    near: Hashes,
    far: Hashes,
    most: int,
) -> int:
    """Pairs of a hash that is asked for and a near one whose key differs from its own in the bits of a flip.

    Args:
        asked: (n,) best in ascending order, so that neighbours are looked up near each other.
        hashes: (m + `WIDTH`,) of which the first m are in ascending order, and the others only read.
        starts: (keys + 1,) where the hashes of each key begin.
        flips: (f,) by which keys may differ.
        below: bits below those of the key, fewer than all.
        radius: bits in which two may differ.
        masks: (p,) the bits of this part, and of each by which hashes were looked up before.
        shares: (p,) in how many of these two may differ: of this part in no more, of each other in more.
        near: (room,) where those that are asked for are written to, as many as fit.
        far: (room,) and the others.
        most: pairs, after which it stops.

    Returns:
        How many pairs there are, each once; one more than `most` where there are more.
    """
    count = 0
    for flip in flips:
        for one in asked:
            key = (one >> below) ^ flip
            end = starts[key + _ONE]
            for start in range(starts[key], end, WIDTH):
                found = _near(hashes, start, one, radius)
                for place in range(start, min(start + WIDTH, end) if found else start):
                    is_near = (found >> np.uint64(place - start)) & _ONE
                    if is_near and _is_new(hashes[place] ^ one, masks, shares):
                        if count < len(near):
                            near[count], far[count] = one, hashes[place]
                        count += 1
                        if count > most:
                            return count
    return count
