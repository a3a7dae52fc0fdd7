"""One step of the game of two networks."""

import types

import keras
import numpy as np
import tensorflow as tf

from ganzoo.distribution import worker_of
from ganzoo.images import from_pixels
from ganzoo.layers import normalizations

# Steps from one that notes the norms of the gradients to the next.
_NORM_EVERY = 10


class TwoPlayerStep(keras.Model):
    """What a step of training and of validation does with both networks.

    `TwoPlayerModel` derives from it and brings what its `compile` sets: the optimizers,
    `adversarial_loss`, `regularizer`, `discriminator_steps`, `ema_decay` and `update`. A family
    changes the game by overriding the parts of a step.
    """

    # Families that need class labels have the number of classes here.
    num_classes = None
    # Whether the discriminator has one logit for an image, and no other image changes it, as it
    # does through batch normalization. Then both players share a backward pass.
    judges_singly = False
    # Whether the moving statistics of the averaged generator are of its own samples, taken by
    # `collect_statistics`, and not averages of the generator's.
    own_statistics = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # In objects that Keras does not look into: these are no metrics of an epoch, and no weight.
        self._norms = types.SimpleNamespace(generator=_mean(), discriminator=_mean())
        self._taken = types.SimpleNamespace(steps=_counter())

    def train_step(self, data):
        real_images, condition = self.unpack(data)
        for _ in range(self.discriminator_steps - 1):
            self.train_discriminator(real_images, condition)
        if self.update == "simultaneous":
            outcome = self.train_simultaneously(real_images, condition)
        else:
            outcome = self.train_alternately(real_images, condition)
        self.update_ema(self.collect_statistics(condition))
        self.note_step()
        return self.track(*outcome)

    def note_step(self):
        """Counts a step, whether or not the scaling of a float16 loss skipped its updates."""
        self._taken.steps.assign_add(1)

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
        return self.compute_at_times(
            tf.equal(self.discriminator_optimizer.iterations % every, 0),
            lambda: every * self.penalize(real_images, fake_images, condition),
            self.discriminator,
        )

    def compute_at_times(self, now, compute, network):
        """The number `compute` gives where `now`, else 0, and no statistic of `network` moves.

        Replicas that normalize a batch together must meet, which they cannot in a branch: they
        compute it at every step.
        """
        layers = list(normalizations(network))
        if not any(layer.synchronized for layer in layers):
            return tf.cond(now, compute, lambda: 0.0)
        statistics = [v for layer in layers for v in layer.non_trainable_variables]
        before = [tf.identity(variable.value) for variable in statistics]
        value = compute()
        for variable, old in zip(statistics, before, strict=True):
            variable.assign(tf.where(now, variable.value, old))
        return tf.where(now, value, 0.0)

    def penalize(self, real_images, fake_images, condition):
        """The gradient penalty: the network in its own precision, all else in float32."""

        def draw(shape):
            return tf.random.stateless_uniform(shape, self.next_seed())

        penalty = 0.0
        for points in self.regularizer.points(real_images, fake_images, draw):
            with tf.GradientTape() as tape:
                tape.watch(points)
                # The gradient of the sum holds each image's own, as far as its logit is its own:
                # batch normalization adds what it does to the others'.
                total = tf.reduce_sum(self.discriminate(points, condition))
            penalty += self.regularizer.penalty(tape.gradient(total, points))
        return penalty

    def collect_statistics(self, condition):
        """Takes the averaged generator's `own_statistics`.

        Returns tensors that are there when it has: no weight may move before.
        """
        return []

    def update_ema(self, collected=()):
        """Moves the averaged generator towards the generator, once `collected` is there."""
        self._share_statistics()
        step = tf.cast(self.generator_optimizer.iterations, "float32")
        decay = tf.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))
        pairs = list(zip(self.ema_generator.weights, self.generator.weights, strict=True))
        if self.own_statistics:
            pairs = [(average, weight) for average, weight in pairs if weight.trainable]
        moves = [(1.0 - tf.cast(decay, a.dtype)) * (weight - a) for a, weight in pairs]
        for (average, _), move in zip(pairs, after(collected, moves), strict=True):
            average.assign(average + move)

    def _share_statistics(self):
        """Makes the moving statistics that replicas take of their own images those of all."""
        networks = (self.generator, self.discriminator)
        variables = [v for network in networks for v in network.non_trainable_variables]
        if self.own_statistics:
            pairs = zip(self.ema_generator.weights, self.generator.weights, strict=True)
            variables += [average for average, weight in pairs if not weight.trainable]
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
        gradients = self.share_overflow(after(losses, gradients), optimizer)
        self.note_norm(player, gradients, optimizer)
        # Its own network alone.
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    def share_overflow(self, gradients, optimizer):
        """The gradients, infinite on all replicas where a scaled loss overflowed on one.

        Keras asks the first replica alone whether to skip a step, before gradients are summed.
        """
        alone = self.distribute_strategy.num_replicas_in_sync == 1
        if alone or not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return gradients
        overflows = 1.0 - tf.cast(optimizer.check_finite(gradients), "float32")
        context = tf.distribute.get_replica_context()
        overflows = context.all_reduce(tf.distribute.ReduceOp.SUM, overflows)
        mark = tf.where(overflows > 0, np.inf, 0.0)
        return [g if g is None else g + tf.cast(mark, g.dtype) for g in gradients]

    def note_norm(self, player, gradients, optimizer):
        """Adds the norm of a player's gradients to a running mean, at one step in many."""
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)

        def note():
            # Gradients of a loss that was scaled.
            norm = tf.linalg.global_norm(gradients) / self.scale_loss(1.0, optimizer)
            # An overflow is how the scale finds its size, and no illness: the step is skipped.
            counts = tf.math.is_finite(norm) if scaled else tf.constant(True)
            getattr(self._norms, player).update_state(
                tf.where(counts, norm, 0.0), sample_weight=tf.cast(counts, "float32")
            )
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


def _mean():
    return keras.metrics.Mean(dtype="float32")


def _counter():
    return keras.Variable(
        0, dtype="int64", trainable=False, aggregation="only_first_replica", name="steps"
    )
