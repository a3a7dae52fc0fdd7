"""Blends an SRGAN with the SRResNet that its training started from, weight by weight.

    python scripts/blend_srgan.py runs/srgan --share 0.35 --out runs/srgan_blended.keras

"Network interpolation" (Wang et al., 2018, arXiv:1809.00219, section 3.4): between a network
trained for pixels and the one it became in the game lie networks with part of the game's
texture and little of its artefacts.
"""

import argparse
import pathlib

import ganzoo
from ganzoo import callbacks


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="run or .keras file of the SRGAN")
    parser.add_argument("--start", default="srresnet_x4", help="what it started from")
    parser.add_argument("--share", type=float, default=0.5, help="of the SRGAN, from 0 to 1")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a .keras file")
    arguments = parser.parse_args()
    start, gan = ganzoo.from_preset(arguments.start), ganzoo.load(arguments.run)
    for network in ("generator", "ema_generator"):
        pairs = zip(
            getattr(start, network).get_weights(), getattr(gan, network).get_weights(), strict=True
        )
        share = arguments.share
        getattr(gan, network).set_weights([(1 - share) * a + share * b for a, b in pairs])
    callbacks.save_whole(gan, arguments.out)


if __name__ == "__main__":
    main()
