"""Define the fingerprint of a data set, which identifies a copy in another place."""

import dataclasses
from collections.abc import Collection, Sequence

# Class names that a message lists.
_LISTED = 4


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """Describe a data set well enough to tell it from another one, without its pixels.

    Runs, models and presets store it as `dataclasses.asdict` returns it.

    Attributes:
        content: str. Name and version of a TFDS data set, or a hash of the names and sizes of the
            files in a folder.
        num_images: int. Number of images.
        image_shape: list of `(height, width, channels)`, or None if images differ.
        class_names: list of str. Classes in the order of their ids, or None without classes.
        class_counts: list of int. Images of each class, or None if they are not counted.
        fit: str. How images came to their shape; see `ganzoo.data.load`.
        num_held_out: int. Number of other images of the same folder that were held out. Data sets
            that differ only in this number are equal.
        columns: list of str. Columns of a file of labels, or None without one.

    Example:
        >>> ganzoo.data.load_arrays("sample").fingerprint.describe()
        '10000 images of 28 x 28 x 1 in 10 classes (T-shirt/top, Trouser, Pullover, Dress, ...)'
    """

    content: str
    num_images: int
    image_shape: Sequence[int] | None = None
    class_names: Sequence[str] | None = None
    class_counts: Sequence[int] | None = None
    fit: str = "crop"
    num_held_out: int = dataclasses.field(default=0, compare=False)
    columns: Sequence[str] | None = None

    def __post_init__(self):
        kinds = {"image_shape": int, "class_names": str, "class_counts": int, "columns": str}
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

    @classmethod
    def from_fields(cls, fields: dict) -> "Fingerprint":
        """Return a fingerprint from the fields that a file holds.

        Raises:
            ValueError: If they are not those of a fingerprint.
        """
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(f"not a fingerprint: {error}") from None

    def describe(self, classes: Collection[str] = ()) -> str:
        """Return the number, shape and classes as text.

        Args:
            classes: names of the classes to list. If the data set has none of them, its first
                classes are listed.
        """
        text = f"{self.num_images} images"
        if self.image_shape:
            text += f" of {' x '.join(map(str, self.image_shape))}"
        # Older versions cropped all images.
        text += {"pad": " (padded)", "stretch": " (stretched)"}.get(self.fit, "")
        if self.class_names:
            counts = self._counts()
            named = [f"{name}: {n}" if n is not None else name for name, n in counts.items()]
            chosen = [one for one, name in zip(named, counts, strict=True) if name in classes]
            shown = (chosen or named)[:_LISTED]
            shown += ["..."] * (len(shown) < len(named))
            text += f" in {len(named)} classes ({', '.join(shown)})"
        elif self.columns:
            text += f" with {', '.join(self.columns)}"
        return text

    def tell_apart(self, other: "Fingerprint") -> tuple[str, str]:
        """Return both fingerprints as text, with the classes that differ.

        The content is named if nothing else differs.
        """
        counts, others = self._counts(), other._counts()
        differing = {name for name in counts | others if counts.get(name) != others.get(name)}
        # Without counts, only the names can differ.
        differing |= counts.keys() ^ others.keys()
        texts = self.describe(differing), other.describe(differing)
        if texts[0] != texts[1]:
            return texts
        return f"{texts[0]} ({self.content})", f"{texts[1]} ({other.content})"

    def _counts(self):
        """Return the number of images of each class, None if it is unknown, by name."""
        names = self.class_names or ()
        return dict(zip(names, self.class_counts or [None] * len(names), strict=False))
