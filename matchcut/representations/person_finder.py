"""Finds the persons of one frame: a mask, a confidence and the joints of each.

One network marks the pixels of people (MediaPipe Selfie Segmentation), but it takes whatever stands out for a
person: a dune, smoke, a chair, the Earth. Two detectors therefore bear witness: faces (BlazeFace full range,
arXiv 1907.05047) and bodies (the detector of BlazePose, arXiv 2006.10204). Where one of them saw somebody, a third
network looks closely (BlazePose's landmarks): it says whether somebody is there, where the joints are, and which
pixels are this one person's, without the mat under the gymnast or the piano before the pianist. A person's mask is
where both masks together are sure. What only one of them believes in is less sure to be a person.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from matchcut.representations.bodies import (
    MASK_HEIGHT,
    MASK_WIDTH,
    Body,
    Witness,
    body_witnesses,
    face_witnesses,
    from_farther_away,
    is_cut_off,
    look_closely,
    one_per_person,
)
from matchcut.representations.detectors import Detector, Network, anchor_grid
from matchcut.representations.instances import Instance
from matchcut.representations.persons import PersonParameters, persons_of, unexplained

SEGMENTATION = "selfie_segmentation_landscape"
FACES = "face_detection_full_range"
BODIES = "pose_detection"
LANDMARKS = "pose_landmark_full"
WEIGHTS = (SEGMENTATION, FACES, BODIES, LANDMARKS)


class PersonFinder:
    """Masks of persons in single frames; of use to one thread at a time.

    Args:
        weights: file of each name in `WEIGHTS`.
        parameters: what counts as a person.
    """

    def __init__(self, weights: Mapping[str, Path], parameters: PersonParameters) -> None:
        self._weights = weights
        self._parameters = parameters

    @cached_property
    def _segmentation(self) -> Network:
        return Network(self._weights[SEGMENTATION])

    @cached_property
    def _landmarks(self) -> Network:
        return Network(self._weights[LANDMARKS])

    @cached_property
    def _faces(self) -> Detector:
        # One stride of 4 on 192 pixels, one anchor each: MediaPipe's face_detection_full_range options.
        return Detector(Network(self._weights[FACES]), 192, anchor_grid((48, 1)))

    @cached_property
    def _bodies(self) -> Detector:
        # Strides 8, 16, 32, 32, 32 on 224 pixels, two anchors each: MediaPipe's pose_detection options.
        return Detector(Network(self._weights[BODIES]), 224, anchor_grid((28, 2), (14, 2), (7, 6)))

    def find(self, frame: np.ndarray) -> list[Instance]:
        """Persons in a uint8 (H, W, 3) RGB frame, the largest first."""
        settings, probability = self._parameters, self.probability(frame)
        seen = [witness for witness in self.witnesses(frame) if witness.score >= settings.least_score]
        bodies = [self._whole_body(frame, witness) for witness in seen[: settings.max_looks]]
        persons = persons_of(probability, bodies, settings)
        # A mask that is nobody's yet may be a person whom the detectors missed, or saw the half of.
        masks = unexplained(probability, persons, frame.shape[:2], settings)
        if not masks:
            return persons
        return persons_of(probability, [*bodies, *(self.body(frame, witness) for witness in masks)], settings)

    def probability(self, frame: np.ndarray) -> np.ndarray:
        """float32 (144, 256), how probably each pixel belongs to a person."""
        import cv2

        small = cv2.resize(frame, (MASK_WIDTH, MASK_HEIGHT), interpolation=cv2.INTER_AREA)
        return self._segmentation(np.divide(small, 255, dtype=np.float32))[0][..., 0]

    def witnesses(self, frame: np.ndarray) -> list[Witness]:
        """Bodies and faces, one per person, best first."""
        settings = self._parameters
        faces = self._faces(frame, settings.min_score, settings.overlap)
        bodies = self._bodies(frame, settings.min_score, settings.overlap)
        return one_per_person(list(body_witnesses(bodies)), list(face_witnesses(faces)))

    def follow(self, frame: np.ndarray, known: Sequence[Instance]) -> list[Instance]:
        """Look where persons were seen a moment before or after.

        Args:
            frame: uint8 (H, W, 3) RGB, of the film in which they were seen.
            known: as `find` or `follow` gave them.
        """
        bodies = [self._whole_body(frame, person.witness) for person in known if person.witness is not None]
        return persons_of(self.probability(frame), bodies, self._parameters)

    def _whole_body(self, frame: np.ndarray, witness: Witness) -> Body:
        """Look closely, and from farther away at somebody who reaches beyond the square."""
        body = self.body(frame, witness)
        if body.presence < self._parameters.sure_presence or not is_cut_off(body):
            return body
        wider = self.body(frame, from_farther_away(witness))
        return wider if wider.presence >= self._parameters.sure_presence else body

    def body(self, frame: np.ndarray, witness: Witness) -> Body:
        """Look closely where a detector saw somebody."""
        return look_closely(self._landmarks, frame, witness)
