-- The functions in which engines differ, for DuckDB. Maps and templates call these and otherwise plain SQL, so that
-- the same plan runs elsewhere with another file of this folder.
-- Text becomes a number or date by TRY_CAST, also behind a CASE that has looked at it: DuckDB may compute a branch
-- for rows that do not take it (1.5 does so inside lambdas).

-- Text: folded for comparison (case, outer and repeated blanks, Unicode form).
CREATE MACRO o_fold(x) AS
    CASE WHEN regexp_matches(x, '[^ -~]|  ') THEN trim(regexp_replace(lower(nfc_normalize(x)), '[\s\p{Z}]+', ' ', 'g'))
         ELSE lower(trim(x)) END;

CREATE MACRO o_matches(x, pattern) AS regexp_matches(x, pattern);

CREATE MACRO o_rx(x, pattern, n) AS CASE WHEN regexp_matches(x, pattern) THEN regexp_extract(x, pattern, n) END;

-- The n-th piece of a text that is cut at a separator; NULL behind the last piece.
CREATE MACRO o_part(x, separator, n) AS
    CASE WHEN n <= len(string_split(x, separator)) THEN string_split(x, separator)[n] END;

CREATE MACRO o_parts(x, separator) AS coalesce(len(string_split(x, separator)), 1);

