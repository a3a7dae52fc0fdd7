"""Observe a training, and report its failure modes."""

import os
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ganzoo.augment import AUGMENTATIONS
from ganzoo.callbacks.diagnosis import Finding, Observation, Settings, diagnose
from ganzoo.callbacks.windows import WindowMeans
from ganzoo.checks import check_positive, check_seed
from ganzoo.data.arrays import map_labels
from ganzoo.images import to_pixels, values
from ganzoo.losses import LOSSES
from ganzoo.metrics import PrecisionRecall
from ganzoo.metrics.pairs import blocks_of_squares, chance_above
from ganzoo.regularizers import REGULARIZERS

# Steps of a training at which the doctor looks, too: an explosion or a collapse starts early.
_EARLY = (25, 50, 100)
_SCALARS = ("generator_loss", "discriminator_loss", "real_score", "fake_score")


class Doctor(keras.callbacks.Callback):
    """Watch both networks, and report failure modes with evidence and advice.

    The failure modes are divergence, vanishing generator gradient, mode collapse, no
    equilibrium, discriminator memorising and generator winning. Each is reported once. All data
    are kept in `observations` and `findings`. Training is not changed: with the same seed, the
    weights are bit-identical with and without the doctor.

    Diversity, precision and coverage compare features of generated images with features of real
    images. The generated images use the same latents each time, and the last weights of the
    generator, because the averaged ones show a collapse late.

    Args:
        run_dir: folder of the run. Figures go to TensorBoard below `doctor/`, findings as text.
            None writes nothing.
        every: int, at least 1. Steps from one observation to the next. A training is also observed
            at the steps 25, 50 and 100 that are smaller.
        held_out: images `(num_images, height, width, channels)`. Real images that are not in the
            training data, to detect memorising. None turns this off; so do models with
            classes, whose discriminator needs labels.
        extractor: function from uint8 pixels to features, such as `ganzoo.metrics.get_extractor`
            returns. None uses the pixels, averaged to at most 8 x 8 cells.
        num_images: int, at least 10. Number of fake and of real images to compare.
        seed: int. Seed of the latents.
        report: function that is called with each finding as text. None prints it.

    Raises:
        ValueError: If `every` or `num_images` is too small, or `held_out` holds no images.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.compile()
        >>> doctor = ganzoo.callbacks.Doctor(every=2)
        >>> pixels = np.zeros((64, 8, 8, 1), "uint8")
        >>> history = gan.fit(pixels, callbacks=[doctor], batch_size=8, verbose=0)
        >>> [observation.step for observation in doctor.observations]
        [2, 4, 6, 8]
    """

    progress_name = "Doctor"

    def __init__(
        self,
        run_dir: str | os.PathLike | None = None,
        every: int = 200,
        held_out: np.ndarray | None = None,
        extractor: Callable | None = None,
        num_images: int = 64,
        seed: int = 0,
        report: Callable[[str], object] | None = None,
    ):
        super().__init__()
        check_positive(every=every, num_images=num_images)
        if num_images < 10:
            raise ValueError(
                f"`num_images` must be at least 10. Received: num_images={num_images}."
            )
        self.log_dir = None if run_dir is None else pathlib.Path(run_dir) / "logs" / "doctor"
        self.every = every
        if held_out is not None:
            values.check_values(np.asarray(held_out))
        self.held_out = held_out
        self.extractor = extractor or average_cells
        self.num_images = num_images
        self.seed = check_seed(seed)
        self.report = report or print
        self.observations: list[Observation] = []
        self.findings: list[Finding] = []

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.log_dir)) if self.log_dir else None
        self._real = self._real_distance = None
        examples = self.model.real_examples
        generates = self.model.task == "generation"
        if generates and examples is not None and len(examples) > 10:
            pixels = examples if examples.dtype == np.uint8 else to_pixels(examples)
            self._real = self._features(pixels[: self.num_images])
            self._real_distance = mean_distance(self._real)
        # Steps are counted across epochs, because an epoch may be shorter than `every`.
        self._unseen_steps = 0

    def on_train_end(self, logs=None):
        if self._writer:
            self._writer.close()

    def on_epoch_begin(self, epoch, logs=None):
        self._windows = WindowMeans()

    def on_train_batch_end(self, batch, logs=None):
        logs = logs or {}
        before = self._windows.steps
        self._windows.set_batch(batch)
        # With `steps_per_execution`, one call covers several steps.
        new_steps = self._windows.steps - before
        self._unseen_steps += new_steps
        broken = not all(np.isfinite(value) for value in logs.values())
        is_due = self._unseen_steps >= self.every
        if not (broken or is_due or self._is_early(self.model.step, new_steps)):
            return
        if broken or is_due:
            self._unseen_steps = 0
        figures = self._windows.close_window(self.model)
        figures = {name: figures[name] for name in _SCALARS if name in figures}
        norms = {f"{k}_gradient_norm": v for k, v in self.model.take_gradient_norms().items()}
        # With weights that are NaN, statistics of images show nothing.
        if not broken:
            figures |= self.sample_statistics() | {"held_out_auc": self.held_out_auc()}
        self._consider(Observation(self.model.step, **figures, **norms))

    def _is_early(self, step, new_steps):
        """Return True if one of the last `new_steps` steps is one of the early ones."""
        return any(step - new_steps < early <= step for early in _EARLY if early < self.every)

    def get_progress(self) -> tuple[dict, dict]:
        """Return `(run, epoch)` for a checkpoint; see `ganzoo.callbacks.progress`."""
        run = {
            "observations": [vars(observation) for observation in self.observations],
            "findings": [vars(finding) for finding in self.findings],
            "unseen_steps": self._unseen_steps,
        }
        return run, self._windows.get_progress()

    def set_progress(self, run: dict, epoch: dict | None) -> None:
        """Continue from a checkpoint."""
        self.observations = [Observation.from_dict(fields) for fields in run["observations"]]
        self.findings = [Finding.from_dict(fields) for fields in run["findings"]]
        self._unseen_steps = run["unseen_steps"]
        self._windows = WindowMeans.from_progress(epoch)

    def _consider(self, observation):
        self.observations.append(observation)
        self._write_scalars(observation)
        known = {finding.failure_mode for finding in self.findings}
        for finding in diagnose(self.observations, settings_of(self.model)):
            if finding.failure_mode not in known:
                self.findings.append(finding)
                self.report(str(finding))
                self._write_text(finding)

    def _features(self, pixels):
        made = self.extractor(pixels)
        return np.asarray(getattr(made, "features", made), "float64")

    def sample_statistics(self) -> dict[str, float]:
        """Return diversity, precision and coverage of the generator's images.

        Returns:
            Dict of floats by field of `Observation`. It is empty if there are no real images to
            compare with, or the model does not generate images.
        """
        if self._real is None:
            return {}
        _, labels = self.model.balanced_labels(len(self._real))
        labels = map_labels(lambda values: values[: len(self._real)], labels)
        pixels = self.model.generate(len(self._real), labels, seed=self.seed, use_ema=False)
        fake = self._features(pixels)
        metric = PrecisionRecall(num_neighbours=5)
        metric.update(self._real, real=True)
        metric.update(fake, real=False)
        details = metric.result().details
        return {
            "diversity": mean_distance(fake) / max(self._real_distance, 1e-12),
            "precision": details["precision"],
            "coverage": details["coverage"],
        }

    def held_out_auc(self) -> float | None:
        """Return the probability that a training image has a higher logit than a held-out one.

        Returns:
            float in [0, 1], the area under the ROC curve. None without held-out images.
        """
        examples = self.model.real_examples
        if self.held_out is None or examples is None or self.model.conditions:
            return None
        return chance_above(self._logits(examples), self._logits(self.held_out))

    def _logits(self, pixels):
        """Return the mean logit of each image, over its patches and levels."""
        images, condition = self.model.unpack((tf.constant(pixels),))
        logits = self.model.discriminate(images, condition, training=False)
        levels = [
            np.reshape(level, (len(pixels), -1)).mean(axis=1) for level in tf.nest.flatten(logits)
        ]
        return np.mean(levels, axis=0)

    def _write_scalars(self, observation):
        if self._writer is None:
            return
        with self._writer.as_default():
            for name, value in vars(observation).items():
                if name != "step" and value is not None:
                    tf.summary.scalar(f"doctor/{name}", value, step=observation.step)
        self._writer.flush()

    def _write_text(self, finding):
        if self._writer is not None:
            with self._writer.as_default():
                tf.summary.text("doctor", str(finding), step=finding.step)
            self._writer.flush()


