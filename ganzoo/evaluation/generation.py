"""Evaluate generated images, and real images for comparison."""

import dataclasses
import operator
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ganzoo import messages
from ganzoo.base import GAN
from ganzoo.checks import check_positive, check_seed, to_list
from ganzoo.data.arrays import map_labels
from ganzoo.evaluation.references import (
    HELD_OUT,
    References,
    check_classes,
    check_columns,
    find_labels,
    open_references,
)
from ganzoo.images import has_alpha
from ganzoo.metrics import (
    ClassificationAccuracy,
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    LabelAccuracy,
    ModeCoverage,
    ParzenLogLikelihood,
    PrecisionRecall,
    Result,
    TrainingCopies,
    TrainingNeighbours,
)
from ganzoo.metrics.features import Extractor

# Images to generate and measure at once.
_CHUNK = 1000
# Grid of neighbours: in each row a fake image and the training images nearest to it.
_ROWS = 10
NEIGHBOUR_COLUMNS = 6
_METRICS = {
    metric.name: metric
    for metric in (
        FrechetDistance,
        KernelDistance,
        PrecisionRecall,
        InceptionScore,
        LabelAccuracy,
        ClassificationAccuracy,
        ModeCoverage,
        ParzenLogLikelihood,
        TrainingCopies,
        TrainingNeighbours,
    )
}
METRICS = tuple(_METRICS)
DEFAULT_METRICS = ("fid", "kid", "precision_recall", "copies")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Results of `evaluate`.

    Attributes:
        extractor: str. Name of the extractor.
        results: dict of `ganzoo.metrics.Result` by metric.
        floors: dict of `Result` by metric: the values that unseen real images reach in place of
            as many fake ones. A `fid` or `kid` below its floor is no improvement: it comes from
            few images or from overfitting. Precision and `is` may exceed theirs.
        neighbours: uint8 `(num_images, height, width, channels)`, rows of `NEIGHBOUR_COLUMNS`
            images: a fake image, then its nearest training images. None if not requested.
        copies: uint8 array of the same kind, rows of 2 images: the fake images that are most like
            copies, and their training images. None without the metric `copies`.
        on_white: bool. True if the images have alpha, and were put on white to be compared.
    """

    extractor: str | None
    results: dict[str, Result]
    floors: dict[str, Result]
    neighbours: np.ndarray | None = None
    copies: np.ndarray | None = None
    on_white: bool = False

    def rows(self) -> Iterator[tuple[str, str | None, str | None, str | None]]:
        """Yield `(name, value, standard error, floor)` as text, for a table."""
        for name, result in self.results.items():
            floor = self.floors.get(name)
            if shown := _METRICS[name].shown_details:
                for detail in shown:
                    yield (
                        detail,
                        _format(result.details.get(detail)),
                        None,
                        _format(floor and floor.details[detail]),
                    )
                continue
            real = floor if floor is not None else result.details.get("real")
            yield name, _format(result), _format(result.standard_error), _format(real)
            for detail in _METRICS[name].extra_details:
                yield detail, _format(result.details.get(detail)), None, _format(real)

    @property
    def protocol(self) -> str:
        """The measurement in a few lines of text."""
        result = next(iter(self.results.values()))
        floors = [floor.num_fake for floor in self.floors.values()]
        lines = [
            f"Generated: {result.num_fake:,} images (seed {result.seed}).",
            f"Compared with: {result.split}, by features of {self.extractor}.",
        ]
        if self.on_white:
            lines.append("Transparent images are compared on white.")
        if floors:
            lines.append(f"Real images: the same metric of {max(floors):,} unseen real images.")
        return "\n".join(lines)

    def to_dict(self) -> dict:
        """Return results and floors for JSON, without pictures."""
        return {
            "results": {name: result.to_dict() for name, result in self.results.items()},
            "floors": {name: result.to_dict() for name, result in self.floors.items()},
        }


def evaluate(
    gan: GAN,
    data: str | os.PathLike | References,
    metrics: str | Sequence[str] = DEFAULT_METRICS,
    num_images: int = 10_000,
    extractor: Extractor = None,
    seed: int = 0,
    report: Callable[[int], object] | None = None,
    labels: str | os.PathLike | None = None,
) -> Evaluation:
    """Measure generated images against the real images of a data set.

    `fid`, `copies` and `neighbours` use all training images. The other metrics use 10,000 of them,
    chosen by the seed. The test split is held out for the floors: of a folder, the images that the
    model's training held out. Without a test split, one training image in ten is held out instead.
    Labels are drawn with the frequencies of the training images.

    Args:
        gan: model that generates images.
        data: name of a data set or folder, see `ganzoo.data.load`. Or its `References`, which
            include the extractor, to evaluate several models.
        metrics: name or names in `ganzoo.evaluation.METRICS`, or `"all"` that apply, except
            `"cas"`, which trains classifiers.
        num_images: int, at least 1. Images to generate.
        extractor: see `ganzoo.metrics.get_extractor`. None uses the classifier of the data set
            if ganzoo has one, else `"alexnet"`.
        seed: int. Seed of the generated images and of every choice of real images.
        report: function that is called with the number of generated images so far.
        labels: CSV file with the labels of a folder, for models that were trained with one. See
            `ganzoo.data.load`. None takes `labels.csv` in the folder, if there is one.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: If the model does not generate images, the data do not fit it, a number is out
            of range, a metric is unknown or does not apply, or there are too few images. Then no
            image is generated.
    """
    if gan.task != "generation":
        raise ValueError(
            "`evaluate` needs a model that generates images. Received: a "
            f"{type(gan).__name__}. Use `evaluate_super_resolution` for super-resolution."
        )
    metrics = to_list(metrics)
    check_metrics(metrics)
    check_positive(num_images=num_images)
    seed = check_seed(seed)
    for name in ("label_accuracy", "cas"):
        if name in metrics and not gan.num_classes:
            raise ValueError(
                f"{name} is for models with classes. Received: a "
                f"{type(gan).__name__} without. Leave it out."
            )
    if not isinstance(data, References):
        labels = find_labels(gan, data, labels)
        data = open_references(
            data, gan.image_shape, extractor, seed, gan.class_names, gan.trained_on, labels
        )
    check_classes(gan.class_names, data.images, data.split)
    names = _choose(metrics, gan, data)
    scores, floors = _compare_real(names, data, num_images, seed)
    labels = None
    if gan.conditions:
        chosen = np.random.default_rng(seed).choice(len(data.images.pixels), num_images)
        labels = map_labels(operator.itemgetter(chosen), data.images.labels)
    first = np.zeros((0, *data.images.pixels.shape[1:]), "uint8")
    # Images are generated in chunks, so that memory does not grow with their number.
    for block, start in enumerate(range(0, num_images, _CHUNK)):
        chunk_labels = map_labels(operator.itemgetter(slice(start, start + _CHUNK)), labels)
        count = min(_CHUNK, num_images - start)
        pixels = gan.generate(count, chunk_labels, seed=(seed, block))
        fake = data.extractor(pixels)
        if gan.num_classes:
            fake = fake.with_labels(chunk_labels)
        for metric in scores.values():
            metric.update_embedding(fake, real=False)
        first = pixels if block == 0 else first
        if report:
            report(start + count)
    neighbours = None
    if "neighbours" in scores:
        nearest = scores["neighbours"].nearest(NEIGHBOUR_COLUMNS - 1)[:_ROWS]
        neighbours = _pair_up(first[:_ROWS], data.training.require_pixels()[nearest])
    copies = None
    if "copies" in scores:
        # The metric uses as many images as the first chunk has.
        fakes, trainings = scores["copies"].worst_pairs(_ROWS)
        copies = _pair_up(first[fakes], data.training.require_pixels()[trainings][:, None])
    return Evaluation(
        data.extractor.name,
        {name: metric.result() for name, metric in scores.items()},
        {name: metric.result() for name, metric in floors.items()},
        neighbours,
        copies,
        has_alpha(gan.image_shape),
    )


def _pair_up(pixels, real):
    """Return rows of a grid: an image, then its real images `(num_images, count, ...)`."""
    rows = np.concatenate([pixels[:, None], real], axis=1)
    return rows.reshape(-1, *pixels.shape[1:])


def check_counts(metrics: Sequence[str], references: References, num_images: int) -> None:
    """Check that there are enough images for metrics.

    Args:
        metrics: names in `ganzoo.evaluation.METRICS`.
        references: real images.
        num_images: int. Images to generate.

    Raises:
        ValueError: If there are too few real images, or too few are to be generated.
    """
    _compare_real(metrics, references, num_images, seed=0)


def check_metrics(names: str | Sequence[str]) -> None:
    """Check a name or names of metrics. `"all"` is allowed.

    Raises:
        ValueError: If a name is unknown.
    """
    names = to_list(names)
    if not names:
        raise ValueError(f"At least one metric is needed. Received: none of {', '.join(METRICS)}.")
    for name in names:
        if name not in (*METRICS, "all"):
            raise ValueError(messages.unknown("metric", name, (*METRICS, "all")))


def is_lower_better(name: str) -> bool:
    """Return True if a lower figure is better.

    Args:
        name: a name that `Evaluation.rows` yields, or a metric of super-resolution.
    """
    if name in _METRICS:
        return not _METRICS[name].higher_is_better
    return name in ("kl", "lpips", "niqe")  # The other details are shares and counts.


def is_better(result: Result, other: Result) -> bool:
    """Return True if a `Result` is better than another of the same metric and extractor."""
    return result < other if is_lower_better(result.metric) else result > other


def _format(figure):
    return None if figure is None else f"{float(figure):.4g}"


def _choose(metrics, gan, references):
    """Return the names of the requested metrics, each once. Replace "all" by those that apply."""
    num_classes = references.images.num_classes
    if gan.num_classes and num_classes != gan.num_classes:
        raise ValueError(
            f"The model has {gan.num_classes} classes. Received: {references.split} with "
            f"{num_classes or 'none'}. Use the data that the model was trained on."
        )
    check_columns(gan.conditions, references.images, references.split)
    probabilities = references.held_out.probabilities
    num_predicted = 0 if probabilities is None else probabilities.shape[1]
    predicts_labels = num_predicted == num_classes
    for name in ("label_accuracy", "modes"):
        if name in metrics and not predicts_labels:
            raise ValueError(
                f"{name} needs an extractor that predicts the classes of the data. Received: "
                f"{references.extractor.name} with {num_predicted or 'no'} classes, and "
                f"{references.split} with {num_classes or 'none'}. Leave it out."
            )
    if "neighbours" in metrics and not references.unseen:
        raise ValueError(
            "neighbours needs real images that the model has not seen, so a test split. Received: "
            f"{references.split}. Leave it out."
        )
    if "all" not in metrics:
        return list(dict.fromkeys(metrics))
    apply = {
        # It takes minutes.
        "cas": "cas" in metrics,
        "is": probabilities is not None,
        "label_accuracy": gan.num_classes and predicts_labels,
        "modes": predicts_labels,
        "neighbours": references.unseen,
        "parzen": len(references.sample) >= ParzenLogLikelihood().num_validation,
    }
    return [name for name in METRICS if apply.get(name, True)]


def _compare_real(names, references, num_images, seed):
    """Return metrics that hold all real images, and those of the floors, complete, by name."""
    known = {"split": references.split, "seed": seed}
    scores = {name: _make(name, references.extractor, known) for name in names}
    floors = {name: _make(name, references.extractor, known) for name in names}
    floors = {name: metric for name, metric in floors.items() if metric.has_floor}
    for metric in (*scores.values(), *floors.values()):
        metric.update_real(references.training, references.sample, references.held_out)
    for metric in floors.values():
        metric.update_embedding(references.held_out[:num_images], real=False)
    for name, metric in scores.items():
        if num_images < metric.fewest[1]:
            raise ValueError(
                f"{name} needs at least {metric.fewest[1]} generated images. Received: "
                f"{num_images}. Generate more: `num_images` (-n)."
            )
    problems = {name: _find_shortage(metric, references) for name, metric in scores.items()}
    enough = [name for name, problem in problems.items() if not problem]
    for problem in filter(None, problems.values()):
        others = f", or choose metrics that need fewer (--metrics {','.join(enough)})"
        raise ValueError(f"{problem} Add images{others if enough else ''}.")
    return scores, floors


def _find_shortage(metric, references):
    """Return what a metric needs and has of real images if they are too few, or None."""
    num_training, num_held_out = len(references.training), len(references.held_out)
    held_out, received = "of the test split", f"{num_training} and {num_held_out} of the test split"
    if not references.unseen:
        total = HELD_OUT * metric.fewest_held_out
        held_out = f"that are held out, so {total} images of which one in {HELD_OUT} is held out"
        received = f"{num_training + num_held_out}, of which {num_held_out} are held out"
    if num_held_out < metric.fewest_held_out:
        needed = f"{metric.fewest_held_out} real images {held_out}"
    elif metric.counts[0] < metric.fewest[0]:
        needed = f"{metric.fewest[0]} real images"
    else:
        return None
    return f"{metric.name} needs at least {needed}. Received: {received}."


def _make(name, extractor, known):
    # These are defined on pixels.
    arguments = () if name in ("parzen", "cas") else (extractor,)
    return _METRICS[name](*arguments, **known)