-- Numbers: only what is written like one; '1_000', 'inf' and '0x1F' are not.
CREATE MACRO o_num(x) AS
    CASE WHEN regexp_full_match(x, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?') AND length(x) <= 100 THEN TRY_CAST(x AS double) END;

CREATE MACRO o_num_comma(x) AS CASE WHEN NOT contains(x, '.') THEN o_num(replace(x, ',', '.')) END;

CREATE MACRO o_whole(x) AS
    CASE WHEN x = floor(x) AND abs(x) <= 2147483647 THEN TRY_CAST(x AS integer) END;

-- A number as text: whole numbers without a decimal point.
CREATE MACRO o_plain(x) AS
    CASE WHEN x = floor(x) AND abs(x) < 1e15 THEN CAST(TRY_CAST(x AS bigint) AS varchar) ELSE CAST(x AS varchar) END;

CREATE MACRO o_bool(x) AS
    CASE WHEN lower(x) IN ('1', 'true', 'yes', 'y') THEN TRUE WHEN lower(x) IN ('0', 'false', 'no', 'n') THEN FALSE END;

-- '<5' is a number with a sign before it.
CREATE MACRO o_sign(x) AS CASE WHEN regexp_matches(x, '^[<>]=?') THEN regexp_extract(x, '^([<>]=?)', 1) END;

CREATE MACRO o_unsigned(x) AS
    CASE WHEN regexp_matches(x, '^[<>]') THEN trim(regexp_replace(x, '^[<>]=?', '')) ELSE x END;

-- Dates.
CREATE MACRO o_ymd(y, m, d) AS
    CASE WHEN y BETWEEN 1800 AND 2199 AND m BETWEEN 1 AND 12 AND d BETWEEN 1 AND 31 THEN
        TRY_CAST(lpad(CAST(y AS varchar), 4, '0') || '-' || lpad(CAST(m AS varchar), 2, '0') || '-' || lpad(CAST(d AS varchar), 2, '0') AS date)
    END;

-- A date without the time that may follow it.
CREATE MACRO o_day(x) AS
    CASE WHEN length(x) > 11 THEN regexp_replace(x, '([T ]?[0-9]{1,2}:[0-9]{2}.*|T[0-9]{2}Z?)$', '') ELSE x END;

-- A date outside 1800 to 2199 is a slip of the pen ('21-05-06', '0000-01-01'), not a date.
CREATE MACRO o_plausible(d) AS CASE WHEN d BETWEEN DATE '1800-01-01' AND DATE '2199-12-31' THEN d END;

-- Without signs between its parts a date has eight digits: '2020031' could be two of them.
CREATE MACRO o_is_compact(format) AS regexp_matches(format, '%[Ymd]%[Ymd]');

CREATE MACRO o_date(x, format) AS
    o_plausible(CAST(try_strptime(
        CASE WHEN NOT o_is_compact(format) OR length(o_day(x)) = 8 THEN o_day(x) END, format) AS date));

-- The time of day, if the value has one.
CREATE MACRO o_datetime(x, format) AS
    CASE WHEN contains(x, ':') THEN
        TRY_CAST(CAST(o_date(x, format) AS varchar) || ' ' || regexp_extract(x, '([0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)', 1) AS timestamp)
    END;

-- A date format as a pattern in which the day, or the month and the day, may be missing or not known, and the
-- order in which year, month and day stand in it.
CREATE MACRO o_loose_pattern(format) AS
    regexp_replace(regexp_replace(regexp_replace(replace(format, '.', '[.]'),
        '^%Y([^%]*)%[mb]([^%]*)%d$', '^((?:1[89]|2[01])[0-9]{2})(?:\1([0-9]{1,2}|[A-Za-z]{2,3}|-+)(?:\2([0-9]{1,2}|[A-Za-z]{2,3}|-+))?)?$'),
        '^%d([^%]*)%[mb]([^%]*)%Y$', '^(?:(?:([0-9]{1,2}|[A-Za-z]{2,3}|-+)\1)?([0-9]{1,2}|[A-Za-z]{2,3}|-+)\2)?((?:1[89]|2[01])[0-9]{2})$'),
        '^%m([^%]*)%d([^%]*)%Y$', '^(?:([0-9]{1,2}|[A-Za-z]{2,3}|-+)\1(?:([0-9]{1,2}|[A-Za-z]{2,3}|-+)\2)?)?((?:1[89]|2[01])[0-9]{2})$');

CREATE MACRO o_pattern(format) AS
    replace(o_loose_pattern(format), CASE WHEN o_is_compact(format) THEN '[0-9]{1,2}|[A-Za-z]{2,3}|-+' ELSE 'as it is' END, '[0-9]{2}');

CREATE MACRO o_order(format) AS
    CASE left(format, 2) WHEN '%Y' THEN '\1|\2|\3' WHEN '%d' THEN '\3|\2|\1' ELSE '\3|\1|\2' END;

CREATE MACRO o_is_unknown(x) AS
    coalesce(TRY_CAST(x AS integer) = 0, lower(x) IN ('', 'nk', 'unk', 'un', 'uk', 'nd', 'na', 'xx', 'xxx', '-', '--', '---'));

-- A month: its number, by its English name only where the format says so; 0 if it is missing or written as not
-- known; NULL if it is neither.
CREATE MACRO o_monthpart(x, format) AS
    coalesce(TRY_CAST(x AS integer),
             CASE WHEN contains(format, '%b') THEN list_position(
                 ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'], lower(x)) END,
             CASE WHEN o_is_unknown(x) THEN 0 END);

-- The day that stands for a year, a month (or NULL) and an unknown day: the first, the middle (the 15th; of a year
-- 15 July) or the last that it can be.
CREATE MACRO o_stand_in(y, m, rule) AS
    CASE rule WHEN 'latest' THEN last_day(TRY_CAST(y || '-' || coalesce(m, 12) || '-01' AS date))
         ELSE TRY_CAST(y || '-' || coalesce(m, CASE rule WHEN 'middle' THEN 7 ELSE 1 END) || CASE rule WHEN 'middle' THEN '-15' ELSE '-01' END AS date) END;

-- The day that stands for a partial date; NULL for a full one and for what is none. A known day of an unknown
-- month says nothing, so only year and month count. What is used twice is an element of a list, so that it is written
-- (and planned) once: year, month and day are three parts only where the pattern fits.
CREATE MACRO o_impute(x, format, rule) AS
    list_transform(list_transform(
        [string_split(regexp_replace(CASE WHEN NOT contains(x, '|') THEN x END, o_pattern(format), o_order(format)), '|')],
        lambda ymd: {'y': ymd[1], 'm': CASE WHEN len(ymd) = 3 THEN o_monthpart(ymd[2], format) END, 'd': ymd[3]}),
        lambda p: CASE WHEN p.m >= 0 AND o_is_unknown(p.d) OR p.m = 0 AND TRY_CAST(p.d AS integer) > 0
            THEN o_stand_in(p.y, nullif(p.m, 0), rule) END
    )[1];

CREATE MACRO o_year(x, format) AS
    CAST(extract(year FROM coalesce(o_date(x, format), o_impute(x, format, 'earliest'))) AS integer);

CREATE MACRO o_month(x, format) AS
    CASE WHEN o_date(x, format) IS NOT NULL THEN CAST(extract(month FROM o_date(x, format)) AS integer)
         WHEN o_impute(x, format, 'earliest') IS NOT NULL
         THEN nullif(o_monthpart(split_part(regexp_replace(x, o_pattern(format), o_order(format)), '|', 2), format), 0) END;

CREATE MACRO o_days(a, b) AS date_diff('day', a, b);

-- Full years by the calendar: somebody born on 29 February has the birthday on 1 March of other years.
CREATE MACRO o_years(a, b) AS
    CAST(extract(year FROM b) - extract(year FROM a)
         - CASE WHEN extract(month FROM b) * 100 + extract(day FROM b) < extract(month FROM a) * 100 + extract(day FROM a) THEN 1 ELSE 0 END AS integer);

CREATE MACRO o_add(d, n) AS o_plausible(CAST(o_plausible(d) + to_days(CASE WHEN n BETWEEN -100000 AND 100000 THEN TRY_CAST(n AS integer) END) AS date));

-- 60 bits of a natural key; only inside the register and the joins on it, never shown.
CREATE MACRO o_id(k) AS CAST('0x' || substr(md5(k), 1, 15) AS bigint);

-- The key of a text that names a gene variant: what can be written in several ways is written in one, so that
-- 'BRAF p.(Val600Glu)' is 'braf val600glu' (omopify/vocabulary/standards/variants.py makes the same key; a test compares them).
-- From the inside: references and changes of the DNA go, the version of a protein goes, then 'p.', brackets and words
-- that do not change which concept is meant; stops are '*'; gene and change are parted; a gene said twice is said once.
CREATE MACRO o_variant(x) AS list_transform([
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(o_fold(x),
        '\b(?:n[mrcg]_|xm_|lrg_|enst|ensg)[0-9][0-9a-z_.]*', ' ', 'g'),
        '\b[cgm]\. ?[-*(?0-9][^ ,;:)]*', ' ', 'g'),
        '\b((?:[nx]p_|ensp)[0-9]+)(?:[.][0-9]+)?(?:[(][a-z0-9-]+[)]:)?', '\1 ', 'g'),
        '\bp[.]', ' ', 'g'),
        '[\[\]():,]', ' ', 'g'),
        '\b(?:gene|genes|genet|mutation|mutations|mutated|mutant|mut|mutasjon|mutasjoner|mutert|variant|variants|alteration|alterations|protein|activating|inactivating|pathogenic|somatic|germline|oncogenic|hotspot|fusion|fusions|rearrangement|rearrangements|rearranged|translocation|amplification|amplified|(?:exon|ekson) ?[0-9]+)\b', ' ', 'g'),
        '([0-9]|fs|ext)(?:ter|x)([^a-z]|$)', '\1*\2', 'g'),
        ' +', ' ', 'g'),
        '^ | $', '', 'g'),
        '^([a-z][a-z0-9]*)[-/]([a-z]{1,3}[0-9]+[a-z*=])', '\1 \2', 'g'),
        '^[a-z0-9/-]+ ((?:[nx]p_|ensp)[0-9]+ )', '\1', 'g')
    ], lambda k: CASE WHEN contains(k, ' ') AND split_part(k, ' ', 2) = split_part(k, ' ', 1) THEN substr(k, strpos(k, ' ') + 1) ELSE k END)[1];

