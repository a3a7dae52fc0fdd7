"""Wrong training data are named before they train."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from ganzoo import batches

SHAPE = tiny.IMAGE_SHAPE
IMAGES = tiny.make_images(12)
LABELS = np.array([0, 2, 1, 0] * 3, "int32")


class Batches(keras.utils.PyDataset):
    """Three batches of four, as Keras wants custom data."""

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
    """Checks as for a model with classes, and reads all that is left."""
    x, y = (*form(*arrays), None)[:2]
    with batches.explained(num_classes):
        checked, _ = batches.check(x, y, SHAPE, num_classes)
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
def test_rounding_beyond_the_range_is_let_through(form):
    images = IMAGES.copy()
    images[5, 0, 0, 0], images[9, 0, 0, 0] = 1.0001, -1.0001
    fit(form, images)


@every_form
@pytest.mark.parametrize(
    "images",
    [
        IMAGES[..., 0],  # Without channels.
        IMAGES[:, :, :2],  # Another width.
        np.repeat(IMAGES, 3, axis=-1),  # Another number of channels.
        IMAGES.reshape(12, -1),  # Flattened.
        IMAGES.transpose(0, 3, 1, 2),  # Channels first.
    ],
    ids=["rank", "width", "channels", "flat", "channels-first"],
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
def test_nothing_is_refused(empty):
    gan = tiny.build_gan()
    gan.compile()
    with pytest.raises(ValueError, match="empty"):
        gan.fit(empty, verbose=0)


def test_single_images_that_were_not_batched_are_refused():
    with pytest.raises(ValueError, match="must have shape"):
        batches.check(tf.data.Dataset.from_tensor_slices(IMAGES), None, SHAPE, None)


def test_a_batch_size_of_0_is_refused():
    gan = tiny.build_gan()
    gan.compile()
    with pytest.raises(ValueError, match="batch_size=0"):
        gan.fit(IMAGES, batch_size=0)


def test_a_pipeline_that_never_ends_is_not_read_to_its_end():
    endless = tf.data.Dataset.from_tensor_slices(IMAGES).repeat().batch(4)
    checked, examples = batches.check(endless, None, SHAPE, None)
    assert len(list(checked.take(5))) == 5
    # As many images as are shown beside the model's, and no more.
    assert len(examples) == 64


def test_what_arrays_are_made_of_trains_as_they_do():
    expected = fit(as_array, IMAGES).weights
    for x, labels in ((list(IMAGES), list(LABELS)), (tf.constant(IMAGES), tf.constant(LABELS))):
        keras.utils.set_random_seed(8)
        gan = tiny.build_gan()
        gan.compile(run_eagerly=True)
        gan.fit(x, labels, batch_size=4, shuffle=False, verbose=0)
        tiny.assert_equal(gan.weights, expected)


def of_python(arrays, batch_size=4):
    """A pipeline of whose elements TensorFlow knows no shape."""
    kinds = [tf.as_dtype(array.dtype) for array in arrays]

    def pick(index):
        parts = tf.numpy_function(lambda i: [array[i] for array in arrays], [index], kinds)
        return tuple(parts) if len(parts) > 1 else parts[0]

    return tf.data.Dataset.range(len(arrays[0])).map(pick).batch(batch_size)


def test_images_of_no_known_shape_train_as_those_of_one():
    ends = []
    for data in (of_python([IMAGES]), as_pipeline(IMAGES)[0]):
        keras.utils.set_random_seed(8)
        gan = tiny.build_gan()
        gan.compile()
        gan.fit(data, verbose=0)
        ends.append(gan.weights)
    tiny.assert_equal(*ends)
    labelled = batches.check(of_python([IMAGES, LABELS]), None, SHAPE, 3)[0].element_spec
    assert [tuple(spec.shape) for spec in labelled] == [(None, *SHAPE), (None,)]


def test_a_later_batch_of_another_shape_is_named():
    gan = tiny.build_gan()
    gan.compile()
    known = as_pipeline(tiny.make_images(batches._NUM_EXAMPLES))[0]
    others = of_python([tiny.make_images(4, (3, 3, 1))])
    unknown = tf.data.Dataset.range(17).map(
        lambda i: tf.numpy_function(lambda i: tiny.make_images(4, SHAPE), [i], tf.float32)
    )
    assert known.element_spec.shape.rank == 4
    with pytest.raises(ValueError, match=r"shape \(batch, 2, 3, 1\).*Received: .*\(4, 3, 3, 1\)"):
        gan.fit(unknown.concatenate(others), verbose=0)


def test_what_is_no_array_is_named():
    class Loader:
        def __iter__(self):
            return iter([IMAGES])

    gan = tiny.build_gan()
    gan.compile()
    with pytest.raises(ValueError, match=r"two arguments, `fit\(images, labels\)`"):
        gan.fit((IMAGES, LABELS))
    with pytest.raises(ValueError, match=r"Received: a Loader\. Write a generator"):
        gan.fit(Loader())


def test_dicts_of_features_are_refused():
    elements = tf.data.Dataset.from_tensors({"image": IMAGES, "label": LABELS})
    with pytest.raises(ValueError, match=r"dicts of image, label.*dataset\.map"):
        batches.check(elements, None, SHAPE, None)


def test_images_for_validation_are_checked_as_those_for_training():
    gan = tiny.build_gan()
    gan.compile()
    pixels_as_floats = IMAGES * 127.5 + 127.5
    pipeline = tf.data.Dataset.from_tensor_slices(pixels_as_floats).batch(4)
    for held_out in (pixels_as_floats, (pixels_as_floats, LABELS), pipeline):
        with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
            gan.fit(IMAGES, validation_data=held_out, verbose=0)
    assert gan.step == 0
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.evaluate(pixels_as_floats, verbose=0)
    # Not in the first batches, which are looked at before.
    many = np.concatenate([IMAGES] * 8)
    many[-1] = 9.0
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.evaluate(tf.data.Dataset.from_tensor_slices(many).batch(4), verbose=0)
    logs = gan.fit(IMAGES, epochs=2, validation_data=(IMAGES, LABELS), verbose=0).history
    assert len(logs["val_discriminator_loss"]) == 2


@pytest.mark.parametrize("weights", [{"sample_weight": np.ones(12)}, {"class_weight": {0: 2.0}}])
def test_weights_of_images_are_refused(weights):
    gan = tiny.build_gan()
    gan.compile()
    with pytest.raises(ValueError, match=f"count alike.*{next(iter(weights))}"):
        gan.fit(IMAGES, LABELS, verbose=0, **weights)


# Labels.


@every_form
def test_good_labels_pass_as_they_are(form):
    if form is as_array:
        batches.check(IMAGES, LABELS, SHAPE, 3)
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
        batches.check(IMAGES, LABELS[:7], SHAPE, 3)


def test_labels_that_a_family_does_not_need_are_ignored():
    fit(as_pipeline, IMAGES, np.full(12, 99))
