-- What became of every row. 'file' and 'sheet' are those of the export, 'row' is the row as a spreadsheet shows it.
CREATE TABLE audit.files (
    file_number integer NOT NULL,
    source      varchar NOT NULL,
    file        varchar NOT NULL,
    sheet       varchar,
    rows        bigint  NOT NULL,
    sha256      varchar NOT NULL
);

-- One line for each form that the trial declares: no files means that the export lacks it. 'persons' are the different
-- subjects that it names, those out of scope too.
CREATE TABLE audit.forms (
    source   varchar NOT NULL,
    required boolean NOT NULL,
    files    integer NOT NULL,
    rows     bigint  NOT NULL,
    persons  bigint
);

-- Which forms and harmonised tables a map reads: 'joined' are those that it only looks something up in.
CREATE TABLE audit.map_sources (
    map    varchar NOT NULL,
    source varchar NOT NULL,
    joined boolean NOT NULL
);

-- The values of the columns that are filled from a list: how often each was chosen. A list that has grown long is left
-- out as a whole. What the export of the next delivery says can be compared with it.
CREATE TABLE audit.code_lists (
    source    varchar NOT NULL,
    "column"  varchar NOT NULL,
    value     varchar NOT NULL,
    rows      bigint  NOT NULL
);

-- One line for each column of the export: what was decided about it.
CREATE TABLE audit.columns (
    source    varchar NOT NULL,
    "column"  varchar NOT NULL,
    label     varchar,
    decision  varchar NOT NULL,
    reason    varchar,
    filled    bigint  NOT NULL,
    rows      bigint  NOT NULL
);

CREATE TABLE audit.map_rows (
    map               varchar NOT NULL,
    rows_read         bigint  NOT NULL,
    rows_used         bigint  NOT NULL,
    rows_filtered     bigint  NOT NULL,
    rows_deduplicated bigint  NOT NULL,
    rows_rejected     bigint  NOT NULL
);

CREATE TABLE audit.written (
    map        varchar NOT NULL,
    table_name varchar NOT NULL,
    rows       bigint  NOT NULL
);

CREATE TABLE audit.filters (
    map    varchar NOT NULL,
    filter varchar NOT NULL,
    rows   bigint  NOT NULL
);

-- Each row that a map did not use although nothing is wrong with it: the filter that left it out, or 'duplicate'.
CREATE TABLE audit.left_out (
    map         varchar NOT NULL,
    reason      varchar NOT NULL,
    file_number integer,
    row         bigint,
    piece       integer,
    made_of     bigint
);

CREATE TABLE audit.rejects (
    map     varchar NOT NULL,
    field   varchar NOT NULL,
    reason  varchar NOT NULL,
    file    varchar,
    sheet   varchar,
    row     bigint,
    piece   integer,
    made_of bigint
);

CREATE TABLE audit.value_issues (
    map    varchar NOT NULL,
    field  varchar NOT NULL,
    reason varchar NOT NULL,
    file   varchar,
    sheet  varchar,
    row    bigint
);

-- Partial dates that were filled in: by which rule.
CREATE TABLE audit.imputations (
    map   varchar NOT NULL,
    field varchar NOT NULL,
    rule  varchar NOT NULL,
    file  varchar,
    sheet varchar,
    row   bigint
);

CREATE TABLE audit.unmapped (
    map          varchar NOT NULL,
    field        varchar NOT NULL,
    source_value varchar,
    rows         bigint  NOT NULL
);

-- What became of each value that was looked up, way by way: concept 0 means that this way found none; in 'rows_open'
-- of its rows no other way found one either.
CREATE TABLE audit.lookups (
    map               varchar NOT NULL,
    field             varchar NOT NULL,
    way               integer NOT NULL,
    looked_in         varchar NOT NULL,
    file              varchar,
    source_value      varchar NOT NULL,
    rows              bigint  NOT NULL,
    rows_open         bigint  NOT NULL,
    source_concept_id integer NOT NULL,
    concept_id        integer NOT NULL
);

-- Where each written row comes from, of CDM and harmonised tables; a row made of several has a line for each of them.
-- 'row_id' is its id (of a death: the person's). Rows of dsp.* and of tables without ids have their number in the table instead,
-- from 1. 'part' is the attribute of an event that the row is. 'piece' is which slot, item column or piece of a cell was read,
-- from 1. 'made_of' is the number of the harmonised row that was read; for an era the id of an event.
CREATE TABLE audit.row_origins (
    table_name  varchar NOT NULL,
    row_id      integer NOT NULL,
    map         varchar NOT NULL,
    file_number integer,
    row         bigint,
    part        varchar,
    piece       integer,
    made_of     bigint
);

CREATE VIEW audit.map_accounting AS
SELECT
    map, rows_read, rows_used, rows_filtered, rows_deduplicated, rows_rejected,
    coalesce((SELECT sum(written.rows) FROM audit.written AS written WHERE written.map = map_rows.map), 0)::bigint AS rows_written
FROM audit.map_rows;

CREATE VIEW audit.lineage AS
SELECT origin.table_name, origin.row_id, origin.map, file.file, file.sheet, origin.row
FROM audit.row_origins AS origin
LEFT JOIN audit.files AS file ON file.file_number = origin.file_number
WHERE NOT starts_with(origin.table_name, 'dsp.');
