"""
The models' public hub, asked through huggingface_hub: which file of a repository is meant, and its checksum.

The file itself is downloaded by `pull.py`. The library's own `hf_hub_download` can't go on after the process has
ended: it writes to a file of a new name each time and removes it when it fails. Its faster transfer (hf_xet) has
native code of its own for the network, which `http.py` could neither check nor count.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, set_client_factory
from huggingface_hub.utils import logging as hub_logging

from daemon.downloads.errors import PullError
from daemon.downloads.http import host_of, reason
from daemon.downloads.model_source import HubFile, part_names

LONGEST_ANSWER = 8 << 20  # bytes; a list of files has one page for each thousand


class Hub:
    """The hub at `endpoint`. The library asks it through `client` alone, and closes that at the end."""

    def __init__(self, endpoint: str, client: httpx2.Client) -> None:
        self._endpoint = endpoint
        set_client_factory(lambda: client)
        # Otherwise it asks for a list of programs that may have called it, and keeps that in the user's home.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        hub_logging.set_verbosity(logging.CRITICAL)  # what went wrong is said by our errors

    def file_url(self, source: HubFile) -> str:
        """
        The address of the file that is meant, of a split model that of its first part.

        The hub is asked for its list only when no file was named.
        """
        file = source.file or _chosen(source, self._list(source))
        return f"{self._endpoint}/{source.repository}/resolve/{quote(source.revision, safe='')}/{quote(file)}"

    def stated_sha256(self, url: str) -> str | None:
        """The sha256 that the hub states for a large file; None when it states none."""
        with self._asking():
            etag = get_hf_file_metadata(url, token=False, endpoint=self._endpoint).etag
        return etag if etag and re.fullmatch("[0-9a-f]{64}", etag) else None

    def _list(self, source: HubFile) -> list[str]:
        api = HfApi(endpoint=self._endpoint, token=False)
        try:
            with self._asking():
                found = api.list_repo_files(source.repository, revision=source.revision)
            return sorted(name for name in found if name.endswith(".gguf") and name.isprintable())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise PullError(
                f"{self._endpoint} has no list of files for {source.repository!r} ({reason(error)[:200]}). "
                f"Name the file: OWNER/REPOSITORY/FILE.gguf"
            ) from error

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except httpx2.TransportError as error:
            broken = f"The connection to {host_of(self._endpoint)} broke again and again ({reason(error)})."
            raise PullError(f"{broken} Try again.") from error


def _chosen(source: HubFile, there: Sequence[str]) -> str:
    """The file of the wanted quantization, rather whole than split; additions to a model are passed over."""
    models = [file for file in there if "mmproj" not in file and part_names(file)[0] == file]
    pattern = re.compile(rf"(?i)(^|[-._/]){re.escape(source.quantization)}([-._/]|$)")
    fitting = [file for file in models if pattern.search(file)]
    whole = [file for file in fitting if part_names(file) == [file]]
    for offered in (whole, fitting, [] if fitting else models):
        if len(offered) == 1:
            return offered[0]
    has = f"it has {', '.join(there[:12])}" if there else "it has no .gguf file at all"
    raise PullError(
        f"{source.repository} has no file for {source.quantization!r}; {has}. "
        f"Name one: tsubasa pull {source.repository}/FILE.gguf"
    )
