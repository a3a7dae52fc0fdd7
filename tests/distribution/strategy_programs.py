"""Train, save, evaluate and fail under a strategy."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from replicas import (
    IMAGES,
    batches_of,
    build,
    programs_in,
    random_numbers_from_images,
    sgd,
    strategy_of,
    updates_of,
)

import ganzoo
from ganzoo.distribution import share_batches


def replicas_share_the_batches_of_a_single_replica():
    four = strategy_of(4)
    dataset = batches_of(np.arange(48), size=8)
    iterator = iter(share_batches(four, dataset))
    for wanted in [*dataset, *dataset]:
        parts = [part.numpy() for part in four.experimental_local_results(next(iterator))]
        assert [len(part) for part in parts] == [2] * 4
        np.testing.assert_array_equal(np.concatenate(parts), wanted)


def latents_differ_between_replicas_and_steps():
    two, gan = strategy_of(2), build(2)
    draw = tf.function(lambda: two.run(lambda: gan.sample_latents(3)))
    first, second = two.experimental_local_results(draw())
    third, _ = two.experimental_local_results(draw())
    for one, other in [(first, second), (first, third), (second, third)]:
        assert not np.any(one.numpy() == other.numpy())


def the_default_recipe_trains_evaluates_saves_and_generates(folder):
    gan = build(2)
    gan.fit(IMAGES, batch_size=4, epochs=2, verbose=0)
    assert updates_of(gan.generator_optimizer) == 4
    for variable in gan.ema_generator.weights:
        replicas = strategy_of(2).experimental_local_results(variable.value)
        values = [value.numpy() for value in replicas]
        np.testing.assert_array_equal(values[0], values[-1], err_msg=variable.path)
    gan.evaluate(IMAGES, batch_size=4, verbose=0)
    gan.save(folder / "a.keras")
    alone = ganzoo.load(folder / "a.keras")
    np.testing.assert_array_equal(gan.generate(3, seed=0), alone.generate(3, seed=0))
    tiny.assert_equal(alone.weights, gan.weights)
    assert updates_of(alone.generator_optimizer) == 4


def logs_are_means_over_the_images_of_all_replicas():
    images = tiny.make_images(6, (16, 16, 3)) * np.linspace(0.1, 1, 6)[:, None, None, None]
    logs = []
    for num_replicas, batch_size in ((1, 6), (2, 4)):
        with strategy_of(num_replicas).scope():
            gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
            gan.set_weights([0.1 * np.ones(weight.shape) for weight in gan.weights])
            gan.compile(content_only=True)
        logs.append(gan.evaluate(images, batch_size=batch_size, verbose=0, return_dict=True))
    assert logs[0].keys() == logs[1].keys() == {"generator_loss", "content_loss", "psnr"}
    for name, value in logs[0].items():
        np.testing.assert_allclose(logs[1][name], value, rtol=1e-5, err_msg=name)
    gan = build(2, sgd)
    logits = np.asarray(gan.discriminator(IMAGES[:6], training=False))
    found = gan.evaluate(IMAGES[:6], batch_size=4, verbose=0, return_dict=True)["real_score"]
    np.testing.assert_allclose(found, np.mean(1 / (1 + np.exp(-logits))), rtol=1e-5)


def a_loss_that_is_nan_stops_training():
    gan = build(2)
    gan.discriminator.weights[-1].assign([np.nan])
    with pytest.raises(FloatingPointError):
        gan.fit(IMAGES, batch_size=4, verbose=0)


def models_networks_and_optimizers_from_outside_of_the_scope_are_refused():
    outside, inside = build(1), build(2)
    two, other = strategy_of(2), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with (
        pytest.raises(ValueError, match=r"'generator'.*outside of it") as error,
        two.scope(),
    ):
        outside.compile()
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="outside of it"), two.scope():
        outside.fit(IMAGES, batch_size=4, verbose=0)
    networks = tiny.build_generator(), tiny.build_discriminator()
    with pytest.raises(ValueError, match="outside of it"), two.scope():
        ganzoo.GAN(*networks)
    with pytest.raises(ValueError, match="another strategy"), other.scope():
        inside.compile()
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="Adam from outside"), two.scope():
        inside.compile(generator_optimizer=adam)


def xla_is_refused_and_disabled_in_models_compiled_for_one_replica(folder):
    with pytest.raises(ValueError, match="jit_compile=True"):
        build(2, jit_compile=True)
    assert build(2).jit_compile is False
    # The argument is saved, not its value under this strategy.
    build(2).save(folder / "two.keras")
    assert ganzoo.load(folder / "two.keras").get_compile_config()["jit_compile"] == "auto"
    build(1, jit_compile=True).save(folder / "one.keras")
    with strategy_of(2).scope():
        assert ganzoo.load(folder / "one.keras").jit_compile is False


class _Threes(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return IMAGES[:3]


def batches_that_replicas_cannot_share_are_refused():
    wrong = {
        "array, each batch": (IMAGES, 3),
        "array, the last batch": (IMAGES[:7], 4),
        "smaller than a batch": (IMAGES[:3], None),
        "pipeline": (tf.data.Dataset.from_tensor_slices(IMAGES[:7]).batch(4), None),
        "generator": (((IMAGES[:3],) for _ in range(2)), None),
        "PyDataset": (_Threes(), None),
    }
    for kind, (x, batch_size) in wrong.items():
        gan = build(2)
        with pytest.raises(ValueError, match="must be a multiple of 2 images") as error:
            gan.fit(x, batch_size=batch_size, verbose=0)
        assert "a batch of 3 images" in str(error.value), kind
        assert all(np.isfinite(weight).all() for weight in gan.get_weights()), kind
    build(2).fit(IMAGES[:6], batch_size=4, verbose=0)
    build(2).fit(tf.data.Dataset.from_tensor_slices(IMAGES[:6]).batch(4), verbose=0)


def batches_are_a_multiple_of_replicas_times_discriminator_steps():
    gan = build(2, discriminator_steps=2)
    message = r"must be a multiple of 4 images \(replicas x discriminator_steps\)"
    with pytest.raises(ValueError, match=message):
        gan.fit(IMAGES, batch_size=6, verbose=0)
    gan.fit(IMAGES, batch_size=4, verbose=0)
    # Evaluation has no updates.
    gan.evaluate(IMAGES, batch_size=6, verbose=0)


def an_overflow_on_one_replica_skips_the_step_on_all():
    class Overflowing(ganzoo.losses.NonSaturating):
        def generator(self, real_logits, fake_logits):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            factor = tf.where(tf.equal(replica, 1), np.inf, 1.0)
            return super().generator(real_logits, fake_logits) * factor

    keras.config.set_dtype_policy("mixed_float16")
    gan = build(2, sgd, loss=Overflowing())
    before = tiny.copy_of(gan.generator.trainable_variables)
    # The loss in the logs is infinite, too.
    with contextlib.suppress(FloatingPointError):
        gan.fit(IMAGES, batch_size=8, verbose=0)
    tiny.assert_equal(gan.generator.trainable_variables, before)
    assert updates_of(gan.generator_optimizer) == 0
    assert updates_of(gan.discriminator_optimizer) == 1


def an_optimizer_created_outside_of_the_scope_is_refused():
    for optimizer in (keras.optimizers.Adam(), keras.optimizers.SGD()):
        with pytest.raises(ValueError, match=r"strategy\.scope\(\)"):
            build(2).compile(optimizer, "adam")
    build(2).compile("adam", "sgd")


def batch_normalization_is_over_the_whole_batch_only_if_synchronized():
    ends = {}
    for num_replicas, sync_batch_norm in [(1, False), (2, True), (2, False)]:
        arguments = {"batch_norm": True, "sync_batch_norm": sync_batch_norm, "run_eagerly": True}
        gan = build(num_replicas, sgd, **arguments)
        with random_numbers_from_images():
            gan.fit(batches_of(IMAGES), epochs=2, verbose=0)
        ends[num_replicas, sync_batch_norm] = tiny.copy_of(gan.weights)
    tiny.assert_close(ends[2, True], ends[1, False], rtol=1e-3, atol=1e-5)
    generator = slice(0, len(gan.generator.weights))
    pairs = zip(ends[2, False][generator], ends[1, False][generator], strict=True)
    assert max(np.abs(one - other).max() for one, other in pairs) > 1e-3
    means = [v for v in gan.generator.non_trainable_variables if "moving" in v.name]
    for variable in means:
        first, second = strategy_of(2).experimental_local_results(variable.value)
        np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert len(means) == 2


def an_adaptive_augmentation_sees_the_signs_of_the_whole_batch():
    amounts, logs = [], []
    for num_replicas in (1, 2):
        ada = ganzoo.augment.ADA(target=0.25, every=2, ramp_images=64)
        gan = build(num_replicas, sgd, augment=ada, run_eagerly=True)
        with random_numbers_from_images():
            history = gan.fit(batches_of(IMAGES), epochs=3, verbose=0).history
        (found,) = gan.distribute_strategy.run(gan.augment_amounts)
        parts = gan.distribute_strategy.experimental_local_results(found)
        amounts += [part.numpy() for part in parts]
        logs.append(history["augment_probability"])
    np.testing.assert_array_equal(amounts, [amounts[0]] * 3)
    np.testing.assert_array_equal(logs[1], logs[0])
    assert logs[0][1] > 0


def replicas_augment_differently():
    gan = build(2, sgd, augment="diffaugment")
    found = strategy_of(2).run(lambda: gan.augment_images(tf.ones((4, 8, 8, 3))))
    first, second = strategy_of(2).experimental_local_results(found)
    assert np.abs(first - second).max() > 0.1


PROGRAMS = programs_in(__name__)
