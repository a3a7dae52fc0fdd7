"""A recipe trained into a run folder, and resumed; models loaded from what is on disk.

A run folder holds `config.json`, `checkpoints/`, `logs/`, `samples/`,
`metrics.json` and, when training is done, `model.keras`.
"""

from ganzoo.runs.finding import find_card, find_model, from_preset, load
from ganzoo.runs.fitting import FailedRunError, InterruptedRunError, Outcome
from ganzoo.runs.recipes import RUN_FORMAT, Recipe, is_run, read_recipe
from ganzoo.runs.starting import reproduce, require_new, resume, train

__all__ = [
    "RUN_FORMAT",
    "FailedRunError",
    "InterruptedRunError",
    "Outcome",
    "Recipe",
    "find_card",
    "find_model",
    "from_preset",
    "is_run",
    "load",
    "read_recipe",
    "reproduce",
    "require_new",
    "resume",
    "train",
]
