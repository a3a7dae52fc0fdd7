"""Learning rates of both networks: change them together, and warn where one is 0."""

import math
import warnings
from collections.abc import Iterable

import keras

from ganzoo.base.stopping import StopAtStep

# A rate below this share of the largest one counts as 0: it changes no float32 weight.
_ZERO = 1e-9
# Smooth decays reach 0 a little early, because they are computed in float32.
_EARLY = 1e-3
# Number of steps at which a schedule is evaluated before the exact one is searched.
_NUM_SAMPLES = 32


class BothOptimizers(keras.optimizers.Optimizer):
    """`model.optimizer` of a `GAN`, which Keras's callbacks read and set.

    A callback that changes the learning rate, such as `ReduceLROnPlateau`, changes the rates of
    both networks by the same factor. To change one rate alone, set that of
    `gan.generator_optimizer` or `gan.discriminator_optimizer`.

    Args:
        generator_optimizer: built Keras optimizer of the generator.
        discriminator_optimizer: built Keras optimizer of the discriminator.
        trained: `(generator, discriminator)`, lists of the variables of each.
    """

    def __init__(self, generator_optimizer, discriminator_optimizer, trained: tuple):
        super().__init__(0.0, name="both_optimizers")
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self._trained = trained
        self._rate = _SharedRate(self)
        # Discriminator's rate for a rate of 1 of the generator. None if the generator's is 0.
        self._ratio = None
        self.built = True

    @property
    def learning_rate(self):
        """The generator's learning rate. Setting or assigning it changes both rates."""
        rate = self.generator_optimizer.learning_rate
        if not isinstance(rate, keras.Variable):
            return rate  # The present value of a schedule.
        self._rate.copy(rate)
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        if callable(value):
            raise ValueError(
                "A schedule cannot be set for both networks. Received: learning_rate="
                f"{value!r}. Give one to each optimizer in `compile`."
            )
        optimizers = self.generator_optimizer, self.discriminator_optimizer
        for player, optimizer in zip(("generator", "discriminator"), optimizers, strict=True):
            if not isinstance(optimizer.learning_rate, keras.Variable):
                raise ValueError(
                    "A callback can change learning rates only if both are constant. Received: a "
                    f"schedule in the {player}'s optimizer. Give it a number, or remove the "
                    "callback."
                )
        before, others = (float(optimizer.learning_rate) for optimizer in optimizers)
        self._ratio = others / before if before else self._ratio
        self.generator_optimizer.learning_rate = value
        if self._ratio is not None:
            self.discriminator_optimizer.learning_rate = self._ratio * float(value)

    @property
    def iterations(self):
        """Number of updates of the generator."""
        return self.generator_optimizer.iterations

    @property
    def variables(self):
        return [*self.generator_optimizer.variables, *self.discriminator_optimizer.variables]

    def finalize_variable_values(self, var_list):
        """Let each optimizer with `use_ema` set its network's weights to their averages."""
        optimizers = self.generator_optimizer, self.discriminator_optimizer
        for optimizer, trained in zip(optimizers, self._trained, strict=True):
            # The averages of a network that was never updated are 0.
            if _updates_of(optimizer):
                optimizer.finalize_variable_values(trained)

    def get_config(self):
        return {
            "generator_optimizer": keras.saving.serialize_keras_object(self.generator_optimizer),
            "discriminator_optimizer": keras.saving.serialize_keras_object(
                self.discriminator_optimizer
            ),
        }

    # The model saves the state of both optimizers by itself.

    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass


class _SharedRate(keras.Variable):
    """Copy of the generator's learning rate, whose assignment changes both rates."""

    def __init__(self, optimizers):
        super().__init__(
            0.0, trainable=False, aggregation="only_first_replica", name="learning_rate"
        )
        self._optimizers = optimizers

    def copy(self, rate):
        """Take the value of the generator's rate without changing any."""
        return super().assign(rate)

    def assign(self, value):
        self._optimizers.learning_rate = float(value)
        return self.copy(value)


class WarnOfZeroRates(keras.callbacks.Callback):
    """Warn once if the learning rate of a network falls to 0 before training ends.

    Args:
        callbacks: other callbacks of `fit`. A `StopAtStep` may end training before its last epoch.
    """

    def __init__(self, callbacks: Iterable[keras.callbacks.Callback] = ()):
        super().__init__()
        self._stops = [one for one in callbacks if isinstance(one, StopAtStep)]
        self._checked = False

    def on_epoch_begin(self, epoch, logs=None):
        if self._checked:
            return
        start, steps = self.model.step, self.params["steps"]
        if any(math.isfinite(stop.seconds) for stop in self._stops):
            steps = None
        # The number of steps may be unknown. Then the next step is checked, in every epoch.
        end = start + (1 if steps is None else steps * (self.params["epochs"] - epoch))
        end = min([end, *(stop.max_steps for stop in self._stops)])
        zero_from = {}
        for player in self.model.trained_networks:
            optimizer = getattr(self.model, f"{player}_optimizer")
            per_step = self.model.discriminator_steps if player == "discriminator" else 1
            done = _updates_of(optimizer)
            last = done + (end - start) * per_step
            zero = find_zero(optimizer, last)
            if zero is not None and last - zero > _EARLY * zero:
                zero_from[player] = start + max(zero - done, 0) // per_step
        self._checked = steps is not None or bool(zero_from)
        if zero_from:
            names = " and ".join(f"of the {player}" for player in zero_from)
            more = "" if steps is None else f", but training continues to step {end}"
            warnings.warn(
                f"The learning rate {names} is 0 from step {min(zero_from.values())} on{more}. "
                "Steps after it change no weight. Train fewer steps (--max-steps), or choose a "
                "slower decay (--decay-steps).",
                stacklevel=1,
            )


def _updates_of(optimizer):
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


def find_zero(optimizer: keras.optimizers.Optimizer, last: int) -> int | None:
    """Return the first update whose learning rate and all later ones are 0, or None.

    Args:
        optimizer: Keras optimizer.
        last: int. Number of updates at the end of training.

    Example:
        >>> decay = keras.optimizers.schedules.CosineDecay(0.1, 100)
        >>> find_zero(keras.optimizers.SGD(decay), 120), find_zero(keras.optimizers.SGD(decay), 90)
        (100, None)
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    # The property of an optimizer has the present value only.
    schedule = getattr(optimizer, "_learning_rate", None)
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule) or last < 1:
        return None
    steps = sorted({round(i * (last - 1) / _NUM_SAMPLES) for i in range(_NUM_SAMPLES + 1)})
    rates = [float(schedule(step)) for step in steps]
    least = _ZERO * max(rates)
    if rates[-1] > least:
        return None
    alive = max((i for i, rate in enumerate(rates) if rate > least), default=None)
    if alive is None:
        return 0
    low, high = steps[alive], steps[alive + 1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if float(schedule(middle)) > least else (low, middle)
    return high
