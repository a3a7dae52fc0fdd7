"""Keras callbacks that show, keep and judge what happens during `fit`."""

from ganzoo.callbacks.checkpoints import Checkpoint, StopAtStep, checkpoints, save_whole
from ganzoo.callbacks.diagnosis import Finding, Observation, diagnose
from ganzoo.callbacks.doctor import Doctor
from ganzoo.callbacks.evaluate import Evaluate
from ganzoo.callbacks.logs import GameScalars, MetricsFile
from ganzoo.callbacks.samples import SampleGrid

__all__ = [
    "Checkpoint",
    "Doctor",
    "Evaluate",
    "Finding",
    "GameScalars",
    "MetricsFile",
    "Observation",
    "SampleGrid",
    "StopAtStep",
    "checkpoints",
    "diagnose",
    "save_whole",
]
