"""Switches as a shell hands them over."""

import pytest

from scripts.errors import BundleError
from scripts.switches import is_on


def test_words_and_values_mean_what_they_say():
    assert all(is_on(value) for value in (True, "true", "True", "on", "yes", 1, "1"))
    assert not any(is_on(value) for value in (False, "false", "False", "off", "no", 0, "0", None))
    with pytest.raises(BundleError, match="perhaps"):
        is_on("perhaps")
