"""Test the evaluation of generators with an extractor whose features are easy to understand."""

import json

import numpy as np
import pytest
from PIL import Image

import ganzoo
from ganzoo import evaluation, metrics, sampling
from ganzoo.conditions import resolve
from ganzoo.evaluation import references


class Levels:
    """Embed images by the mean levels of their quarters. The classes are dark and bright."""

    name = "levels"
    fingerprint = "v1"

    def __init__(self):
        self.calls = 0

    def __call__(self, images):
        self.calls += 1
        pixels = np.asarray(images)
        parts = [half for rows in np.split(pixels, 2, axis=1) for half in np.split(rows, 2, axis=2)]
        features = np.stack([part.mean(axis=(1, 2, 3)) for part in parts], axis=1) / 64
        bright = (features.mean(axis=1) > 2).astype("float64")
        return metrics.Embedding(features, np.stack([1 - bright, bright], axis=1), pixels)


class FakeGAN:
    """Make bright images for class 1 and dark ones for class 0, with noise."""

    task = "generation"
    image_shape = (8, 8, 1)
    class_names = None
    trained_on = None

    def __init__(self, num_classes=2, spread=60, uses_labels=True):
        self.num_classes = num_classes
        self.conditions = resolve(num_classes, None, None)
        self.spread = spread
        self.uses_labels = uses_labels
        self.asked = []

    def prepare_condition(self, num_images, labels, seed):
        return (np.arange(num_images) % 2 if labels is None else labels,)

    def labels_of(self, condition):
        return condition[0]

    def generate(self, num_images, labels=None, seed=None):
        if labels is None:
            labels = np.arange(num_images) % 2
        self.asked.extend(labels)
        labels = labels if self.uses_labels else 0 * labels
        return make_pixels(labels, seed, self.spread)


def make_pixels(labels, seed, spread=60):
    rng = np.random.default_rng(seed)
    levels = 60 + 130 * np.asarray(labels)[:, None, None, None]
    offsets = rng.uniform(-spread, spread, (len(labels), 2, 2, 1)).repeat(4, 1).repeat(4, 2)
    return np.clip(levels + offsets, 0, 255).astype("uint8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Write 300 dark and 300 bright images in class folders, and set an empty home folder."""
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "home"))
    for label in (0, 1):
        (tmp_path / "photos" / str(label)).mkdir(parents=True)
        for index, pixels in enumerate(make_pixels(np.full(300, label), seed=label + 100)):
            Image.fromarray(pixels[..., 0]).save(tmp_path / f"photos/{label}/{index:03d}.png")
    return tmp_path / "photos"


def measure(folder, gan, metrics=("all",), num_images=500, **kwargs):
    return evaluation.evaluate(gan, folder, metrics, num_images, Levels(), **kwargs)


def test_a_generator_of_the_real_distribution_reaches_the_floors(folder):
    gan = FakeGAN()
    outcome = measure(
        folder, gan, ("fid", "kid", "precision_recall", "is", "label_accuracy", "modes")
    )
    assert set(outcome.results) - set(outcome.floors) == {"label_accuracy"}
    fid, kid = outcome.results["fid"], outcome.results["kid"]
    assert fid < 0.1
    assert abs(float(kid)) < 4 * kid.standard_error
    assert outcome.results["precision_recall"].details["recall"] > 0.9
    assert float(outcome.results["is"]) == pytest.approx(2, abs=0.03)
    assert float(outcome.results["label_accuracy"]) == 1
    assert outcome.results["modes"].details == {"modes": 2, "kl": pytest.approx(0, abs=0.01)}
    # One real image in ten is held out. Labels have the frequencies of the data.
    assert (fid.num_real, fid.num_fake) == (540, 500)
    assert outcome.floors["fid"].num_fake == 60
    assert 0.4 < np.mean(gan.asked) < 0.6
    assert "1 in 10" in fid.split


def test_worse_generators_have_worse_scores(folder):
    good, narrow, dark = (
        measure(folder, gan, ("fid", "precision_recall", "label_accuracy")).results
        for gan in (FakeGAN(), FakeGAN(spread=5), FakeGAN(uses_labels=False))
    )
    assert good["fid"] < narrow["fid"] < dark["fid"]
    recalls = [each["precision_recall"].details["recall"] for each in (good, narrow, dark)]
    assert recalls[1] < 0.1 < recalls[2] < 0.6 < recalls[0]
    assert float(dark["label_accuracy"]) == pytest.approx(0.5, abs=0.1)


