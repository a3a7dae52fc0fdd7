"""The data and the compiled model of a recipe."""

import dataclasses
import functools
import pathlib
import warnings

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers.schedules import CosineDecay

from ganzoo import data, evaluation, registry, regularizers
from ganzoo.runs.finding import find_model

# Test images that the doctor looks at.
_HELD_OUT = 256


@dataclasses.dataclass(frozen=True)
class RealImages:
    """What a run draws, or measures by, beside the batches that it learns from.

    Attributes:
        examples: images of the run's first batches, for `samples/real.png`.
        held_out: test images for the doctor, uint8, or None.
        references: `ganzoo.evaluation.References` where the run is measured, or None.
    """

    examples: np.ndarray
    held_out: np.ndarray | None = None
    references: evaluation.References | None = None


def open_data(recipe, site):
    """`(dataset, arguments)` of a recipe: this worker's data, and what the model is told of them.

    The data are a function: called, it gives a pass; with `start`, all batches from there.
    """
    family = registry.get_family(recipe.family)
    if recipe.class_conditional and family.classes == "never":
        raise ValueError(f"Family {family.name!r} knows no classes. Leave --class-conditional out.")
    if family.restores and recipe.evaluate_every:
        raise ValueError(
            "Super-resolution is measured by `ganzoo evaluate` on images of its own. Leave "
            "--evaluate-every out."
        )
    of_restoring = recipe.scale, recipe.content_only, recipe.content, recipe.blend
    if not family.restores and of_restoring != (None, False, None, None):
        raise ValueError(
            f"Family {family.name!r} does not restore images. Leave --scale, --content-only, "
            "--content and --blend out."
        )
    opened = _open_crops(recipe, site) if family.restores else _open_whole(recipe, family, site)
    dataset, arguments = opened
    site.agree(batches=len(dataset()), mixed_precision=recipe.mixed_precision, **arguments)
    return dataset, arguments


def build(recipe, site, arguments):
    """The compiled model of a recipe, before its first step."""
    keras.utils.set_random_seed(recipe.seed)
    dtype = None
    if recipe.mixed_precision:
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        dtype = "mixed_float16" if on_gpu else "mixed_bfloat16"
        if not (on_gpu or multiplies_bfloat16()):
            warnings.warn(
                "This processor is not known to multiply bfloat16 matrices. Where it does not, "
                "half precision takes ten times as long as --float32.",
                stacklevel=2,
            )
    family = registry.get_family(recipe.family)
    build_family = family.load_class()
    with site.strategy.scope():
        model = build_family(**arguments, recipe=recipe.recipe, seed=recipe.seed, dtype=dtype)
    if recipe.start_from:
        source = find_model(recipe.start_from)
        shapes = [[w.shape for w in network.weights] for network in (source, model)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{recipe.start_from!r} has other networks than this run: it is a "
                f"{type(source).__name__} of {source.image_shape}, and a {type(model).__name__} "
                f"of {model.image_shape} is asked for. Start from one of the same kind."
            )
        model.set_weights(source.get_weights())
    game = {
        "loss": recipe.loss,
        "regularizer": _find_regularizer(recipe),
        "sync_batch_norm": recipe.sync_batch_norm,
    }
    contents = {"content_only": recipe.content_only, "content": recipe.content}
    phase = {"content_only": recipe.content_only} if family.restores else {}
    with site.strategy.scope():
        optimizers = _find_optimizers(recipe, model.recommended(**phase))
    model.compile(**game, **optimizers, **(contents if family.restores else {}))
    return model


def open_real_images(recipe, site, dataset, model):
    """The `RealImages` of a run; workers that write nothing have examples alone."""
    # Those of a run's beginning, wherever it goes on.
    _, examples = model.check_data(dataset(start=0), None)
    if not site.is_chief:
        return RealImages(examples)
    references = None
    if recipe.evaluate_every:
        references = evaluation.open_references(recipe.data, model.image_shape)
    return RealImages(examples, _hold_out(recipe, model), references)


