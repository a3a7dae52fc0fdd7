"""Keras's callbacks and saving act on both networks of a GAN, or are refused."""

import warnings

import keras
import numpy as np
import pytest
import tiny
from keras.optimizers.schedules import CosineDecay, PolynomialDecay

import ganzoo
from ganzoo.base import rates
from ganzoo.callbacks import StopAtStep

IMAGES = tiny.make_images(8)
ADAM, SGD = keras.optimizers.Adam, keras.optimizers.SGD


def build(generator_optimizer, discriminator_optimizer, **arguments):
    gan = tiny.build_gan()
    arguments = {"run_eagerly": True, **arguments}
    gan.compile(generator_optimizer, discriminator_optimizer, **arguments)
    return gan


def fit(gan, *callbacks, **arguments):
    arguments = {"batch_size": 8, "verbose": 0, **arguments}
    return gan.fit(IMAGES, callbacks=list(callbacks), **arguments)


def rates_of(gan):
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    return [float(optimizer.learning_rate) for optimizer in optimizers]


def each_epoch(change):
    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: change())


# The following tests are about learning rates.


@pytest.mark.parametrize(
    "callback_for",
    [
        lambda gan: keras.callbacks.LearningRateScheduler(
            lambda epoch, rate: rate * 0.1 if epoch else rate
        ),
        lambda gan: keras.callbacks.LearningRateScheduler(lambda epoch: [1e-3, 1e-4][epoch]),
        lambda gan: keras.callbacks.ReduceLROnPlateau(
            "generator_loss", mode="min", factor=0.1, patience=1, min_delta=100
        ),
        lambda gan: each_epoch(lambda: setattr(gan.optimizer, "learning_rate", 1e-4)),
        lambda gan: each_epoch(lambda: gan.optimizer.learning_rate.assign(1e-4)),
    ],
    ids=["scheduler", "absolute scheduler", "plateau", "set", "assign"],
)
def test_a_callback_changes_the_rates_of_both_networks_by_one_factor(callback_for):
    gan = build(ADAM(1e-3), SGD(4e-3))
    fit(gan, callback_for(gan), epochs=2)
    assert rates_of(gan) == pytest.approx([1e-4, 4e-4])
    assert float(gan.optimizer.learning_rate) == pytest.approx(1e-4)


def test_a_rate_that_was_0_keeps_its_ratio(float16):
    gan = build(ADAM(1e-3), SGD(4e-3))
    gan.optimizer.learning_rate = 0.0
    assert rates_of(gan) == [0.0, 0.0]
    gan.optimizer.learning_rate = 1e-2
    assert rates_of(gan) == pytest.approx([1e-2, 4e-2])


def test_a_callback_of_the_rate_is_refused_before_one_rate_changes():
    gan = build(ADAM(1e-3), SGD(CosineDecay(0.1, 100)))
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 10)
    with pytest.raises(ValueError, match=r"only if both are constant.*the discriminator's"):
        fit(gan, scheduler)
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("schedule", "last", "zero"),
    [
        (CosineDecay(0.1, 100), 101, 100),
        (CosineDecay(0.1, 100), 100, None),
        (CosineDecay(0.1, 100, alpha=0.01), 1000, None),
        (CosineDecay(0.0, 50, warmup_target=0.1, warmup_steps=30), 200, 80),
        (PolynomialDecay(0.1, 70, end_learning_rate=0.0), 5000, 70),
        (PolynomialDecay(0.1, 7, 0.0, cycle=True), 6, None),
        (ganzoo.optimizers.FlooredExponentialDecay(0.1, 1.1, floor=1e-6), 10_000, None),
        (0.0, 10, None),
    ],
)
def test_the_step_from_which_a_rate_is_0_is_found(schedule, last, zero):
    assert rates.find_zero(SGD(schedule), last) == zero