def test_the_seed_determines_the_images(folder):
    first, again, other = (
        float(measure(folder, FakeGAN(), ("fid",), seed=seed).results["fid"]) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_copies_of_training_images_are_detected_and_shown(folder):
    """The models were trained on all images but those that are held out."""
    loaded = ganzoo.data.load_arrays(folder)
    training = loaded.pixels

    class Fresh(FakeGAN):
        trained_on = loaded.fingerprint

    class Copier(Fresh):
        def generate(self, num_images, labels=None, seed=None):
            return training[np.random.default_rng(seed).integers(len(training), size=num_images)]

    outcome = measure(folder, Copier(), ("neighbours", "copies"))
    assert float(outcome.results["copies"]) == 1
    for fake, original in outcome.copies.reshape(10, 2, 8, 8, 1):
        np.testing.assert_array_equal(fake, original)
    assert float(outcome.results["neighbours"]) > 0.99
    assert abs(measure(folder, Fresh(), ("neighbours",)).results["neighbours"].details["z"]) < 4
    rows = outcome.neighbours.reshape(10, evaluation.NEIGHBOUR_COLUMNS, 8, 8, 1)
    for fake, nearest, *_ in rows:
        np.testing.assert_array_equal(fake, nearest)


def test_generated_copies_are_replaced_by_other_images_of_their_class(tmp_path, folder):
    references = evaluation.open_references(folder, (8, 8, 1), lambda p: p.reshape(len(p), -1))
    training = references.images.pixels

    class Lazy(FakeGAN):
        """Copy training images in the first attempt, except for every third one."""

        def generate(self, num_images, labels=None, seed=None):
            made = np.random.default_rng(seed).integers(0, 256, (num_images, 8, 8, 1), "uint8")
            made[:, 0, 0, 0] = labels
            if seed[1] == 0:
                copied = np.arange(num_images) % 3 > 0
                made[copied] = training[: copied.sum()]
            return made

    labels = np.arange(30) % 2
    pixels, num_replaced = sampling.generate_originals(Lazy(), references, 30, labels, seed=4)
    assert num_replaced == 20
    np.testing.assert_array_equal(pixels[:, 0, 0, 0], labels)
    kept = Lazy().generate(30, labels, seed=(4, 0))[::3]
    np.testing.assert_array_equal(pixels[::3], kept)

    class Copier(FakeGAN):
        def generate(self, num_images, labels=None, seed=None):
            return training[:num_images]

    with pytest.raises(ValueError, match="5 of 5 images were copies"):
        sampling.generate_originals(Copier(), references, 5)


def test_rows_and_record_hold_the_same_results(folder):
    outcome = measure(folder, FakeGAN(), ("fid", "precision_recall", "label_accuracy"))
    names = [row[0] for row in outcome.rows()]
    assert names == ["fid", "precision", "recall", "density", "coverage", "label_accuracy"]
    by_name = {row[0]: row for row in outcome.rows()}
    assert by_name["fid"][3] == f"{float(outcome.floors['fid']):.4g}"
    assert by_name["label_accuracy"][3] == "1"
    record = json.loads(json.dumps(outcome.to_dict()))
    assert record["results"]["fid"]["value"] == float(outcome.results["fid"])
    assert record["results"]["fid"]["extractor"] == "levels"
    assert "500 images (seed 0)" in outcome.protocol


@pytest.mark.parametrize(
    ("gan", "metrics", "named"),
    [
        (FakeGAN(), ("fdi",), "Unknown metric: 'fdi'. Did you mean 'fid'"),
        (FakeGAN(num_classes=None), ("label_accuracy",), "models with classes"),
        (FakeGAN(num_classes=3), ("fid",), "3 classes. Received: .* with 2"),
        (FakeGAN(), ("neighbours",), "test split. Received: .* train, without 1 in 10"),
    ],
)
def test_metrics_that_the_model_or_data_do_not_support_are_refused(folder, gan, metrics, named):
    with pytest.raises(ValueError, match=named):
        measure(folder, gan, metrics)


def test_models_with_other_image_shapes_are_refused(folder):
    gan = FakeGAN()
    gan.image_shape = (8, 8, 3)
    with pytest.raises(ValueError, match=r"Needed: \(8, 8, 3\). Received: \(8, 8, 1\)"):
        measure(folder, gan)
    with pytest.raises(ValueError, match="Received: a SRGAN"):
        measure(folder, ganzoo.SRGAN(scale=2, num_blocks=1, filters=2))


def test_all_selects_the_metrics_that_apply(folder):
    """The folder has no test split, and fewer images than the likelihood needs."""
    conditional, plain = (measure(folder, FakeGAN(num_classes)) for num_classes in (2, None))
    assert list(plain.results) == ["fid", "kid", "precision_recall", "is", "modes", "copies"]
    assert set(conditional.results) - set(plain.results) == {"label_accuracy"}


def test_a_floor_uses_at_most_as_many_images_as_were_generated(folder):
    """One image in ten of 600 is held out."""
    for count, expected in ((30, 30), (500, 60)):
        outcome = measure(folder, FakeGAN(), ("fid", "modes"), num_images=count)
        assert {floor.num_fake for floor in outcome.floors.values()} == {expected}
        assert f"{count} images (seed 0)" in outcome.protocol
        assert f"{expected} unseen real images" in outcome.protocol


def test_all_omits_class_metrics_if_the_extractor_has_no_classes(folder):
    outcome = evaluation.evaluate(
        FakeGAN(), folder, ["all"], 100, lambda pixels: pixels.reshape(len(pixels), -1) / 255.0
    )
    assert list(outcome.results) == ["fid", "kid", "precision_recall", "copies"]


def test_all_omits_class_metrics_if_the_extractor_has_other_classes(folder):
    class ThreeLevels(Levels):
        def __call__(self, images):
            made = super().__call__(images)
            third = np.zeros((len(made), 1))
            probabilities = np.concatenate([made.probabilities, third], axis=1)
            return metrics.Embedding(made.features, probabilities, made.pixels)

    outcome = evaluation.evaluate(FakeGAN(), folder, ["all"], 100, ThreeLevels())
    assert not {"label_accuracy", "modes"} & set(outcome.results)
    for name in ("label_accuracy", "modes"):
        with pytest.raises(ValueError, match=f"{name} needs .* levels with 3 classes, and .* 2"):
            evaluation.evaluate(FakeGAN(), folder, [name], 100, ThreeLevels())


def test_images_that_are_not_square_keep_their_size(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "home"))
    (tmp_path / "photos").mkdir()
    for index in range(30):
        Image.new("L", (8, 12), color=index).save(tmp_path / f"photos/{index}.png")
    opened = evaluation.open_references(tmp_path / "photos", (12, 8, 1), Levels())
    assert opened.images.pixels.shape == (27, 12, 8, 1)


