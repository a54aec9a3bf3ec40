"""Reads features by behave's parser, and says which one cannot be read, and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from behave.parser import ParserError
from behave.runner_util import collect_feature_locations, parse_features

__all__ = ["FeatureError", "features_below", "read_features"]


class FeatureError(Exception):
    """A feature cannot be read; the message names the file."""


def read_features(locations: Sequence[Any], *, language: str | None) -> list[Any]:
    """Parse the features at these locations, which may name lines. Raises FeatureError."""
    try:
        features: list[Any] = parse_features(locations, language=language)
    except ParserError as error:
        raise FeatureError(str(error)) from error
    except (KeyError, OSError, UnicodeDecodeError):
        for location in locations:
            _explain(location, language)
        raise
    return features


def features_below(directory: Path) -> list[Any]:
    """Parse all features in a directory and below. Raises FeatureError."""
    return read_features(collect_feature_locations([str(directory)]), language=None)


def _explain(location: Any, language: str | None) -> None:
    try:
        parse_features([location], language=language)
    except KeyError as error:  # behave looks the language up without asking whether it is there
        raise FeatureError(f"{location.filename}: there is no language {error}") from error
    except UnicodeDecodeError as error:
        raise FeatureError(f"{location.filename}: is not UTF-8: {error}") from error
    except OSError as error:
        raise FeatureError(f"{location.filename}: cannot be read: {error.strerror}") from error
