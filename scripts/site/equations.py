"""Turn equations into MathML, which browsers draw without a script.

A hook of MkDocs. Arithmatex has found the equations by then.
"""

import html
import re

from latex2mathml.converter import convert

EQUATION = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
SPACE = '<mspace width="0.15em"/>'


def on_page_content(content, page, config, files):
    """Replace the equations of a page."""
    return EQUATION.sub(to_mathml, content)


def to_mathml(match):
    """Return the MathML of an equation, on its own line if it is written so."""
    display = "block" if match[2] == "[" else "inline"
    mathml = convert(html.unescape(match[3]).strip(), display=display)
    # Browsers leave no space around the name of a function.
    return mathml.replace("<mi>log</mi>", f"{SPACE}<mi>log</mi>{SPACE}")