def test_a_folder_of_colors_is_embedded_by_alexnet(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), "uint8")
    for index, image in enumerate(pixels):
        ganzoo.images.write_png(tmp_path / f"{index:02d}.png", image)
    opened = evaluation.open_references(tmp_path, (8, 8, 3))
    assert opened.extractor is metrics.get_extractor("alexnet")
    assert opened.training.features.shape == (18, 256)


def test_references_are_reused_for_several_models(folder):
    extractor = Levels()
    opened = evaluation.open_references(folder, (8, 8, 1), extractor, seed=3)
    calls = extractor.calls
    first, second = (
        evaluation.evaluate(FakeGAN(spread=spread), opened, ("fid",), 100) for spread in (60, 5)
    )
    assert first.results["fid"] < second.results["fid"]
    assert extractor.calls == calls + 2


def test_features_of_real_images_are_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path))
    pixels = make_pixels(np.arange(50) % 2, seed=0)
    first = Levels()
    features = references.embed_reference(first, pixels, "photos train")
    (path,) = (tmp_path / "references").iterdir()
    with np.load(path) as arrays:
        provenance = json.loads(str(arrays["provenance"]))
    assert provenance["images"] == "photos train"
    assert provenance["count"] == 50
    again = Levels()
    np.testing.assert_array_equal(
        references.embed_reference(again, pixels, "photos train"), features
    )
    assert (first.calls, again.calls) == (1, 0)

    # Other pixels or other weights have other features. A damaged file is replaced.
    references.embed_reference(again, 255 - pixels, "photos train")
    again.fingerprint = "v2"
    references.embed_reference(again, pixels, "photos train")
    assert again.calls == 2
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(
        references.embed_reference(Levels(), pixels, "photos train"), features
    )
    assert len(list((tmp_path / "references").iterdir())) == 3


