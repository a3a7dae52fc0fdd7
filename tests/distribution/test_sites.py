"""Where training takes place: which strategy, and what each worker's part is."""

import json

import pytest
import tensorflow as tf

from ganzoo import distribution
from ganzoo.distribution import Part


def name_cluster(monkeypatch, **config):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(distribution.tf.config, "list_physical_devices", lambda kind=None: [])


def test_without_gpus_and_workers_one_device_trains(no_gpu, monkeypatch):
    for config in (None, "", "{}"):
        monkeypatch.delenv("TF_CONFIG", raising=False)
        if config is not None:
            monkeypatch.setenv("TF_CONFIG", config)
        site = distribution.Site()
        assert (site.num_replicas, site.worker, site.num_workers) == (1, 0, 1)
        assert site.is_chief


@pytest.mark.parametrize(
    ("gpus", "num_workers", "opened"),
    [(0, 2, "several"), (4, 2, "several"), (4, 1, "mirrored"), (4, 0, "mirrored"), (1, 1, None)],
)
def test_auto_takes_all_there_is(gpus, num_workers, opened, monkeypatch):
    made = distribution.tf.distribute
    monkeypatch.setattr(made, "MirroredStrategy", lambda: "mirrored")
    monkeypatch.setattr(made, "MultiWorkerMirroredStrategy", lambda: "several")
    listed = ["GPU"] * gpus
    monkeypatch.setattr(distribution.tf.config, "list_physical_devices", lambda kind: listed)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if num_workers:
        hosts = [f"host{index}:1" for index in range(num_workers)]
        name_cluster(monkeypatch, cluster={"worker": hosts}, task={"type": "worker", "index": 0})
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
)
def test_a_cluster_that_does_not_say_who_this_is_is_refused(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    for name in ("auto", "multi_worker"):
        with pytest.raises(ValueError, match="TF_CONFIG must name all workers") as error:
            distribution.open_strategy(name)
        assert config in str(error.value)


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    site = distribution.Site()
    assert site.share_of(5) == 5
    site.strategy = SomeReplicas(4)
    with pytest.raises(ValueError, match=r"4 replicas.*batch_size=6.*multiple of 4"):
        site.share_of(6)


@pytest.mark.parametrize("difference", [0, 1])
def test_workers_that_found_different_data_are_refused(difference):
    class TwoWorkers(SomeReplicas):
        def experimental_distribute_values_from_function(self, function):
            return function(None)

        def gather(self, value, axis):
            return tf.concat([value, tf.add(value, [[0, 0, 0, difference]])], axis)

    site = distribution.Site()
    site.strategy, site.num_workers = TwoWorkers(2), 2
    if not difference:
        site.agree(batches=5, image_shape=(8, 8, 1))
        return
    named = r"same batches, image_shape. Received: \[5, 8, 8, 1\] and \[5, 8, 8, 2\]"
    with pytest.raises(ValueError, match=named):
        site.agree(batches=5, image_shape=(8, 8, 1))


class SomeReplicas:
    def __init__(self, num_replicas_in_sync):
        self.num_replicas_in_sync = num_replicas_in_sync


@pytest.mark.parametrize(("size", "count"), [(11, 3), (12, 4), (2, 5), (0, 2)])
def test_parts_are_of_one_size_and_share_nothing(size, count):
    parts = [list(range(size))[Part(index, count).of(size)] for index in range(count)]
    assert {len(part) for part in parts} == {size // count}
    assert sorted(index for part in parts for index in part) == list(range(size // count * count))
