"""Download presets from the Hugging Face Hub, and upload them."""

import contextlib
import pathlib
import re
from collections.abc import Iterator

from ganzoo import messages
from ganzoo.saving import downloads
from ganzoo.version import __version__

# `huggingface_hub` is slow to import, and belongs to an extra. Functions import it.

PREFIX = "hf://"
# Files of a preset. Others in a repository are not downloaded.
_FILES = ["config.json", "card.json", "model.weights.h5", "samples.png"]
_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+?)(?:@([\w./-]+))?")


def is_address(preset: pathlib.Path | str) -> bool:
    """Return True if `preset` is the address of a repository, as in `"hf://user/name"`."""
    return isinstance(preset, str) and preset.startswith(PREFIX)


def download(address: str) -> pathlib.Path:
    """Download the preset in a repository, and return its folder in the cache of the Hub.

    Files that are in the cache already are not downloaded again. Without a network, the cached
    preset is used.

    Args:
        address: str. `"hf://user/name"`. A branch, tag or commit follows an `@`, as in
            `"hf://user/name@v1"`.

    Raises:
        ValueError: If the address is malformed, there is no such repository or revision, or
            `huggingface_hub` is not installed.
        DownloadError: If the download fails.
    """
    repository, revision = _parse(address)
    with _one_line_errors(address):
        import huggingface_hub

        folder = huggingface_hub.snapshot_download(
            repository,
            revision=revision,
            allow_patterns=_FILES,
            etag_timeout=downloads.TIMEOUT,
            library_name="ganzoo",
            library_version=__version__,
        )
    return pathlib.Path(folder)


def upload(folder: pathlib.Path, repository: str, private: bool) -> str:
    """Upload the files of a folder to a repository in one commit. Create it if it is missing.

    Args:
        folder: folder of the files.
        repository: str. `"user/name"`.
        private: bool. Create a private repository. The setting of an existing one stays.

    Returns:
        URL of the repository.

    Raises:
        ValueError: If the name is malformed, the access token is missing or does not allow it, or
            `huggingface_hub` is not installed.
        DownloadError: If the Hub cannot be reached.
    """
    _parse(PREFIX + repository)
    with _one_line_errors(PREFIX + repository):
        import huggingface_hub

        hub = huggingface_hub.HfApi(library_name="ganzoo", library_version=__version__)
        url = hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repository,
            folder_path=folder,
            commit_message=f"Upload a preset of ganzoo {__version__}",
        )
    return str(url)


def check_installed() -> None:
    """Check that `huggingface_hub` is installed.

    Raises:
        ValueError: If it is not.
    """
    with _one_line_errors(PREFIX):
        import huggingface_hub  # noqa: F401


def _parse(address):
    """Return the repository and the revision, or None, of an address."""
    if not (found := _ADDRESS.fullmatch(address)):
        raise ValueError(
            "The address of a repository must be 'hf://user/name' or 'hf://user/name@revision'. "
            f"Received: {address!r}."
        )
    return found.groups()


@contextlib.contextmanager
def _one_line_errors(address: str) -> Iterator[None]:
    """Turn the errors of `huggingface_hub` into one line with a remedy."""
    try:
        from huggingface_hub import errors
    except ImportError:
        raise ValueError(
            "The Hugging Face Hub needs the package huggingface_hub. Install it with "
            "`pip install 'keras-ganzoo[hub]'`."
        ) from None
    log_in = "log in with `hf auth login` or set HF_TOKEN"
    try:
        yield
    except errors.RevisionNotFoundError:
        raise ValueError(f"{address!r} has no such revision. Check the part after '@'.") from None
    # The first is a kind of the second, and 401 is what the Hub answers for unknown names.
    except errors.GatedRepoError:
        raise ValueError(
            f"{address!r} is gated. Request access on its page, and {log_in}."
        ) from None
    except errors.RepositoryNotFoundError:
        raise ValueError(
            f"{address!r} is not found. Check the name. If the repository is private, {log_in}."
        ) from None
    except errors.LocalTokenNotFoundError:
        raise ValueError(f"{address!r} needs an access token: {log_in}.") from None
    except errors.HFValidationError as error:
        raise ValueError(
            f"{address!r} is not a valid name of a repository: {messages.first_line(error)}"
        ) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise ValueError(
                f"{address!r} cannot be changed with this access token. Use one that may write: "
                f"{log_in}."
            ) from None
        raise downloads.DownloadError(
            f"{address!r} cannot be reached: the Hub answers {status}. Try again later."
        ) from None
    # Errors of the connection are those of an HTTP library, which depends on the version.
    except (OSError, errors.HTTPError) as error:
        cause = error.__cause__ or error
        reason = messages.first_line(cause).rstrip(".")
        raise downloads.DownloadError(
            f"{address!r} cannot be reached ({reason}). Check the network connection, and try "
            "again to resume."
        ) from None
