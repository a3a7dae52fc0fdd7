"""Open the data of a recipe: training batches, and real images for comparisons."""

import dataclasses
import functools
import inspect
import os
import pathlib
from collections.abc import Callable

import numpy as np

from ganzoo import data, evaluation, registry
from ganzoo.base import GAN
from ganzoo.conditions import describe
from ganzoo.data import folders, headers
from ganzoo.data.pipelines import require_batch
from ganzoo.distribution import Shard
from ganzoo.images import convert_channels, has_alpha
from ganzoo.training.arguments import constructor_arguments
from ganzoo.training.recipe import Recipe

# Number of test images for the doctor: at most, and at least.
_HELD_OUT = 256
_FEWEST_HELD_OUT = 10
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


def open_data(recipe: Recipe, cluster) -> tuple[Callable, dict, data.Fingerprint]:
    """Open the data of a recipe.

    Args:
        recipe: recipe of the run, with a batch size.
        cluster: `ganzoo.distribution.Cluster`.

    Returns:
        `(dataset, arguments, fingerprint)`. `dataset()` returns one pass over this worker's data,
        and `dataset(start=step)` all batches from a step on. `arguments` are the constructor
        arguments that follow from the data. `fingerprint` is that of all workers' data.

    Raises:
        ValueError: If the data are not found, or do not fit the recipe.
    """
    family = registry.get_family(recipe.family)
    if recipe.class_conditional and family.classes == "never":
        raise ValueError(
            f"{family.class_name} is not class-conditional. Remove --class-conditional."
        )
    if recipe.labels and family.classes == "never":
        raise ValueError(
            f"{family.class_name} is not conditioned on labels. Remove --labels, or train cgan or "
            "r3gan."
        )
    if family.task == "super_resolution":
        if recipe.evaluate_every and not recipe.validation:
            raise ValueError(
                "--evaluate-every needs photographs that are not used for training. Received: "
                f"{family.class_name} without them. Add --validation FOLDER, or remove it."
            )
        if isinstance(recipe.image_size, tuple) or recipe.fit != "crop" or recipe.alpha:
            raise ValueError(
                f"{family.class_name} is trained on square crops without alpha. Received: "
                f"image_size={recipe.image_size}, fit={recipe.fit}, alpha={recipe.alpha}. Give the "
                "side of the crops only."
            )
        dataset, arguments = _open_crops(recipe, family, cluster)
    else:
        if recipe.low_res:
            raise ValueError(
                f"--low-res is for super-resolution. Received: {family.class_name}. Remove it."
            )
        if recipe.degrade:
            raise ValueError(
                f"--degrade is for super-resolution. Received: {family.class_name}. Remove it."
            )
        if recipe.validation:
            raise ValueError(
                f"--validation is for super-resolution. Received: {family.class_name}. Remove it: "
                "--evaluate-every compares with the data set."
            )
        dataset, arguments = _open_images(recipe, family, cluster)
    for name, found in arguments.items():
        wanted = recipe.model.get(name, found)
        if tuple(np.ravel(wanted)) != tuple(np.ravel(found)):
            raise ValueError(
                f"The data must fit the model's {name}={wanted}. Received: data of {name}={found}. "
                "Choose other data or another --image-size, or remove the argument."
            )
    one_pass = dataset()
    of_labels = ("class_names", "conditions")
    sizes = {name: found for name, found in arguments.items() if name not in of_labels}
    cluster.agree(batches=len(one_pass), mixed_precision=recipe.mixed_precision, **sizes)
    return dataset, arguments, one_pass.data_fingerprint


def require_folder(recipe: Recipe) -> None:
    """Check that the folder of a recipe exists, if its data are the path of one.

    Raises:
        ValueError: If it does not.
    """
    place = os.fspath(recipe.data)
    is_path = os.path.isabs(place) or place.startswith((".", "~"))
    if is_path and not os.path.isdir(place):
        raise ValueError(
            f"The images were in {place!r}, which is not a folder here. Give the folder that "
            "they are in now with --data."
        )


def require_same(known: data.Fingerprint, found: data.Fingerprint, recipe: Recipe) -> None:
    """Check that a resumed run gets the data that it was trained on.

    Args:
        known: fingerprint of the data that the run was trained on.
        found: fingerprint of the data of the recipe.
        recipe: recipe of the run.

    Raises:
        ValueError: If the data are others.
    """
    if known != found:
        was, now = known.tell_apart(found)
        raise ValueError(
            f"The run was trained on {was}. Received: {recipe.data!r} with {now}. Restore the "
            "images, give the folder of a copy with --data, or start another run."
        )


def keep_format(recipe: Recipe, known: data.Fingerprint | None) -> Recipe:
    """Return the recipe that opens the data of a resumed run as they were before.

    Older versions put all transparent images on white, and held nothing out of a folder.

    Args:
        recipe: recipe of the run.
        known: fingerprint of the data that the run was trained on, or None.
    """
    if known is None or known.image_shape is None:
        return dataclasses.replace(recipe, hold_out=False)
    alpha = has_alpha(tuple(known.image_shape)) if recipe.alpha is None else recipe.alpha
    return dataclasses.replace(recipe, alpha=alpha, hold_out=known.num_held_out > 0)


def describe_held_out(recipe: Recipe, fingerprint: data.Fingerprint) -> str:
    """Return a line on the images of a folder that are held out, or an empty line.

    Args:
        recipe: recipe of the run.
        fingerprint: fingerprint of its training images.
    """
    if registry.get_family(recipe.family).task != "generation" or not data.is_folder(recipe.data):
        return ""
    if not recipe.hold_out:
        return "Held out: no images, because of --no-hold-out. Memorizing cannot be detected."
    if count := fingerprint.num_held_out:
        total = count + fingerprint.num_images
        return (
            f"Held out: {count} of {total} images, for the doctor and evaluations. --no-hold-out "
            "trains on all."
        )
    return (
        f"Held out: no images, because the folder has fewer than {data.FEWEST_TO_SPLIT}. "
        "Memorizing cannot be detected."
    )


