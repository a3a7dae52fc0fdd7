"""Test that `fit` checks the data before it trains."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow

from ganzoo import registry
from ganzoo.data import validation
from ganzoo.data.spec import DataSpec

SHAPE = tiny.IMAGE_SHAPE
IMAGES = tiny.make_images(12)
LABELS = np.array([0, 2, 1, 0] * 3, "int32")


class Batches(keras.utils.PyDataset):
    """A data set with three batches of four images."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 3

    def __getitem__(self, index):
        parts = tuple(array[4 * index : 4 * index + 4] for array in self.arrays)
        return parts if len(parts) > 1 else parts[0]


def as_array(*arrays):
    return arrays


def as_pipeline(*arrays):
    arrays = arrays if len(arrays) > 1 else arrays[0]
    return (tf.data.Dataset.from_tensor_slices(arrays).batch(4),)


def as_generator(*arrays):
    dataset = Batches(*arrays)
    return ((dataset[index] for index in range(3)),)


def as_py_dataset(*arrays):
    return (Batches(*arrays),)


FORMS = [as_array, as_pipeline, as_generator, as_py_dataset]
every_form = pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)


def fit(form, *arrays):
    keras.utils.set_random_seed(8)
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    batch_size = 4 if form is as_array else None
    gan.fit(*form(*arrays), batch_size=batch_size, shuffle=False, verbose=0)
    return gan


def check(form, *arrays, num_classes=3):
    """Check data for a model with classes, and return all batches."""
    x, y = (*form(*arrays), None)[:2]
    with validation.explained():
        checked, _ = validation.check(x, y, DataSpec(SHAPE, num_classes))
        if isinstance(checked, keras.utils.PyDataset):
            checked = [checked[index] for index in range(checked.num_batches)]
        return list(checked)


@pytest.mark.parametrize("form", others_slow(FORMS, "as_pipeline"))
def test_all_forms_train_to_the_same_weights(form):
    tiny.assert_equal(fit(form, IMAGES).weights, fit(as_array, IMAGES).weights)


@every_form
def test_the_first_batch_is_kept_as_examples(form):
    examples = fit(form, IMAGES).real_examples
    np.testing.assert_array_equal(examples[:4], IMAGES[:4])


@every_form
@pytest.mark.parametrize("batch", [0, 2], ids=["first", "later"])
@pytest.mark.parametrize(
    ("value", "named"),
    [(1.5, "values from"), (255.0, "to 255"), (np.nan, "NaN"), (-np.inf, "-inf")],
)
def test_floats_outside_the_range_are_refused(form, batch, value, named):
    images = IMAGES.copy()
    images[4 * batch + 1, 1, 2, 0] = value
    with pytest.raises(ValueError, match=rf"must lie in \[-1, 1\]. Received: .*{named}"):
        check(form, images, num_classes=None)


@every_form
def test_floats_may_exceed_the_range_by_rounding_errors(form):
    images = IMAGES.copy()
    images[5, 0, 0, 0], images[9, 0, 0, 0] = 1.0001, -1.0001
    fit(form, images)


@every_form
@pytest.mark.parametrize(
    "images",
    [
        IMAGES[..., 0],
        IMAGES[:, :, :2],
        np.repeat(IMAGES, 3, axis=-1),
        IMAGES.reshape(12, -1),
        IMAGES.transpose(0, 3, 1, 2),
    ],
    ids=["without-channels", "other-width", "three-channels", "flattened", "channels-first"],
)
def test_images_of_another_shape_are_refused(form, images):
    with pytest.raises(ValueError, match=r"shape \(batch, 2, 3, 1\).*Received: images of shape"):
        check(form, images, num_classes=None)


@every_form
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_images_that_are_neither_uint8_nor_float_are_refused(form, dtype):
    with pytest.raises(ValueError, match=f"images of dtype {dtype}"):
        check(form, np.zeros((12, *SHAPE), dtype), num_classes=None)


@pytest.mark.parametrize(
    "empty",
    [
        np.zeros((0, *SHAPE), "float32"),
        tf.data.Dataset.from_tensor_slices(IMAGES[:0]).batch(4),
        tf.data.Dataset.from_tensor_slices(IMAGES[:3]).batch(4, drop_remainder=True),
        iter([]),
    ],
    ids=["array", "pipeline", "no-whole-batch", "generator"],
)
def test_empty_data_are_refused(empty):
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="empty"):
        gan.fit(empty, verbose=0)


def test_images_that_were_not_batched_are_refused():
    with pytest.raises(ValueError, match="must have shape"):
        validation.check(tf.data.Dataset.from_tensor_slices(IMAGES), None, DataSpec(SHAPE))


