"""The checks of OHDSI's DataQualityDashboard for the CDM, measured in few statements.

DataQualityDashboard asks one query per check: 2,374 for a CDM v5.4.  Here checks that read the same rows share a
statement, and concepts are counted before they are looked up, so that some hundred statements do.  What is counted is
the same; the words for it stand once, in ``sql/quality/cdm/_conditions.jinja``, and also list the rows of a failing
check.
"""

from omopify.quality.cdm.expanding import check, expand
from omopify.quality.cdm.measuring import measure
from omopify.quality.cdm.wording import DqdWords, check_types, dqd_words

__all__ = ["DqdWords", "check", "check_types", "dqd_words", "expand", "measure"]
