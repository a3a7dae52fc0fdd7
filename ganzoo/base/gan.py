"""`GAN`: two networks that train against each other."""

from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from ganzoo import augment as augmentations
from ganzoo import losses, regularizers, schedules
from ganzoo.base import (
    checks,
    freezing,
    ranges,
    rates,
    stopping,
    train_step,
)
from ganzoo.base.adaptive import AdaptiveAmount
from ganzoo.base.logs import (
    LOGS,
    RunningMean,
    count_images,
    per_level,
    read_local_sum,
)
from ganzoo.base.step_parts import StepParts
from ganzoo.checks import check_positive
from ganzoo.data import validation
from ganzoo.data.arrays import map_labels
from ganzoo.data.pipelines import from_arrays
from ganzoo.data.spec import DataSpec
from ganzoo.distribution import worker_of
from ganzoo.layers import normalizations
from ganzoo.optimizers import Adam

# Keras's batch size for arrays.
_KERAS_BATCH_SIZE = 32


@keras.saving.register_keras_serializable(package="ganzoo")
class GAN(StepParts):
    """Base of all families: a generator and a discriminator trained against each other.

    `GAN` implements what all families share: `compile`, `fit`, `evaluate`, the training
    step, saving, presets and export. A third network, `ema_generator`, holds the exponential
    moving average of the generator's weights. Calling the model runs the generator.

    `GAN(generator, discriminator)` builds a `ganzoo.LatentGAN`, which generates images from
    latents, as `keras.Model(inputs, outputs)` builds a functional model. Derive from `GAN`
    itself for a generator that maps one image to another, as `ganzoo.SRGAN` does.

    Args:
        generator: built functional or `Sequential` Keras model. Its output is images `(batch,
            height, width, channels)` in [-1, 1].
        discriminator: built functional or `Sequential` Keras model from such images to logits
            `(batch, ...)`, with no sigmoid at the end.
        seed: int or None. Seed of all random numbers in training. None draws a random one.
        trained_on: dict or None. Fields of the `ganzoo.data.Fingerprint` of the data that the model
            was trained on last. `fit` sets it for data of `ganzoo.data.load`.
        **kwargs: `name` and `dtype` of the Keras model.

    Attributes:
        trained_on: `ganzoo.data.Fingerprint`, or None if the data are unknown.

    Raises:
        ValueError: If the discriminator's input does not match the generator's output, its last
            activation limits the logits, a layer of the generator cannot be copied, or an argument
            is out of range.

    Example:
        >>> generator = keras.Sequential([
        ...     keras.Input((2,)),
        ...     keras.layers.Dense(16, activation="tanh"),
        ...     keras.layers.Reshape((4, 4, 1)),
        ... ])
        >>> discriminator = keras.Sequential([
        ...     keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1),
        ... ])
        >>> gan = ganzoo.GAN(generator, discriminator)
        >>> gan.compile(loss="hinge", regularizer="r1")
        >>> history = gan.fit(np.zeros((8, 4, 4, 1), "uint8"), verbose=0)
        >>> gan.generate(3, seed=0).shape
        (3, 4, 4, 1)

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), algorithm 1.
    """

    # Batch size by recipe, for training that does not set one.
    recommended_batch_sizes: ClassVar[dict] = {"default": 64, "paper": 128}

    def __new__(cls, *args, **kwargs):
        if cls is GAN:
            from ganzoo.base.latent_gan import LatentGAN

            cls = LatentGAN
        return super().__new__(cls, *args, **kwargs)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        seed: int | None = None,
        trained_on: dict | None = None,
        **kwargs,
    ):
        super().__init__(generator, discriminator, seed, trained_on, **kwargs)
        # A class that overrides one of these may map the values of the network there.
        if type(self).synthesize is GAN.synthesize:
            ranges.warn_of_images(generator)
        if type(self).discriminate is GAN.discriminate:
            ranges.check_logits(discriminator)
        # Images of the first batches. Callbacks show them next to generated ones.
        self.real_examples = None
        self._trackers = [RunningMean(name=name) for name in LOGS]
        self._augment_trackers: list[RunningMean] = []
        # Weights that the compiled training step updates, by id.
        self._traced: tuple[int, ...] = ()
        # All weights exist. Without this Keras refuses to save or load them.
        self.built = True

    @property
    def step(self) -> int:
        """Number of training steps so far, over all calls of `fit`."""
        # A distributed variable has no numeric value until it is read.
        steps = int(self._untracked.steps.value.numpy())
        if not self.compiled:
            return steps
        # Files of older versions hold only the count of updates, which float16 may skip.
        updates = keras.ops.convert_to_numpy(self.generator_optimizer.iterations)
        return max(steps, int(updates))

    @property
    def trained_networks(self) -> dict:
        """Networks that `fit` updates, by name. Frozen networks and layers do not change."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    # Compiling

    def recommended(self, **given) -> dict:
        """Return the arguments that `compile` uses if they are not given.

        Args:
            **given: arguments that `compile` was given. A family may let its defaults depend
                on them.
        """
        return {
            "generator_optimizer": Adam(2e-4, beta_1=0.5),
            "discriminator_optimizer": Adam(2e-4, beta_1=0.5),
            "loss": "non_saturating",
            "regularizer": "none",
            "augment": "none",
            "discriminator_steps": 1,
            "ema_decay": 0.999,
            "update": "simultaneous",
        }

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | str | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | str | None = None,
        loss: losses.AdversarialLoss | str | None = None,
        regularizer: regularizers.GradientRegularizer | str | None = None,
        augment: augmentations.Augmentation | str | None = None,
        discriminator_steps: int | None = None,
        ema_decay: schedules.Schedule | None = None,
        update: str | None = None,
        sync_batch_norm: bool = False,
        jit_compile: bool | str = "auto",
        steps_per_execution: int = 1,
        run_eagerly: bool = False,
        **of_keras,
    ) -> None:
        """Configure how the two networks are trained.

        An argument that is None takes the family's recommended value.

        Args:
            generator_optimizer: Keras optimizer or its name.
            discriminator_optimizer: Keras optimizer or its name, not the same object.
            loss: name in `ganzoo.losses.LOSSES`, or an `AdversarialLoss`.
            regularizer: gradient penalty: a name in `ganzoo.regularizers.REGULARIZERS`,
                `"none"`, or a `GradientRegularizer`.
            augment: augmentation of the images that the discriminator sees in training, for few
                images: `"diffaugment"`, `"ada"`, `"none"`, or a `ganzoo.augment.Augmentation`.
            discriminator_steps: int, at least 1. Updates of the discriminator per update of the
                generator: k of algorithm 1 in Goodfellow et al., 2014. A batch is split in k
                equal parts, so that each update sees new real images and new latents. To update
                on b images each time, use batches of k * b.
            ema_decay: float in [0, 1), or a schedule of the step. Decay of the generator's
                moving average; 0 makes `ema_generator` equal the generator. A constant is
                limited to `(1 + step) / (10 + step)`, so that the first weights do not slow a
                short run down.
            update: `"simultaneous"` updates both networks from one forward pass of each.
                `"alternating"` updates the discriminator first, then the generator against it
                with new latents, as in algorithm 1.
            sync_batch_norm: bool. Compute batch statistics over the images of all replicas of a
                `tf.distribute` strategy. Otherwise each replica uses its own images, which is
                faster, and worse if they are few.
            jit_compile: bool or `"auto"`. Use XLA; `"auto"` means on a GPU. Refused under a
                `tf.distribute` strategy, where XLA and Keras optimizers do not work together.
            steps_per_execution: int. Training steps per call of the compiled function. 10 make
                a vanilla GAN a fifth faster. Callbacks then see every tenth batch, and
                `steps_per_epoch` must be a multiple.
            run_eagerly: bool. Run without a graph, for debugging.
            **of_keras: must be None. Other arguments of `keras.Model.compile` do not apply.

        Raises:
            ValueError: If a value has the wrong type or is out of range, or an argument is unknown.
        """
        given = {
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            "loss": loss,
            "regularizer": regularizer,
            "augment": augment,
            "discriminator_steps": discriminator_steps,
            "ema_decay": ema_decay,
            "update": update,
        }
        others = ("sync_batch_norm", "jit_compile", "steps_per_execution", "run_eagerly")
        checks.refuse_keras_arguments(of_keras, known=(*given, *others))
        given = {key: value for key, value in given.items() if value is not None}
        if generator_optimizer is discriminator_optimizer and isinstance(
            generator_optimizer, keras.optimizers.Optimizer
        ):
            raise ValueError(
                "Each network needs its own optimizer, because an optimizer keeps state for its "
                "variables. Received: the same object twice. Create two."
            )
        checks.check_scope(self.distribute_strategy, self.generator, self.discriminator)
        with self.distribute_strategy.scope():  # Optimizers create variables.
            chosen = {**self.recommended(**given), **given}
        checks.check_compile(chosen)
        adversarial_loss = losses.get(chosen["loss"])
        regularizer = regularizers.get(chosen["regularizer"])
        augmentation = augmentations.get(chosen["augment"])
        checks.check_augmentation(augmentation, self.image_shape)
        many = self.distribute_strategy.num_replicas_in_sync > 1
        if many and jit_compile is True:
            raise ValueError(
                "XLA does not work under a distribution strategy. Received: jit_compile=True. "
                "Leave it at 'auto'."
            )
        with self.distribute_strategy.scope():
            generator_optimizer = self._build_optimizer(
                chosen["generator_optimizer"], self.generator
            )
            discriminator_optimizer = self._build_optimizer(
                chosen["discriminator_optimizer"], self.discriminator
            )
            # Keras callbacks (learning rate, TensorBoard) read `model.optimizer`.
            both = rates.BothOptimizers(
                generator_optimizer,
                discriminator_optimizer,
                trained=tuple(
                    freezing.all_trainable_weights(network)
                    for network in (self.generator, self.discriminator)
                ),
            )
            super().compile(
                optimizer=both,
                auto_scale_loss=False,  # Each of the two scales its own.
                jit_compile=False if many else jit_compile,
                steps_per_execution=steps_per_execution,
                run_eagerly=run_eagerly,
            )
        for network in (self.generator, self.discriminator, self.ema_generator):
            for layer in normalizations(network):
                layer.synchronized = many and sync_batch_norm
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.adversarial_loss = adversarial_loss
        self.regularizer = regularizer
        self._set_augmentation(augmentation)
        self.discriminator_steps = chosen["discriminator_steps"]
        self.ema_decay = chosen["ema_decay"]
        self.update = chosen["update"]
        self.sync_batch_norm = sync_batch_norm
        self._keras_compile_arguments = {
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
            "run_eagerly": run_eagerly,
        }

    def _build_optimizer(self, identifier, network):
        """Return the optimizer with its variables built and, under float16, its loss scaled."""
        optimizer = keras.optimizers.get(identifier)
        checks.require_in_scope(self.distribute_strategy, optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        # Gradients in float16 would underflow.
        if self.dtype_policy.name == "mixed_float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        # Before `fit`: an optimizer without variables silently loads no state.
        optimizer.build(freezing.all_trainable_weights(network))
        return optimizer

    def _set_augmentation(self, augmentation):
        self.augmentation = augmentation
        self._adaptive_amount = None
        if augmentation is None:
            return
        with self.distribute_strategy.scope():
            if augmentation.amount is None:
                self._adaptive_amount = AdaptiveAmount(self.num_levels)
            known = [tracker.name for tracker in self._augment_trackers]
            if augmentation.log_name not in (None, *known):
                self._augment_trackers.append(RunningMean(name=augmentation.log_name))

    def get_compile_config(self) -> dict:
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "loss": serialize(self.adversarial_loss),
            "regularizer": serialize(self.regularizer) if self.regularizer else "none",
            "augment": serialize(self.augmentation) if self.augmentation else "none",
            "discriminator_steps": self.discriminator_steps,
            "ema_decay": schedules.serialize(self.ema_decay),
            "update": self.update,
            "sync_batch_norm": self.sync_batch_norm,
            **self._keras_compile_arguments,
        }

    def compile_from_config(self, config: dict) -> None:
        arguments = keras.saving.deserialize_keras_object(config)
        # Saved with one replica, and loaded with several.
        if self.distribute_strategy.num_replicas_in_sync > 1 and arguments["jit_compile"] is True:
            arguments["jit_compile"] = "auto"
        self.compile(**arguments)

    # Training

    def fit(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        **kwargs,
    ) -> keras.callbacks.History:
        """Train both networks.

        Args:
            x: images, as an array, a `tf.data.Dataset` or anything else that Keras takes; or
                batches of `(images, labels)`. `(batch, height, width, channels)`: uint8 pixels,
                or floats in [-1, 1]. A batch that does not fit stops training. Floats that seem to
                be scaled to [0, 1] cause a warning.
            y: labels `(batch,)` if `x` is an array, or a dict of them by column for a model with
                several conditions. Models without conditions ignore them.
            batch_size: int, at least 1. Images per step if `x` is an array.
            epochs: int. Passes over the data.
            verbose: as for `keras.Model.fit`.
            **kwargs: other `keras.Model.fit` arguments, except `sample_weight` and
                `class_weight`. `validation_data` is checked as `x` and `y` are. Every batch
                must divide by the number of replicas times `discriminator_steps`.

        Returns:
            A `History` with `generator_loss`, `discriminator_loss`, `real_score` and
            `fake_score` of each epoch: the mean losses, and the mean probabilities that the
            discriminator gives real and fake images of being real. They are means over images:
            a smaller last batch counts less.

        Raises:
            ValueError: If the data do not fit the model.
            FloatingPointError: If a loss is NaN or infinite. The message names the step.
        """
        if batch_size is not None:
            check_positive(batch_size=batch_size)
        check_positive(epochs=epochs)
        checks.refuse_weights(kwargs)
        # Pipelines of `ganzoo.data` have a fingerprint. Those of Keras also have class names.
        found = getattr(x, "data_fingerprint", None)
        names = getattr(x, "class_names", None)
        x, y, examples = self._check_all(x, y, batch_size, self._batch_divisor())
        self.trained_on = found
        if self.num_classes and names and len(names) == self.num_classes:
            self.class_names = names
        if examples is not None:  # A distributed dataset cannot be inspected here.
            self.real_examples = examples
        if kwargs.get("validation_data") is not None:
            held_out = keras.utils.unpack_x_y_sample_weight(kwargs["validation_data"])
            checks.refuse_weights({"sample_weight": held_out[2]})
            size = kwargs.get("validation_batch_size") or batch_size
            unseen, labels, _ = self._check_all(
                held_out[0], held_out[1], size, self._num_replicas()
            )
            unseen, labels, size = _to_batches(unseen, labels, size, shuffle=False)
            kwargs["validation_data"] = unseen if labels is None else (unseen, labels)
            if size is None:
                kwargs.pop("validation_batch_size", None)
        if isinstance(x, np.ndarray) and not kwargs.get("validation_split"):  # It needs arrays.
            shuffle = bool(kwargs.pop("shuffle", True))
            x, y, batch_size = _to_batches(x, y, batch_size, shuffle)
        if not isinstance(x, np.ndarray) and getattr(x, "num_batches", None) is None:
            # Keras cannot shuffle an iterator, and warns about it by default.
            kwargs.setdefault("shuffle", False)
        callbacks = kwargs.pop("callbacks", None) or []
        callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        checks.refuse_callbacks(callbacks)
        with validation.explained():
            return super().fit(
                x,
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=[
                    *callbacks,
                    rates.WarnOfZeroRates(callbacks),
                    # Last: the others see the loss first, and can say more about it.
                    stopping.StopAtNonFiniteLoss(),
                ],
                **kwargs,
            )

    def evaluate(self, x=None, y=None, batch_size: int | None = None, **kwargs) -> list | dict:
        """Compute the logs of `fit` on other images, without an update.

        Arguments are those of `fit`.

        Raises:
            ValueError: If the data do not fit the model.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # Called by `fit`, which has checked them.
            checks.refuse_weights(kwargs)
            checks.refuse_callbacks(kwargs.get("callbacks"))
            x, y, _ = self._check_all(x, y, batch_size, self._num_replicas())
            x, y, batch_size = _to_batches(x, y, batch_size, shuffle=False)
        with validation.explained():
            return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def train_on_batch(
        self, x, y=None, sample_weight=None, class_weight=None, return_dict: bool = False
    ) -> list | dict:
        """Update both networks on one batch.

        Args:
            x: images, as an array or tensor. Their number must be a multiple of
                `discriminator_steps`.
            y: labels, as for `fit`.
            sample_weight: must be None.
            class_weight: must be None.
            return_dict: bool. Return the logs by name.

        Returns:
            The logs of `fit` for this batch, a list or a dict.

        Raises:
            ValueError: If the data do not fit the model.
        """
        checks.refuse_weights({"sample_weight": sample_weight, "class_weight": class_weight})
        x, y = validation.check_arrays(x, y, self.data_spec())
        if self.compiled:
            validation.require_divisible(np.asarray(x), len(x), self.discriminator_steps)
        return super().train_on_batch(x, y, return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict: bool = False):
        """Compute the logs of `fit` on one batch, without an update.

        Arguments are those of `train_on_batch`.

        Raises:
            ValueError: If the data do not fit the model.
        """
        checks.refuse_weights({"sample_weight": sample_weight})
        x, y = validation.check_arrays(x, y, self.data_spec())
        return super().test_on_batch(x, y, return_dict=return_dict)

    def data_spec(self) -> DataSpec:
        """Return what the model needs of its data."""
        return DataSpec(self.image_shape, conditions=self.conditions)

    def check_data(self, x, y) -> tuple:
        """Check the data for `fit`, and return `(x, examples)`. See `validation.check`."""
        return validation.check(x, y, self.data_spec())

    def _check_all(self, x, y, batch_size, divisor):
        """Check data for this model. Return `(x, y, examples)` for Keras."""
        x, examples = self.check_data(x, y)
        if divisor > 1:
            x = validation.require_divisible(x, batch_size or _KERAS_BATCH_SIZE, divisor)
        return x, map_labels(np.asarray, y), examples

    def _num_replicas(self):
        return self.distribute_strategy.num_replicas_in_sync

    def _batch_divisor(self):
        """Return the number that the size of every training batch must be a multiple of."""
        return self._num_replicas() * (self.discriminator_steps if self.compiled else 1)

    def make_train_function(self, force: bool = False):
        checks.check_scope(self.distribute_strategy, self.generator, self.discriminator)
        weights = [v for network in self.trained_networks.values() for v in network.weights]
        trained = tuple(id(variable) for variable in weights if variable.trainable)
        if not trained:
            raise ValueError(
                "There is nothing to train: all layers are frozen. Set `trainable = True` for the "
                "generator, the discriminator or some of their layers."
            )
        # A compiled step updates the weights that were trainable when it was compiled.
        super().make_train_function(force or trained != self._traced)
        self._traced = trained

    def train_step(self, data):
        logs = self.track(*train_step.train_step(self, data))
        return {**logs, **self._augment_logs()}

    def test_step(self, data):
        real_images, condition = self.unpack(data)
        fake_images = self.make_fakes(real_images, condition, training=False)
        real_logits = self.discriminate(real_images, condition, training=False)
        fake_logits = self.discriminate(fake_images, condition, training=False)
        return self.track(
            self.generator_loss(real_images, fake_images, real_logits, fake_logits),
            per_level(self.adversarial_loss.discriminator, real_logits, fake_logits),
            real_logits,
            fake_logits,
        )

    # Logs

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Running means of the logs.

        They have the names of the logs. Keras then reads the logs of an epoch from them, summed
        over the replicas.
        """
        unused = [t for t in self._augment_trackers if t not in self._used_augment_trackers()]
        return [m for m in super().metrics if m not in (self._loss_tracker, *unused)]

    def track(self, generator_loss, discriminator_loss, real_logits, fake_logits) -> dict:
        """Add a step to the running means over images, and return them as logs."""
        scores = per_level(self.adversarial_loss.scores, real_logits, fake_logits)
        scores = tf.reduce_mean(scores, axis=0)
        totals = tf.reduce_sum(generator_loss), tf.reduce_sum(discriminator_loss)
        values = (*totals, *tf.unstack(scores, num=2))
        count = count_images(real_logits)
        for tracker, value in zip(self._trackers, values, strict=True):
            tracker.update_state(value, sample_weight=count)
        return self.read_logs(self._trackers)

    def _used_augment_trackers(self):
        """Return the running means of the current augmentation, at most one."""
        name = self.augmentation.log_name if self.augmentation else None
        return [tracker for tracker in self._augment_trackers if tracker.name == name]

    def _augment_logs(self):
        """Return the running mean of the amount of augmentation over levels, if it is logged."""
        trackers = self._used_augment_trackers()
        for tracker in trackers:
            tracker.update_state(tf.reduce_mean(self.augment_amounts()))
        return self.read_logs(trackers)

    def read_logs(self, trackers) -> dict:
        """Return running means by name, in the shape that Keras expects of a step's logs."""
        results = {tracker.name: tracker.result() for tracker in trackers}
        if worker_of(self.distribute_strategy)[1] > 1:
            # Keras averages the logs of workers over their first axis, which a scalar lacks.
            return {name: result[None] for name, result in results.items()}
        return results

    def take_gradient_norms(self) -> dict:
        """Return the mean gradient norm of each network since the last call, and reset it.

        A network that was not updated since is left out.
        """
        norms = {}
        for network, mean in self.gradient_norms.items():
            total, count = (read_local_sum(self, v) for v in (mean.total, mean.count))
            if count:
                norms[network] = total / count
                mean.reset_state()
        return norms


def _to_batches(x, y, batch_size, shuffle):
    """Return `(x, y, batch_size)` for Keras. Arrays become a pipeline, which has the other two.

    Keras would tune its own pipeline of arrays; see `untuned`.
    """
    if not isinstance(x, np.ndarray):
        return x, y, batch_size
    arrays = (x,) if y is None else (x, y)
    return from_arrays(arrays, batch_size or _KERAS_BATCH_SIZE, shuffle), None, None
