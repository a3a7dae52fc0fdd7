"""Distribute training over devices and machines.

A worker is one process on one machine. It runs one replica per device. All replicas hold the
same weights, and each gets an equal part of every batch.
"""

import dataclasses
import json
import os

import numpy as np
import tensorflow as tf

from ganzoo import messages

STRATEGIES = ("auto", "mirrored", "multi_worker")
SHARDINGS = ("element", "file")
_EXAMPLE = (
    """'{"cluster": {"worker": ["host0:2222", "host1:2222"]}, """
    """"task": {"type": "worker", "index": 0}}'"""
)


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of several equal parts of data. Each worker gets one.

    Attributes:
        index: int, from 0 to `count - 1`.
        count: int, at least 1. Number of shards.
    """

    index: int
    count: int

    def of(self, size: int) -> slice:
        """Return the slice of `size` elements that belongs to this shard.

        It holds every `count`-th element. If `size` is not a multiple of `count`, the last elements
        belong to no shard.

        Example:
            >>> [list(range(11))[Shard(index, 3).of(11)] for index in range(3)]
            [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
        """
        return slice(self.index, size // self.count * self.count, self.count)


# The only shard of data that are not shared.
WHOLE = Shard(0, 1)


class Cluster:
    """The devices and workers of one training, and how they share the data.

    Create it before anything is computed, because TensorFlow connects workers only then. This
    waits until all workers have started.

    Args:
        distribute: as for `open_strategy`.
        sharding: `"element"` or `"file"`. With `"element"`, workers share each batch: each loads
            all data and takes its shard of every batch. The batches are those of a single worker.
            With `"file"`, workers share the data: each loads its shard only, which takes less time
            and memory. Every batch then holds images of all workers.

    Attributes:
        strategy: `tf.distribute.Strategy`.
        sharding: str. As given.
        worker: int. Index of this worker. 0 is the chief.
        num_workers: int.
        data_shard: `Shard` of the data that this worker loads.
        batch_shard: `Shard` of every batch of these data that this worker takes.

    Raises:
        ValueError: If the sharding is unknown, or as `open_strategy` does.
    """

    def __init__(
        self, distribute: str | tf.distribute.Strategy = "auto", sharding: str = "element"
    ):
        if sharding not in SHARDINGS:
            raise ValueError(messages.unknown("sharding", sharding, SHARDINGS))
        self.strategy = open_strategy(distribute)
        self.sharding = sharding
        self.worker, self.num_workers = worker_of(self.strategy)
        shard = Shard(self.worker, self.num_workers)
        self.data_shard, self.batch_shard = (shard, WHOLE) if sharding == "file" else (WHOLE, shard)

    @property
    def is_chief(self) -> bool:
        """Return whether this worker writes the files."""
        return self.worker == 0

    @property
    def num_replicas(self) -> int:
        """Return the number of devices that share a batch, on all workers."""
        return self.strategy.num_replicas_in_sync

    def share_of(self, batch_size: int) -> int:
        """Return the size of the batches that this worker makes of its data.

        Raises:
            ValueError: If the batch size is not a multiple of the number of replicas.
        """
        if batch_size % self.num_replicas:
            raise ValueError(
                f"The batch size must be a multiple of {self.num_replicas}, because "
                f"{self.num_replicas} replicas share a batch evenly. Received: "
                f"batch_size={batch_size}. Choose a multiple of {self.num_replicas}."
            )
        return batch_size // self.data_shard.count

    def agree(self, **values: int | tuple[int, ...]) -> None:
        """Check that all workers have the same values.

        Otherwise they would wait for each other forever.

        Args:
            **values: ints, or tuples of ints.

        Raises:
            ValueError: If values differ between workers.
        """
        if self.num_workers == 1:
            return
        own = tf.constant([[int(n) for value in values.values() for n in np.ravel(value)]])
        of_replicas = self.strategy.experimental_distribute_values_from_function(lambda _: own)
        found = self.strategy.gather(of_replicas, axis=0).numpy()
        if (found != found[0]).any():
            raise ValueError(
                f"Workers must come to the same {', '.join(values)}. Received: "
                f"{' and '.join(sorted({str(row.tolist()) for row in found}))}. Give all workers "
                "the same data and options, and images of one size and number of channels."
            )

    def describe(self) -> dict:
        """Return what `config.json` records of the cluster."""
        described = {"replicas": self.num_replicas, "workers": self.num_workers}
        return {**described, "sharding": self.sharding} if self.num_workers > 1 else described

    def __str__(self):
        if self.num_workers == 1:
            return f"{self.num_replicas} replicas on one machine"
        shared = {"element": "share each batch", "file": "share the data"}[self.sharding]
        return (
            f"{self.num_replicas} replicas on {self.num_workers} workers, which {shared} "
            f"(sharding by {self.sharding})"
        )


def open_strategy(name: str | tf.distribute.Strategy = "auto") -> tf.distribute.Strategy:
    """Return the `tf.distribute` strategy of a name.

    Args:
        name: one of the following, or a strategy, which is returned.

            - `"mirrored"`: all GPUs of this machine.
            - `"multi_worker"`: all machines that the environment variable `TF_CONFIG` names,
              with all their GPUs. A machine without a GPU uses its processor.
            - `"auto"`: `"multi_worker"` if `TF_CONFIG` names several workers; else `"mirrored"`
              if this machine has several GPUs; else one device.

    Raises:
        ValueError: If the name is unknown, if `"mirrored"` finds no GPU, or if `TF_CONFIG` does
            not name the workers.

    Example:
        >>> ganzoo.distribution.open_strategy("auto").num_replicas_in_sync
        1
    """
    if isinstance(name, tf.distribute.Strategy):
        return name
    if name not in STRATEGIES:
        raise ValueError(messages.unknown("strategy", name, STRATEGIES))
    num_workers = _count_workers()
    num_gpus = len(tf.config.list_physical_devices("GPU"))
    if name == "auto":
        name = "multi_worker" if num_workers > 1 else "mirrored" if num_gpus > 1 else None
    if name is None:
        return tf.distribute.get_strategy()
    if name == "multi_worker":
        if num_workers == 0:
            raise ValueError(
                "multi_worker needs the environment variable TF_CONFIG, which names all workers "
                f"and the index of this one. Received: no TF_CONFIG. Set it, such as {_EXAMPLE}."
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    # MirroredStrategy would fall back to the processor, which is a hundred times as slow.
    if num_gpus == 0:
        raise ValueError(
            "mirrored needs a GPU. Received: a machine on which TensorFlow finds no GPU. Check its "
            "driver, install `tensorflow[and-cuda]`, or choose 'auto' to train on the processor."
        )
    return tf.distribute.MirroredStrategy()


def worker_of(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Return `(index, count)`: the index of this worker and the number of workers.

    On one machine, this is `(0, 1)`. Worker 0 is the chief, which alone writes files.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    resolver = strategy.cluster_resolver
    tasks = _tasks(resolver.cluster_spec().as_dict())
    return (tasks.index((resolver.task_type, resolver.task_id)), len(tasks)) if tasks else (0, 1)


def share_batches(
    strategy: tf.distribute.Strategy, dataset: tf.data.Dataset
) -> tf.distribute.DistributedDataset:
    """Split this worker's batches evenly among its replicas. The result never ends.

    Args:
        strategy: a `tf.distribute` strategy.
        dataset: `tf.data.Dataset` of this worker's shard of every batch, with a static batch
            size.
    """

    def open_dataset(context):
        num_replicas = context.num_replicas_in_sync // context.num_input_pipelines
        if num_replicas == 1:
            return dataset.repeat()
        num_images = tf.nest.flatten(dataset.element_spec)[0].shape[0]
        return dataset.repeat().rebatch(num_images // num_replicas, drop_remainder=True)

    return strategy.distribute_datasets_from_function(open_dataset)


def _count_workers():
    """Return the number of workers in `TF_CONFIG`, or 0 without it."""
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return 0
    try:
        config = json.loads(text)
        if not config.get("cluster"):
            return 0
        tasks = _tasks(config["cluster"])
        this = config["task"]["type"], int(config["task"]["index"])
    except (KeyError, TypeError, ValueError, AttributeError):
        tasks, this = [], None
    if this not in tasks:
        raise ValueError(
            "TF_CONFIG must name all workers as host:port, and the index of this one. Received: "
            f"{text!r}. Write it such as {_EXAMPLE}, with another index on each machine."
        )
    return len(tasks)


def _tasks(cluster):
    """Return all workers as `(type, index)`, the chief first."""
    jobs = {job: len(cluster.get(job, ())) for job in ("chief", "worker")}
    return [(job, index) for job, count in jobs.items() for index in range(count)]
