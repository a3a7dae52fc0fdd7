"""The game of two networks: how a generator and a discriminator are trained."""

import types

import keras
import numpy as np
import tensorflow as tf

from ganzoo import batches, losses, registry, regularizers
from ganzoo.distribution import worker_of
from ganzoo.images import from_pixels
from ganzoo.optimizers import Adam

UPDATES = ("simultaneous", "alternating")
# Steps from one that notes the norms of the gradients to the next.
_NORM_EVERY = 10
LOGS = ("generator_loss", "discriminator_loss", "real_score", "fake_score")
# Of weights and losses that are no longer numbers.
REMEDIES = (
    "Lower the learning rates, add a regularizer such as 'r1', or train in float32 (--float32)."
)


class TwoPlayerModel(keras.Model):
    """Trains `generator` and `discriminator` against each other, each by its optimizer.

    `GAN` derives from it and brings the networks, the latents and all that is done
    with a trained generator. What a subclass must have before `compile`: the networks
    `generator`, `discriminator` and `ema_generator`, a `seed_generator`, and
    `sample_latents`. A family changes the game by overriding the parts of a step.
    """

    # Families that need class labels have the number of classes here.
    num_classes = None
    # Whether the discriminator has one logit for an image, and no other image changes it, as it
    # does through batch normalization. Then both players share a backward pass.
    judges_singly = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # In an object that Keras does not look into: these are no metrics of an epoch.
        self._norms = types.SimpleNamespace(generator=_mean(), discriminator=_mean())

    @property
    def step(self):
        """Steps trained so far: updates of the generator, over all runs of the model."""
        # A variable of many replicas is no number until it is read.
        return int(self.generator_optimizer.iterations.value.numpy())

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
                `ema_generator` equal the generator. It rises with the steps as
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
            steps_per_execution: int. Steps in one call of the compiled function.
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
            if self.discriminator_optimizer is self.generator_optimizer:
                raise ValueError(
                    "Each player needs an optimizer of its own, since an optimizer keeps state "
                    "for its variables. Received: the same object twice. Create two."
                )
            if self.distribute_strategy.num_replicas_in_sync > 1:
                if jit_compile is True:
                    raise ValueError(
                        "XLA does not work under a distribution strategy. Received: "
                        "jit_compile=True. Leave it at 'auto'."
                    )
                jit_compile = False
                if sync_batch_norm:
                    for network in (self.generator, self.discriminator):
                        _synchronize_batch_norm(network)
            # Keras callbacks (learning rate, TensorBoard) read `model.optimizer`.
            super().compile(
                optimizer=self.generator_optimizer,
                jit_compile=jit_compile,
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
        self.compile(**keras.saving.deserialize_keras_object(config))

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
            **kwargs: what else `keras.Model.fit` takes.

        Returns:
            A `History` with `generator_loss`, `discriminator_loss`, `real_score` and
            `fake_score` for each epoch: the mean losses, and the mean probabilities that
            the discriminator gives real and fake images of being real.

        Raises:
            ValueError: If the data do not fit the model.
            FloatingPointError: If a loss is not finite; the step is named.
        """
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}.")
        x, examples = self.check_data(x, y)
        if examples is not None:  # Distributed data cannot be looked at; who made them may have.
            self.real_examples = examples
        if not isinstance(x, np.ndarray):
            # Keras shuffles arrays alone, and warns of anything else by default.
            kwargs.setdefault("shuffle", False)
        callbacks = kwargs.pop("callbacks", None) or []
        callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        try:
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
        except tf.errors.InvalidArgumentError as error:
            if explanation := batches.explain(error, self.num_classes):
                raise explanation from None
            raise

    def check_data(self, x, y):
        """`(x, examples)` of what `fit` is given; see `batches.check`."""
        return batches.check(x, y, self.image_shape, self.num_classes)

    def train_step(self, data):
        real_images, condition = self.unpack(data)
        for _ in range(self.discriminator_steps - 1):
            self.train_discriminator(real_images, condition)
        if self.update == "simultaneous":
            outcome = self.train_simultaneously(real_images, condition)
        else:
            outcome = self.train_alternately(real_images, condition)
        self.update_ema()
        return self.track(*outcome)

    def train_simultaneously(self, real_images, condition):
        """Moves both players at once, over one forward pass of each network.

        Where the discriminator judges images singly, one backward pass through it serves
        both players, too.
        """
        shared = self.judges_singly and self.compute_dtype != "float16"
        with tf.GradientTape() as generator_tape:
            fake_images = self.make_fakes(real_images, condition)
        with tf.GradientTape(persistent=True) as discriminator_tape:
            discriminator_tape.watch(fake_images)
            real_logits, fake_logits, discriminator_loss = self.judge(
                real_images, fake_images, condition
            )
            scaled_discriminator_loss = self.scale_loss(
                discriminator_loss, self.discriminator_optimizer
            )
            if shared:
                # An image that costs nothing would have no slope to go by.
                least = sum(tf.reduce_sum(logits) for logits in tf.nest.flatten(fake_logits))
                scaled_discriminator_loss += _LEAST_SLOPE * least
        with tf.GradientTape() as tape:
            tape.watch([fake_images, fake_logits])
            generator_loss = self.compute_generator_loss(
                real_images, fake_images, real_logits, fake_logits
            )
            scaled_generator_loss = self.scale_loss(generator_loss, self.generator_optimizer)
        by_images, by_logits = tape.gradient(scaled_generator_loss, [fake_images, fake_logits])

        # Both gradients before either step: each player answers the other's present move.
        variables = self.discriminator.trainable_variables
        if shared:
            discriminator_gradients, *found = discriminator_tape.gradient(
                scaled_discriminator_loss, [variables, fake_images, fake_logits]
            )
            through_logits = tf.nest.map_structure(_turn, *found, by_logits)
        else:
            discriminator_gradients = discriminator_tape.gradient(
                scaled_discriminator_loss, variables
            )
            through_logits = discriminator_tape.gradient(fake_logits, fake_images, by_logits)
        generator_gradients = generator_tape.gradient(
            fake_images,
            self.generator.trainable_variables,
            tf.nest.map_structure(_sum_of_known, through_logits, by_images),
        )
        both = discriminator_loss, generator_loss
        self.move_discriminator(discriminator_gradients, both)
        self.move_generator(generator_gradients, both)
        return generator_loss, discriminator_loss, real_logits, fake_logits

    def train_alternately(self, real_images, condition):
        """Moves the discriminator, then the generator against the moved discriminator."""
        discriminator_loss, real_logits, fake_logits = self.train_discriminator(
            real_images, condition
        )
        with tf.GradientTape() as tape:
            fake_images = self.make_fakes(real_images, condition)
            fake_logits = self.discriminate(fake_images, condition)
            generator_loss = self.compute_generator_loss(
                real_images, fake_images, real_logits, fake_logits
            )
            scaled_loss = self.scale_loss(generator_loss, self.generator_optimizer)
        gradients = tape.gradient(scaled_loss, self.generator.trainable_variables)
        self.move_generator(gradients, generator_loss)
        return generator_loss, discriminator_loss, real_logits, fake_logits

    def train_discriminator(self, real_images, condition):
        """Moves the discriminator alone."""
        # Made outside the tape: no discriminator gradient reaches the generator.
        fake_images = self.make_fakes(real_images, condition)
        with tf.GradientTape() as tape:
            real_logits, fake_logits, loss = self.judge(real_images, fake_images, condition)
            scaled_loss = self.scale_loss(loss, self.discriminator_optimizer)
        gradients = tape.gradient(scaled_loss, self.discriminator.trainable_variables)
        self.move_discriminator(gradients, loss)
        return loss, real_logits, fake_logits

    def judge(self, real_images, fake_images, condition):
        """The discriminator's logits for both batches, and its loss with the penalty."""
        # Two batches, so that batch normalization never mixes real with fake.
        real_logits = self.discriminate(real_images, condition)
        fake_logits = self.discriminate(fake_images, condition)
        loss = self.adversarial_loss.discriminator(real_logits, fake_logits)
        if self.regularizer is not None:
            loss += self.penalize_at_times(real_images, tf.stop_gradient(fake_images), condition)
        return real_logits, fake_logits, loss

    def compute_generator_loss(self, real_images, fake_images, real_logits, fake_logits):
        """The generator's loss."""
        return each(self.adversarial_loss.generator, real_logits, fake_logits)

    def penalize_at_times(self, real_images, fake_images, condition):
        """The gradient penalty at one step in `regularizer.every`, in proportion; else 0."""
        every = self.regularizer.every
        if every == 1:
            return self.penalize(real_images, fake_images, condition)
        return tf.cond(
            tf.equal(self.discriminator_optimizer.iterations % every, 0),
            lambda: every * self.penalize(real_images, fake_images, condition),
            lambda: 0.0,
        )

    def penalize(self, real_images, fake_images, condition):
        """The gradient penalty, computed in float32."""
        uniform = tf.random.stateless_uniform(tf.shape(real_images), self.next_seed())
        penalty = 0.0
        for points in self.regularizer.points(real_images, fake_images, uniform):
            with tf.GradientTape() as tape:
                tape.watch(points)
                # Images do not share a logit: the gradient of the sum holds each one's own.
                total = tf.reduce_sum(self.discriminate(points, condition))
            penalty += self.regularizer.penalty(tape.gradient(total, points))
        return penalty

    def update_ema(self):
        """Moves the averaged generator towards the generator."""
        self._share_statistics()
        step = tf.cast(self.generator_optimizer.iterations, "float32")
        decay = tf.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))
        averages, current = self.ema_generator.weights, self.generator.weights
        for average, weight in zip(averages, current, strict=True):
            average.assign(average + (1.0 - tf.cast(decay, average.dtype)) * (weight - average))

    def _share_statistics(self):
        """Makes the moving statistics that replicas take of their own images those of all."""
        networks = (self.generator, self.discriminator)
        variables = [v for network in networks for v in network.non_trainable_variables]
        # But for the states of what is drawn at random.
        variables = [v for v in variables if "float" in v.dtype]
        alone = self.distribute_strategy.num_replicas_in_sync == 1
        if alone or self.sync_batch_norm or not variables:
            return
        # Copies, which are on a device: what is read of a variable is on none until it is used.
        own = [tf.identity(variable.value) for variable in variables]
        context = tf.distribute.get_replica_context()
        means = context.all_reduce(tf.distribute.ReduceOp.MEAN, own)
        for variable, mean in zip(variables, means, strict=True):
            variable.assign(mean)

    def test_step(self, data):
        """The four scalars on held-out images, with no update."""
        real_images, condition = self.unpack(data)
        fake_images = self.make_fakes(real_images, condition, training=False)
        real_logits = self.discriminate(real_images, condition, training=False)
        fake_logits = self.discriminate(fake_images, condition, training=False)
        return self.track(
            self.compute_generator_loss(real_images, fake_images, real_logits, fake_logits),
            each(self.adversarial_loss.discriminator, real_logits, fake_logits),
            real_logits,
            fake_logits,
        )

    def track(self, generator_loss, discriminator_loss, real_logits, fake_logits):
        """Adds a step to the running means and returns them as logs."""
        scores = tf.reduce_mean(
            each(self.adversarial_loss.scores, real_logits, fake_logits), axis=0
        )
        totals = tf.reduce_sum(generator_loss), tf.reduce_sum(discriminator_loss)
        values = (*totals, *tf.unstack(scores, num=2))
        for tracker, value in zip(self._trackers, values, strict=True):
            tracker.update_state(value)
        return self.read(self._trackers)

    def read(self, trackers):
        """The logs of a step: running means by name."""
        results = {tracker.name: tracker.result() for tracker in trackers}
        if worker_of(self.distribute_strategy)[1] > 1:
            # Keras takes the mean over the first axis of what workers log, a scalar has none.
            return {name: result[None] for name, result in results.items()}
        return results

    # The parts of a step

    def unpack(self, data):
        """`(real_images, condition)` of a batch; what the networks are given beside it.

        The condition is a tuple of tensors: the labels of a family with classes, and
        empty for one without.
        """
        real_images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if real_images.dtype == tf.uint8:
            real_images = from_pixels(real_images)
        condition = () if self.num_classes is None else (tf.cast(labels, "int32"),)
        return tf.cast(real_images, "float32"), condition

    def join(self, inputs, condition):
        """The input of a network: one tensor, or a list with the condition."""
        return [inputs, *condition] if condition else inputs

    def make_fakes(self, real_images, condition, training=True):
        """As many fake images as there are real ones, from new latents."""
        latents = self.sample_latents(count(real_images))
        return self.synthesize(latents, condition, training=training)

    def synthesize(self, latents, condition, training=True):
        """Fake images of the generator, float32."""
        fake_images = self.generator(self.join(latents, condition), training=training)
        return tf.cast(fake_images, "float32")

    def discriminate(self, images, condition, training=True):
        """Logits of the discriminator, float32 so that losses are."""
        logits = self.discriminator(self.join(images, condition), training=training)
        return tf.cast(logits, "float32")

    def scale_loss(self, loss, optimizer):
        """A loss as it is differentiated: for one of many replicas, and for float16."""
        # Replicas' gradients are summed; the logged loss stays that of the whole batch.
        return optimizer.scale_loss(loss / self.distribute_strategy.num_replicas_in_sync)

    def move_discriminator(self, gradients, losses):
        """One step of the discriminator's optimizer, once `losses` are there."""
        self._move("discriminator", gradients, losses)

    def move_generator(self, gradients, losses):
        """One step of the generator's optimizer, once `losses` are there."""
        self._move("generator", gradients, losses)

    def _move(self, player, gradients, losses):
        network = getattr(self, player)
        optimizer = getattr(self, f"{player}_optimizer")
        gradients = after(losses, gradients)
        self._note_norm(player, gradients, optimizer)
        # Its own network alone.
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    def _note_norm(self, player, gradients, optimizer):
        """Adds the norm of a player's gradients to a running mean, at one step in many."""

        def note():
            # Gradients of a loss that was scaled.
            norm = tf.linalg.global_norm(gradients) / self.scale_loss(1.0, optimizer)
            getattr(self._norms, player).update_state(norm)
            return True

        # Over all weights it costs a good part of what their update costs.
        tf.cond(tf.equal(optimizer.iterations % _NORM_EVERY, 0), note, lambda: False)

    def next_seed(self):
        """A new seed, other on every replica, that is saved with the model."""
        seed = tf.cast(self.seed_generator.next(), "int32")
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context else 0
        # Keras's own random functions give all replicas the same numbers.
        return tf.random.experimental.stateless_fold_in(seed, replica)


