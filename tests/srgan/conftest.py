"""Provide a small SRGAN whose weights no test changes."""

import pytest
from small_srgan import build


@pytest.fixture(scope="module")
def srgan():
    return build()
