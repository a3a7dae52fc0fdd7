"""Train, save and resume whole runs under a strategy."""

import gc
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from replicas import IMAGES, batches_of, build, programs_in, strategy_of, updates_of

import ganzoo
from ganzoo import callbacks, training
from ganzoo.distribution import Cluster, share_batches


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


def a_model_trains_in_half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    gan = build(2)
    history = gan.fit(IMAGES, batch_size=4, verbose=0).history
    assert np.isfinite(history["generator_loss"]).all()
    assert updates_of(gan.discriminator_optimizer) == 2


def a_model_built_under_a_strategy_compiles_outside_its_scope():
    with strategy_of(2).scope():
        gan = ganzoo.GAN(tiny.build_generator(), tiny.build_discriminator(), seed=3)
    gan.compile()
    gan.fit(IMAGES, batch_size=4, verbose=0)
    assert updates_of(gan.generator_optimizer) == 2


PROGRAMS = programs_in(__name__)