def warnings_of(gan, *callbacks, **arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(gan, *callbacks, batch_size=2, **arguments)
    return [str(one.message) for one in caught if "learning rate" in str(one.message)]


def decaying(*steps, **arguments):
    return build(*(SGD(CosineDecay(0.1, each)) for each in steps), **arguments)


def test_training_at_a_rate_of_0_is_warned_of_once():
    (text,) = warnings_of(decaying(5, 6), epochs=2)
    assert "of the generator and of the discriminator is 0 from step 5" in text
    assert "continues to step 8" in text
    assert not warnings_of(decaying(4, 4))
    # Each step of the generator takes two of the discriminator.
    (text,) = warnings_of(decaying(4, 4, discriminator_steps=2))
    assert "of the discriminator is 0 from step 2 on" in text


def test_the_warning_knows_the_steps_before_and_the_last_step():
    gan = decaying(6, 6)
    assert not warnings_of(gan)
    assert not warnings_of(gan, StopAtStep(6))
    (text,) = warnings_of(gan)
    assert "is 0 from step 6 on, but training continues to step 10" in text


def test_training_of_unknown_length_is_warned_of_when_the_rate_is_0():
    gan = decaying(2, 2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gan.fit((IMAGES[:2] for _ in range(3)), epochs=1, verbose=0)
        gan.fit((IMAGES[:2] for _ in range(1)), epochs=1, verbose=0)
    texts = [str(one.message) for one in caught if "learning rate" in str(one.message)]
    assert len(texts) == 1
    assert "is 0 from step 3 on." in texts[0]


# The following tests are about other tools of Keras.


def test_both_optimizers_with_use_ema_set_their_networks_to_the_averages():
    gan = build(SGD(0.5, use_ema=True, ema_momentum=0.5), SGD(0.5, use_ema=True, ema_momentum=0.5))
    frozen = gan.discriminator.layers[1]
    frozen.trainable = False
    expected = {}

    class Average(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            for network in (gan.generator, gan.discriminator):
                for weight in network.trainable_weights:
                    old = expected.get(weight.path + network.name, np.array(weight))
                    expected[weight.path + network.name] = 0.5 * old + 0.5 * np.array(weight)

    kept = frozen.get_weights()
    fit(gan, Average(), batch_size=2)
    for network in (gan.generator, gan.discriminator):
        for weight in network.trainable_weights:
            average = expected[weight.path + network.name]
            np.testing.assert_allclose(weight, average, rtol=1e-5, atol=1e-6)
    tiny.assert_equal(frozen.get_weights(), kept)


def test_a_callback_that_swaps_averages_of_one_optimizer_is_refused():
    gan = build(ADAM(use_ema=True), ADAM(use_ema=True))
    swap = keras.callbacks.SwapEMAWeights()
    for use in (lambda: fit(gan, swap), lambda: gan.evaluate(IMAGES, callbacks=[swap], verbose=0)):
        with pytest.raises(ValueError, match=r"SwapEMAWeights.*ema_decay"):
            use()


def test_early_stopping_restores_all_three_networks():
    gan = build("adam", "adam")
    kept = {}
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.setdefault(epoch, gan.get_weights())
    )
    stop = keras.callbacks.EarlyStopping(
        "real_score", mode="max", min_delta=10, patience=2, restore_best_weights=True
    )
    fit(gan, note, stop, epochs=5)
    assert max(kept) == 2
    networks = gan.generator, gan.discriminator, gan.ema_generator
    tiny.assert_equal(gan.get_weights(), kept[0])
    assert sum(len(network.weights) for network in networks) == len(kept[0])


@pytest.mark.slow
def test_a_backup_restores_both_players_and_their_latents(tmp_path):
    def run(*callbacks):
        keras.utils.set_random_seed(0)
        gan = build("adam", "adam")
        fit(gan, *callbacks, epochs=2, shuffle=False)
        return gan

    def interrupt():
        raise KeyboardInterrupt

    uninterrupted = run()
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        run(
            backup,
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: epoch and interrupt()
            ),
        )
    resumed = run(backup)
    tiny.assert_equal(resumed.variables, uninterrupted.variables)
    tiny.assert_equal(resumed.optimizer.variables, uninterrupted.optimizer.variables)


@pytest.mark.parametrize("name", ["a.h5", "a.hdf5", "a"])
def test_a_format_that_cannot_hold_a_gan_is_refused_before_it_is_written(tmp_path, name):
    gan = build("adam", "adam")
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / f"{name}.h5")
    for save in (lambda: gan.save(tmp_path / name), lambda: fit(gan, checkpoint)):
        with pytest.raises(ValueError, match=rf"must end in .keras. Received: .*{name}"):
            save()
    assert not list(tmp_path.iterdir())
    gan.save_weights(tmp_path / "a.weights.h5")
    again = build("adam", "adam")
    again.load_weights(tmp_path / "a.weights.h5")
    tiny.assert_equal(again.variables, gan.variables)
    tiny.assert_equal(again.optimizer.variables, gan.optimizer.variables)


def test_optimizers_that_count_or_wrap_other_updates_train_both_networks():
    every = keras.optimizers.OptimizerMap(keras.optimizers.Adam(0.1))
    gan = build(SGD(0.1, gradient_accumulation_steps=2), keras.optimizers.MultiOptimizer(every))
    before = tiny.copy_of(gan.trainable_variables)
    fit(gan, batch_size=2)
    assert gan.step == 4
    assert int(gan.generator_optimizer.iterations) == 2
    assert all(
        np.any(a != b) for a, b in zip(before, tiny.copy_of(gan.trainable_variables), strict=True)
    )


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"optimizer": "adam"}, "`generator_optimizer` and `discriminator_optimizer`"),
        ({"metrics": ["accuracy"]}, "`ganzoo.evaluation.evaluate`"),
        ({"ema_decai": 0.9}, "Did you mean 'ema_decay'"),
    ],
)
def test_arguments_of_keras_that_a_gan_does_not_take_are_refused_in_one_line(arguments, advice):
    with pytest.raises(ValueError, match=advice) as caught:
        tiny.build_gan().compile(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_weights_of_another_shape_are_refused_in_one_line_with_both_shapes(suffix, tmp_path):
    path = tmp_path / f"small{suffix}"
    small = tiny.build_gan(image_shape=(2, 3, 1))
    small.save(path) if suffix == ".keras" else small.save_weights(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"shape \(9,.*of shape \(6,") as caught:
            tiny.build_gan(image_shape=(3, 3, 1)).load_weights(path)
        assert "\n" not in str(caught.value)
        again = tiny.build_gan(image_shape=(2, 3, 1))
        again.load_weights(path)
    tiny.assert_equal(again.weights, small.weights)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_name_that_is_too_long_for_the_disk_is_refused_in_one_line(suffix, tmp_path):
    gan = tiny.build_gan()
    save = gan.save if suffix == ".keras" else gan.save_weights
    with pytest.raises(ValueError, match="too long a name"):
        save(tmp_path / ("x" * 300 + suffix))
