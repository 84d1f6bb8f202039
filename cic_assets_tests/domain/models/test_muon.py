import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal


@pytest.mark.parametrize("shape", [(75, 32), (16, 64), (48, 48)])
def test_singular_values_come_out_near_1_and_directions_stay(shape: tuple[int, int]) -> None:
    import keras

    from cic_assets.domain.models.muon import orthogonal

    left, values, right = np.linalg.svd(np.random.default_rng(0).normal(size=shape), full_matrices=False)
    values = np.geomspace(0.05, 1, len(values))  # of very different length
    found = np.asarray(orthogonal(keras.ops.convert_to_tensor((left * values) @ right, "float32")))
    again = left.T @ found @ right.T
    assert ((np.diag(again) > 0.6) & (np.diag(again) < 1.3)).all()
    assert_allclose(again, np.diag(np.diag(again)), atol=0.02)
    assert_allclose(found, np.asarray(orthogonal(1000 * ((left * values) @ right).astype("f"))), atol=1e-3)


def test_kernels_take_steps_of_one_length_and_the_rest_is_adams() -> None:
    import keras

    from cic_assets.domain.models.muon import Muon

    random = np.random.default_rng(0)
    shapes = {"kernel": (3, 3, 8, 16), "bias": (16,), "dense": (16, 2)}
    arrays = {name: random.normal(size=shape).astype("f") for name, shape in shapes.items()}
    gradients = [random.normal(size=shape).astype("f") for shape in shapes.values()]
    after = {}
    for kind in (Muon, keras.optimizers.Adam):
        variables = [keras.Variable(value, name=name) for name, value in arrays.items()]
        kind(0.1).apply(gradients, variables)
        after[kind] = [np.asarray(variable) for variable in variables]
    step = after[Muon][0] - arrays["kernel"]
    assert np.sqrt((step**2).mean()) == pytest.approx(0.1 * 0.2, rel=0.3)
    assert (step * gradients[0]).sum() < 0
    assert_array_equal(after[Muon][1], after[keras.optimizers.Adam][1])
    assert_array_equal(after[Muon][2], after[keras.optimizers.Adam][2])


def test_kernels_have_one_slot_and_the_rest_two() -> None:
    import keras

    from cic_assets.domain.models.muon import Muon

    variables = [keras.Variable(np.zeros(shape, "f")) for shape in ((3, 3, 8, 16), (16,), (16, 2))]
    optimizer = Muon(0.1)
    optimizer.build(variables)
    slots = [variable for variable in optimizer.variables if len(variable.shape)]
    assert sorted(np.prod(slot.shape) for slot in slots) == [16, 16, 32, 32, 3 * 3 * 8 * 16]
