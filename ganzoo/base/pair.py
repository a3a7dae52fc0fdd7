"""`NetworkPair`: a generator and a discriminator, apart from their training."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from ganzoo.base import checks, ema, rendering, updates
from ganzoo.base.persistence import Persistence
from ganzoo.checks import check_seed
from ganzoo.conditions import Condition, check_class_names
from ganzoo.fingerprint import Fingerprint


class NetworkPair(Persistence):
    """Two networks that fit together, what they are conditioned on, and the images they make.

    `GAN` trains them. Its docstring describes the arguments.
    """

    # What a trained model does: "generation", "super_resolution", or None for another task.
    task: ClassVar[str | None] = None
    # Number of classes of a model with class labels.
    num_classes: int | None = None

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        seed: int | None = None,
        trained_on: dict | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        checks.check_networks(generator, discriminator)
        checks.check_scope(self.distribute_strategy, generator, discriminator)
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = ema.copy_generator(generator)
        self.ema_generator.trainable = False
        self._class_names: tuple[str, ...] | None = None
        self._columns: tuple[Condition, ...] | None = None
        self.seed = None if seed is None else check_seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.trained_on = None if trained_on is None else Fingerprint.from_fields(trained_on)
        self._renderers: dict = {}

    @classmethod
    def check_image_shape(cls, image_shape: tuple[int, int, int], **arguments) -> None:
        """Check that a model can make images of a shape. It need not be built for this.

        A family that cannot make all sizes overrides this.

        Args:
            image_shape: `(height, width, channels)`.
            **arguments: other arguments of the constructor.

        Raises:
            ValueError: If it cannot.
        """

    @property
    def image_shape(self) -> tuple:
        """Shape `(height, width, channels)` of the images. A side is None if it may vary."""
        return tuple(self.generator.output_shape[1:])

    @property
    def class_names(self) -> list[str] | None:
        """Name of each class id, or None for a model without classes or with unknown names.

        `fit` sets it to the names of its data, if they have names.
        """
        if self._class_names is not None:
            return list(self._class_names)
        # Files of older versions hold the names with the data only.
        known = self.trained_on.class_names if self.num_classes and self.trained_on else None
        return None if known is None else list(known)

    @class_names.setter
    def class_names(self, class_names):
        check_class_names(class_names, self.num_classes)
        # Keras would wrap a list.
        self._class_names = None if class_names is None else tuple(class_names)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """`ganzoo.conditions.Condition` of each input for labels: none, one or several."""
        if self._columns is not None:
            return self._columns
        if self.num_classes is None:
            return ()
        # The name of the only column of a file of labels, or the name of the input.
        known = self.trained_on.columns if self.trained_on else None
        name = known[0] if known and len(known) == 1 else "labels"
        return (Condition(name, self.num_classes, self.class_names),)

    def set_conditions(self, conditions: Sequence[Condition]) -> None:
        """Set what a family that takes `conditions` is conditioned on.

        Args:
            conditions: what `ganzoo.conditions.resolve` returned. One condition of classes sets
                `num_classes` and `class_names`.
        """
        if len(conditions) == 1 and conditions[0].num_classes is not None:
            self.num_classes = conditions[0].num_classes
            self.class_names = conditions[0].class_names
        else:
            self._columns = tuple(conditions) or None

    def conditions_config(self) -> list[dict] | None:
        """Return the argument `conditions` of the constructor for `get_config`."""
        if self._columns is None:
            return None
        return [condition.to_fields() for condition in self._columns]

    def call(self, inputs, training=False):
        return self.generator(inputs, training=training)

    def draw_uniform(self, shape) -> tf.Tensor:
        """Return new uniform random numbers in [0, 1), different on every replica."""
        return tf.random.stateless_uniform(shape, self.next_seed())

    def next_seed(self) -> tf.Tensor:
        """Return a new seed, int32 `(2,)`, different on every replica. Its state is saved."""
        return updates.fold_in_replica(self.seed_generator.next())

    def render(
        self, network: keras.Model, inputs, condition: tuple, batch_size: int = 64
    ) -> np.ndarray:
        """Run a generator network in batches, and return uint8 pixels.

        Args:
            network: generator, or part of it.
            inputs: float `(num_images, ...)`, its first input.
            condition: tuple of tensors `(num_images, ...)`, its other inputs.
            batch_size: int. Images per forward pass.
        """
        if network not in self._renderers:
            self._renderers[network] = rendering.make_renderer(network)
        return self._renderers[network](inputs, condition, batch_size)

    def preview(self, num_images: int, seed: int) -> dict:
        """Return images that show the progress of training, as `{name: uint8 pixels}`.

        The same seed gives the same inputs. By default there are no images.
        """
        return {}

    @property
    def preview_columns(self) -> int | None:
        """Columns of a grid of `preview`, or None for a grid without order.

        Each column has one class or combination of labels. A few of them are repeated.
        """
        return None

    @property
    def preview_captions(self) -> list[str] | None:
        """Text above each column of a grid of `preview`, or None."""
        return None

    @property
    def export_signature(self) -> tuple[list[tf.TensorSpec], str]:
        """Inputs of the exported model, named, and the name of its output, uint8 images."""
        specs = [
            tf.TensorSpec(tensor.shape, "float32", name=tensor.name)
            for tensor in self.generator.inputs
        ]
        return specs, "images"

    def export_examples(self, rng: np.random.Generator) -> Iterator[dict]:
        """Yield inputs of the exported model to compare it with Keras, arrays by name."""
        specs, _ = self.export_signature
        for count in (1, 5):
            yield {
                spec.name: rng.uniform(-1, 1, [count, *(d or 16 for d in spec.shape[1:])]).astype(
                    "float32"
                )
                for spec in specs
            }
