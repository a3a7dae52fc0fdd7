"""Build and compile the model of a recipe."""

import dataclasses
import pathlib
import warnings

import keras
import tensorflow as tf

from ganzoo import registry
from ganzoo.base import GAN
from ganzoo.checks import check_image_size
from ganzoo.saving import loading
from ganzoo.training import arguments, transfer
from ganzoo.training.length import RunLength
from ganzoo.training.recipe import Recipe

# A run with fewer training images is augmented by default.
FEW_IMAGES = 20_000
# Smaller batches are not chosen for few images: their batch statistics would say little.
_SMALLEST_BATCH = 4


def check(recipe: Recipe) -> GAN:
    """Check the arguments of a recipe before any data are read.

    This compiles the smallest model of the family with the recipe's `compile` dictionary, which
    finds invalid values.

    Returns:
        The compiled model. With `augment="auto"`, it has the family's recommended augmentation.

    Raises:
        ValueError: If an argument does not fit.
    """
    family = registry.get_family(recipe.family)
    model_class = family.load_class()
    arguments.check(model_class, recipe.model, recipe.compile)
    _check_image_shape(recipe, model_class)
    chosen = {"recipe": recipe.model["recipe"]} if "recipe" in recipe.model else {}
    trial = family.build_test_model(**chosen)
    settings = {k: v for k, v in recipe.compile.items() if (k, v) != ("augment", "auto")}
    arguments.compile_with(trial, settings, recipe.decay_steps)
    return trial


def _check_image_shape(recipe, model_class):
    """Check that the model can make images of the recipe's size. Their channels are not known."""
    shape = recipe.model.get("image_shape")
    if model_class.task == "generation" and (shape or recipe.image_size):
        size = shape[:2] if recipe.image_size is None else check_image_size(recipe.image_size)
        settings = {name: value for name, value in recipe.model.items() if name != "image_shape"}
        model_class.check_image_shape((*size, 1), **settings)


def choose_batch_size(recipe: Recipe, num_images: int | None) -> tuple[Recipe, str]:
    """Choose the batch size of a recipe that sets none.

    It is the family's, or a smaller one, so that a pass over the images has at least two steps.

    Args:
        recipe: recipe of the run.
        num_images: int. Number of training images. None if there are many.

    Returns:
        `(recipe, reason)`: the recipe with the choice, and one line that explains it, which is
        empty for the family's batch size.
    """
    if recipe.batch_size is not None:
        return recipe, ""
    model_class = registry.get_family(recipe.family).load_class()
    recommended = model_class.recommended_batch_sizes[recipe.model.get("recipe", "default")]
    batch_size = recommended
    if num_images is not None and not recipe.is_of_paper:
        while batch_size > _SMALLEST_BATCH and 2 * batch_size > num_images:
            batch_size //= 2
    reason = (
        f"Batch size: {batch_size} instead of {recommended}, because there are {num_images} "
        "training images. --batch-size sets another one."
    )
    chosen = dataclasses.replace(recipe, batch_size=batch_size)
    return chosen, reason if batch_size < recommended else ""


def choose_augmentation(recipe: Recipe, trial: GAN, num_images: int) -> tuple[Recipe, str]:
    """Choose the augmentation of a recipe with `augment="auto"`.

    Few images are augmented, except for super-resolution and for recipes of a paper or family that
    say themselves what to do.

    Args:
        recipe: recipe of the run.
        trial: model that `check` returned.
        num_images: int. Number of training images.

    Returns:
        `(recipe, reason)`: the recipe with the choice, and one line that explains it, which is
        empty if there was nothing to choose.
    """
    if recipe.compile.get("augment") != "auto":
        return recipe, ""
    settings = {name: value for name, value in recipe.compile.items() if name != "augment"}
    reason = ""
    if trial.task == "generation" and trial.augmentation is None and not recipe.is_of_paper:
        few = num_images < FEW_IMAGES
        settings["augment"] = "diffaugment" if few else "none"
        reason = (
            f"Augmentation: {settings['augment']}, because there are "
            f"{'fewer than' if few else 'at least'} {FEW_IMAGES:,} training images."
            + (" --augment none turns it off." if few else "")
        )
    return dataclasses.replace(recipe, compile=settings), reason