-- The word of such a key that names the gene, if all the rest is an alteration ('braf v600x', not 'braf wild type').
CREATE MACRO o_gene(k) AS CASE WHEN regexp_full_match(k,
    '([a-z0-9][a-z0-9_/-]*)(?: (?:(?:non[- ]?)?(?:ala|arg|asn|asp|cys|gln|glu|gly|his|ile|leu|lys|met|phe|pro|ser|thr|trp|tyr|val|[ac-ik-np-tvwy*])[0-9]+(?:[?]|(?:(?:ala|arg|asn|asp|cys|gln|glu|gly|his|ile|leu|lys|met|phe|pro|ser|thr|trp|tyr|val|[ac-ik-np-tvwy*])|del|ins|dup|fs|ext|mut|[*][?]?|[0-9_])*(?:[/;-](?:ala|arg|asn|asp|cys|gln|glu|gly|his|ile|leu|lys|met|phe|pro|ser|thr|trp|tyr|val|[ac-ik-np-tvwy*])?[0-9]+(?:(?:ala|arg|asn|asp|cys|gln|glu|gly|his|ile|leu|lys|met|phe|pro|ser|thr|trp|tyr|val|[ac-ik-np-tvwy*])|del|ins|dup|fs|ext|mut|[*][?]?|[0-9_])*|[/;](?:ala|arg|asn|asp|cys|gln|glu|gly|his|ile|leu|lys|met|phe|pro|ser|thr|trp|tyr|val|[ac-ik-np-tvwy*])?)*)|homozygous|heterozygous|hemizygous|deletion|deletions|del|insertion|insertions|ins|duplication|dup|skipping|truncating|truncation|frameshift|nonsense|missense|splice|itd|copy|number|gain|ex(?:on)?[0-9]+(?:del|ins|dup|skip|skipping)?))*') THEN split_part(k, ' ', 1) END;
