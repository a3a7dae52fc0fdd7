"""How a generator and a discriminator are compiled and trained."""

import keras
import numpy as np
import tensorflow as tf

from ganzoo import batches, losses, registry, regularizers
from ganzoo.layers import normalizations
from ganzoo.optimizers import Adam
from ganzoo.steps import TwoPlayerStep

UPDATES = ("simultaneous", "alternating")
LOGS = ("generator_loss", "discriminator_loss", "real_score", "fake_score")
# Images in a step where an array is given without saying so.
_KERAS_BATCH_SIZE = 32
# Of weights and losses that are no longer numbers.
REMEDIES = "Lower the learning rates, or train in float32 (--float32)."


class TwoPlayerModel(TwoPlayerStep):
    """Trains `generator` and `discriminator` against each other, each by its optimizer.

    `GAN` derives from it and brings the networks, the latents and all that is done
    with a trained generator. What a subclass must have before `compile`: the networks
    `generator`, `discriminator` and `ema_generator`, a `seed_generator`, and
    `sample_latents`. A family changes the game by overriding the parts of a step.
    """

    @property
    def step(self):
        """Steps taken so far, over all runs of the model."""
        # A variable of many replicas is no number until it is read.
        taken = int(self._taken.steps.value.numpy())
        if not self.compiled:
            return taken
        # Files of older versions have updates alone, which float16 may skip.
        return max(taken, int(self.generator_optimizer.iterations.value.numpy()))

    @property
    def gradient_norms(self):
        """The running means of both players' gradient norms, as a dict of Keras metrics."""
        return vars(self._norms)

    def take_gradient_norms(self):
        """Norms of both players' gradients, means since they were last taken, as a dict.

        A player that has not moved since is left out.
        """
        norms = {}
        for player, mean in self.gradient_norms.items():
            total, count = (self.sum_here(v) for v in (mean.total, mean.count))
            if count:
                norms[player] = total / count
                mean.reset_state()
        return norms

    def sum_here(self, variable):
        """A metric's sum over the replicas of this machine: to ask others takes them, too."""
        # In float32, which gives it back as it is.
        return float(np.sum([np.float32(part) for part in self._parts_here(variable)]))

    def assign_sum_here(self, variable, value):
        """Gives the replicas of this machine a sum that `sum_here` has read."""
        first, *others = self._parts_here(variable)
        first.assign(value)
        for part in others:
            part.assign(0.0)

    def _parts_here(self, variable):
        return self.distribute_strategy.experimental_local_results(variable.value)

    # Compiling

    def recommended(self):
        """The arguments that `compile` takes where none are given, as a dict."""
        return {
            "generator_optimizer": Adam(2e-4, beta_1=0.5),
            "discriminator_optimizer": Adam(2e-4, beta_1=0.5),
            "loss": "non_saturating",
            "regularizer": "none",
            "discriminator_steps": 1,
            "ema_decay": 0.999,
            "update": "simultaneous",
        }

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss=None,
        regularizer=None,
        discriminator_steps=None,
        ema_decay=None,
        update=None,
        sync_batch_norm=False,
        jit_compile="auto",
        steps_per_execution=1,
        run_eagerly=False,
    ):
        """Sets how the two networks are trained.

        An argument that is None takes the family's recommended value.

        Args:
            generator_optimizer: Keras optimizer or its name.
            discriminator_optimizer: Keras optimizer or its name, not the same object.
            loss: a name in `ganzoo.losses.LOSSES`, or an `AdversarialLoss`.
            regularizer: a name in `ganzoo.regularizers.REGULARIZERS`, `"none"`, or a
                `GradientRegularizer`: a gradient penalty on the discriminator.
            discriminator_steps: int, at least 1. Updates of the discriminator for each
                of the generator: k of algorithm 1 in the 2014 paper. Every update draws
                new latents; the batch of real images is the same for all k, where the
                paper draws a new one.
            ema_decay: float in [0, 1). Decay of the generator's moving average; 0 makes
                `ema_generator` equal the generator (except for a LAPGAN, whose averaged
                generator keeps batch statistics of its own samples). It rises with the steps as
                `min(ema_decay, (1 + step) / (10 + step))`, so that a short run is not
                held back by its first weights.
            update: `"simultaneous"`: one forward pass of the generator serves both
                players, who move at once. `"alternating"`: the generator moves after the
                discriminator and sees it updated, with new latents, as in algorithm 1.
            sync_batch_norm: bool. Whether batch normalization takes its statistics over
                the images of all replicas of a `tf.distribute` strategy, as one replica
                with the whole batch does. Otherwise each replica takes those of its own
                images, which is faster, and worse where they are few.
            jit_compile: bool or `"auto"`. XLA; `"auto"` means on a GPU. Refused under a
                `tf.distribute` strategy, where XLA and Keras optimizers do not go
                together.
            steps_per_execution: int. Steps in one call of the compiled function. Ten make
                short steps quicker, those of a vanilla GAN by a fifth. Callbacks see every
                tenth batch then, and `steps_per_epoch` must be a multiple: Keras ends no
                call before its last step.
            run_eagerly: bool. Without a graph, for debugging.

        Raises:
            ValueError: If a value is of the wrong kind or out of range.
        """
        given = {
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            "loss": loss,
            "regularizer": regularizer,
            "discriminator_steps": discriminator_steps,
            "ema_decay": ema_decay,
            "update": update,
        }
        given = {key: value for key, value in given.items() if value is not None}
        both = generator_optimizer, discriminator_optimizer
        if both[0] is both[1] and isinstance(both[0], keras.optimizers.Optimizer):
            raise ValueError(
                "Each player needs an optimizer of its own, since an optimizer keeps state "
                "for its variables. Received: the same object twice. Create two."
            )
        with self.distribute_strategy.scope():  # Optimizers make variables.
            chosen = {**self.recommended(), **given}
        self._check_compile(chosen)
        self.adversarial_loss = losses.get(chosen["loss"])
        self.regularizer = regularizers.get(chosen["regularizer"])
        self.discriminator_steps = chosen["discriminator_steps"]
        self.ema_decay = chosen["ema_decay"]
        self.update = chosen["update"]

        with self.distribute_strategy.scope():
            self.generator_optimizer = self._build_optimizer(
                chosen["generator_optimizer"], self.generator
            )
            self.discriminator_optimizer = self._build_optimizer(
                chosen["discriminator_optimizer"], self.discriminator
            )
            many = self.distribute_strategy.num_replicas_in_sync > 1
            if many and jit_compile is True:
                raise ValueError(
                    "XLA does not work under a distribution strategy. Received: "
                    "jit_compile=True. Leave it at 'auto'."
                )
            for network in (self.generator, self.discriminator, self.ema_generator):
                for layer in normalizations(network):
                    layer.synchronized = many and sync_batch_norm
            # Keras callbacks (learning rate, TensorBoard) read `model.optimizer`.
            super().compile(
                optimizer=self.generator_optimizer,
                jit_compile=False if many else jit_compile,
                steps_per_execution=steps_per_execution,
                run_eagerly=run_eagerly,
            )
        self.sync_batch_norm = sync_batch_norm
        self._keras_compile_arguments = {
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
            "run_eagerly": run_eagerly,
        }

    def _check_compile(self, chosen):
        if not isinstance(chosen["discriminator_steps"], int) or chosen["discriminator_steps"] < 1:
            raise ValueError(
                "`discriminator_steps` must be an integer of at least 1. Received: "
                f"discriminator_steps={chosen['discriminator_steps']!r}."
            )
        if not 0 <= chosen["ema_decay"] < 1:
            raise ValueError(
                "`ema_decay` must be at least 0 (no averaging) and below 1. Received: "
                f"ema_decay={chosen['ema_decay']!r}. Try 0.999."
            )
        if chosen["update"] not in UPDATES:
            raise ValueError(registry.unknown("update", chosen["update"], UPDATES))

    def _build_optimizer(self, identifier, network):
        """The optimizer, with its state made and, under float16, its loss scaled."""
        optimizer = keras.optimizers.get(identifier)
        if self.distribute_strategy.num_replicas_in_sync > 1:
            _require_mirrored(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        # Keras itself wraps `model.optimizer` alone: the other player's gradients would underflow.
        if self.dtype_policy.name == "mixed_float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        # Before `fit`: an optimizer without variables silently loads no state.
        optimizer.build(network.trainable_variables)
        return optimizer

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return {
            "generator_optimizer": keras.saving.serialize_keras_object(self.generator_optimizer),
            "discriminator_optimizer": keras.saving.serialize_keras_object(
                self.discriminator_optimizer
            ),
            "loss": keras.saving.serialize_keras_object(self.adversarial_loss),
            "regularizer": (
                keras.saving.serialize_keras_object(self.regularizer)
                if self.regularizer
                else "none"
            ),
            "discriminator_steps": self.discriminator_steps,
            "ema_decay": self.ema_decay,
            "update": self.update,
            "sync_batch_norm": self.sync_batch_norm,
            **self._keras_compile_arguments,
        }

    def compile_from_config(self, config):
        arguments = keras.saving.deserialize_keras_object(config)
        # Saved where there was one replica, and now there may be several.
        if self.distribute_strategy.num_replicas_in_sync > 1 and arguments["jit_compile"] is True:
            arguments["jit_compile"] = "auto"
        self.compile(**arguments)

    # Training

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", **kwargs):
        """Trains both networks.

        Args:
            x: images, as an array, a `tf.data.Dataset` or what else Keras takes; or
                batches of `(images, labels)`. `(batch, height, width, channels)`: uint8
                pixels, or floats in [-1, 1]. A float batch outside that range stops
                training at the batch.
            y: labels `(batch,)` where `x` is an array; ignored by families without
                classes.
            batch_size: int, at least 1. Images in a step where `x` is an array.
            epochs: int. Passes over the data.
            verbose: as for `keras.Model.fit`.
            **kwargs: what else `keras.Model.fit` takes, but for weights of images or classes.
                `validation_data` are checked as `x` and `y` are. On several replicas every
                batch must divide among them.

        Returns:
            A `History` with `generator_loss`, `discriminator_loss`, `real_score` and
            `fake_score` for each epoch: the mean losses, and the mean probabilities that
            the discriminator gives real and fake images of being real.

        Raises:
            ValueError: If the data do not fit the model.
            FloatingPointError: If a loss is not finite; the step is named.
        """
        if batch_size is not None:
            batches.check_positive(batch_size=batch_size)
        _refuse_weights(kwargs)
        x, y, examples = self._check_all(x, y, batch_size)
        if examples is not None:  # Distributed data cannot be looked at; who made them may have.
            self.real_examples = examples
        if kwargs.get("validation_data") is not None:
            held_out = keras.utils.unpack_x_y_sample_weight(kwargs["validation_data"])
            _refuse_weights({"sample_weight": held_out[2]})
            held_out = self._check_all(*held_out[:2], kwargs.get("validation_batch_size"))[:2]
            kwargs["validation_data"] = held_out if held_out[1] is not None else held_out[0]
        if not isinstance(x, np.ndarray) and getattr(x, "num_batches", None) is None:
            # Keras cannot shuffle what comes by itself, and warns of it by default.
            kwargs.setdefault("shuffle", False)
        callbacks = kwargs.pop("callbacks", None) or []
        callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        with batches.explained(self.num_classes):
            return super().fit(
                x,
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                # Last: the others see the loss first, and can say more of it.
                callbacks=[*callbacks, _StopAtNonFiniteLoss()],
                **kwargs,
            )

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """The four logs of `fit` on other images, with no update; arguments as for `fit`.

        Raises:
            ValueError: If the data do not fit the model.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # Of `fit`, which has checked them.
            _refuse_weights(kwargs)
            x, y, _ = self._check_all(x, y, batch_size)
        with batches.explained(self.num_classes):
            return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def _check_all(self, x, y, batch_size):
        """`(x, y, examples)`: data as Keras takes them, checked for this model and its replicas."""
        x, examples = self.check_data(x, y)
        if (num_replicas := self.distribute_strategy.num_replicas_in_sync) > 1:
            x = batches.share(x, batch_size or _KERAS_BATCH_SIZE, num_replicas)
        return x, None if y is None else np.asarray(y), examples

    def check_data(self, x, y):
        """`(x, examples)` of what `fit` is given; see `batches.check`."""
        return batches.check(x, y, self.image_shape, self.num_classes)


def _require_mirrored(optimizer):
    if not isinstance(optimizer.iterations.value, tf.distribute.DistributedValues):
        raise ValueError(
            "On several replicas an optimizer must be made where the model is. Received: a "
            f"{type(optimizer).__name__} from outside of the strategy's scope. Make it inside "
            "`with strategy.scope():`, or give its name."
        )


def _refuse_weights(arguments):
    for name in ("sample_weight", "class_weight"):
        if arguments.get(name) is not None:
            raise ValueError(
                f"All images count alike in this game. Received: `{name}`. Leave it out, or repeat "
                "images in the data."
            )


class _StopAtNonFiniteLoss(keras.callbacks.Callback):
    """Ends training before a loss that is not a number is taken for progress."""

    def on_train_batch_end(self, batch, logs=None):
        broken = {
            name: float(value)
            for name, value in (logs or {}).items()
            if name.endswith("_loss") and not np.isfinite(value)
        }
        if broken:
            named = ", ".join(f"{name} is {value}" for name, value in broken.items())
            raise FloatingPointError(
                f"Training stopped at step {self.model.step}: {named}. {REMEDIES}"
            )
