"""Every implementation of a store passes `contract.py`."""

from tests.store.contract import *  # noqa: F403 - its tests
from tests.store.contract_erase import *  # noqa: F403 - its tests
