"""Save, log, show, measure and diagnose a model during `fit`, with Keras callbacks."""

from ganzoo.base.stopping import StopAtStep
from ganzoo.callbacks.checkpoints import (
    Checkpoint,
    check_whole,
    checkpoints,
    newest_whole,
    parse_every,
    read_progress,
    save_whole,
)
from ganzoo.callbacks.diagnosis import Finding, Observation, Settings, diagnose
from ganzoo.callbacks.doctor import Doctor
from ganzoo.callbacks.epoch_lines import EpochLines
from ganzoo.callbacks.evaluate import Evaluate, EvaluateSuperResolution
from ganzoo.callbacks.interruption import FinishStep, StepFinishedError
from ganzoo.callbacks.logs import GameScalars, MetricsFile
from ganzoo.callbacks.samples import SampleGrid

__all__ = [
    "Checkpoint",
    "Doctor",
    "EpochLines",
    "Evaluate",
    "EvaluateSuperResolution",
    "Finding",
    "FinishStep",
    "GameScalars",
    "MetricsFile",
    "Observation",
    "SampleGrid",
    "Settings",
    "StepFinishedError",
    "StopAtStep",
    "check_whole",
    "checkpoints",
    "diagnose",
    "newest_whole",
    "parse_every",
    "read_progress",
    "save_whole",
]
