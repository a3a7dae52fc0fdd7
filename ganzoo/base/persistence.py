"""Save, load and export a GAN: `.keras` files, presets, and models that run without ganzoo."""

import dataclasses
from typing import TypeVar

import keras
import numpy as np

from ganzoo import export
from ganzoo.base import freezing, weight_files
from ganzoo.fingerprint import Fingerprint
from ganzoo.saving import presets
from ganzoo.saving.files import check_file_path

Model = TypeVar("Model", bound="Persistence")


class Persistence(keras.Model):
    """Methods of `GAN` that read and write files. They save all that a resumed training needs."""

    # Attributes that `GAN` sets.
    generator: keras.Model
    discriminator: keras.Model
    seed: int | None
    trained_on: Fingerprint | None

    def save(self, filepath, *args, **kwargs) -> None:
        """Save the model with its optimizers to a `.keras` file, as `keras.Model.save` does.

        Raises:
            ValueError: If the path has another suffix, is that of a folder, or is too long for the
                disk.
        """
        if not str(filepath).endswith(".keras") and kwargs.get("zipped") is not False:
            raise ValueError(
                f"The path must end in .keras. Received: {str(filepath)!r}. Use `save_weights` for "
                "a .weights.h5 file, `save_to_preset` for a folder, or `export` for other formats."
            )
        if kwargs.get("zipped") is not False:
            check_file_path(filepath)
        super().save(filepath, *args, **kwargs)

    def save_weights(self, filepath, *args, **kwargs) -> None:
        """Save the weights to a `.weights.h5` file, as `keras.Model.save_weights` does.

        Raises:
            ValueError: If the path has another suffix, is that of a folder, or is too long for the
                disk.
        """
        check_file_path(filepath)
        super().save_weights(filepath, *args, **kwargs)

    def load_weights(self, filepath, *args, **kwargs) -> None:
        """Load weights that `save_weights` or `save` wrote, as `keras.Model.load_weights` does.

        Raises:
            ValueError: If the file holds weights of other shapes.
        """
        with weight_files.explained(filepath, super().save_weights):
            super().load_weights(filepath, *args, **kwargs)

    def get_common_config(self) -> dict:
        """Return the part of `get_config` that every family shares."""
        config = {**keras.Model.get_config(self), "seed": self.seed}
        if self.trained_on is not None:
            config["trained_on"] = dataclasses.asdict(self.trained_on)
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        frozen = {name: freezing.frozen_layers(network) for name, network in networks.items()}
        return {**config, "frozen": frozen} if any(frozen.values()) else config

    def get_config(self) -> dict:
        return {
            **self.get_common_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
        }

    @classmethod
    def from_config(cls: type[Model], config: dict) -> Model:
        config = dict(config)
        for name in ("generator", "discriminator"):
            if name in config:
                config[name] = keras.saving.deserialize_keras_object(config[name])
        frozen = config.pop("frozen", {})
        gan = cls(**config)
        for name, layers in frozen.items():
            freezing.freeze(getattr(gan, name), layers)
        return gan

    def _seed_states(self):
        return [v for v in self.non_trainable_variables if v.name == "seed_generator_state"]

    def _augment_state(self):
        state = self._adaptive_amount
        return {} if state is None else {f"augment_{n}": v for n, v in state.variables.items()}

    def save_own_variables(self, store):
        super().save_own_variables(store)
        # Keras does not save seed states. A resumed run would draw its first latents again.
        for index, state in enumerate(self._seed_states()):
            store[f"seed_{index}"] = keras.ops.convert_to_numpy(state)
        store["steps"] = np.int64(self._untracked.steps.value.numpy())
        for name, variable in self._augment_state().items():
            store[name] = variable.value.numpy()

    def load_own_variables(self, store):
        names = list(store.keys())
        ours = [n for n in names if n == "steps" or n.startswith(("seed_", "augment_"))]
        super().load_own_variables({n: store[n] for n in names if n not in ours})
        if "steps" in ours:  # Older versions did not count them.
            self._untracked.steps.assign(np.asarray(store["steps"]))
        for name, variable in self._augment_state().items():
            if name in ours:  # The file may be of a model without augmentation.
                variable.assign(np.asarray(store[name]))
        for index, state in enumerate(self._seed_states()):
            state.assign(np.asarray(store[f"seed_{index}"]))

    # Presets

    @classmethod
    def from_preset(cls: type[Model], preset) -> Model:
        """Load a trained model by name, from a preset folder or from the Hugging Face Hub.

        The model is not compiled.

        Args:
            preset: name in `ganzoo.list_presets()`, a folder that `save_to_preset` wrote, or a
                repository that `push_to_hub` wrote, as `"hf://user/name"`. Write a folder that is
                called like a preset as `"./name"`. A branch, tag or commit follows an `@`:
                `"hf://user/name@v1"`.

        Raises:
            ValueError: If there is no such preset, its files are damaged, it belongs to
                another family than the class it is called on, or a package that the Hub needs
                is not installed.
            DownloadError: If the preset cannot be downloaded.

        Example:
            >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
            >>> gan.save_to_preset(tmp_path / "mine")
            >>> type(ganzoo.from_preset(tmp_path / "mine")).__name__
            'DCGAN'
        """
        return presets.read(preset, cls)

    def save_to_preset(
        self, folder, card: dict | None = None, discriminator: bool = True, half: bool = False
    ) -> None:
        """Write the model as a preset: config, weights, card and samples.

        The generator is the averaged one. Optimizer state is left out; `save` keeps everything.

        Args:
            folder: path that does not exist yet, or is empty.
            card: dict. Content of the model card: data, recipe, metrics, license, limits.
            discriminator: bool. Include the discriminator. Without it, training that starts
                from the preset starts with a new one.
            half: bool. Write float16 weights: half the size, 11 bits of precision. They are
                float32 again once loaded.

        Raises:
            ValueError: If the folder is not empty.
        """
        presets.write(self, folder, card or {}, discriminator, half)

    def push_to_hub(
        self,
        repository: str,
        card: dict | None = None,
        private: bool = False,
        discriminator: bool = True,
        half: bool = False,
    ) -> str:
        """Upload the model as a preset to the Hugging Face Hub.

        `ganzoo.from_preset("hf://user/name")` loads it. The repository gets a README.md with the
        content of the card. Log in with `hf auth login`, or set `HF_TOKEN`.

        Args:
            repository: str. `"user/name"`. It is created if it is missing.
            card: dict. Content of the model card, as for `save_to_preset`.
            private: bool. Create a private repository. The setting of an existing one stays.
            discriminator: bool. Include the discriminator.
            half: bool. Write float16 weights.

        Returns:
            URL of the repository.

        Raises:
            ValueError: If the name is malformed, the access token is missing or does not allow
                it, or the package huggingface_hub is not installed.
            DownloadError: If the Hub cannot be reached.
        """
        return presets.push(self, repository, card or {}, private, discriminator, half)

    # Export

    def export(
        self,
        path,
        format: str | None = None,
        half: bool = False,
        overwrite: bool = False,
        card: dict | None = None,
    ) -> None:
        """Write the averaged generator for use without ganzoo.

        A generator takes `latents` `(num_images, ...)` float32 and, with classes, `labels`
        `(num_images,)` int32, and returns `images`, uint8 `(num_images, height, width,
        channels)`. A super-resolution model takes uint8 `images` of any size and returns
        `upscaled`. A SavedModel also draws latents: its signature `sample` takes `num_images`
        and a `seed`, int32, and returns what `generate` returns for the seed (labels are drawn
        differently, and returned); `sample_classes` takes `labels` and `seed`.

        Args:
            path: file, or folder for a SavedModel. Written completely or not at all.
            format: `"savedmodel"`, `"onnx"` or `"litert"`. None chooses by the path: `.onnx`,
                `.tflite`, else a SavedModel.
            half: bool. Store weights as float16: half the size, 11 bits of precision.
                Computation stays float32.
            overwrite: bool. Replace an exported model at `path`.
            card: dict. Facts about the model, such as its license. ONNX files hold them and the
                class names as metadata, a SavedModel in `assets.extra/card.json`.

        Raises:
            ValueError: If `path` exists, the format is unknown, or a package that ONNX needs is
                not installed.

        Example:
            >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
            >>> gan.export(tmp_path / "dcgan.onnx")
            >>> ganzoo.export.verify(gan, tmp_path / "dcgan.onnx") <= 1
            True
        """
        export.export(self, path, format, half, overwrite, card)
