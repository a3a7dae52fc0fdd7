"""Compare the optimizers with gradient descent by hand, and with the optimizers of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganzoo.optimizers import Adam, FlooredExponentialDecay, MomentumRampSGD, Muon


def descend(optimizer, start, gradients):
    variable = keras.Variable(start)
    path = []
    for gradient in gradients:
        sparse = isinstance(gradient, tf.IndexedSlices)
        given = gradient if sparse else keras.ops.convert_to_tensor(gradient)
        optimizer.apply([given], [variable])
        path.append(np.asarray(variable).copy())
    return np.array(path)


def test_momentum_rises_linearly_and_then_stays_constant():
    start = np.array([1.0, -2.0], "float32")
    gradients = np.random.default_rng(0).normal(size=(7, 2)).astype("float32")
    optimizer = MomentumRampSGD(0.1, momentum=0.5, final_momentum=0.7, ramp_steps=4)
    path = descend(optimizer, start, gradients)

    weights, velocity = start.astype("float64"), np.zeros(2)
    momenta = [0.5, 0.55, 0.6, 0.65, 0.7, 0.7, 0.7]
    for momentum, gradient, reached in zip(momenta, gradients, path, strict=True):
        velocity = momentum * velocity - 0.1 * gradient
        weights = weights + velocity
        np.testing.assert_allclose(reached, weights, rtol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_adam_updates_weights_as_the_adam_of_keras(sparse):
    rng = np.random.default_rng(2)
    start = rng.normal(size=(4, 3)).astype("float32")
    gradients = rng.normal(size=(20, 4, 3)).astype("float32")
    gradients *= np.logspace(-6, 2, 20, dtype="float32")[:, None, None]
    if sparse:
        gradients = [tf.IndexedSlices(gradient[:2], [1, 3], (4, 3)) for gradient in gradients]
    settings = {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.9, "weight_decay": 0.1}
    ours = descend(Adam(**settings), start, gradients)
    theirs = descend(keras.optimizers.Adam(**settings), start, gradients)
    np.testing.assert_allclose(ours, theirs, rtol=2e-5)


def test_adam_with_amsgrad_equals_the_adam_of_keras():
    gradients = np.random.default_rng(3).normal(size=(10, 3)).astype("float32")
    paths = [
        descend(adam(0.1, amsgrad=True), np.ones(3, "float32"), gradients)
        for adam in (Adam, keras.optimizers.Adam)
    ]
    np.testing.assert_allclose(*paths, rtol=1e-6)


def test_constant_momentum_equals_the_sgd_of_keras():
    gradients = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    start = np.array([0.1, 0.2, -0.3], "float32")
    ours = descend(MomentumRampSGD(0.05, 0.6, final_momentum=0.6), start, gradients)
    theirs = descend(keras.optimizers.SGD(0.05, momentum=0.6), start, gradients)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(("step", "momentum"), [(0, 0.5), (25, 0.55), (100, 0.7), (10**7, 0.7)])
def test_the_momentum_at_a_step_follows_the_ramp(step, momentum):
    optimizer = MomentumRampSGD(0.1, 0.5, final_momentum=0.7, ramp_steps=100)
    assert float(optimizer.momentum_at(step)) == pytest.approx(momentum)


@pytest.mark.parametrize("step", [0, 1, 1000, 125_000, 2_000_000])
def test_the_learning_rate_decays_by_a_constant_factor_per_step(step):
    schedule = FlooredExponentialDecay(0.1, 1.000004, floor=1e-6)
    expected = max(0.1 / 1.000004**step, 1e-6)
    assert float(schedule(step)) == pytest.approx(expected, rel=1e-3)


def test_the_learning_rate_does_not_fall_below_its_floor():
    assert float(FlooredExponentialDecay(0.1, 2.0, floor=0.03)(1)) == pytest.approx(0.05)
    assert float(FlooredExponentialDecay(0.1, 2.0, floor=0.03)(2)) == pytest.approx(0.03)


def test_an_optimizer_with_a_schedule_is_restored_from_its_config():
    schedule = FlooredExponentialDecay(0.1, 1.5, floor=1e-3)
    optimizer = MomentumRampSGD(schedule, 0.4, final_momentum=0.9, ramp_steps=12)
    config = keras.saving.serialize_keras_object(optimizer)
    restored = keras.saving.deserialize_keras_object(config)
    assert restored.get_config() == optimizer.get_config()
    gradients = np.random.default_rng(2).normal(size=(4, 2)).astype("float32")
    start = np.zeros(2, "float32")
    np.testing.assert_array_equal(
        descend(optimizer, start, gradients), descend(restored, start, gradients)
    )


@pytest.mark.parametrize(
    "wrong",
    [{"momentum": 0.0}, {"final_momentum": 1.5}, {"ramp_steps": 0}, {"nesterov": True}],
)
def test_invalid_momentum_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MomentumRampSGD(0.1, **wrong)


def test_muon_orthogonalizes_the_update_of_a_convolution():
    """Newton-Schulz iterations bring all singular values near 1."""
    optimizer = Muon(1.0, nesterov=False)
    kernel = keras.Variable(np.zeros((3, 3, 4, 8), "float32"))
    gradient = np.random.default_rng(0).normal(size=kernel.shape).astype("float32")
    optimizer.apply([gradient], [kernel])
    update = -kernel.numpy().reshape(36, 8) / (0.2 * 6)
    left, _, right = np.linalg.svd(gradient.reshape(36, 8), full_matrices=False)
    values = np.diag(left.T @ update @ right.T)
    assert np.all((values > 0.6) & (values < 1.3))
    np.testing.assert_allclose(left.T @ update @ right.T, np.diag(values), atol=1e-3)


def test_muon_updates_a_matrix_as_keras_does():
    gradient = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    results = []
    for kind in (Muon, keras.optimizers.Muon):
        matrix, bias = (keras.Variable(np.ones(shape, "float32")) for shape in [(6, 4), (4,)])
        optimizer = kind(0.01)
        optimizer.apply([gradient, gradient[0]], [matrix, bias])
        results.append(np.concatenate([matrix.numpy(), bias.numpy()[None]]))
    np.testing.assert_allclose(*results, rtol=1e-5)
