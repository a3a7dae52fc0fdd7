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

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "zoo.md"
HEAD = """# The zoo

Every preset comes with ganzoo: `ganzoo.from_preset(NAME)`, `ganzoo sample NAME --out grid.png`, or
for SRGANs `ganzoo upscale NAME photo.jpg --out large`. The images are the first samples of seed 0,
not picked. For SRGANs they are details of upscaled photographs.

Scores of different extractors cannot be compared. [Metrics](metrics.md) describes the protocol.
± is a standard error. Brackets hold the score of real images that were not used in training. The
command beside the scores reproduces them within 1 %, or a tenth of the standard error if that is
larger (PSNR within 0.02 dB, SSIM within 0.0002), because processors round differently.

`python scripts/make_zoo_page.py` writes this page from the cards, which `ganzoo info NAME` prints.

"""


def write_page():
    """Return the text of the page."""
    presets = registry.presets()
    sections = [section(name, *record) for name, record in presets.items()]
    return HEAD + table(presets) + "\n" + "\n".join(sections)


def table(presets):
    """Return a table with one row per preset."""
    lines = ["| preset | family | data | score | MB |", "|---|---|---|---|---|"]
    for name, (family, preset) in presets.items():
        score = preset.scores[0]
        scale = f", extractor `{score.extractor}`" if score.extractor else ""
        lines.append(
            f"| [`{name}`](#{name}) | {family.class_name} | {preset.recipe['data']} "
            f"| {score.metric} {score.value:g}{scale} | {preset.weights.size / 1e6:.1f} |"
        )
    return "\n".join(lines) + "\n"


def section(name, family, preset):
    """Return the section of a preset, with the content of its card."""
    folder = weights.find_description(name)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    training = card["training"]
    measured = [card[key] for key in ("metrics", "vgg19_distances") if key in card]
    precision = "half precision" if card["recipe"].get("mixed_precision") else "float32"
    rows = [
        ("data", f"{card['data']['name']}, {card['data']['split']}; {card['data']['licence']}"),
        ("trained by", f"`{card['command']}`"),
        ("training", f"{training['minutes']:g} minutes in {precision}, {training['hardware']}"),
        *(("measured", f"{figures(found)}; `{found['command']}`") for found in measured),
        *(
            [("learning curve", curve(card["learning_curve"]))]
            if card.get("learning_curve")
            else []
        ),
        ("license of the weights", card["licence"]),
        ("limits", card["limits"]),
    ]
    picture = f"../ganzoo/presets/{name}/samples.png"
    lines = [f"## {name}", f"[{family.class_name}](../ganzoo/{family.name}/README.md)", ""]
    lines += [f"![Samples of {name}]({picture})", "", "| | |", "|---|---|"]
    lines += [f"| {title} | {text} |" for title, text in rows]
    return "\n".join(lines) + "\n"


def figures(metrics):
    """Return the scores of a card as text, with their errors and the scores of real images."""
    told = []
    for name, value in metrics.items():
        if name in ("command", "extractor_fingerprint") or name.endswith((ERROR, REAL)):
            continue
        error, real = metrics.get(name + ERROR), metrics.get(name + REAL)
        text = f"{name.replace('_', ' ')} {value}"
        text += "" if error is None else f" ± {error:g}"
        text += "" if real is None else f" ({real:g})"
        told.append(text)
    return ", ".join(told)


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
