"""Train recipes into run folders, resume runs and reproduce presets."""

from ganzoo.training.recipe import RUN_FORMAT, Recipe, flags_of, place, read_file
from ganzoo.training.run import recipe_of, reproduce, resume, train
from ganzoo.training.run_folder import (
    FailedRunError,
    InterruptedRunError,
    Outcome,
    is_run,
    read_recipe,
    require_new,
    resume_command,
)

__all__ = [
    "RUN_FORMAT",
    "FailedRunError",
    "InterruptedRunError",
    "Outcome",
    "Recipe",
    "flags_of",
    "is_run",
    "place",
    "read_file",
    "read_recipe",
    "recipe_of",
    "reproduce",
    "require_new",
    "resume",
    "resume_command",
    "train",
]
