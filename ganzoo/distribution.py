"""Which devices and machines share a training, and what each of them is given.

A worker is one process on one machine. It holds one or more replicas, one for each of
its devices. All replicas hold the same weights, and each is given an equal part of
every batch.
"""

import json
import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganzoo import registry

STRATEGIES = ("auto", "mirrored", "multi_worker")
SHARDINGS = ("element", "file")
_EXAMPLE = (
    """'{"cluster": {"worker": ["host0:2222", "host1:2222"]}, """
    """"task": {"type": "worker", "index": 0}}'"""
)


class Part(NamedTuple):
    """One of several equal parts, as one of several workers is given.

    Attributes:
        index: int, from 0 to `count - 1`.
        count: int, at least 1.
    """

    index: int
    count: int

    def of(self, size):
        """The slice of `size` things, one in every `count`; what does not divide is left out.

        Example:
            >>> [list(range(11))[Part(index, 3).of(11)] for index in range(3)]
            [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
        """
        return slice(self.index, size // self.count * self.count, self.count)


WHOLE = Part(0, 1)


class Site:
    """Where a run is trained: the devices and workers that share it, and how they do.

    To be made before anything is computed: TensorFlow connects workers only then. It
    waits until all of them are there.

    Args:
        distribute: see `open_strategy`.
        sharding: what workers share. `"element"`: batches. Every worker reads all the
            data and takes its part of each batch, which is the one that a single worker
            would have. `"file"`: the data. Every worker reads its own part of them, in a
            part of the time and memory, and adds its own images to a batch.

    Raises:
        ValueError: As `open_strategy` does, or if the sharding is unknown.
    """

    def __init__(self, distribute="auto", sharding="element"):
        if sharding not in SHARDINGS:
            raise ValueError(registry.unknown("sharding", sharding, SHARDINGS))
        self.strategy = open_strategy(distribute)
        self.sharding = sharding
        self.worker, self.num_workers = worker_of(self.strategy)
        part = Part(self.worker, self.num_workers)
        self.data_part, self.batch_part = (part, WHOLE) if sharding == "file" else (WHOLE, part)

    @property
    def is_chief(self):
        """Whether this worker is the one that writes."""
        return self.worker == 0

    @property
    def num_replicas(self):
        """Devices that share a batch, on all workers."""
        return self.strategy.num_replicas_in_sync

    def share_of(self, batch_size):
        """The size of the batches that this worker makes of its data.

        Raises:
            ValueError: If the replicas cannot share a batch evenly.
        """
        if batch_size % self.num_replicas:
            raise ValueError(
                f"{self.num_replicas} replicas share a batch evenly. Received: "
                f"batch_size={batch_size}. Take a multiple of {self.num_replicas}."
            )
        return batch_size // self.data_part.count

    def agree(self, **values):
        """Checks that all workers have found the same, lest they wait for each other for ever.

        Args:
            **values: ints, or tuples of them.

        Raises:
            ValueError: If they have not.
        """
        if self.num_workers == 1:
            return
        own = tf.constant([[int(n) for value in values.values() for n in np.ravel(value)]])
        of_replicas = self.strategy.experimental_distribute_values_from_function(lambda _: own)
        found = self.strategy.gather(of_replicas, axis=0).numpy()
        if (found != found[0]).any():
            raise ValueError(
                f"Workers must come to the same {', '.join(values)}. Received: "
                f"{' and '.join(sorted({str(row.tolist()) for row in found}))}. Give all of them "
                "the same data and options, and images of one size and number of channels."
            )

    def describe(self):
        """What is on record of it, as a dict."""
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


def open_strategy(name="auto"):
    """The `tf.distribute` strategy of a name.

    Args:
        name: `"mirrored"`: all GPUs of this machine. `"multi_worker"`: all GPUs, or else
            the processor, of every machine that the environment variable `TF_CONFIG`
            names. `"auto"`: `"multi_worker"` where `TF_CONFIG` names several workers,
            `"mirrored"` where this machine has several GPUs, else one device. Or a
            strategy, which is returned.

    Raises:
        ValueError: If the name is unknown, there is no GPU to mirror on, or `TF_CONFIG`
            does not say who the workers are.

    Example:
        >>> ganzoo.distribution.open_strategy("auto").num_replicas_in_sync
        1
    """
    if isinstance(name, tf.distribute.Strategy):
        return name
    if name not in STRATEGIES:
        raise ValueError(registry.unknown("strategy", name, STRATEGIES))
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
                f"and which of them this is. Received: none. Set it, such as {_EXAMPLE}."
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    # The processor in their place would train, a hundred times as slowly as was meant.
    if num_gpus == 0:
        raise ValueError(
            "mirrored trains on all GPUs of this machine. Received: a machine on which TensorFlow "
            "finds no GPU. Mend its driver, install `tensorflow[and-cuda]`, or leave the choice to "
            "'auto' to train on the processor."
        )
    return tf.distribute.MirroredStrategy()


def worker_of(strategy):
    """`(index, count)`: which of how many workers this process is; 0 is the chief.

    The chief alone writes files. Example: `(0, 1)` on one machine.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    resolver = strategy.cluster_resolver
    tasks = _tasks(resolver.cluster_spec().as_dict())
    return (tasks.index((resolver.task_type, resolver.task_id)), len(tasks)) if tasks else (0, 1)


def share_batches(strategy, dataset):
    """Gives each replica of this worker an equal part of the worker's batches, without end.

    Args:
        strategy: a `tf.distribute` strategy.
        dataset: `tf.data.Dataset` of this worker's part of every batch.

    Returns:
        A `tf.distribute.DistributedDataset`.
    """

    def open_dataset(context):
        num_replicas = context.num_replicas_in_sync // context.num_input_pipelines
        if num_replicas == 1:
            return dataset.repeat()
        num_images = tf.nest.flatten(dataset.element_spec)[0].shape[0]
        return dataset.repeat().rebatch(num_images // num_replicas, drop_remainder=True)

    return strategy.distribute_datasets_from_function(open_dataset)


def _count_workers():
    """The number of workers in `TF_CONFIG`, 0 without it."""
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
            "TF_CONFIG must name all workers as host:port, and which of them this is. Received: "
            f"{text!r}. Write it such as {_EXAMPLE}, with another index on each machine."
        )
    return len(tasks)


def _tasks(cluster):
    """All that train, as `(type, index)`, the chief first."""
    jobs = {job: len(cluster.get(job, ())) for job in ("chief", "worker")}
    return [(job, index) for job, count in jobs.items() for index in range(count)]