def blend(model, source, share):
    """Moves a trained generator back towards the one that it started from.

    "Network interpolation" (Wang et al., 2018, arXiv:1809.00219, section 3.4): between a
    generator trained for pixels and what the game made of it lie some with part of the game's
    texture and little of its artefacts.
    """
    for network in ("generator", "ema_generator"):
        start, end = getattr(source, network), getattr(model, network)
        pairs = zip(start.get_weights(), end.get_weights(), strict=True)
        end.set_weights([(1 - share) * a + share * b for a, b in pairs])


def _find_optimizers(recipe, recommended):
    """The optimizers as `compile` takes them: none, or the recommended with falling rates."""
    if recipe.decay_steps is None:
        return {}
    optimizers = {}
    for player in ("generator_optimizer", "discriminator_optimizer"):
        optimizer = recommended[player]
        config = optimizer.get_config()
        if not isinstance(config["learning_rate"], float):
            raise ValueError(
                "The rates of this recipe have a schedule of their own. Received: "
                f"decay_steps={recipe.decay_steps}. Leave --decay-steps out."
            )
        config["learning_rate"] = CosineDecay(config["learning_rate"], recipe.decay_steps)
        optimizers[player] = type(optimizer).from_config(config)
    return optimizers


def _find_regularizer(recipe):
    """The regularizer as `compile` takes it: a name, or one of a given weight."""
    settings = {"weight": recipe.regularizer_weight, "every": recipe.regularizer_every}
    settings = {name: value for name, value in settings.items() if value is not None}
    if not settings:
        return recipe.regularizer
    if recipe.regularizer in (None, "none"):
        raise ValueError(
            f"A regularizer's {' and '.join(settings)} were given without its name. Name it, "
            "for example by --regularizer r1."
        )
    return regularizers.get(recipe.regularizer, **settings)


def _open_whole(recipe, family, site):
    """`(dataset, arguments)`: whole images, and what the model is told of them."""
    with_classes = family.classes == "always" or recipe.class_conditional
    image_data = data.read(recipe.data, image_size=recipe.image_size, data_part=site.data_part)
    if with_classes and image_data.num_classes is None:
        raise ValueError(
            f"Family {family.name!r} needs labels, and {recipe.data!r} has none. Give a folder "
            "with one subfolder for each class, or a data set with labels."
        )
    dataset = functools.partial(
        data.pipeline,
        image_data,
        site.share_of(recipe.batch_size),
        labels=with_classes,
        seed=recipe.seed,
        batch_part=site.batch_part,
    )
    dataset()  # What is wrong with it shows itself.
    arguments = {"image_shape": image_data.pixels.shape[1:]}
    if with_classes:
        arguments["num_classes"] = image_data.num_classes
    return dataset, arguments


def _open_crops(recipe, site):
    """The same of photographs, which are of any size."""
    dataset = functools.partial(
        data.load_crops,
        recipe.data,
        crop_size=recipe.image_size or 96,
        batch_size=site.share_of(recipe.batch_size),
        seed=recipe.seed,
        data_part=site.data_part,
        batch_part=site.batch_part,
    )
    return dataset, {"scale": recipe.scale} if recipe.scale else {}


def _hold_out(recipe, model):
    """Some test images for the doctor, or None where there are none or it cannot use them."""
    if model.num_classes or hasattr(model, "upscale"):
        return None
    count = data.find_splits(recipe.data).get("test")
    if not count:
        return None
    return data.read(recipe.data, f"test[:{min(count, _HELD_OUT)}]", recipe.image_size).pixels


def multiplies_bfloat16():
    """Whether training runs on a processor with instructions for bfloat16 (AMX, AVX512-BF16).

    False with a GPU, where float32 is the safe choice, and where the system does not tell.
    """
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if tf.config.list_physical_devices("GPU") or not cpuinfo.exists():
        return False
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(cpuinfo.read_text().split())
