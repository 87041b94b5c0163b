"""Reads a trial's export, whatever its format, into Parquet files in which every cell is text.

``read_headers`` looks at column names only, ``stage`` reads everything; both collect problems instead
of raising.  Importing this package is cheap: the libraries that read files are loaded on first use.
"""

from omopify.staging.model import Headers, ReadOptions, SourceRequest, StagedFile, StagedSource
from omopify.staging.sources import read_headers, stage

__all__ = [
    "Headers",
    "ReadOptions",
    "SourceRequest",
    "StagedFile",
    "StagedSource",
    "read_headers",
    "stage",
]
