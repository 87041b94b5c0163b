"""Bytes of one concept file as different programs write it.

``USAGI`` was written by Apache Commons CSV 1.9 in the way of Usagi's WriteCSVFileWithHeader.  The LibreOffice ones
are that file after ``soffice --headless --convert-to csv`` (LibreOffice 7.4.7, 2026-11-21) with the filter options
that the names tell.  ``EXCEL_NORDIC`` follows what Excel is known to do with a Norwegian Windows; it was not made
by Excel, which is not at hand here.
"""

# The rows differ in what spreadsheets like to change: leading zeros, long codes, ``1-2``, ``TRUE``, ``=A1``.
USAGI = (
    b"sourceCode,sourceName,sourceFrequency,sourceAutoAssignedConceptIds,ADD_INFO:note,matchScore,"
    b"mappingStatus,equivalence,statusSetBy,statusSetOn,conceptId,conceptName,domainId,mappingType,comment,"
    b"createdBy,createdOn,assignedReviewer\r\n"
    b'007,"Brystkreft, h\xc3\xb8yre; ""prim\xc3\xa6r""",12,,s\xc3\xb8r,0.46,APPROVED,EQUAL,Kari \xc3\x85s,'
    b'1795219200123,4112853,Malignant tumor of breast,Condition,MAPS_TO,"first line\n'
    b'second line",omopify,1795219200123,\r\n'
    b"446411000124101,1-2,-1,4112853;197508,,1.00,UNCHECKED,UNREVIEWED,,0,0,Unmapped,,MAPS_TO,,omopify,"
    b"1795219200123,\r\n"
    b"1E5,TRUE,3,,,0.00,APPROVED,WIDER,omopify,1795219200123,43532497,trametinib,Drug,MAPS_TO,,omopify,"
    b"1795219200123,Ola\r\n"
    b"=A1,-5,3,,,0.5716,APPROVED,WIDER,omopify,1795219200123,43532497,trametinib,Drug,MAPS_TO,,omopify,"
    b"1795219200123,Ola\r\n"
)

LIBREOFFICE_TEXT = (
    b'"sourceCode";"sourceName";"sourceFrequency";"sourceAutoAssignedConceptIds";"ADD_INFO:note";"matchScore";'
    b'"mappingStatus";"equivalence";"statusSetBy";"statusSetOn";"conceptId";"conceptName";"domainId";'
    b'"mappingType";"comment";"createdBy";"createdOn";"assignedReviewer"\n'
    b'"007";"Brystkreft, h\xc3\xb8yre; ""prim\xc3\xa6r""";"12";;"s\xc3\xb8r";"0.46";"APPROVED";"EQUAL";'
    b'"Kari \xc3\x85s";"1795219200123";"4112853";"Malignant tumor of breast";"Condition";"MAPS_TO";'
    b'"first line\n'
    b'second line";"omopify";"1795219200123";\n'
    b'"446411000124101";"1-2";"-1";"4112853;197508";;"1.00";"UNCHECKED";"UNREVIEWED";;"0";"0";"Unmapped";;'
    b'"MAPS_TO";;"omopify";"1795219200123";\n'
    b'"1E5";"TRUE";"3";;;"0.00";"APPROVED";"WIDER";"omopify";"1795219200123";"43532497";"trametinib";"Drug";'
    b'"MAPS_TO";;"omopify";"1795219200123";"Ola"\n'
    b'"=A1";"-5";"3";;;"0.5716";"APPROVED";"WIDER";"omopify";"1795219200123";"43532497";"trametinib";"Drug";'
    b'"MAPS_TO";;"omopify";"1795219200123";"Ola"\n'
)
"""Opened with all columns as text; saved with ``;``, UTF-8, every text in quotes."""

