"""Load the script of the search from the site, not from another server. A hook of MkDocs."""

SHIM = "https://unpkg.com/iframe-worker/shim"


def on_post_page(output, page, config):
    """Replace the address of the script, which the theme has written."""
    depth = page.file.dest_uri.count("/")
    return output.replace(SHIM, "../" * depth + "assets/iframe-worker.js")


def on_post_template(output, template_name, config):
    """Do the same on the page for wrong addresses, which is no page of MkDocs."""
    return output.replace(SHIM, "assets/iframe-worker.js")
