"""Exported models run without ganzoo and give the images of the Keras model."""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys

import guides
import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow
from scipy import stats

import ganzoo
from ganzoo import export, registry
from ganzoo.export import onnx_graph

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guides" / "export-and-serve.py"
SUFFIXES = {"savedmodel": "", "onnx": ".onnx", "litert": ".tflite"}


def build(family, **overrides):
    """Build a small model whose averaged weights differ from its initial ones."""
    keras.utils.set_random_seed(0)
    gan = family.build_test_model(seed=0, **overrides)
    rng = np.random.default_rng(0)
    weights = gan.ema_generator.get_weights()
    gan.ema_generator.set_weights(
        [w + rng.uniform(0, 0.1, w.shape).astype(w.dtype) for w in weights]
    )
    return gan


_CLI_RUN = ["run", "--dir", "model", "--tag_set", "serve", "--signature_def", "serving_default"]


def inputs_of(gan):
    (inputs, *_) = gan.export_examples(np.random.default_rng(0))
    return inputs


def run_elsewhere(folder, code, inputs):
    """Run code on arrays, by name, in a process that cannot import ganzoo."""
    np.savez(folder / "inputs.npz", **inputs)
    code = f"""
import sys
sys.modules["ganzoo"] = None
import numpy as np
inputs = dict(np.load("inputs.npz"))
{code}
np.save("pixels.npy", pixels)
"""
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, timeout=120)
    return np.load(folder / "pixels.npy")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a function that exports a family in a format once, for all tests."""

    @functools.cache
    def export_once(name, format):
        gan = build(registry.get_family(name))
        path = tmp_path_factory.mktemp("exported") / f"model{SUFFIXES[format]}"
        gan.export(path)
        return gan, path

    return export_once


# Conversion takes seconds. By default, two families stand for all.
CONVERTED = {
    "savedmodel": [family.name for family in registry.families()],
    "onnx": ["cgan", "srgan"],
    "litert": ["cgan"],
}


@pytest.mark.parametrize(
    ("family", "format"),
    [
        pytest.param(
            family,
            format,
            id=f"{family.name}-{format}",
            marks=[] if family.name in CONVERTED[format] else pytest.mark.slow,
        )
        for family in registry.families()
        for format in export.FORMATS
    ],
)
def test_every_family_is_exported_in_every_format(family, format, exported):
    gan, path = exported(family.name, format)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert export.find_format(path) == format
    assert export.verify(gan, path) <= 1
    run = export.FORMATS[format].load(path)
    examples = gan.export_examples(np.random.default_rng(0))
    for expected, inputs in zip((1, 5), examples, strict=False):
        pixels = run(**inputs)
        assert pixels.dtype == "uint8"
        if family.task != "super_resolution":
            assert pixels.shape == (expected, *gan.image_shape)


# The format stores the weights. For SRGAN, the ONNX graph is rewritten, too.
@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("dcgan", "savedmodel"),
        pytest.param("dcgan", "onnx", marks=pytest.mark.slow),
        ("srgan", "onnx"),
        pytest.param("dcgan", "litert", marks=pytest.mark.slow),
        pytest.param("srgan", "savedmodel", marks=pytest.mark.slow),
        pytest.param("srgan", "litert", marks=pytest.mark.slow),
    ],
)
def test_half_precision_weights_give_the_images_of_rounded_weights(name, format, tmp_path):
    gan = build(registry.get_family(name))
    path = tmp_path / f"model{SUFFIXES[format]}"
    gan.export(path, half=True)
    assert export.verify(gan, path, half=True) <= 1


@pytest.mark.parametrize("format", others_slow(export.FORMATS, "savedmodel"))
def test_half_precision_halves_the_file(format, tmp_path):
    gan = ganzoo.DCGAN((28, 28, 1), base_filters=16, seed=0)
    sizes = []
    for half in (False, True):
        path = tmp_path / f"{half}{SUFFIXES[format]}"
        gan.export(path, half=half)
        files = [path] if path.is_file() else path.glob("variables/*data*")
        sizes.append(sum(file.stat().st_size for file in files))
    num_weights = sum(w.size for w in gan.ema_generator.get_weights())
    # Conversion folds batch normalization into the layers before it.
    assert sizes[0] > 3.5 * num_weights
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.slow
def test_a_saved_model_needs_tensorflow_alone(tmp_path):
    gan = build(registry.get_family("cgan"))
    gan.class_names = ["cat", "dog", "owl"]
    gan.export(tmp_path / "model", card={"licence": "MIT"})
    inputs = inputs_of(gan)
    code = """