LIBREOFFICE_GENERAL = (
    b"sourceCode;sourceName;sourceFrequency;sourceAutoAssignedConceptIds;ADD_INFO:note;matchScore;"
    b"mappingStatus;equivalence;statusSetBy;statusSetOn;conceptId;conceptName;domainId;mappingType;comment;"
    b"createdBy;createdOn;assignedReviewer\n"
    b'7;"Brystkreft, h\xc3\xb8yre; ""prim\xc3\xa6r""";12;;s\xc3\xb8r;0.46;APPROVED;EQUAL;Kari \xc3\x85s;'
    b'1795219200123;4112853;Malignant tumor of breast;Condition;MAPS_TO;"first line\n'
    b'second line";omopify;1795219200123;\n'
    b'446411000124101;1-2;-1;"4112853;197508";;1;UNCHECKED;UNREVIEWED;;0;0;Unmapped;;MAPS_TO;;omopify;'
    b"1795219200123;\n"
    b"100000;TRUE;3;;;0;APPROVED;WIDER;omopify;1795219200123;43532497;trametinib;Drug;MAPS_TO;;omopify;"
    b"1795219200123;Ola\n"
    b"sourceCode;-5;3;;;0.5716;APPROVED;WIDER;omopify;1795219200123;43532497;trametinib;Drug;MAPS_TO;;omopify;"
    b"1795219200123;Ola\n"
)
"""Opened by double click (columns of type Standard); saved with ``;`` and UTF-8."""

LIBREOFFICE_WINDOWS = (
    b"sourceCode;sourceName;sourceFrequency;sourceAutoAssignedConceptIds;ADD_INFO:note;matchScore;"
    b"mappingStatus;equivalence;statusSetBy;statusSetOn;conceptId;conceptName;domainId;mappingType;comment;"
    b"createdBy;createdOn;assignedReviewer\n"
    b'007;"Brystkreft, h\xf8yre; ""prim\xe6r""";12;;s\xf8r;0.46;APPROVED;EQUAL;Kari \xc5s;1795219200123;'
    b'4112853;Malignant tumor of breast;Condition;MAPS_TO;"first line\n'
    b'second line";omopify;1795219200123;\n'
    b'446411000124101;1-2;-1;"4112853;197508";;1.00;UNCHECKED;UNREVIEWED;;0;0;Unmapped;;MAPS_TO;;omopify;'
    b"1795219200123;\n"
    b"1E5;TRUE;3;;;0.00;APPROVED;WIDER;omopify;1795219200123;43532497;trametinib;Drug;MAPS_TO;;omopify;"
    b"1795219200123;Ola\n"
    b"=A1;-5;3;;;0.5716;APPROVED;WIDER;omopify;1795219200123;43532497;trametinib;Drug;MAPS_TO;;omopify;"
    b"1795219200123;Ola\n"
)
"""Opened with all columns as text; saved with ``;`` in Windows-1252."""

EXCEL_NORDIC = (
    b"\xef\xbb\xbfsourceCode;sourceName;sourceFrequency;sourceAutoAssignedConceptIds;ADD_INFO:note;matchScore;"
    b"mappingStatus;equivalence;statusSetBy;statusSetOn;conceptId;conceptName;domainId;mappingType;comment;"
    b"createdBy;createdOn;assignedReviewer\r\n"
    b'7;"Brystkreft, h\xc3\xb8yre; ""prim\xc3\xa6r""";12;;s\xc3\xb8r;0,46;APPROVED;EQUAL;Kari \xc3\x85s;1,'
    b'79522E+12;4112853;Malignant tumor of breast;Condition;MAPS_TO;"first line\n'
    b'second line";omopify;1,79522E+12;\r\n'
    b'4,46411E+14;01.feb;-1;"4112853;197508";;1;UNCHECKED;UNREVIEWED;;0;0;Unmapped;;MAPS_TO;;omopify;1,'
    b"79522E+12;\r\n"
    b"1,00E+05;SANN;3;;;0;APPROVED;WIDER;omopify;1,79522E+12;43532497;trametinib;Drug;MAPS_TO;;omopify;1,"
    b"79522E+12;Ola\r\n"
)
"""Opened by double click; saved as "CSV UTF-8": semicolons, byte order mark, numbers as shown."""