def test_an_extractor_gets_a_limited_number_of_images_at_once(tmp_path):
    """A user's extractor may need much memory per image."""
    seen = []

    def extractor(pixels):
        seen.append(len(pixels))
        return pixels.reshape(len(pixels), -1).astype("float32")

    opened = references.open_references("sample", (28, 28, 1), extractor)
    assert max(seen) <= 1000
    assert sum(seen) == 10_000
    shown = opened.held_out.pixels.reshape(len(opened.held_out), -1)
    np.testing.assert_array_equal(opened.held_out.features, shown)


def test_without_a_writable_home_features_are_not_cached(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="not kept"):
        features = references.embed_reference(Levels(), make_pixels([0, 1], 0), "photos")
    assert features.shape == (2, 4)


def test_memory_does_not_grow_with_the_number_of_images(folder):
    """Only a chunk of images is in memory. Metrics over pairs keep features."""

    class Recorder(FakeGAN):
        largest = 0

        def generate(self, num_images, labels=None, seed=None):
            self.largest = max(self.largest, num_images)
            return super().generate(num_images, labels, seed)

    gan = Recorder()
    outcome = measure(folder, gan, ("fid",), num_images=3500)
    assert gan.largest == 1000
    assert outcome.results["fid"].num_fake == 3500


def test_too_few_images_are_refused_before_any_is_generated(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "home"))
    (tmp_path / "few").mkdir()
    every = ("fid", "kid", "precision_recall")
    cases = {
        9: (every, 50, r"at least 10 real images.* Received: 9 images"),
        10: (every, 50, r"^fid needs at least 2 .*so 20 images.* Received: 10, of which 1 are"),
        30: (every, 50, r"^precision_recall needs at least 4 .* 30, of which 3.*--metrics fid,kid"),
        40: (every, 3, r"needs at least 4 generated images. Received: 3.*-n"),
        41: (("parzen",), 50, r"^parzen needs at least 1002 real images. Received: 41.*Add images"),
    }
    for count, (names, num_images, message) in cases.items():
        for index, pixels in enumerate(make_pixels(np.zeros(count, int), seed=count)):
            Image.fromarray(pixels[..., 0]).save(tmp_path / f"few/{index:02d}.png")
        gan = FakeGAN(num_classes=None)
        with pytest.raises(ValueError, match=message):
            measure(tmp_path / "few", gan, names, num_images)
        assert gan.asked == []
    assert float(measure(tmp_path / "few", FakeGAN(None), every, 4).results["fid"]) > 0


def test_a_dcgan_is_evaluated(folder):
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2, latent_dim=4, seed=0)
    outcome = measure(folder, gan, ("fid", "kid"), num_images=40)
    assert float(outcome.results["fid"]) > float(outcome.floors["fid"])


def chunks_of(gan, folder, seed, monkeypatch):
    """Return the images that an evaluation generates, as one set of bytes per chunk."""
    chunks = []
    generate = type(gan).generate

    def record(self, *args, **kwargs):
        pixels = generate(self, *args, **kwargs)
        chunks.append({image.tobytes() for image in pixels})
        return pixels

    with monkeypatch.context() as patch:
        patch.setattr(type(gan), "generate", record)
        measure(folder, gan, ("fid",), num_images=2100, seed=seed)
    return chunks


def test_no_chunk_of_images_is_generated_twice_under_any_seed(folder, monkeypatch):
    """Chunks have 1,000 images. Seeds that are 1,000 apart must not share one."""
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2, latent_dim=4, seed=0)
    chunks = [*chunks_of(gan, folder, 0, monkeypatch), *chunks_of(gan, folder, 1000, monkeypatch)]
    assert [len(chunk) > 90 for chunk in chunks] == 6 * [True]
    everything = set().union(*chunks)
    assert len(everything) == sum(map(len, chunks))


def test_every_chunk_of_images_has_its_own_seed(folder):
    asked = []

    class Recorder(FakeGAN):
        def generate(self, num_images, labels=None, seed=None):
            asked.append((num_images, seed))
            return super().generate(num_images, labels, seed)

    for seed in (0, 1000):
        measure(folder, Recorder(), ("fid",), num_images=2100, seed=seed)
    assert asked == [
        (count, (seed, block))
        for seed in (0, 1000)
        for block, count in enumerate((1000, 1000, 100))
    ]


def test_the_first_chunk_has_the_images_of_the_plain_seed():
    """Older versions used the seed alone, so their scores of up to 1,000 images stay comparable."""
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2, latent_dim=4, seed=0)
    np.testing.assert_array_equal(gan.generate(5, seed=(3, 0)), gan.generate(5, seed=3))
