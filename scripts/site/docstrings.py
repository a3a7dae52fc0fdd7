"""Read the examples of docstrings as examples: Griffe knows the title `Examples:` only."""

import re

import griffe


class Examples(griffe.Extension):
    """Rename the section `Example:`."""

    def on_object(self, *, obj, **kwargs):
        """Change a docstring before it is parsed."""
        if obj.docstring:
            obj.docstring.value = re.sub(
                r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE
            )
