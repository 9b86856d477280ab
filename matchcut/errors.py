"""Mistakes of the input or the set-up, said so that whoever reads them knows what to do."""


class MatchcutError(Exception):
    """What went wrong, with which file or title, and what to do about it.

    Raised for everything that the user can mend; a bug raises something else. The graph turns it into a
    `dagster.Failure` without retries, the command line into one line and exit code 1.
    """


class BadVideoError(MatchcutError):
    """A video that cannot be used: not a video, damaged, too small, too short, or nothing in it to match."""


class SourceChangedError(MatchcutError):
    """A source file vanished or changed while it was being read."""


class MissingWeightsError(MatchcutError):
    """A model's weights are not in the cache, or are not the file that the manifest names."""


class MissingFeatureError(MatchcutError):
    """A feature that a stage reads was not computed yet, or was removed from the store."""


class FeatureStoreError(MatchcutError):
    """The feature store cannot be written or read: disk full, no permission, no connection."""
