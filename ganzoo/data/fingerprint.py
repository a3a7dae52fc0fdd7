"""The fingerprint of a data set, by which a copy of it is recognized wherever it lies."""

import dataclasses
from collections.abc import Sequence

# Class names that a message lists.
_LISTED = 8


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """What tells two data sets apart, without their pixels.

    Runs, models and presets store it as `dataclasses.asdict` returns it.

    Attributes:
        content: str. What the images are: the name and version of a TFDS data set, or a hash of the
            names and sizes of the files in a folder.
        num_images: int. Number of images.
        image_shape: list of `(height, width, channels)`, or None if images differ.
        class_names: list of str. Classes in the order of their ids, or None without classes.
        class_counts: list of int. Images of each class, or None if they are not counted.

    Example:
        >>> ganzoo.data.load_arrays("sample").fingerprint.describe()
        "10000 images of 28 x 28 x 1 ('sample') in 10 classes (T-shirt/top, Trouser, Pullover, \
Dress, Coat, Sandal, Shirt, Sneaker, ...)"
    """

    content: str
    num_images: int
    image_shape: Sequence[int] | None = None
    class_names: Sequence[str] | None = None
    class_counts: Sequence[int] | None = None

    def __post_init__(self):
        kinds = {"image_shape": int, "class_names": str, "class_counts": int}
        for name, kind in kinds.items():
            values = getattr(self, name)
            if values is None:
                continue
            if not isinstance(values, (list, tuple)) or not all(
                isinstance(v, kind) for v in values
            ):
                raise ValueError(f"not a fingerprint: {name} is {values!r}")
            # Lists are equal to what JSON files hold.
            object.__setattr__(self, name, list(values))
        if not isinstance(self.content, str) or not isinstance(self.num_images, int):
            raise ValueError("not a fingerprint: it has no content or number of images")

    def describe(self) -> str:
        """Return the fingerprint in words."""
        text = f"{self.num_images} images"
        if self.image_shape:
            text += f" of {' x '.join(map(str, self.image_shape))}"
        text += f" ({self.content!r})"
        if self.class_names:
            text += f" in {len(self.class_names)} classes ({self.list_classes()})"
        return text

    def list_classes(self) -> str:
        """Return the first class names, with their counts if these are known."""
        counts = [f": {count}" for count in self.class_counts or ()]
        counts = counts or [""] * len(self.class_names)
        named = [f"{name}{count}" for name, count in zip(self.class_names, counts, strict=False)]
        return ", ".join(named[:_LISTED] + ["..."] * (len(named) > _LISTED))


def from_fields(fields: dict) -> Fingerprint:
    """Return a fingerprint from the fields that a file holds.

    Raises:
        ValueError: If they are not those of a fingerprint.
    """
    try:
        return Fingerprint(**fields)
    except TypeError as error:
        raise ValueError(f"not a fingerprint: {error}") from None
