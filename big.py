# the property with many more examples, outside the suite
import tests.scanning.test_scanning_privacy as t
from hypothesis import settings, HealthCheck
import pathlib, tempfile
S=settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), database=None)
f=S(t.test_codes_and_labels_are_told_alike.__wrapped__) if hasattr(t.test_codes_and_labels_are_told_alike,'__wrapped__') else None
inner=t.test_codes_and_labels_are_told_alike
inner._hypothesis_internal_use_settings=S
inner()
class F:
    def mktemp(self,n): return pathlib.Path(tempfile.mkdtemp())
g=t.test_nothing_is_told_of_few
g._hypothesis_internal_use_settings=settings(S,max_examples=300)
g(F())
print("ok")
