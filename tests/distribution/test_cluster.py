"""Test the strategy, the workers and the shards of a training run."""

import json

import pytest
import tensorflow as tf

from ganzoo import distribution
from ganzoo.distribution import Shard


def set_tf_config(monkeypatch, **config):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(distribution.tf.config, "list_physical_devices", lambda kind=None: [])


def test_without_gpus_and_workers_one_device_trains(no_gpu, monkeypatch):
    for config in (None, "", "{}"):
        monkeypatch.delenv("TF_CONFIG", raising=False)
        if config is not None:
            monkeypatch.setenv("TF_CONFIG", config)
        cluster = distribution.Cluster()
        assert (cluster.num_replicas, cluster.worker, cluster.num_workers) == (1, 0, 1)
        assert cluster.is_chief


@pytest.mark.parametrize(
    ("gpus", "num_workers", "opened"),
    [(0, 2, "several"), (4, 2, "several"), (4, 1, "mirrored"), (4, 0, "mirrored"), (1, 1, None)],
)
def test_auto_uses_all_workers_or_all_gpus(gpus, num_workers, opened, monkeypatch):
    made = distribution.tf.distribute
    monkeypatch.setattr(made, "MirroredStrategy", lambda: "mirrored")
    monkeypatch.setattr(made, "MultiWorkerMirroredStrategy", lambda: "several")
    listed = ["GPU"] * gpus
    monkeypatch.setattr(distribution.tf.config, "list_physical_devices", lambda kind: listed)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if num_workers:
        hosts = [f"host{index}:1" for index in range(num_workers)]
        set_tf_config(monkeypatch, cluster={"worker": hosts}, task={"type": "worker", "index": 0})
    found = distribution.open_strategy("auto")
    assert found == opened if opened else found.num_replicas_in_sync == 1


def test_mirrored_without_a_gpu_is_refused(no_gpu):
    with pytest.raises(ValueError, match=r"no GPU.*'auto'"):
        distribution.open_strategy("mirrored")


@pytest.mark.parametrize(
    "config",
    [
        "worker",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": ["a:1", "b:1"], "task": {"type": "worker", "index": 0}}',
    ],
    ids=["no-json", "no-task", "index-out-of-range", "other-task-type", "cluster-without-jobs"],
)
def test_a_tf_config_without_this_worker_is_refused(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    for name in ("auto", "multi_worker"):
        with pytest.raises(ValueError, match="TF_CONFIG must name all workers") as error:
            distribution.open_strategy(name)
        assert config in str(error.value)


def test_batches_that_replicas_cannot_share_evenly_are_refused():
    cluster = distribution.Cluster()
    assert cluster.share_of(5) == 5
    cluster.strategy = SomeReplicas(4)
    with pytest.raises(ValueError, match=r"4 replicas.*batch_size=6.*multiple of 4"):
        cluster.share_of(6)


@pytest.mark.parametrize("difference", [0, 1])
def test_workers_that_found_different_data_are_refused(difference):
    class TwoWorkers(SomeReplicas):
        def experimental_distribute_values_from_function(self, function):
            return function(None)

        def gather(self, value, axis):
            return tf.concat([value, tf.add(value, [[0, 0, 0, difference]])], axis)

    cluster = distribution.Cluster()
    cluster.strategy, cluster.num_workers = TwoWorkers(2), 2
    if not difference:
        cluster.agree(batches=5, image_shape=(8, 8, 1))
        return
    named = r"same batches, image_shape. Received: \[5, 8, 8, 1\] and \[5, 8, 8, 2\]"
    with pytest.raises(ValueError, match=named):
        cluster.agree(batches=5, image_shape=(8, 8, 1))


class SomeReplicas:
    """A strategy that knows only the number of its replicas."""

    def __init__(self, num_replicas_in_sync):
        self.num_replicas_in_sync = num_replicas_in_sync


@pytest.mark.parametrize(("size", "count"), [(11, 3), (12, 4), (2, 5), (0, 2)])
def test_shards_are_disjoint_and_of_equal_size(size, count):
    shards = [list(range(size))[Shard(index, count).of(size)] for index in range(count)]
    assert {len(shard) for shard in shards} == {size // count}
    assert sorted(index for shard in shards for index in shard) == list(
        range(size // count * count)
    )


@pytest.mark.parametrize("sharding", ["element", "file"])
def test_workers_share_batches_by_element_and_data_by_file(sharding, monkeypatch):
    monkeypatch.setattr(distribution, "worker_of", lambda strategy: (2, 3))
    cluster = distribution.Cluster(sharding=sharding)
    shards = {"data": cluster.data_shard, "batch": cluster.batch_shard}
    shared = {"element": "batch", "file": "data"}[sharding]
    assert shards.pop(shared) == Shard(2, 3)
    assert list(shards.values()) == [distribution.WHOLE]
    assert not cluster.is_chief
    # By element, each worker makes the whole batch and takes its shard of it.
    assert cluster.share_of(12) == {"element": 12, "file": 4}[sharding]


def test_an_unknown_sharding_is_refused():
    with pytest.raises(ValueError, match=r"Unknown sharding: 'files'\. Did you mean 'file'"):
        distribution.Cluster(sharding="files")
