"""How good the images of a generator are, beside what real images reach."""

import dataclasses

import numpy as np

from ganzoo import registry
from ganzoo.evaluation.references import References, open_references
from ganzoo.metrics import (
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    LabelAccuracy,
    ModeCoverage,
    ParzenLogLikelihood,
    PrecisionRecall,
    TrainingNeighbours,
)

# Images that are made and measured at once.
_CHUNK = 1000
# Of the picture of neighbours: a row for each of some fake images, itself and its nearest.
_ROWS = 10
NEIGHBOUR_COLUMNS = 6
_KINDS = {
    kind.name: kind
    for kind in (
        FrechetDistance,
        KernelDistance,
        PrecisionRecall,
        InceptionScore,
        LabelAccuracy,
        ModeCoverage,
        ParzenLogLikelihood,
        TrainingNeighbours,
    )
}
METRICS = tuple(_KINDS)
DEFAULT_METRICS = ("fid", "kid", "precision_recall")
# Those whose figure for unseen real images says how good a figure can be.
_WITH_FLOOR = ("fid", "kid", "precision_recall", "is", "modes")
_SHOWN_DETAILS = {
    "precision_recall": ("precision", "recall", "density", "coverage"),
    "modes": ("modes", "kl"),
}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was measured of a generator.

    Attributes:
        extractor: str. What embedded the images.
        results: dict of `ganzoo.metrics.Result` by metric.
        floors: dict of `Result` by metric: what unseen real images reach in place of
            the fake ones, as many of them as there are. By `fid` and `kid` no generator
            is better, but for one that overfits; one that draws only what is typical may
            pass precision and `is`.
        neighbours: uint8 `(num_images, height, width, channels)`, `NEIGHBOUR_COLUMNS` of
            them a row: a fake image and its nearest training images; None where they
            were not asked for.
    """

    extractor: str
    results: dict
    floors: dict
    neighbours: np.ndarray | None = None

    def rows(self):
        """`(name, value, standard error, floor)` of each figure as people read them."""
        for name, result in self.results.items():
            floor = self.floors.get(name)
            if name in _SHOWN_DETAILS:
                for detail in _SHOWN_DETAILS[name]:
                    yield (
                        detail,
                        _format(result.details.get(detail)),
                        None,
                        _format(floor and floor.details[detail]),
                    )
                continue
            real = floor if floor is not None else result.details.get("real")
            yield name, _format(result), _format(result.standard_error), _format(real)

    @property
    def protocol(self):
        """How it was measured, in one line."""
        result = next(iter(self.results.values()))
        floors = [floor.num_fake for floor in self.floors.values()]
        beside = f"; beside them {max(floors)} unseen ones" if floors else ""
        return (
            f"{result.num_fake} images (seed {result.seed}), features of {self.extractor}, "
            f"real images: {result.split}{beside}"
        )

    def to_dict(self):
        """The records as JSON takes them, without the pictures."""
        return {
            "results": {name: result.to_dict() for name, result in self.results.items()},
            "floors": {name: result.to_dict() for name, result in self.floors.items()},
        }


def evaluate(
    gan,
    data,
    metrics=DEFAULT_METRICS,
    num_images=10_000,
    extractor=None,
    seed=0,
    report=None,
):
    """Measures the images of a generator against real ones.

    Real images are the training split, all of them for `fid` and `neighbours`, 10,000
    chosen by the seed for the others. The test split, or one image in ten where there is
    none, is held out: it gives the floors. Classes are asked for as often as the training
    images have them.

    Args:
        gan: a GAN that generates images.
        data: name of a data set or folder, see `ganzoo.data.load`; or the `References` of
            one, to measure several models, which have the extractor.
        metrics: names out of `ganzoo.evaluation.METRICS`, or `["all"]` that apply.
        num_images: int. Fake images.
        extractor: see `ganzoo.metrics.get_extractor`. None takes the classifier of the
            data set if ganzoo has one, else `"inception_v3"`.
        seed: int. Seed of the fake images and of every choice of real ones. From each 1,000
            images to the next it rises by 1,000: other images are of seeds that are no
            multiple of 1,000 away.
        report: function that is called with the number of fake images that are done.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: If the model does not generate, the data do not fit it, or a metric
            is unknown or does not apply.
    """
    if hasattr(gan, "upscale"):
        raise ValueError(
            "A super-resolution model makes nothing out of noise. Received: a "
            f"{type(gan).__name__}. Use `evaluate_super_resolution`."
        )
    check_metrics(metrics)
    if "label_accuracy" in metrics and not gan.num_classes:
        raise ValueError(
            "label_accuracy is for models with classes. Received: a "
            f"{type(gan).__name__} without. Leave it out."
        )
    if not isinstance(data, References):
        data = open_references(data, gan.image_shape, extractor, seed)
    names = _choose(metrics, gan, data)
    known = {"split": data.split, "seed": seed}
    scores = {name: _make(name, data.extractor, known) for name in names}
    floors = {name: _make(name, data.extractor, known) for name in names if name in _WITH_FLOOR}
    for metric in (*scores.values(), *floors.values()):
        _show_real(metric, data)
    for metric in floors.values():
        metric.update_embedding(data.held_out[:num_images], real=False)

    labels = None
    if gan.num_classes:
        labels = np.random.default_rng(seed).choice(data.images.labels, num_images).astype("int32")
    examples = None
    for start in range(0, num_images, _CHUNK):
        asked = None if labels is None else labels[start : start + _CHUNK]
        # Each chunk has a seed of its own: memory does not grow with the number of images.
        pixels = gan.generate(min(_CHUNK, num_images - start), asked, seed=seed + start)
        fake = data.extractor(pixels)
        for metric in scores.values():
            extra = (asked,) if isinstance(metric, LabelAccuracy) else ()
            metric.update_embedding(fake, False, *extra)
        examples = pixels[:_ROWS] if examples is None else examples
        if report:
            report(start + len(pixels))
    neighbours = None
    if "neighbours" in scores:
        nearest = scores["neighbours"].nearest(NEIGHBOUR_COLUMNS - 1)[:_ROWS]
        neighbours = np.concatenate([examples[:, None], data.images.pixels[nearest]], axis=1)
        neighbours = neighbours.reshape(-1, *gan.image_shape)
    return Evaluation(
        data.extractor.name,
        {name: metric.result() for name, metric in scores.items()},
        {name: metric.result() for name, metric in floors.items()},
        neighbours,
    )


def check_metrics(names):
    """Raises a `ValueError` unless all names are of metrics, or `"all"`."""
    for name in names:
        if name not in (*METRICS, "all"):
            raise ValueError(registry.unknown("metric", name, (*METRICS, "all")))


def is_better(result, other):
    """Whether a `Result` is better than another of its metric and extractor."""
    return result > other if _KINDS[result.metric].higher_is_better else result < other


def _format(figure):
    return None if figure is None else f"{float(figure):.4g}"


def _choose(metrics, gan, references):
    """Names of the metrics to take, each once; of all, those that apply."""
    num_classes = references.images.num_classes
    if gan.num_classes and num_classes != gan.num_classes:
        raise ValueError(
            f"The model has {gan.num_classes} classes. Received: {references.split} with "
            f"{num_classes or 'none'}. Give the data the model was trained on."
        )
    probabilities = references.held_out.probabilities
    num_read = 0 if probabilities is None else probabilities.shape[1]
    reads_classes = num_read == num_classes
    for name in ("label_accuracy", "modes"):
        if name in metrics and not reads_classes:
            raise ValueError(
                f"{name} needs an extractor that tells the classes of the data apart. Received: "
                f"{references.extractor.name} with {num_read or 'no'} classes, and "
                f"{references.split} with {num_classes or 'none'}. Leave it out."
            )
    if "neighbours" in metrics and not references.unseen:
        raise ValueError(
            "neighbours compares with real images that the model has not seen. Received: "
            f"{references.split}: no test split. Leave it out."
        )
    if "all" not in metrics:
        return list(dict.fromkeys(metrics))
    apply = {
        "is": probabilities is not None,
        "label_accuracy": gan.num_classes and reads_classes,
        "modes": reads_classes,
        "neighbours": references.unseen,
        "parzen": len(references.sample) >= ParzenLogLikelihood().num_validation,
    }
    return [name for name in METRICS if apply.get(name, True)]


def _make(name, extractor, known):
    # The estimate of the first papers is of pixels.
    own = () if name == "parzen" else (extractor,)
    return _KINDS[name](*own, **known)


def _show_real(metric, real):
    """Gives a metric the real images that it compares with."""
    if isinstance(metric, FrechetDistance):
        metric.update_embedding(real.training, real=True)
    elif isinstance(metric, TrainingNeighbours):
        metric.update_embedding(real.training, real=True)
        metric.update_unseen_embedding(real.held_out)
    elif isinstance(metric, LabelAccuracy):
        metric.update_embedding(real.held_out, True, real.held_out_labels)
    elif isinstance(metric, ModeCoverage):
        metric.update_classes(real.images.labels, real.images.num_classes, real=True)
    elif isinstance(metric, ParzenLogLikelihood):
        # The first choose the width of the windows.
        metric.update_embedding(real.sample[: metric.num_validation], real=True)
        metric.update_embedding(real.held_out, real=True)
    elif not isinstance(metric, InceptionScore):
        metric.update_embedding(real.sample, real=True)