def each(function, real_logits, fake_logits):
    """A function of a pair of logits for every game, stacked: one, or a level of a pyramid each.

    The gradient of stacked losses is that of their sum.
    """
    pairs = zip(tf.nest.flatten(real_logits), tf.nest.flatten(fake_logits), strict=True)
    return tf.stack([function(real, fake) for real, fake in pairs])


def after(losses, gradients):
    """The gradients, none of which is there before the losses are.

    A weight must not move while anything still reads it. TensorFlow orders that in the graph
    it traces, and its optimizer of graphs drops the order again where it takes it for implied
    by a path of values that it cuts later: a gradient penalty was computed with biases of which
    some had moved.
    """
    with tf.control_dependencies(tf.nest.flatten(losses)):
        return [None if gradient is None else tf.identity(gradient) for gradient in gradients]


# Moves no weight, and is far from the least float32 and bfloat16 on all the way to an image.
_LEAST_SLOPE = 1e-20


def _turn(by_images, by_logits, wanted_by_logits):
    """Gradients by images for other gradients by their logits, from those that are known.

    Where every image has one logit of its own, all that lies between the logit and the
    image is a factor: what is known need not go back through the network a second time.
    """
    factors = wanted_by_logits / by_logits
    return by_images * tf.reshape(factors, [-1] + [1] * (by_images.shape.rank - 1))


def _sum_of_known(first, second):
    """The sum of two gradients, of which the second is None where nothing depends on it."""
    return first if second is None else first + second


def count(images):
    """Number of images in a batch, or in a batch of pyramids."""
    return tf.shape(tf.nest.flatten(images)[0])[0]


def _synchronize_batch_norm(network):
    """Makes batch normalization take its statistics over all replicas; weights stay."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            _synchronize_batch_norm(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def _mean():
    return keras.metrics.Mean(dtype="float32")


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
