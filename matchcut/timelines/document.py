"""What completing an adapter's XML needs, whichever format it is."""

from xml.etree import ElementTree


def only(parent: ElementTree.Element, path: str) -> ElementTree.Element:
    """The one element at a path.

    Raises:
        RuntimeError: the adapter wrote none or several, so that this version of it is not known here.
    """
    found = parent.findall(path)
    if len(found) != 1:
        raise RuntimeError(f"the adapter wrote {len(found)} of {path} in {parent.tag}, one was expected")
    return found[0]


def document(root: ElementTree.Element) -> str:
    """The whole file, indented; `root` is changed by that."""
    ElementTree.indent(root, "    ")
    declaration = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {root.tag}>\n'
    return declaration + ElementTree.tostring(root, "unicode") + "\n"
