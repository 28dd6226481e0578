"""Documents in a zip file: XML that any reader takes, and the same bytes for the same content."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["document", "write_zip", "xml_text"]

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def xml_text(text: str) -> str:
    r"""A text with what XML cannot hold at all replaced.

    Examples
    --------
    >>> xml_text("a <b> is fine, a bell is not: \a") == "a <b> is fine, a bell is not: \ufffd"
    True
    """
    return _ILLEGAL.sub("\ufffd", text)


def document(root: ET.Element) -> bytes:
    """An element and all in it as an XML file, UTF-8.

    Parameters
    ----------
    root : xml.etree.ElementTree.Element
        Texts in it may be any; they are changed as in `xml_text`.

    Returns
    -------
    bytes
    """
    for element in root.iter():
        if element.text is not None:
            element.text = xml_text(element.text)
        for name, value in element.items():
            element.set(name, xml_text(value))
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def write_zip(files: Mapping[str, bytes], path: Path) -> Path:
    """Write a zip file, its entries in the order given and without their time.

    Parameters
    ----------
    files : mapping of str to bytes
        Content by name.
    path : Path
        Appears whole or not at all.

    Returns
    -------
    Path
        As given.
    """
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=_EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same on every system
            archive.writestr(entry, content)
    return path
