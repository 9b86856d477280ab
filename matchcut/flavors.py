"""The ways of matching. A new one is a file in `representations/` and an entry here."""

from matchcut.representations.appearance import Appearance
from matchcut.representations.flavor import Flavor
from matchcut.representations.optical_flow import OpticalFlow
from matchcut.representations.silhouettes import Silhouettes
from matchcut.representations.sound import SoundMatch

FLAVORS: tuple[Flavor, ...] = (Silhouettes(), OpticalFlow(), Appearance(), SoundMatch())
