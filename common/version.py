"""The version of the product, which images know without its project file."""

from typing import Final

VERSION: Final = "0.1.0"
