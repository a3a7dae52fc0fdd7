"""Export to a TensorFlow SavedModel, a folder that TensorFlow and TensorFlow Serving can run."""

import pathlib
from collections.abc import Callable

import tensorflow as tf

from ganzoo.saving.files import write_json

_NUMBER = tf.TensorSpec((), "int32")


def write(program, path: pathlib.Path, card: dict) -> None:
    """Write a SavedModel, with the card in `assets.extra/card.json`.

    Its main signature is `serving_default`. A generator also has `sample`, which draws the latents
    from a seed: the same `seed` gives the same images.

    Args:
        program: `ganzoo.export.program.Program`.
        path: folder to write.
        card: dict. Facts about the model.
    """
    signatures = {"serving_default": program.serve.get_concrete_function()}
    if program.task == "generation":
        # TensorFlow saves only functions that are attributes of the program.
        program.samplers = _samplers(program)
        for name, sampler in program.samplers.items():
            signatures[name] = sampler.get_concrete_function()
    tf.saved_model.save(program, str(path), signatures=signatures)
    write_json(path / "assets.extra" / "card.json", card)


def _samplers(program):
    """Return functions that generate images from a seed, by the names of their signatures."""

    @tf.function(input_signature=[_NUMBER, _NUMBER])
    def sample(num_images, seed):
        return {program.output: program(program.draw_latents(num_images, seed))}

    specs = program.signature[1:]

    @tf.function(input_signature=[*specs, tf.TensorSpec((), "int32", name="seed")])
    def sample_classes(*labels_and_seed):
        *labels, seed = labels_and_seed
        latents = program.draw_latents(tf.shape(labels[0])[0], seed)
        return {program.output: program(latents, *labels)}

    @tf.function(input_signature=[_NUMBER, _NUMBER])
    def sample_any_class(num_images, seed):
        labels = [
            _draw_labels(condition, num_images, tf.stack([seed, index + 1]))
            for index, condition in enumerate(program.conditions)
        ]
        drawn = dict(zip([spec.name for spec in specs], labels, strict=True))
        return {**sample_classes(*labels, seed), **drawn}

    if program.conditions:
        return {"sample": sample_any_class, "sample_classes": sample_classes}
    return {"sample": sample}


def _draw_labels(condition, num_images, seed):
    """Return random labels as a tensor, from the distribution of `Condition.draw`."""
    if condition.num_classes is not None:
        return tf.random.stateless_uniform(
            [num_images], seed, maxval=condition.num_classes, dtype=tf.int32
        )
    numbers = tf.random.stateless_normal([num_images], seed, condition.mean, condition.std)
    numbers = numbers if condition.low is None else tf.maximum(numbers, condition.low)
    return numbers if condition.high is None else tf.minimum(numbers, condition.high)


def load(path: pathlib.Path | str) -> Callable:
    """Return a function from named arrays to pixels. TensorFlow runs the model."""
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]

    def run(**inputs):
        (pixels,) = serve(**{name: tf.constant(value) for name, value in inputs.items()}).values()
        return pixels.numpy()

    return run
