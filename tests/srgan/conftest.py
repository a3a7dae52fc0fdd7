"""A network that tests only look at."""

import pytest
from small_srgan import build


@pytest.fixture(scope="module")
def srgan():
    return build()
