"""What every client reads when it is made, read once for all the clients of a test run."""

import copy
import functools
from typing import Any

import botocore.session
import httpx
from botocore.loaders import Loader
from httpx._transports import default as httpx_transport


def share() -> None:
    """
    Let clients share what never changes.

    Each session of boto3 reads the descriptions of the services anew (80 ms), and each client of
    httpx the list of authorities (20 ms). Tests make thousands of them, a function only one.
    """
    for module, name, shared in (
        (botocore.session, "create_loader", _sharing(botocore.session.create_loader)),
        (httpx_transport, "create_ssl_context", functools.cache(httpx.create_ssl_context)),
    ):
        setattr(module, name, shared)


def _sharing(create_loader: Any) -> Any:
    first = functools.cache(create_loader)

    def create(search_path: str | None = None) -> Loader:
        """Make a loader with its own list of folders, but with what all have read."""
        loader: Loader = copy.copy(first(search_path))
        vars(loader)["_search_paths"] = list(loader.search_paths)
        return loader

    return create
