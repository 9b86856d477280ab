"""The page that an editor sees first: a library's candidates by flavor, each of them played as the cut that it is.

A folder that needs no server and no network: `index.html` with everything in it, and the pictures, played cuts and
drawings beside it, which are loaded when they are looked at. It opens by a double click, can be sent as an
archive, and shows text as text whatever a file is called: titles reach the page through autoescaping and as JSON
whose `<` is escaped, and a content security policy allows the page's own script alone.
"""

from matchcut.candidate_page.contents import Extras, FlavorInfo, PlayedCut, TitleInfo
from matchcut.candidate_page.page import PAGE_NAME, write_page

ALGORITHM = "6"  # changes when the same candidates give another page

__all__ = ["ALGORITHM", "PAGE_NAME", "Extras", "FlavorInfo", "PlayedCut", "TitleInfo", "write_page"]