def require_old_order(found: data.Fingerprint, recipe: Recipe) -> None:
    """Check that a run without a fingerprint gets its class folders in the order of their ids.

    Versions that stored no fingerprint numbered class folders in the order of strings.

    Raises:
        ValueError: If the natural order is another.
    """
    names = list(found.class_names or ())
    if data.is_folder(recipe.data) and names != sorted(names):
        raise ValueError(
            "The run was started by an older version of ganzoo, which numbered the classes "
            f"{', '.join(sorted(names))}. Received: the order {', '.join(names)}. Start another "
            "run."
        )


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
    if recipe.validation:
        evaluation.check_photos(recipe.validation, model.scale)
    elif recipe.evaluate_every:
        references = evaluation.open_references(
            recipe.data,
            model.image_shape,
            trained_on=model.trained_on,
            labels=recipe.labels,
        )
    return RealImages(examples, _hold_out(recipe, model), references)


def _open_images(recipe, family, cluster):
    with_classes = (
        family.classes == "always"
        or recipe.class_conditional
        or recipe.labels is not None
        or recipe.model.get("num_classes") is not None
    )
    # Without classes, images beside class folders count like all others.
    labels = recipe.labels or (None if with_classes else False)
    _check_folder(recipe, family, labels, cluster)
    image_data = data.load_arrays(
        recipe.data,
        _split_of(recipe),
        image_size=_image_size(recipe),
        data_shard=cluster.data_shard,
        labels=labels,
        fit=recipe.fit,
        alpha=_alpha(recipe),
    )
    known = constructor_arguments(family.load_class())
    if image_data.conditions and "conditions" not in known:
        raise ValueError(
            f"{family.class_name} needs one column of classes. Received: {recipe.labels!r} with "
            f"{', '.join(describe(one) for one in image_data.conditions)}. Keep one column of "
            "text, or train cgan or r3gan."
        )
    if with_classes and not image_data.conditions and (image_data.num_classes or 0) < 2:
        names = image_data.class_names
        found = f"one class, {names[0]!r}" if names else "no labels"
        raise ValueError(
            f"{family.class_name} needs images of two or more classes. Received: {recipe.data!r}, "
            f"which has {found}. Use a folder with one subfolder per class, a CSV file such as "
            "--labels labels.csv, or a data set with labels."
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
    if image_data.conditions:
        arguments["conditions"] = [condition.to_fields() for condition in image_data.conditions]
    elif with_classes:
        arguments["num_classes"] = image_data.num_classes
        # A family from outside of the package may not take the names.
        if "class_names" in known:
            arguments["class_names"] = image_data.class_names
    return dataset, arguments


def _split_of(recipe):
    return "train+test" if data.is_folder(recipe.data) and not recipe.hold_out else "train"


def count_images(recipe: Recipe) -> int | None:
    """Return the number of training images in the folder of a recipe, or None for a data set."""
    if not data.is_folder(recipe.data):
        return None
    folder, labels = pathlib.Path(recipe.data), recipe.labels or False
    return len(folders.find_images(folder, labels, _split_of(recipe), quiet=True).files)


def _check_folder(recipe, family, labels, cluster):
    """Check the number and the size of a folder's images before they are decoded."""
    if not data.is_folder(recipe.data):
        return
    folder = pathlib.Path(recipe.data)
    files = folders.find_images(folder, labels, _split_of(recipe), quiet=True).files
    num_images = len(files[cluster.data_shard.of(len(files))])
    require_batch(num_images, cluster.share_of(recipe.batch_size))
    if _image_size(recipe) is None and (size := headers.common_size(files, folder)):
        family.load_class().check_image_shape((*size, 1), **recipe.model)


def _image_size(recipe):
    """Return the size that images are brought to: that of the recipe, or of the model."""
    shape = recipe.model.get("image_shape")
    return tuple(shape[:2]) if recipe.image_size is None and shape else recipe.image_size


def _alpha(recipe):
    """Return if images have alpha: as the recipe says, or as the model needs, or None."""
    shape = recipe.model.get("image_shape")
    return has_alpha(shape) if recipe.alpha is None and shape else recipe.alpha


def _open_crops(recipe, family, cluster):
    default = inspect.signature(family.load_class()).parameters["scale"].default
    scale = recipe.model.get("scale", default)
    dataset = functools.partial(
        data.load_crops,
        recipe.data,
        crop_size=recipe.image_size or _CROP_SIZE,
        batch_size=cluster.share_of(recipe.batch_size),
        seed=recipe.seed,
        data_shard=cluster.data_shard,
        batch_shard=cluster.batch_shard,
        scale=scale,
        degrade=recipe.degrade,
        low_res=recipe.low_res,
    )
    return dataset, {}


def _hold_out(recipe, model):
    """Return test images for the doctor, or None if there are none or it does not support them."""
    if model.conditions or model.task != "generation":
        return None
    if data.is_folder(recipe.data) and not recipe.hold_out:
        return None
    count = data.find_splits(recipe.data).get("test", 0)
    if count < _FEWEST_HELD_OUT:
        return None
    shape = model.image_shape
    held_out = data.load_arrays(
        recipe.data,
        "test",
        shape[:2],
        # Of many images, read some only.
        Shard(0, -(-count // _HELD_OUT)),
        labels=False,
        fit=recipe.fit,
        alpha=has_alpha(shape),
    )
    return convert_channels(held_out.pixels, shape[-1])
