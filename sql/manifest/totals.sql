-- What a steward looks at first.
SELECT
    (SELECT count(*) FROM audit.rejects) AS rejects,
    (SELECT count(*) FROM audit.value_issues) AS value_issues,
    (SELECT count(*) FROM audit.imputations) AS imputations,
    (SELECT count(*) FROM audit.unmapped) AS unmapped_values,
    (SELECT count(*) FROM audit.columns WHERE decision = 'undecided') AS columns_undecided
