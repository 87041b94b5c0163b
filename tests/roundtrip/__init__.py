"""One truth, many dialects: what a trial's export is made into is the truth that the export was made from.

Patients are drawn once (``omopify.synthetic``) and said twice: in the shared variables (:func:`dsp_truth`), and
as the export of a trial.  The export is converted as on the command line, and every row and field of the shared
tables is compared with the truth.  What a trial spells in its own way, and what its export cannot carry, stands
in a list of the trial (``impress.py``, ``drup.py``).  The lists are kept honest: an exception that is not needed
fails the test, and so does a table or field of the shared model that is neither in the truth nor in the list.

To add a trial:

1. its dialect: a module of ``omopify/synthetic`` and an entry in ``TRIALS`` (see ``omopify/synthetic/dialect.py``);
2. here, a module that ends in ``TRIAL = Trial(...)``: how the trial spells the truth, and what it cannot carry;
3. an entry in ``TRIALS`` of ``conftest.py``.

The suite draws 150 patients; ``OMOPIFY_ROUNDTRIP_PATIENTS=1000`` draws more.
"""