def test_a_batch_size_of_0_is_refused():
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="batch_size=0"):
        gan.fit(IMAGES, batch_size=0)


def test_an_endless_pipeline_is_checked():
    endless = tf.data.Dataset.from_tensor_slices(IMAGES).repeat().batch(4)
    checked, examples = validation.check(endless, None, DataSpec(SHAPE))
    assert len(list(checked.take(5))) == 5
    # Callbacks show at most 64 real images beside generated images.
    assert len(examples) == 64


@pytest.mark.slow
def test_lists_and_tensors_train_to_the_same_weights_as_arrays():
    expected = fit(as_array, IMAGES).weights
    for x, labels in ((list(IMAGES), list(LABELS)), (tf.constant(IMAGES), tf.constant(LABELS))):
        keras.utils.set_random_seed(8)
        gan = tiny.build_gan()
        gan.compile(run_eagerly=True)
        gan.fit(x, labels, batch_size=4, shuffle=False, verbose=0)
        tiny.assert_equal(gan.weights, expected)


def pipeline_of_unknown_shapes(arrays, batch_size=4):
    """Return a pipeline of tensors whose shapes TensorFlow does not know."""
    kinds = [tf.as_dtype(array.dtype) for array in arrays]

    def pick(index):
        parts = tf.numpy_function(lambda i: [array[i] for array in arrays], [index], kinds)
        return tuple(parts) if len(parts) > 1 else parts[0]

    return tf.data.Dataset.range(len(arrays[0])).map(pick).batch(batch_size)


@pytest.mark.slow
def test_images_of_unknown_and_known_shape_train_to_the_same_weights():
    weights_after_fit = []
    for data in (pipeline_of_unknown_shapes([IMAGES]), as_pipeline(IMAGES)[0]):
        keras.utils.set_random_seed(8)
        gan = tiny.build_gan()
        gan.compile(run_eagerly=True)
        gan.fit(data, verbose=0)
        weights_after_fit.append(gan.weights)
    tiny.assert_equal(*weights_after_fit)
    labeled = pipeline_of_unknown_shapes([IMAGES, LABELS])
    specs = validation.check(labeled, None, DataSpec(SHAPE, 3))[0].element_spec
    assert [tuple(spec.shape) for spec in specs] == [(None, *SHAPE), (None,)]


def test_a_later_batch_of_another_shape_is_refused():
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    known = as_pipeline(tiny.make_images(validation._NUM_EXAMPLES))[0]
    others = pipeline_of_unknown_shapes([tiny.make_images(4, (3, 3, 1))])
    unknown = tf.data.Dataset.range(17).map(
        lambda i: tf.numpy_function(lambda i: tiny.make_images(4, SHAPE), [i], tf.float32)
    )
    assert known.element_spec.shape.rank == 4
    with pytest.raises(ValueError, match=r"shape \(batch, 2, 3, 1\).*Received: .*\(4, 3, 3, 1\)"):
        gan.fit(unknown.concatenate(others), verbose=0)


def test_objects_that_are_not_arrays_are_refused():
    class Loader:
        def __iter__(self):
            return iter([IMAGES])

    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"two arguments.*`fit\(images, labels\)`"):
        gan.fit((IMAGES, LABELS))
    with pytest.raises(ValueError, match=r"Received: a Loader\. Write a generator"):
        gan.fit(Loader())


def test_dicts_of_features_are_refused():
    elements = tf.data.Dataset.from_tensors({"image": IMAGES, "label": LABELS})
    with pytest.raises(ValueError, match=r"dicts with keys image, label.*dataset\.map"):
        validation.check(elements, None, DataSpec(SHAPE))


def test_validation_data_are_checked():
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    pixels_as_floats = IMAGES * 127.5 + 127.5
    pipeline = tf.data.Dataset.from_tensor_slices(pixels_as_floats).batch(4)
    for held_out in (pixels_as_floats, (pixels_as_floats, LABELS), pipeline):
        with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
            gan.fit(IMAGES, validation_data=held_out, verbose=0)
    assert gan.step == 0
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.evaluate(pixels_as_floats, verbose=0)
    # The last batch is bad. `evaluate` checks only the first batches in advance.
    many = np.concatenate([IMAGES] * 8)
    many[-1] = 9.0
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.evaluate(tf.data.Dataset.from_tensor_slices(many).batch(4), verbose=0)
    logs = gan.fit(IMAGES, epochs=2, validation_data=(IMAGES, LABELS), verbose=0).history
    assert len(logs["val_discriminator_loss"]) == 2


