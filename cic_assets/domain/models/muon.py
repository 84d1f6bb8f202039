"""Muon: steps of equal length in all directions, for convolutions. Imported only for training."""

import keras  # noqa: TID253 - this module is imported only for training
from keras import ops  # noqa: TID253

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of a polynomial that brings all singular values near 1 in five iterations (Jordan, see `Muon`)."""
STEP = 0.2
"""Root mean square of a step at a learning rate of 1, as Adam's is by experience (Liu et al., section 2.2)."""


class Muon(keras.optimizers.Adam):  # type: ignore[misc]  # keras has no types
    """Adam, but for the kernels of convolutions: these take a step along the nearest orthogonal matrix of the momentum.

    A kernel (H, W, C, F) is a matrix of H * W * C rows and F columns. Its momentum is mostly made of few directions;
    made orthogonal, the others learn as quickly. K. Jordan et al., "Muon: an optimizer for hidden layers in neural
    networks" (2024), with the scale of J. Liu et al., "Muon is scalable for LLM training" (2025), by which Adam's
    learning rates and weight decay suit both. Keras' own Muon leaves kernels of convolutions to Adam.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Make room for the state; kernels need no mean of squares, half of what Adam's own `build` would give them."""
        if self.built:
            return
        super(keras.optimizers.Adam, self).build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._velocities = [
            None if _is_kernel(variable) else self.add_variable_from_reference(variable, name="velocity")
            for variable in variables
        ]

    def update_step(self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.Variable) -> None:
        """One step of one variable."""
        if not _is_kernel(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        momentum = self._momentums[self._get_variable_index(variable)]
        gradient = ops.cast(gradient, variable.dtype)
        self.assign(momentum, MOMENTUM * momentum + (1 - MOMENTUM) * gradient)
        ahead = MOMENTUM * momentum + (1 - MOMENTUM) * gradient  # Nesterov's
        rows = ops.reshape(ahead, (-1, variable.shape[-1]))
        length = STEP * max(rows.shape) ** 0.5
        step = ops.cast(learning_rate, variable.dtype) * length * orthogonal(rows)
        self.assign_sub(variable, ops.reshape(step, variable.shape))


def _is_kernel(variable: keras.Variable) -> bool:
    return len(variable.shape) == 4  # noqa: PLR2004 - of a convolution


def orthogonal(matrix: keras.KerasTensor) -> keras.KerasTensor:
    """The nearest matrix whose singular values are 1, roughly: they come out at 0.7 to 1.2.

    Newton and Schulz's iteration, in the precision in which the network computes.

    Args:
        matrix: (R, C), any scale.
    """
    a, b, c = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if is_tall else matrix
    x = ops.cast(x / (ops.norm(x) + 1e-7), keras.config.dtype_policy().compute_dtype)
    for _ in range(ITERATIONS):
        square = x @ ops.transpose(x)
        x = a * x + (b * square + c * square @ square) @ x
    x = ops.cast(x, matrix.dtype)
    return ops.transpose(x) if is_tall else x
