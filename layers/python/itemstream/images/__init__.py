"""Images of items: how they are uploaded, checked, made small and found again.

Errors
------
::

    ImageError
    ├── ImageNotFound       the item has no such image
    ├── PictureRefused      the file can never become an image, and why
    └── UploadGone          the uploaded file is no longer there
"""

from __future__ import annotations

from itemstream.images.model import (
    ImageError,
    ImageNotFound,
    PictureRefused,
    UploadGone,
)

__all__ = ["ImageError", "ImageNotFound", "PictureRefused", "UploadGone"]