def build_model(recipe: Recipe, cluster, data_arguments: dict, length: RunLength) -> GAN:
    """Return the compiled model of a recipe, before its first step.

    The schedules of a family end with the run, unless the recipe sets `schedule_steps`, is the
    paper's, or only time limits the run.

    Args:
        recipe: recipe of the run.
        cluster: `ganzoo.distribution.Cluster`.
        data_arguments: constructor arguments that follow from the data.
        length: length of the run.

    Raises:
        ValueError: If an argument does not fit the data or the family.
    """
    keras.utils.set_random_seed(recipe.seed)
    dtype = None
    if recipe.mixed_precision:
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        dtype = "mixed_float16" if on_gpu else "mixed_bfloat16"
        if not (on_gpu or supports_bfloat16()):
            warnings.warn(
                "This CPU is not known to support bfloat16. Without support, half precision takes "
                "ten times as long as --float32.",
                stacklevel=2,
            )
    model_class = registry.get_family(recipe.family).load_class()
    scheduled = "schedule_steps" in arguments.constructor_arguments(model_class)
    if scheduled and length.is_known and not recipe.is_of_paper:
        data_arguments = {**data_arguments, "schedule_steps": length.max_steps}
    chosen = {**data_arguments, **recipe.model}
    with cluster.strategy.scope():
        model = model_class(**chosen, seed=recipe.seed, dtype=dtype)
    if recipe.start_from:
        report = transfer.copy_weights(loading.find_model(recipe.start_from), model)
        if recipe.blend is not None and any(part.new for part in report.values()):
            raise ValueError(
                "--blend needs a starting model with the same networks. Received: "
                f"{recipe.start_from!r}, whose layers differ. Remove --blend."
            )
        _print_transfer(recipe.start_from, report)
    if recipe.freeze_discriminator:
        transfer.freeze_first(model.discriminator, recipe.freeze_discriminator)
    arguments.compile_with(model, recipe.compile, recipe.decay_steps)
    divisor = cluster.num_replicas * model.discriminator_steps
    if recipe.batch_size % divisor:
        raise ValueError(
            f"`batch_size` must be a multiple of {divisor} (replicas x discriminator_steps). "
            f"Received: batch_size={recipe.batch_size}. Choose another --batch-size."
        )
    return model


def _print_transfer(name, report):
    """Print which layers took the weights of a trained model, if not all of them did."""
    for network, (taken, new) in report.items():
        if new:
            shown = ", ".join(new[:5]) + (", ..." if len(new) > 5 else "")
            print(
                f"{name}: the {network} takes {len(taken)} of {len(taken) + len(new)} layers. New: "
                f"{shown}."
            )


def blend(model: GAN, source: GAN, share: float) -> None:
    """Interpolate between the trained generator's weights and those it started from.

    The interpolation of a generator trained on a content loss and its adversarially trained version
    has part of the texture, and fewer artifacts.

    Args:
        model: trained model, which is changed.
        source: model that training started from.
        share: float from 0 to 1. Weight of the trained generator.

    Reference: "network interpolation", Wang et al., 2018 (arXiv:1809.00219), section 3.4.
    """
    for network in ("generator", "ema_generator"):
        start, end = getattr(source, network), getattr(model, network)
        pairs = zip(start.get_weights(), end.get_weights(), strict=True)
        end.set_weights([(1 - share) * a + share * b for a, b in pairs])


def supports_bfloat16() -> bool:
    """Return True if training runs on a CPU with bfloat16 instructions (AMX, AVX512-BF16).

    The result is False with a GPU, where float32 is the safe choice, and on systems without
    `/proc/cpuinfo`.
    """
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if tf.config.list_physical_devices("GPU") or not cpuinfo.exists():
        return False
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(cpuinfo.read_text().split())
