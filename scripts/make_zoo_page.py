"""Write docs/zoo.md, the page of all presets, from their cards.

    python scripts/make_zoo_page.py

A test checks that the page is current.
"""

import json
import pathlib

from measure_preset import ERROR, REAL

import ganzoo
from ganzoo import registry
from ganzoo.saving import weights

# Keys of the scores in a card that are not scores.
CONDITIONS = ("extractor", "extractor_fingerprint", "images", "real_images", "seed", "protocol")
CONDITIONS += ("command",)
PAGE = pathlib.Path(__file__).parent.parent / "docs" / "zoo.md"
HEAD = """# The zoo

Every preset comes with ganzoo: `ganzoo.from_preset(NAME)`, `ganzoo sample NAME --out grid.png`, or
for SRGANs `ganzoo upscale NAME photo.jpg --out large`. The images are the first samples of seed 0,
not picked. For SRGANs they are details of upscaled photographs.

Scores of different extractors cannot be compared. [Metrics](metrics.md) describes the protocol.
± is a standard error. The column "real images" holds the score of real images that were not used in
training. The command below the scores reproduces them within 1 %, or a tenth of the standard error
if that is larger. PSNR is reproduced within 0.02 dB, SSIM within 0.0002, LPIPS within 0.001, and
NIQE within 0.02. Processors round differently.

`python scripts/make_zoo_page.py` writes this page from the cards, which `ganzoo info NAME` prints.

"""


def write_page():
    """Return the text of the page."""
    presets = registry.presets()
    sections = [section(name, *record) for name, record in presets.items()]
    return HEAD + table(presets) + "\n" + "\n".join(sections)


def table(presets):
    """Return a table with one row per preset."""
    rows = []
    for name, (family, preset) in presets.items():
        score = preset.scores[0]
        scale = f", extractor `{score.extractor}`" if score.extractor else ""
        rows.append(
            (
                f"[`{name}`](#{name})",
                family.class_name,
                preset.recipe["data"],
                f"{score.metric} {score.value:g}{scale}",
                f"{preset.weights.size / 1e6:.1f}",
            )
        )
    return markdown(("preset", "family", "data", "score", "MB"), rows) + "\n"


def section(name, family, preset):
    """Return the section of a preset, with the content of its card."""
    folder = weights.find_description(name)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    data, training = card["data"], card["training"]
    precision = "half precision" if card["recipe"].get("mixed_precision") else "float32"
    rows = [
        ("data", f"{data['name']}, split {data['split']} (license: {data['licence']})"),
        ("command", f"`{card['command']}`"),
        ("training", f"{training['minutes']:g} minutes in {precision}, {training['hardware']}"),
    ]
    if card.get("learning_curve"):
        rows.append(("learning curve", curve(card["learning_curve"])))
    rows += [("license of the weights", card["licence"]), ("limits", card["limits"])]
    parts = [
        f"## {name}\n[{family.class_name}](../ganzoo/{family.name}/README.md)",
        f"![Samples of {name}](../ganzoo/presets/{name}/samples.png)",
        markdown(("", ""), rows),
        *(scores(card[key]) for key in ("metrics", "vgg19_distances") if key in card),
    ]
    return "\n\n".join(parts) + "\n"


def scores(metrics):
    """Return a table of the scores of a card, with the command that measures them."""
    rows = []
    for name, value in metrics.items():
        if name in CONDITIONS or name.endswith((ERROR, REAL)):
            continue
        others = metrics.get(name + ERROR), metrics.get(name + REAL)
        numbers = ("" if number is None else f"{number:g}" for number in (value, *others))
        rows.append((name.replace("_", " "), *numbers))
    heading = ("score", "value", "±", "real images")
    if "extractor" in metrics:
        told = (
            f"{metrics['images']:,} images (seed {metrics['seed']}), {metrics['real_images']:,} "
            f"real images, features of `{metrics['extractor']}`"
        )
    else:
        # Scores of super-resolution have neither errors nor scores of other images.
        heading, rows = heading[:2], [row[:2] for row in rows]
        told = ", ".join(filter(None, (metrics["images"], metrics.get("protocol"))))
    return f"{markdown(heading, rows)}\n\n{told}: `{metrics['command']}`"


def markdown(heading, rows):
    """Return a table in Markdown."""
    lines = (heading, ["---"] * len(heading), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def curve(points):
    """Return a learning curve of at most ten points as text."""
    every = -(-len(points) // 10)
    chosen = points[::-1][::every][::-1]
    (metric,) = set(points[0]) - {"step"}
    told = (f"{point[metric]:g} at step {point['step']:,}" for point in chosen)
    return f"{metric} {', '.join(told)}"


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
    print(f"{PAGE}: {len(ganzoo.list_presets())} presets")