def in_0_1(images):
    return np.float32(np.rint(127.5 * images + 127.5) / 255)


def warnings_of(method, *arguments, **kwargs):
    """Return the warnings of the range that a method gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        method(*arguments, **kwargs)
    return [str(each.message) for each in caught if "`x * 2 - 1`" in str(each.message)]


@every_form
def test_images_scaled_to_0_1_are_warned_of_once(form):
    assert len(warnings_of(check, form, in_0_1(IMAGES), LABELS)) == 1
    later = np.concatenate([IMAGES[:8], in_0_1(IMAGES[8:])])
    assert len(warnings_of(check, form, later, LABELS)) == 1
    assert warnings_of(check, form, IMAGES, LABELS) == []


def test_pixels_of_a_mask_are_warned_of():
    mask = (IMAGES > 0).astype("uint8")
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    with pytest.warns(UserWarning, match=r"without a value above 1.*`x \* 255`"):
        gan.fit(mask, verbose=0)
    for right in (mask * 255, mask * 0):  # The advice was followed, and black images.
        with warnings.catch_warnings():
            warnings.filterwarnings("error", ".*above 1")
            gan.fit(right, verbose=0)


def test_fit_and_evaluate_warn_of_images_scaled_to_0_1():
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    data = tf.data.Dataset.from_tensor_slices(in_0_1(IMAGES)).batch(4)
    for method in (gan.fit, gan.evaluate):
        assert len(warnings_of(method, data, verbose=0)) == 1
    assert len(warnings_of(gan.fit, IMAGES, validation_data=data, verbose=0)) == 1


def test_batch_methods_check_what_fit_checks():
    gan = tiny.build_gan()
    gan.compile(discriminator_steps=2, run_eagerly=True)
    wrong = {
        r"lie in \[-1, 1\]": IMAGES * 127.5 + 127.5,
        r"`x\[..., None\]`": IMAGES[..., 0],
        r"`np.uint8\(x \* 255\)`": IMAGES > 0,
        r"NaN in 12 of 12": IMAGES * np.nan,
    }
    for method in (gan.train_on_batch, gan.test_on_batch):
        for message, images in wrong.items():
            with pytest.raises(ValueError, match=message):
                method(images)
        with pytest.raises(ValueError, match="`sample_weight` is not supported"):
            method(IMAGES, sample_weight=np.ones(12))
    with pytest.raises(ValueError, match="multiple of 2 images"):
        gan.train_on_batch(IMAGES[:3])
    assert gan.step == 0
    assert len(warnings_of(gan.train_on_batch, in_0_1(IMAGES))) == 1
    for x in (tf.constant(IMAGES), list(IMAGES)):
        assert np.isfinite(gan.train_on_batch(x, return_dict=True)["real_score"])
    assert gan.step == 3


def test_batch_methods_check_labels_as_fit_does():
    gan = registry.get_family("cgan").build_test_model()
    gan.compile(run_eagerly=True)
    images, labels = tiny.make_data(gan, 4)
    for method in (gan.fit, gan.evaluate, gan.train_on_batch, gan.test_on_batch):
        with pytest.raises(ValueError, match=r"Received: labels from 0 to 50. .*num_classes=51"):
            method(images, [0, 0, 0, 50])
        with pytest.raises(ValueError, match=r"needs `\(images, labels\)`"):
            method(images)
        with pytest.raises(ValueError, match="integer class ids"):
            method(images, labels + 0.5)
    assert gan.step == 0


@pytest.mark.parametrize("form", FORMS[1:])
def test_weights_as_the_third_part_of_the_data_are_refused(form):
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    weights = np.ones(12, "float32")
    for method in ("fit", "evaluate"):
        with pytest.raises(ValueError, match="`sample_weight`, the third part, is not supported"):
            getattr(gan, method)(*form(IMAGES, LABELS, weights), verbose=0)
    gan.fit(((IMAGES, LABELS, None) for _ in range(2)), verbose=0)
    assert gan.step == 2


@pytest.mark.parametrize("form", [as_generator, as_py_dataset])
def test_a_later_batch_of_another_dtype_is_refused(form):
    """Keras would convert floats to uint8, so to black pixels."""
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    pixels = (127.5 * IMAGES[:4] + 127.5).astype("uint8")

    class Mixed(Batches):
        def __getitem__(self, index):
            return IMAGES[4:8] if index else pixels

    data = Mixed() if form is as_py_dataset else (Mixed()[index] for index in range(3))
    with pytest.raises(ValueError, match=r"first: uint8 images. Received: float32 images"):
        gan.fit(data, verbose=0)


@pytest.mark.parametrize("weights", [{"sample_weight": np.ones(12)}, {"class_weight": {0: 2.0}}])
def test_sample_weights_and_class_weights_are_refused(weights):
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=f"`{next(iter(weights))}` is not supported"):
        gan.fit(IMAGES, LABELS, verbose=0, **weights)


# Discriminator updates and replicas share a batch evenly. The following tests check its size.

MULTIPLE_OF_2 = r"must be a multiple of 2 images \(replicas x discriminator_steps\)"


def in_batches(form, sizes):
    """Return images in batches of some sizes."""
    batches = np.split(tiny.make_images(sum(sizes)), np.cumsum(sizes)[:-1])
    if form is as_array:
        return np.concatenate(batches)
    if form is as_pipeline:
        signature = tf.TensorSpec((None, *SHAPE), "float32")
        return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=signature)
    if form is as_generator:
        return iter(batches)

    class Sized(Batches):
        def __len__(self):
            return len(batches)

        def __getitem__(self, index):
            return batches[index]

    return Sized()


def fit_two_discriminator_steps(form, sizes):
    gan = tiny.build_gan()
    gan.compile(discriminator_steps=2, run_eagerly=True)
    batch_size = max(sizes) if form is as_array else None
    gan.fit(in_batches(form, sizes), batch_size=batch_size, shuffle=False, verbose=0)
    return gan


@every_form
@pytest.mark.parametrize("sizes", [(3,), (4, 4, 1)], ids=["first", "last"])
def test_batches_that_discriminator_steps_cannot_share_are_refused(form, sizes):
    with pytest.raises(ValueError, match=rf"{MULTIPLE_OF_2}.*a batch of {sizes[-1]} images"):
        fit_two_discriminator_steps(form, sizes)


@every_form
def test_batches_that_discriminator_steps_can_share_train(form):
    gan = fit_two_discriminator_steps(form, (4, 4, 2))
    assert gan.step == 3
    assert all(np.isfinite(weight).all() for weight in gan.get_weights())


def test_an_array_smaller_than_a_batch_is_one_batch():
    with pytest.raises(ValueError, match=rf"{MULTIPLE_OF_2}.*a batch of 3 images"):
        validation.require_divisible(IMAGES[:3], 32, 2)
    assert validation.require_divisible(IMAGES[:2], 32, 2).shape == (2, *SHAPE)


@pytest.mark.parametrize("form", FORMS[1:])
def test_an_empty_later_batch_is_refused(form):
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"needs at least one batch"):
        gan.fit(in_batches(form, (4, 0)), verbose=0)


# The following tests are about labels.


@every_form
def test_valid_labels_pass_unchanged(form):
    if form is as_array:
        validation.check(IMAGES, LABELS, DataSpec(SHAPE, 3))
        return
    labels = np.concatenate([np.asarray(batch[1]) for batch in check(form, IMAGES, LABELS)])
    np.testing.assert_array_equal(labels, LABELS)


@every_form
def test_missing_labels_are_refused(form):
    with pytest.raises(ValueError, match=r"needs `\(images, labels\)`"):
        check(form, IMAGES)


@every_form
@pytest.mark.parametrize("batch", [0, 2], ids=["first", "later"])
@pytest.mark.parametrize("label", [3, -1])
def test_labels_outside_the_classes_are_refused(form, batch, label):
    labels = LABELS.copy()
    labels[4 * batch] = label
    with pytest.raises(ValueError, match=rf"from 0 to 2. Received: labels from .*{label}"):
        check(form, IMAGES, labels)


@every_form
@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        (np.eye(3)[LABELS], "argmax"),
        (LABELS.astype("float32"), "int32"),
        (LABELS[:, None], r"`y\[:, 0\]`"),
        (LABELS + 0.5, "such as 0.5"),
        (np.array(["cat", "dog", "owl"])[LABELS], "such as 'cat'"),
        (LABELS + 1, "`y - 1`"),
    ],
    ids=["one-hot", "float", "column", "fraction", "text", "from-1"],
)
def test_labels_that_are_not_class_ids_are_refused(form, labels, advice):
    with pytest.raises(ValueError, match=f"class ids.*{advice}"):
        check(form, IMAGES, labels)


def test_fewer_labels_than_images_are_refused():
    with pytest.raises(ValueError, match=r"shape \(12,\)"):
        validation.check(IMAGES, LABELS[:7], DataSpec(SHAPE, 3))


def test_families_without_classes_ignore_labels():
    fit(as_pipeline, IMAGES, np.full(12, 99))
