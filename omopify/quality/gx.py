"""Great Expectations as omopify wants it: silent, offline and without files.

Importing it costs seconds and writes warnings; an ordinary context makes folders.  Whoever needs it does so inside
``quiet`` and with ``ephemeral``.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Great Expectations and what it brings from warning, logging or phoning while the block runs."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger, nothing = logging.getLogger("great_expectations"), logging.NullHandler()
    propagated = logger.propagate
    logger.propagate = False
    logger.addHandler(nothing)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(nothing)
        logger.propagate = propagated


def ephemeral() -> EphemeralDataContext:
    """Return a context that is in memory only and shows no progress bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)
