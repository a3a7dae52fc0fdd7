"""Train, save, evaluate and fail under a strategy."""

import contextlib
import gc
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from replicas import IMAGES, batches_of, build, programs_in, sgd, strategy_of, updates_of

import ganzoo
from ganzoo import callbacks, training
from ganzoo.distribution import Cluster, share_batches


def replicas_share_the_batches_of_a_single_replica():
    four = strategy_of(4)
    dataset = batches_of(np.arange(48), size=8)
    iterator = iter(share_batches(four, dataset))
    for wanted in [*dataset, *dataset]:
        parts = [part.numpy() for part in four.experimental_local_results(next(iterator))]
        assert [len(part) for part in parts] == [2] * 4
        np.testing.assert_array_equal(np.concatenate(parts), wanted)


def a_model_trains_on_data_of_a_tf_data_service():
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target.partition("://")[2]
    worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=address))
    dataset = batches_of(IMAGES, size=4).apply(
        service.distribute(service.ShardingPolicy.DYNAMIC, dispatcher.target)
    )
    gan = build(2, run_eagerly=True)
    checked, gan.real_examples = gan.check_data(dataset, None)
    gan.fit(share_batches(strategy_of(2), checked), steps_per_epoch=3, verbose=0)
    assert gan.step == 3
    assert len(gan.real_examples) == 8
    # Delete readers, then the worker, then the dispatcher. A worker without a dispatcher may wait
    # for it forever.
    del gan, checked, dataset
    gc.collect()
    del worker, dispatcher


def a_run_on_two_replicas_writes_the_files_of_a_run_on_one(folder):
    photos = tiny.write_folder(folder / "photos", num_images=20)
    recipe = training.Recipe("vanilla", str(photos), epochs=2, batch_size=6, mixed_precision=False)
    outcome = training.train(recipe, folder / "run", cluster=Cluster(strategy_of(2)), verbose=0)
    assert outcome.step == 6
    epochs = json.loads((folder / "run/metrics.json").read_text())["epochs"]
    assert [row["step"] for row in epochs] == [3, 6]
    assert (folder / "run/samples/real.png").is_file()
    config = json.loads((folder / "run/config.json").read_text())
    assert config["cluster"] == {"replicas": 2, "workers": 1}
    assert ganzoo.load(folder / "run").step == 6
    # One device resumes the run of two.
    one = Cluster(strategy_of(1))
    assert training.resume(folder / "run", epochs=3, cluster=one, verbose=0).step == 9
    with pytest.raises(ValueError, match=r"4 replicas share a batch evenly.*batch_size=6"):
        training.train(recipe, folder / "other", cluster=Cluster(strategy_of(4)), verbose=0)
    assert not (folder / "other").exists()


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


def a_model_built_under_a_strategy_compiles_outside_its_scope():
    with strategy_of(2).scope():
        gan = ganzoo.GAN(tiny.build_generator(), tiny.build_discriminator(), seed=3)
    gan.compile()
    gan.fit(IMAGES, batch_size=4, verbose=0)
    assert updates_of(gan.generator_optimizer) == 2


def the_callbacks_of_a_run_work(folder):
    gan = build(2)
    watchers = [
        callbacks.StopAtStep(3),
        callbacks.MetricsFile(folder / "metrics.json", batch_size=4),
        callbacks.SampleGrid(folder, num_images=2),
        callbacks.Checkpoint(folder / "checkpoints"),
    ]
    gan.fit(IMAGES, batch_size=4, epochs=4, callbacks=watchers, verbose=0)
    names = [path.name for path in callbacks.checkpoints(folder / "checkpoints")]
    assert names == ["step_00000002.keras", "step_00000003.keras"], names


def a_checkpoint_within_an_epoch_restores_the_means_of_all_replicas(folder):
    gan = build(2)
    watchers = [callbacks.StopAtStep(3), callbacks.Checkpoint(folder / "checkpoints")]
    gan.fit(IMAGES, batch_size=4, epochs=4, callbacks=watchers, verbose=0)
    saved = callbacks.checkpoints(folder / "checkpoints")[-1]
    progress = callbacks.read_progress(saved)
    with strategy_of(2).scope():
        again = ganzoo.load(saved)
    restored = callbacks.Checkpoint(folder / "again", progress=progress)
    save = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: restored.save() if epoch == 0 else None
    )
    again.fit(IMAGES, batch_size=4, callbacks=[restored, save], verbose=0)
    first = min(callbacks.checkpoints(folder / "again"))
    assert first.name == saved.name
    means = callbacks.read_progress(first)["means"]
    assert means == progress["means"]
    assert any(map(any, means.values())), means


def a_loss_that_is_nan_stops_training():
    gan = build(2)
    gan.discriminator.weights[-1].assign([np.nan])
    with pytest.raises(FloatingPointError):
        gan.fit(IMAGES, batch_size=4, verbose=0)


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


def a_model_trains_in_half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    gan = build(2)
    history = gan.fit(IMAGES, batch_size=4, verbose=0).history
    assert np.isfinite(history["generator_loss"]).all()
    assert updates_of(gan.discriminator_optimizer) == 2


PROGRAMS = programs_in(__name__)
