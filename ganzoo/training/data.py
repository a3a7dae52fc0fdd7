"""Open the data of a recipe: training batches, and real images for comparisons."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from ganzoo import data, evaluation, registry
from ganzoo.base import GAN
from ganzoo.training.recipe import Recipe

# Number of test images for the doctor.
_HELD_OUT = 256
_CROP_SIZE = 96


@dataclasses.dataclass(frozen=True)
class RealImages:
    """Real images of a run for previews and measurements.

    Attributes:
        examples: images of the first batches, for `samples/real.png`.
        held_out: test images for the doctor, uint8, or None.
        references: `ganzoo.evaluation.References` if the run is evaluated, or None.
    """

    examples: np.ndarray
    held_out: np.ndarray | None = None
    references: evaluation.References | None = None


def open_data(recipe: Recipe, cluster) -> tuple[Callable, dict]:
    """Open the data of a recipe.

    Args:
        recipe: recipe of the run, with a batch size.
        cluster: `ganzoo.distribution.Cluster`.

    Returns:
        `(dataset, arguments)`. `dataset()` returns one pass over this worker's data, and
        `dataset(start=step)` all batches from a step on. `arguments` are the constructor arguments
        that follow from the data.

    Raises:
        ValueError: If the data are not found, or do not fit the recipe.
    """
    family = registry.get_family(recipe.family)
    if recipe.class_conditional and family.classes == "never":
        raise ValueError(
            f"{family.class_name} is not class-conditional. Remove --class-conditional."
        )
    if family.task == "super_resolution":
        if recipe.evaluate_every:
            raise ValueError(
                "--evaluate-every needs a model that generates images. Received: "
                f"{family.class_name}. Remove it, and use `ganzoo evaluate` on a folder of images."
            )
        dataset, arguments = _open_crops(recipe, cluster)
    else:
        dataset, arguments = _open_images(recipe, family, cluster)
    for name, found in arguments.items():
        wanted = recipe.model.get(name, found)
        if tuple(np.ravel(wanted)) != tuple(np.ravel(found)):
            raise ValueError(
                f"The data must fit the model's {name}={wanted}. Received: data of {name}={found}. "
                "Choose other data or another --image-size, or remove the argument."
            )
    cluster.agree(batches=len(dataset()), mixed_precision=recipe.mixed_precision, **arguments)
    return dataset, arguments


def open_real_images(recipe: Recipe, cluster, dataset: Callable, model: GAN) -> RealImages:
    """Return the real images of a run.

    Args:
        recipe: recipe of the run.
        cluster: `ganzoo.distribution.Cluster`. Only the chief gets more than examples.
        dataset: function that `open_data` returned.
        model: model to train.
    """
    # Use the first batches of the run, also if it is resumed.
    _, examples = model.check_data(dataset(start=0), None)
    if not cluster.is_chief:
        return RealImages(examples)
    references = None
    if recipe.evaluate_every:
        references = evaluation.open_references(recipe.data, model.image_shape)
    return RealImages(examples, _hold_out(recipe, model), references)


def _open_images(recipe, family, cluster):
    with_classes = (
        family.classes == "always"
        or recipe.class_conditional
        or recipe.model.get("num_classes") is not None
    )
    image_data = data.load_arrays(
        recipe.data, image_size=_image_size(recipe), data_shard=cluster.data_shard
    )
    if with_classes and image_data.num_classes is None:
        raise ValueError(
            f"{family.class_name} needs labels. Received: {recipe.data!r}, which has none. Use a "
            "folder with one subfolder per class, or a data set with labels."
        )
    dataset = functools.partial(
        data.pipeline,
        image_data,
        cluster.share_of(recipe.batch_size),
        labels=with_classes,
        seed=recipe.seed,
        batch_shard=cluster.batch_shard,
    )
    dataset()  # Raises an error if there are too few images.
    arguments = {"image_shape": image_data.pixels.shape[1:]}
    if with_classes:
        arguments["num_classes"] = image_data.num_classes
    return dataset, arguments


def _image_size(recipe):
    """Return the side that images are resized to: that of the recipe, or of the model."""
    shape = recipe.model.get("image_shape")
    if recipe.image_size is None and shape and shape[0] == shape[1]:
        return shape[0]
    return recipe.image_size


def _open_crops(recipe, cluster):
    dataset = functools.partial(
        data.load_crops,
        recipe.data,
        crop_size=recipe.image_size or _CROP_SIZE,
        batch_size=cluster.share_of(recipe.batch_size),
        seed=recipe.seed,
        data_shard=cluster.data_shard,
        batch_shard=cluster.batch_shard,
    )
    return dataset, {}


def _hold_out(recipe, model):
    """Return test images for the doctor, or None if there are none or it does not support them."""
    if model.num_classes or model.task != "generation":
        return None
    count = data.find_splits(recipe.data).get("test")
    if not count:
        return None
    split = f"test[:{min(count, _HELD_OUT)}]"
    return data.load_arrays(recipe.data, split, _image_size(recipe)).pixels
