# %% [markdown]
# # Export and serve
#
# Export a trained generator to use it without ganzoo: as a SavedModel for TensorFlow, as ONNX, or as
# LiteRT for phones. ONNX needs `pip install '.[onnx]'`. `--half` stores the weights as float16.

# %%
# !ganzoo export cgan_fashion_mnist --out clothes
# !ganzoo export cgan_fashion_mnist --out clothes.onnx
# !ganzoo export cgan_fashion_mnist --out clothes.tflite --half

# %% [markdown]
# The suffix of `--out` chooses the format, in small or capital letters. Other suffixes of files, such
# as `.h5` or `.pb`, are refused, because a SavedModel is a folder.
#
# The command then runs the exported model and Keras on the same random inputs, and prints the largest
# difference of two pixels. A difference of 0 or 1 of 255 is rounding. With a larger one the command
# ends with code 1. In Python, use `gan.export("clothes.onnx")` and
# `ganzoo.export.verify(gan, "clothes.onnx")`.
#
# The exported model is the averaged generator in float32:
#
# | family | inputs | output |
# |---|---|---|
# | vanilla, DCGAN, R3GAN | `latents` float32 `(N, latent_dim)`, standard normal (uniform in [-1, 1) with `recipe="paper"`, except R3GAN) | `images` uint8 `(N, height, width, channels)` |
# | CGAN, LAPGAN and R3GAN with classes | `latents`, and `labels` int32 `(N,)`. The latents of a LAPGAN hold the noise of all levels. | `images` |
# | SRGAN | `images` uint8 `(N, height, width, 3)`, any size | `upscaled` uint8 |
#
# With `--half`, computation stays float32.
#
# ## SavedModel

# %%
import tensorflow as tf

model = tf.saved_model.load("clothes")
latents = tf.random.normal((4, 64))
labels = tf.constant([0, 1, 8, 9])
images = model.signatures["serving_default"](latents=latents, labels=labels)["images"]
print(images.shape)  # (4, 28, 28, 1), uint8

# %% [markdown]
# A SavedModel can also draw the latents itself. The images are those of
# `gan.generate(..., seed=seed)`. With classes, `sample` draws labels and returns them:

# %%
import tensorflow as tf

model = tf.saved_model.load("clothes")
drawn = model.signatures["sample"](num_images=tf.constant(4), seed=tf.constant(0))
print(drawn["images"].shape, drawn["labels"])
bags = model.signatures["sample_classes"](labels=tf.constant([8] * 4), seed=tf.constant(0))

# %% [markdown]
# The class names are in `assets.extra/card.json`. A model with several conditions has an input for
# each column instead of `labels`: float32 for numbers, int32 for classes. `sample_classes` takes them,
# too. In the names of inputs, `_` replaces other characters than letters and digits.
#
# ## ONNX

# %%
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("clothes.onnx")
latents = np.random.default_rng(0).standard_normal((4, 64)).astype("float32")
labels = np.array([0, 1, 8, 9], "int32")
(images,) = session.run(["images"], {"latents": latents, "labels": labels})
print(images.shape)
print(session.get_modelmeta().custom_metadata_map["licence"])

# %% [markdown]
# The file has opset 18 and named axes. Its metadata hold the model card and the class names.
#
# ## LiteRT

# %%
import numpy as np
import tensorflow as tf  # The package ai-edge-litert has the same Interpreter without TensorFlow.

runner = tf.lite.Interpreter("clothes.tflite").get_signature_runner("serving_default")
latents = np.random.default_rng(0).standard_normal((4, 64)).astype("float32")
images = runner(latents=latents, labels=np.array([0, 1, 8, 9], "int32"))["images"]
print(images.shape)

# %% [markdown]
# Version 2.3.0 of ai-edge-litert works.
#
# ## Browser
# The folder `docs/web` of the repository has a small web page that generates images with onnxruntime-web. You
# choose the class, and move sliders for the latents.
#
# ![A page with a picture of clothes, a choice of classes and eight sliders](../web.png)
#
# ```sh
# cd docs/web && npm install
# ganzoo export cgan_fashion_mnist --half --out clothes.onnx
# python -m http.server  # then open http://localhost:8000
# ```
#
# ## TensorFlow Serving
# Serving needs a folder for each version of a model:
#
# ```sh
# ganzoo export cgan_fashion_mnist --out models/clothes/1
# docker run -p 8501:8501 -v "$PWD/models/clothes:/models/clothes" -e MODEL_NAME=clothes tensorflow/serving
# curl -d '{"signature_name": "sample_classes", "inputs": {"labels": [8, 9], "seed": 0}}' \
#     http://localhost:8501/v1/models/clothes:predict
# ```
#
# ## Speed and size
# Images per second of `cgan_fashion_mnist`, on two cores of an AMD EPYC with AVX-512 (median of 3
# rounds, TensorFlow 2.21, onnxruntime 1.32):
#
# | images at once | `generate` | SavedModel | ONNX | LiteRT |
# |---|---|---|---|---|
# | 1 | 1,340 | 692 | 2,880 | 2,240 |
# | 64 | 3,940 | 3,560 | 3,250 | 2,760 |
#
# For single images, ONNX and LiteRT are several times as fast as a SavedModel. Exported presets have
# 2.9 to 6.9 MB, and load in less than half a second. [Experiments](../experiments/export.md) have all
# presets.
#
# ## Hugging Face Hub
# A model on the [Hub](https://huggingface.co) stays a ganzoo model: others load it by its address, and
# can train it further. Install the extra with `pip install '.[hub]'`, and log in with `hf auth login`.
#
# ```python
# import ganzoo
#
# gan = ganzoo.load("runs/mine")
# card = {**ganzoo.find_card("runs/mine"), "licence": "Apache-2.0", "limits": "Draws only faces."}
# gan.push_to_hub("user/name", card)
# gan = ganzoo.from_preset("hf://user/name")  # or "hf://user/name@v1" for a branch, tag or commit
# ```
#
# The repository is a preset folder with a `README.md`: the card, and a YAML header with the license and
# tags. The command line accepts the address wherever it accepts a preset:
# `ganzoo sample hf://user/name -n 64 --out grid.png`. Files are kept in the cache of the Hub, and load
# from there without a network. ganzoo verifies them
# [as every preset from strangers](../reliability.md#files-from-strangers).
#
# ## Limits
# - An exported SRGAN upscales the whole image at once. `gan.upscale` uses tiles. Cut large images
#   into tiles, or memory runs out.
# - The discriminator is not exported.
# - Own networks may use operations that a format lacks, such as bicubic upsampling in LiteRT. The
#   error names the operation and the layer, and no file is written. A SavedModel holds all
#   operations.