import tensorflow as tf
loaded = tf.saved_model.load("model")
serve = loaded.signatures["serving_default"]
pixels = serve(**{name: tf.constant(value) for name, value in inputs.items()})["images"].numpy()
"""
    pixels = run_elsewhere(tmp_path, code, inputs)
    expected = gan.decode(inputs["latents"], inputs["labels"])
    np.testing.assert_allclose(pixels.astype(int), expected, atol=1)
    card = json.loads((tmp_path / "model" / "assets.extra" / "card.json").read_text())
    assert card["licence"] == "MIT"
    assert (card["family"], card["class_names"]) == ("CGAN", ["cat", "dog", "owl"])


def test_an_onnx_file_needs_onnxruntime_alone(exported, tmp_path):
    gan, path = exported("dcgan", "onnx")
    shutil.copy(path, tmp_path / "model.onnx")
    inputs = inputs_of(gan)
    code = """
import onnxruntime
(pixels,) = onnxruntime.InferenceSession("model.onnx").run(["images"], inputs)
assert not {"keras", "tensorflow"} & set(sys.modules)
"""
    pixels = run_elsewhere(tmp_path, code, inputs)
    np.testing.assert_allclose(pixels.astype(int), gan.decode(inputs["latents"]), atol=1)


@pytest.mark.slow
def test_the_examples_of_the_export_page_run(tmp_path):
    gan = ganzoo.from_preset("cgan_fashion_mnist")
    for name in ("clothes", "clothes.onnx", "clothes.tflite"):
        gan.export(tmp_path / name, card={"licence": "Apache-2.0"})
    cells = [cell for cell in guides.read(PAGE) if cell.is_code]
    blocks = [cell.source for cell in cells if not cell.commands]
    assert len(blocks) == 4
    code = "import sys\nsys.modules['ganzoo'] = None\n" + "\n".join(blocks)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout.count("(4, 28, 28, 1)") == 4
    assert "Apache-2.0" in done.stdout


def test_the_request_on_the_page_matches_its_signature(tmp_path):
    """TensorFlow Serving reads JSON of named inputs, with the types of the signature."""
    ganzoo.from_preset("cgan_fashion_mnist").export(tmp_path / "1")
    (body,) = re.findall(r"curl -d '(.*?)'", PAGE.read_text(encoding="utf-8"))
    request = json.loads(body)
    signature = tf.saved_model.load(tmp_path / "1").signatures[request["signature_name"]]
    specs = signature.structured_input_signature[1]
    assert set(request["inputs"]) == set(specs)
    inputs = {k: tf.constant(v, specs[k].dtype) for k, v in request["inputs"].items()}
    assert all(specs[k].shape.is_compatible_with(v.shape) for k, v in inputs.items())
    assert signature(**inputs)["images"].shape == (2, 28, 28, 1)


def test_an_onnx_file_holds_its_card(tmp_path):
    import onnx

    gan = build(registry.get_family("srgan"))
    gan.export(tmp_path / "model.onnx", card={"preset": "mine", "data": {"name": "photos"}})
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 18
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert entries["preset"] == "mine"
    assert json.loads(entries["data"]) == {"name": "photos"}
    axes = [axis.dim_param for axis in model.graph.input[0].type.tensor_type.shape.dim]
    assert axes == ["num_images", "height", "width", ""]
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == [
        "images",
        "upscaled",
    ]


def build_srgan(scale=4, slopes=(-0.6, 1.7), **sizes):
    """Return a small model with a different slope for each channel."""
    keras.utils.set_random_seed(0)
    gan = ganzoo.SRGAN(scale, num_blocks=1, **{"filters": 4, **sizes}, seed=0)
    rng = np.random.default_rng(0)
    for weight in gan.ema_generator.weights:
        if "prelu" in weight.path:
            weight.assign(rng.uniform(*slopes, weight.shape))
        elif "norm" in weight.path or "bias" in weight.path:
            weight.assign(rng.uniform(0.2, 0.8, weight.shape))
    return gan


def in_float(model):
    """Return a function from pixels to the output of an ONNX model before rounding."""
    import onnx
    import onnxruntime

    (rounding,) = [node for node in model.graph.node if node.op_type == "Round"]
    del model.graph.output[:]
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(rounding.input[0], onnx.TensorProto.FLOAT, None)
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return lambda pixels: session.run(None, {"images": pixels})[0]


@pytest.mark.parametrize("slopes", others_slow([(-0.6, 0.9), (-0.6, 1.7)], (-0.6, 1.7)))
@pytest.mark.parametrize("filters", others_slow([1, 4, 16], 4))
@pytest.mark.parametrize("scale", others_slow([2, 4], 4))
def test_an_onnx_file_gives_the_output_of_keras(tmp_path, scale, filters, slopes):
    """Test full and partial channel blocks of onnxruntime, and images with odd sides."""
    import onnx

    gan = build_srgan(scale, slopes, filters=filters)
    gan.export(tmp_path / "model.onnx")
    run = in_float(onnx.load(tmp_path / "model.onnx"))
    rng = np.random.default_rng(1)
    for shape in ((2, 5, 11, 3), (1, 18, 7, 3), (1, 1, 1, 3)):
        pixels = rng.integers(0, 256, shape, "uint8")
        images = gan.ema_generator(pixels / np.float32(127.5) - 1, training=False)
        # In levels of 255, as they are before rounding.
        np.testing.assert_allclose(run(pixels), (images + 1) * 127.5, rtol=1e-5, atol=5e-3)


def test_an_onnx_file_has_no_slow_operation_between_convolutions(tmp_path):
    """Layout changes occur only at both ends, with at most two shuffles and no unused constant."""
    import onnx

    build_srgan(filters=16).export(tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert not {"Reshape", "Shape", "Neg", "PRelu"} & set(kinds)
    first, last = (index for index, kind in enumerate(kinds) if kind == "Transpose")
    convolutions = [index for index, kind in enumerate(kinds) if kind == "Conv"]
    assert first < convolutions[0] and convolutions[-1] < last
    assert kinds.count("DepthToSpace") == 2
    # The 9 x 9 kernel for 3 channels becomes one for 12 channels at a quarter of the pixels.
    constants = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    kernels = [constants[graph.node[index].input[1]] for index in convolutions]
    assert kernels[-2:] == [(60, 64, 1, 5), (12, 60, 5, 1)]
    read = {name for node in graph.node for name in node.input}
    assert set(constants) <= read


@pytest.mark.parametrize("factor, side", [(2, 9), (2, 3), (3, 5), (2, 1)])
def test_a_block_kernel_equals_the_kernel_on_the_pixels_of_the_blocks(factor, side):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(2, 3, side, side)).astype("float32")
    x = rng.normal(size=(2, 5, 4, factor**2 * 3)).astype("float32")
    expected = tf.nn.conv2d(
        tf.nn.depth_to_space(x, factor), kernel.transpose(2, 3, 1, 0), 1, "SAME"
    )
    blocks = onnx_graph._kernel_of_blocks(kernel, factor).transpose(2, 3, 1, 0)
    found = tf.nn.depth_to_space(tf.nn.conv2d(x, blocks.astype("float32"), 1, "SAME"), factor)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_an_onnx_graph_without_slopes_and_shuffles_does_not_change(tmp_path, monkeypatch):
    import onnx

    gan = build(registry.get_family("dcgan"))
    gan.export(tmp_path / "model.onnx")
    monkeypatch.setattr(onnx_graph, "rewrite", lambda *arguments: None)
    gan.export(tmp_path / "plain.onnx")
    found, plain = (onnx.load(tmp_path / f"{name}.onnx").graph for name in ("model", "plain"))
    assert sorted(n.op_type for n in found.node) == sorted(n.op_type for n in plain.node)
    assert len(found.initializer) == len(plain.initializer)


def test_saved_models_sample_the_images_of_generate(tmp_path):
    gan = build(registry.get_family("dcgan"))
    gan.export(tmp_path / "model")
    sample = tf.saved_model.load(str(tmp_path / "model")).signatures["sample"]
    for seed in (0, 7):
        drawn = sample(num_images=tf.constant(3), seed=tf.constant(seed))["images"].numpy()
        np.testing.assert_allclose(drawn.astype(int), gan.generate(3, seed=seed), atol=1)


@pytest.mark.parametrize("recipe", others_slow(["default", "paper"], "default"))
def test_saved_models_sample_classes(tmp_path, recipe):
    gan = build(registry.get_family("cgan"), recipe=recipe)
    gan.export(tmp_path / "model")
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    drawn = signatures["sample"](num_images=tf.constant(40), seed=tf.constant(1))
    labels = drawn["labels"].numpy()
    assert set(labels) == set(range(gan.num_classes))
    expected = gan.generate(40, labels, seed=1)
    asked = signatures["sample_classes"](labels=tf.constant(labels), seed=tf.constant(1))
    for pixels in (drawn["images"], asked["images"]):
        np.testing.assert_allclose(pixels.numpy().astype(int), expected, atol=1)


COLUMNS = [
    {"name": "age (years)", "mean": 40.0, "std": 20.0, "low": 35.0, "high": 45.0},
    {"name": "gender", "class_names": ["female", "male"]},
]


@pytest.mark.parametrize("format", others_slow(["onnx", "litert"], "onnx"))
def test_a_file_takes_each_of_several_conditions_by_name(format, tmp_path):
    gan = build(registry.get_family("cgan"), num_classes=None, conditions=COLUMNS)
    path = tmp_path / f"cgan{SUFFIXES[format]}"
    gan.export(path)
    assert export.verify(gan, path) <= 1
    run = export.FORMATS[format].load(path)
    latents = np.random.default_rng(0).normal(size=(2, *gan.latent_shape)).astype("float32")
    age, gender = np.array([36, 44], "float32"), np.array([1, 0], "int32")
    pixels = run(latents=latents, age__years_=age, gender=gender)
    expected = gan.decode(latents, {"age (years)": [36, 44], "gender": ["male", "female"]})
    np.testing.assert_allclose(pixels.astype(int), expected, atol=1)


def test_several_conditions_are_inputs_of_exported_models(tmp_path):
    gan = build(registry.get_family("cgan"), num_classes=None, conditions=COLUMNS)
    gan.export(tmp_path / "model")
    assert export.verify(gan, tmp_path / "model") <= 1
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    drawn = signatures["sample"](num_images=tf.constant(40), seed=tf.constant(1))
    age, gender = (drawn[name].numpy() for name in ("age__years_", "gender"))
    assert (set(gender), age.min(), age.max()) == ({0, 1}, 35, 45)
    assert len(set(age)) > 5
    expected = gan.generate(40, {"age (years)": age, "gender": gender}, seed=1)
    np.testing.assert_allclose(drawn["images"].numpy().astype(int), expected, atol=1)
    card = json.loads((tmp_path / "model" / "assets.extra" / "card.json").read_text())
    assert card["conditions"] == COLUMNS


@pytest.mark.slow
def test_saved_model_cli_shows_and_runs_it(tmp_path):
    gan = build(registry.get_family("dcgan"))
    gan.export(tmp_path / "model")
    command = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
    np.save(tmp_path / "latents.npy", np.zeros((2, gan.latent_dim), "float32"))
    done = subprocess.run(
        [*command, *_CLI_RUN, "--inputs", "latents=latents.npy", "--outdir", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-500:]
    expected = gan.decode(np.zeros((2, gan.latent_dim)))
    found = np.load(tmp_path / "out" / "images.npy")
    np.testing.assert_allclose(found.astype(int), expected, atol=1)


def test_a_half_precision_model_is_exported_in_float32(tmp_path):
    """Its output is that of a float32 model with the same weights."""
    family = registry.get_family("dcgan")
    plain, mixed = build(family), build(family, dtype="mixed_bfloat16")
    mixed.ema_generator.set_weights(plain.ema_generator.get_weights())
    mixed.export(tmp_path / "model")
    assert export.verify(plain, tmp_path / "model") <= 1


def test_verify_detects_a_wrong_export(tmp_path):
    gan = build(registry.get_family("dcgan"))
    gan.export(tmp_path / "model")
    gan.ema_generator.set_weights([0 * w for w in gan.ema_generator.get_weights()])
    assert export.verify(gan, tmp_path / "model") > 1


def test_a_failed_export_keeps_the_existing_file(tmp_path, monkeypatch):
    gan = build(registry.get_family("dcgan"))
    for name in ("model", "model.onnx"):
        gan.export(tmp_path / name)
    before = sorted(tmp_path.rglob("*"))

    def fail(program, path, card):
        (path / "half" if path.is_dir() else path).write_text("half")
        raise OSError("disk full")

    for name in ("savedmodel", "onnx"):
        monkeypatch.setattr(export.FORMATS[name], "write", fail)
    for name in ("model", "model.onnx"):
        with pytest.raises(OSError, match="disk full"):
            gan.export(tmp_path / name, overwrite=True)
        assert sorted(tmp_path.rglob("*")) == before
        assert export.verify(gan, tmp_path / name) <= 1


def test_existing_files_are_not_overwritten(tmp_path):
    gan = build(registry.get_family("dcgan"))
    for name in ("model", "model.onnx"):
        gan.export(tmp_path / name)
        with pytest.raises(ValueError, match="exists already"):
            gan.export(tmp_path / name)
        gan.export(tmp_path / name, overwrite=True)
    photos = tiny.write_folder(tmp_path / "photos", num_images=2)
    with pytest.raises(ValueError, match="not a savedmodel that could be overwritten"):
        gan.export(photos, overwrite=True)
    with pytest.raises(ValueError, match="A file is written here, not a folder"):
        gan.export(photos, "onnx", overwrite=True)
    assert len(list(photos.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "format", "found"),
    [
        ("a", None, "savedmodel"),
        ("a.v1", None, "savedmodel"),
        ("a.ONNX", None, "onnx"),
        ("a.TFLite", None, "litert"),
        ("a", "onnx", "onnx"),
        ("a.h5", None, None),
        ("a.PB", None, None),
        ("a.keras", "onnx", None),
        ("a.onnx", "savedmodel", None),
        ("a.tflite", "onnx", None),
    ],
)
def test_the_suffix_of_a_path_must_fit_the_format(name, format, found):
    if found:
        assert export.find_format(name, format) == found
        return
    with pytest.raises(ValueError, match=r"onnx \(a file ending in \.onnx\), litert .*savedmodel"):
        export.find_format(name, format)


def test_an_unknown_format_is_refused(tmp_path):
    gan = build(registry.get_family("dcgan"))
    with pytest.raises(ValueError, match=r"Unknown format: 'onx'\. Did you mean 'onnx'"):
        gan.export(tmp_path / "model", format="onx")


def test_a_missing_package_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    gan = build(registry.get_family("dcgan"))
    with pytest.raises(ValueError, match=r"tf2onnx.*pip install onnx onnxruntime"):
        gan.export(tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_weights_too_large_for_half_are_refused(tmp_path):
    gan = build(registry.get_family("dcgan"))
    gan.ema_generator.set_weights([w + 70_000 for w in gan.ema_generator.get_weights()])
    with pytest.raises(ValueError, match="too large for float16"):
        gan.export(tmp_path / "model", half=True)


def test_any_two_networks_are_exported(tmp_path):
    gan = tiny.build_gan()
    gan.export(tmp_path / "model")
    assert export.verify(gan, tmp_path / "model") <= 1
    assert isinstance(gan, ganzoo.GAN)


def test_networks_of_operations_are_exported(tmp_path):
    """Operations of `keras.ops` are nodes without weights or precision."""
    latents = keras.Input((4,))
    hidden = keras.layers.Dense(6)(latents)
    images = keras.ops.tanh(keras.ops.reshape(hidden, (-1, *tiny.IMAGE_SHAPE)) * 2)
    gan = ganzoo.GAN(keras.Model(latents, images), tiny.build_discriminator())
    gan.export(tmp_path / "model")
    assert export.verify(gan, tmp_path / "model") <= 1


def build_own(*made):
    generator = keras.Sequential([keras.Input((4,)), *made])
    discriminator = tiny.build_discriminator(generator.output_shape[1:])
    return ganzoo.GAN(generator, discriminator, seed=0)


def test_exact_gelu_is_exported_to_onnx(tmp_path):
    """ONNX has no `Erfc`. The values are those of the normal distribution function of SciPy."""
    gan = build_own(
        keras.layers.Dense(6, use_bias=False, activation="gelu"), keras.layers.Reshape((2, 3, 1))
    )
    weights = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    gan.ema_generator.set_weights([weights])
    gan.export(tmp_path / "a.onnx")
    latents = np.random.default_rng(1).normal(size=(9, 4)).astype("float32")
    hidden = latents @ weights
    expected = (hidden * stats.norm.cdf(hidden)).reshape(9, 2, 3, 1)
    pixels = export.onnx.load(tmp_path / "a.onnx")(latents=latents)
    assert np.abs(pixels - np.clip(127.5 * (expected + 1), 0, 255)).max() < 0.6


@pytest.mark.parametrize(
    ("suffix", "layer", "named"),
    [
        (".tflite", "bicubic", "LiteRT.*ResizeBicubic of layer 'resized'"),
        (".tflite", "lanczos5", "LiteRT.*ScaleAndTranslate of layer 'resized'"),
        (".onnx", "lanczos5", "ONNX.*ScaleAndTranslate of layer 'resized'"),
    ],
)
def test_an_operation_that_a_format_lacks_is_named_with_its_layer(
    suffix, layer, named, tmp_path, capfd
):
    gan = build_own(
        keras.layers.Dense(6),
        keras.layers.Reshape((2, 3, 1)),
        keras.layers.UpSampling2D(2, interpolation=layer, name="resized"),
    )
    with pytest.raises(ValueError, match=named) as error:
        gan.export(tmp_path / f"a{suffix}")
    assert "\n" not in str(error.value)
    assert "rror" not in capfd.readouterr().err
    assert not any(tmp_path.iterdir())


def test_the_export_of_an_untrained_srgan_prints_nothing(tmp_path, caplog):
    """tf2onnx logs tracebacks of optimizations that fail on a single slope."""
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=4)
    gan.export(tmp_path / "a.onnx")
    assert not [record for record in caplog.records if record.name.startswith("tf2onnx")]


@keras.saving.register_keras_serializable(package="test_export")
class Factor(keras.layers.Layer):
    """A layer whose constructor takes no arguments of Keras, such as a dtype."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs

    def get_config(self):
        return {"factor": self.factor}


def test_a_custom_layer_without_a_dtype_is_exported(tmp_path):
    gan = build_own(keras.layers.Dense(6), Factor(0.3), keras.layers.Reshape((2, 3, 1)))
    gan.export(tmp_path / "model")
    assert export.verify(gan, tmp_path / "model") <= 1
