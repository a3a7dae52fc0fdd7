"""Compare the adversarial losses with closed forms and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from ganzoo import losses

# The logits have both signs and no order.
REAL = np.array([[2.5], [-0.4], [0.3], [4.0]])
FAKE = np.array([[-6.0], [0.3], [2.5], [-1.1]])


def log_sigmoid(logits):
    return np.log(special.expit(logits))


# Each formula is that of the paper, in probabilities if the paper uses them.
CLOSED_FORMS = {
    "minimax": (
        lambda r, f: -np.mean(log_sigmoid(r)) - np.mean(np.log(1 - special.expit(f))),
        lambda r, f: np.mean(np.log(1 - special.expit(f))),
    ),
    "non_saturating": (
        lambda r, f: -np.mean(log_sigmoid(r)) - np.mean(np.log(1 - special.expit(f))),
        lambda r, f: -np.mean(log_sigmoid(f)),
    ),
    "least_squares": (
        lambda r, f: np.mean((r - 1) ** 2) / 2 + np.mean(f**2) / 2,
        lambda r, f: np.mean((f - 1) ** 2) / 2,
    ),
    "hinge": (
        lambda r, f: -np.mean(np.minimum(0, r - 1)) - np.mean(np.minimum(0, -f - 1)),
        lambda r, f: -np.mean(f),
    ),
    "wasserstein": (
        lambda r, f: np.mean(f) - np.mean(r),
        lambda r, f: -np.mean(f),
    ),
    "relativistic": (
        lambda r, f: -np.mean(log_sigmoid(r - f)),
        lambda r, f: -np.mean(log_sigmoid(f - r)),
    ),
}


def test_every_loss_has_a_closed_form_in_this_module():
    assert set(CLOSED_FORMS) == set(losses.LOSSES)


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_loss_equals_its_closed_form(name, player):
    expected = CLOSED_FORMS[name][player == "generator"](REAL, FAKE)
    loss = getattr(losses.get(name), player)(REAL, FAKE)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_gradients_match_finite_differences(name, player):
    loss = getattr(losses.get(name), player)
    real, fake = tf.constant(REAL), tf.constant(FAKE)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        value = loss(real, fake)
    gradients = tape.gradient(value, [real, fake], unconnected_gradients="zero")
    assert value.dtype == "float64"
    step = 1e-5
    for which, gradient in enumerate(gradients):
        for index in range(len(REAL)):
            moved = np.zeros((2, *REAL.shape))
            moved[which, index] = step
            up = float(loss(REAL + moved[0], FAKE + moved[1]))
            down = float(loss(REAL - moved[0], FAKE - moved[1]))
            assert float(gradient[index, 0]) == pytest.approx((up - down) / (2 * step), abs=1e-8)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_better_logits_lower_the_loss_of_a_network(name):
    loss = losses.get(name)
    # At these logits, the least squares and hinge losses are not yet at their minimum.
    real, fake = np.array([[0.2], [0.7]]), np.array([[0.6], [0.3]])
    assert loss.discriminator(real + 0.1, fake) < loss.discriminator(real, fake)
    assert loss.discriminator(real, fake + 0.1) > loss.discriminator(real, fake)
    assert loss.generator(real, fake + 0.1) < loss.generator(real, fake)


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_label_smoothing_changes_only_the_target_of_real_images(name):
    smoothing, probability = 0.1, special.expit(REAL)
    expected = -np.mean(
        (1 - smoothing) * np.log(probability) + smoothing * np.log(1 - probability)
    ) - np.mean(np.log(1 - special.expit(FAKE)))
    loss = losses.LOSSES[name](label_smoothing=smoothing)
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(expected, rel=1e-6)
    assert float(loss.generator(REAL, FAKE)) == float(losses.get(name).generator(REAL, FAKE))


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_a_discriminator_with_logits_of_zero_has_loss_2_log_2(name):
    zeros = np.zeros((3, 1))
    loss = losses.get(name)
    assert float(loss.discriminator(zeros, zeros)) == pytest.approx(2 * np.log(2))
    assert abs(float(loss.generator(zeros, zeros))) == pytest.approx(np.log(2))


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "relativistic"])
def test_losses_stay_finite_for_very_large_logits(name):
    large = np.array([[1e4], [-1e4]], "float32")
    loss = losses.get(name)
    for player in (loss.discriminator, loss.generator):
        assert np.isfinite(float(player(large, -large)))
        assert np.isfinite(float(player(-large, large)))


def test_only_the_minimax_gradient_vanishes_when_the_discriminator_rejects_all_fakes():
    fake = tf.constant([[-20.0]])
    slopes = {}
    for name in ("minimax", "non_saturating"):
        with tf.GradientTape() as tape:
            tape.watch(fake)
            loss = losses.get(name).generator(fake, fake)
        slopes[name] = float(tape.gradient(loss, fake)[0, 0])
    assert slopes["minimax"] == pytest.approx(0, abs=1e-8)
    assert slopes["non_saturating"] == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "equilibrium"), [(n, 0.5 if n == "least_squares" else 0.0) for n in losses.LOSSES]
)
def test_scores_are_one_half_if_the_discriminator_cannot_distinguish_the_images(name, equilibrium):
    same = np.full((4, 1), equilibrium, "float32")
    assert [float(score) for score in losses.get(name).scores(same, same)] == [0.5, 0.5]


@pytest.mark.parametrize("name", losses.LOSSES)
def test_scores_are_probabilities_and_the_score_of_real_images_comes_first(name):
    real, fake = losses.get(name).scores(REAL.astype("float32"), FAKE.astype("float32"))
    assert 0 <= float(fake) < float(real) <= 1


def test_all_patches_of_a_discriminator_output_have_equal_weight():
    real, fake = np.tile(REAL[:, None], (1, 3, 2)), np.tile(FAKE[:, None], (1, 3, 2))
    for name in losses.LOSSES:
        loss = losses.get(name)
        whole = float(loss.discriminator(REAL, FAKE))
        assert float(loss.discriminator(real, fake)) == pytest.approx(whole, rel=1e-6)


def test_get_returns_a_given_loss_and_refuses_an_unknown_one_with_a_suggestion():
    loss = losses.Hinge()
    assert losses.get(loss) is loss
    with pytest.raises(ValueError, match="Did you mean 'hinge'"):
        losses.get("hinged")
    with pytest.raises(ValueError, match="non_saturating"):
        losses.get(None)


@pytest.mark.parametrize("smoothing", [-0.1, 0.5, 1.0])
def test_label_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match="label_smoothing"):
        losses.NonSaturating(label_smoothing=smoothing)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_loss_is_restored_from_its_config(name):
    loss = losses.get(name)
    if "label_smoothing" in loss.get_config():
        loss = type(loss)(label_smoothing=0.2)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(restored) is type(loss)
    assert restored.get_config() == loss.get_config()
