from __future__ import annotations

from pathlib import Path

import pytest

from omopify.drafting.precedents import Shipped, shipped
from omopify.errors import Problems
from omopify.scanning.discovering import ScanOptions
from omopify.scanning.model import Scan
from omopify.scanning.scan import scan_export

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def packs() -> Shipped:
    return shipped()


@pytest.fixture(scope="session")
def heron() -> Scan:
    return scan_export(EXAMPLES / "heron" / "data", ScanOptions(), Problems())
