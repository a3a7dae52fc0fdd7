"""Determine the length of a run in steps and in epochs of `fit`."""

from typing import NamedTuple

from ganzoo.training.recipe import Recipe

# The default length of a run: passes, and at least this many steps.
_DEFAULT_PASSES = 20
_FEWEST_STEPS = 5000
# An epoch of `fit` has at least this many steps, if a run then has at least so many epochs.
_EPOCH_STEPS = 250
_FEWEST_EPOCHS = 20
# Keras needs a number of epochs, also for a run that ends after some time only.
_UNLIMITED = 10**9


class RunLength(NamedTuple):
    """Length of a run.

    Attributes:
        max_steps: int. Steps of the run. It is very large if only time limits the run.
        steps_per_pass: int. Steps in which every image is used once.
        passes_per_epoch: int. Passes in an epoch of `fit`. A pass over few images takes seconds.
            Then several passes are one epoch, so that samples and checkpoints take a small share of
            the time.
    """

    max_steps: int
    steps_per_pass: int
    passes_per_epoch: int

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch of `fit`."""
        return self.passes_per_epoch * self.steps_per_pass

    @property
    def num_epochs(self) -> int:
        """Number of epochs of `fit`. The last one may be shorter."""
        return -(-self.max_steps // self.steps_per_epoch)

    @property
    def num_passes(self) -> int | None:
        """Number of passes, rounded up. None if only time limits the run."""
        return -(-self.max_steps // self.steps_per_pass) if self.is_known else None

    @property
    def is_known(self) -> bool:
        """True if a number of steps or passes limits the run."""
        return self.max_steps < _UNLIMITED

    def outlasts_decay(self, recipe: Recipe) -> bool:
        """Return True if the learning rates fall to 0 before the run ends."""
        if recipe.decay_steps is None or recipe.minutes is not None:
            return False
        return self.max_steps > recipe.decay_steps


def length_of(recipe: Recipe, steps_per_pass: int) -> RunLength:
    """Return the length of a recipe's run.

    Args:
        recipe: recipe of the run.
        steps_per_pass: int. Batches in the data.

    Example:
        >>> recipe = ganzoo.training.Recipe("dcgan", "sample")
        >>> length_of(recipe, steps_per_pass=900).max_steps
        18000
        >>> length_of(recipe, steps_per_pass=10)
        RunLength(max_steps=5000, steps_per_pass=10, passes_per_epoch=25)
    """
    limits = [recipe.max_steps]
    if recipe.epochs is not None:
        limits.append(recipe.epochs * steps_per_pass)
    elif recipe.max_steps is None and recipe.minutes is None:
        default = max(_DEFAULT_PASSES * steps_per_pass, _round_up(_FEWEST_STEPS, steps_per_pass))
        limits.append(recipe.decay_steps or default)
    max_steps = min([limit for limit in limits if limit is not None], default=_UNLIMITED)
    passes = min(-(-_EPOCH_STEPS // steps_per_pass), max_steps // steps_per_pass // _FEWEST_EPOCHS)
    return RunLength(max_steps, steps_per_pass, max(1, passes))


def _round_up(number, divisor):
    return -(-number // divisor) * divisor
