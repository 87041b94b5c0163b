"""Check a conversion's result, judge it, and keep what was found as plain data: suites, measuring, gate, sign-off."""
