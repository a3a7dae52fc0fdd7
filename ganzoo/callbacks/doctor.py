"""The doctor: names what ails a training while it runs."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from ganzoo.callbacks.diagnosis import Finding, Observation, diagnose
from ganzoo.callbacks.logs import Windows
from ganzoo.images import to_pixels
from ganzoo.losses import LOSSES
from ganzoo.metrics import PrecisionRecall
from ganzoo.metrics.pairs import blocks_of_squares, chance_above
from ganzoo.regularizers import REGULARIZERS

_SCALARS = ("generator_loss", "discriminator_loss", "real_score", "fake_score")


class Doctor(keras.callbacks.Callback):
    """Watches the two players, and says in a sentence what is wrong and what may help.

    Illnesses: divergence, vanishing generator gradient, mode collapse, no equilibrium,
    discriminator memorising, generator winning. Each is said once, to standard output
    and, with `run_dir`, as TensorBoard text; the figures are TensorBoard scalars under
    `doctor/`. Everything lies in `observations` and `findings`.

    Diversity and coverage compare images of the generator, of the same latents each
    time, with real ones, by the distances of their features.

    Args:
        run_dir: folder of the run, for TensorBoard. None writes nothing.
        every: int, at least 1. Steps from one observation to the next.
        held_out: uint8 real images that are not trained on. None: memorising is not
            looked for; nor is it in models with classes, whose discriminator asks for
            them.
        extractor: function from uint8 pixels to features, such as
            `ganzoo.metrics.get_extractor` gives. None takes the pixels, averaged
            over squares down to 8 x 8 at most.
        num_images: int, at least 10. Fake and real images that are compared.
        seed: int. Seed of the latents.
        report: function that is called with each `Finding`; None prints it.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.compile()
        >>> doctor = ganzoo.callbacks.Doctor(every=2)
        >>> pixels = np.zeros((64, 8, 8, 1), "uint8")
        >>> history = gan.fit(pixels, callbacks=[doctor], batch_size=8, verbose=0)
        >>> [observation.step for observation in doctor.observations]
        [2, 4, 6, 8]
    """

    def __init__(
        self,
        run_dir=None,
        every=200,
        held_out=None,
        extractor=None,
        num_images=64,
        seed=0,
        report=None,
    ):
        super().__init__()
        if every < 1 or num_images < 10:
            raise ValueError(
                "`every` must be at least 1 and `num_images` at least 10. Received: "
                f"every={every}, num_images={num_images}."
            )
        self.log_dir = None if run_dir is None else pathlib.Path(run_dir) / "logs" / "doctor"
        self.every = every
        self.held_out = held_out
        self.extractor = extractor or average_squares
        self.num_images = num_images
        self.seed = seed
        self.report = report or print
        self.observations = []
        self.findings = []

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.log_dir)) if self.log_dir else None
        self._real = self._distances = None
        examples = self.model.real_examples
        generates = not hasattr(self.model, "upscale")
        if generates and examples is not None and len(examples) > 10:
            pixels = examples if examples.dtype == np.uint8 else to_pixels(examples)
            self._real = self._features(pixels[: self.num_images])
            self._distances = mean_distance(self._real)
        # Over epochs, which may be shorter than the way from one observation to the next.
        self._unseen_steps = 0

    def on_train_end(self, logs=None):
        if self._writer:
            self._writer.close()

    def on_epoch_begin(self, epoch, logs=None):
        self._windows = Windows()

    def on_train_batch_end(self, batch, logs=None):
        logs = logs or {}
        before = self._windows.steps
        self._windows.reach(batch)
        # One call may be several steps.
        self._unseen_steps += self._windows.steps - before
        broken = not all(np.isfinite(value) for value in logs.values())
        if not broken and self._unseen_steps < self.every:
            return
        self._unseen_steps = 0
        figures = self._windows.since_last(logs)
        figures = {name: figures[name] for name in _SCALARS if name in figures}
        norms = {f"{k}_gradient_norm": v for k, v in self.model.take_gradient_norms().items()}
        # What is made of weights that are no numbers is not worth a look.
        seen = {} if broken else {**self.look(), **self.quiz()}
        self._consider(Observation(self.model.step, **figures, **norms, **seen))

    def get_progress(self):
        """What a run goes on with: `(of the run, of its epoch)`, as JSON."""
        of_run = {
            "observations": [vars(observation) for observation in self.observations],
            "findings": [vars(finding) for finding in self.findings],
            "unseen_steps": self._unseen_steps,
        }
        return of_run, self._windows.get_progress()

    def set_progress(self, of_run, of_epoch):
        """Goes on from another process's progress; `of_epoch` is None where one begins."""
        self.observations = [Observation(**fields) for fields in of_run["observations"]]
        self.findings = [Finding(**fields) for fields in of_run["findings"]]
        self._unseen_steps = of_run["unseen_steps"]
        self._windows = Windows(**of_epoch or {})

    def _consider(self, observation):
        self.observations.append(observation)
        self._write(observation)
        known = {finding.illness for finding in self.findings}
        for finding in diagnose(
            self.observations,
            loss=_name_of(self.model.adversarial_loss, LOSSES),
            regularizer=_name_of(self.model.regularizer, REGULARIZERS),
        ):
            if finding.illness not in known:
                self.findings.append(finding)
                self.report(str(finding))
                self._write_text(finding)

    def _features(self, pixels):
        made = self.extractor(pixels)
        return np.asarray(getattr(made, "features", made), "float64")

    def look(self):
        """Diversity of the generator's images, and where they lie among the real ones."""
        if self._real is None:
            return {}
        labels = None
        if self.model.num_classes:
            labels = np.arange(len(self._real)) % self.model.num_classes
        # The generator as it is: the averaged one would show a collapse late.
        pixels = self.model.generate(len(self._real), labels, seed=self.seed, use_ema=False)
        fake = self._features(pixels)
        metric = PrecisionRecall(num_neighbours=5)
        metric.update(self._real, real=True)
        metric.update(fake, real=False)
        diversity = mean_distance(fake) / max(self._distances, 1e-12)
        details = metric.result().details
        return {
            "diversity": diversity,
            "precision": details["precision"],
            "coverage": details["coverage"],
        }

    def quiz(self):
        """How well the discriminator tells training images from held-out ones."""
        examples = self.model.real_examples
        if self.held_out is None or examples is None or self.model.num_classes:
            return {}
        trained, unseen = (self._judge(pixels) for pixels in (examples, self.held_out))
        return {"memory": chance_above(trained, unseen)}

    def _judge(self, pixels):
        """The discriminator's logit for each image, the mean of its levels where it has many."""
        images, condition = self.model.unpack((tf.constant(pixels),))
        logits = self.model.discriminate(images, condition, training=False)
        each = [
            np.reshape(level, (len(pixels), -1)).mean(axis=1) for level in tf.nest.flatten(logits)
        ]
        return np.mean(each, axis=0)

    def _write(self, observation):
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


def _name_of(chosen, named):
    """The name under which a class of losses or penalties is known."""
    return next((name for name, kind in named.items() if type(chosen) is kind), "none")


def average_squares(pixels):
    """Means over squares of an image, 8 x 8 of them at most, one image a row."""
    height, width = pixels.shape[1:3]
    rows, columns = (np.arange(min(side, 8)) * side // min(side, 8) for side in (height, width))
    sums = np.add.reduceat(pixels.astype("float64"), rows, axis=1)
    sums = np.add.reduceat(sums, columns, axis=2)
    counts = np.multiply.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    return (sums / counts[None, :, :, None]).reshape(len(pixels), -1) / 255


def mean_distance(features):
    """Mean Euclidean distance of two different rows."""
    total = sum(np.sqrt(squares).sum() for _, squares in blocks_of_squares(features, features))
    # Each row's distance to itself is 0.
    return float(total / (len(features) * (len(features) - 1)))
