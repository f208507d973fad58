"""
The version of this program, as it was installed.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

DISTRIBUTION = "tsubasa"


def version() -> str:
    """The version, or "unknown" when the program runs from a folder that was never installed."""
    try:
        return installed(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
