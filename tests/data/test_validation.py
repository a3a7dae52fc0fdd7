"""Test that `fit` checks the data before it trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from ganzoo.data import validation

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
    with validation.explained(num_classes):
        checked, _ = validation.check(x, y, SHAPE, num_classes)
        if isinstance(checked, keras.utils.PyDataset):
            checked = [checked[index] for index in range(checked.num_batches)]
        return list(checked)


@every_form
def test_all_forms_train_to_the_same_weights(form):
    tiny.assert_equal(fit(form, IMAGES).weights, fit(as_array, IMAGES).weights)


@every_form
def test_the_first_batch_is_kept_as_examples(form):
    examples = fit(form, IMAGES).real_examples
    np.testing.assert_array_equal(examples[:4], IMAGES[:4])


@every_form
@pytest.mark.parametrize("batch", [0, 2], ids=["first", "later"])
@pytest.mark.parametrize("value", [1.5, -2.0, 255.0, np.nan], ids=str)
def test_floats_outside_the_range_are_refused(form, batch, value):
    images = IMAGES.copy()
    images[4 * batch + 1, 1, 2, 0] = value
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]. Received: values from"):
        fit(form, images)


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
        fit(form, images)


@every_form
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_images_that_are_neither_uint8_nor_float_are_refused(form, dtype):
    with pytest.raises(ValueError, match=f"images of dtype {dtype}"):
        fit(form, np.zeros((12, *SHAPE), dtype))


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
        validation.check(tf.data.Dataset.from_tensor_slices(IMAGES), None, SHAPE, None)


def test_a_batch_size_of_0_is_refused():
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="batch_size=0"):
        gan.fit(IMAGES, batch_size=0)


def test_an_endless_pipeline_is_checked():
    endless = tf.data.Dataset.from_tensor_slices(IMAGES).repeat().batch(4)
    checked, examples = validation.check(endless, None, SHAPE, None)
    assert len(list(checked.take(5))) == 5
    # Callbacks show at most 64 real images beside generated images.
    assert len(examples) == 64


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
    specs = validation.check(labeled, None, SHAPE, 3)[0].element_spec
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
        validation.check(elements, None, SHAPE, None)


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
        validation.check(IMAGES, LABELS, SHAPE, 3)
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
    "labels", [np.eye(3)[LABELS], LABELS.astype("float32")], ids=["one-hot", "float"]
)
def test_labels_that_are_not_class_ids_are_refused(form, labels):
    with pytest.raises(ValueError, match="class ids"):
        check(form, IMAGES, labels)


def test_fewer_labels_than_images_are_refused():
    with pytest.raises(ValueError, match=r"shape \(12,\)"):
        validation.check(IMAGES, LABELS[:7], SHAPE, 3)


def test_families_without_classes_ignore_labels():
    fit(as_pipeline, IMAGES, np.full(12, 99))
