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
from threading import RLock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext


_one_at_a_time = RLock()
"""Warnings are switched off for the whole process, so that two threads must not do it at once."""


def warm_up() -> None:
    """Begin to import Great Expectations in the background; whoever needs it waits until that is done."""

    def begin() -> None:
        with quiet():
            import omopify.quality.expectations  # noqa: F401

    Thread(target=begin, daemon=True).start()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Great Expectations and what it brings from warning, logging or phoning while the block runs."""
    with _one_at_a_time, _silence():
        yield


@contextmanager
def _silence() -> Iterator[None]:
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