def settings_of(model: keras.Model) -> Settings:
    """Return the `Settings` that a compiled GAN is trained with at this step."""
    settings = {
        "loss": _name_of(model.adversarial_loss, LOSSES),
        "generator_rate": _rate_of(model.generator_optimizer),
        "discriminator_rate": _rate_of(model.discriminator_optimizer),
    }
    if model.regularizer is not None:
        step = int(model.discriminator_optimizer.iterations.value.numpy())
        settings |= {
            "regularizer": _name_of(model.regularizer, REGULARIZERS),
            "regularizer_weight": float(model.regularizer.weight_at(step)),
            "regularizer_every": model.regularizer.every,
        }
    if model.augmentation is not None:
        # An augmentation of another class is one, too.
        settings["augment"] = _name_of(model.augmentation, AUGMENTATIONS, other="unnamed")
    return Settings(**settings)


def _name_of(chosen, named, other="none"):
    """Return the name of a loss, penalty or augmentation, or `other` for one of another class."""
    return next((name for name, kind in named.items() if type(chosen) is kind), other)


def _rate_of(optimizer):
    # `float` does not read the variable of a `tf.distribute` strategy.
    return float(keras.ops.convert_to_tensor(optimizer.learning_rate).numpy())


def average_cells(pixels: np.ndarray) -> np.ndarray:
    """Return the mean of each cell of an image, with at most 8 x 8 cells.

    Args:
        pixels: uint8 `(num_images, height, width, channels)`.

    Returns:
        float64 `(num_images, dim)` in [0, 1].
    """
    height, width = pixels.shape[1:3]
    rows, columns = (np.arange(min(side, 8)) * side // min(side, 8) for side in (height, width))
    sums = np.add.reduceat(pixels.astype("float64"), rows, axis=1)
    sums = np.add.reduceat(sums, columns, axis=2)
    counts = np.multiply.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    return (sums / counts[None, :, :, None]).reshape(len(pixels), -1) / 255


def mean_distance(features: np.ndarray) -> float:
    """Return the mean Euclidean distance between two different rows."""
    total = sum(np.sqrt(squares).sum() for _, squares in blocks_of_squares(features, features))
    # The distance of a row to itself is 0, and is not counted.
    return float(total / (len(features) * (len(features) - 1)))
