"""One defect for each of the 27 types of checks, and what is expected of it, counted by hand.

They are planted in the CDM of ``tests.quality.made_up``: 20 persons, 40 rows in most tables, ids from 1 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MALE_CONDITION = 26662
"""A condition that DQD keeps for one sex, by itself and not through an ancestor."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect, the checks that fail by it with rows violated and judged, and the checks that no longer apply."""

    type: str
    statements: str
    fails: Mapping[str, tuple[int, int]]
    not_applicable: frozenset[str] = field(default_factory=frozenset)
    """Parts of the ids of checks."""


DEFECTS = (
    Defect(
        "cdmTable",
        "DROP TABLE metadata",
        {"table_cdmtable_metadata": (1, 1)},
        frozenset({"_metadata_"}),
    ),
    Defect(
        "measurePersonCompleteness",
        "DELETE FROM observation_period WHERE person_id = 1",
        {"table_measurepersoncompleteness_observation_period": (1, 20)},
    ),
    Defect(
        "measureConditionEraCompleteness",
        "DELETE FROM condition_era WHERE person_id IN (1, 2)",
        {"table_measureconditioneracompleteness_condition_era": (2, 20)},
    ),
    Defect(
        # the first period of person 2 ends on 30 June 2015, that of person 4 too
        "measureObservationPeriodOverlap",
        """UPDATE observation_period SET observation_period_start_date = '2015-07-01'
               WHERE person_id = 2 AND observation_period_start_date = '2015-08-01';
           UPDATE observation_period SET observation_period_start_date = '2015-07-02'
               WHERE person_id = 4 AND observation_period_start_date = '2015-08-01'""",
        {"table_measureobservationperiodoverlap_observation_period": (1, 20)},
    ),
    Defect(
        "cdmField",
        "ALTER TABLE cohort_definition DROP cohort_definition_syntax",
        {"field_cdmfield_cohort_definition_cohort_definition_syntax": (1, 1)},
        frozenset({"field_measurevaluecompleteness_cohort_definition_cohort_definition_syntax"}),
    ),
    Defect(
        # DQD asks the same of a required field twice
        "isRequired",
        "UPDATE note SET note_text = NULL WHERE note_id <= 3",
        {
            "field_isrequired_note_note_text": (3, 40),
            "field_measurevaluecompleteness_note_note_text": (3, 40),
        },
    ),
    Defect(
        "cdmDatatype",
        """ALTER TABLE cost ALTER cost_event_id TYPE VARCHAR;
           UPDATE cost SET cost_event_id = 'seven' WHERE cost_id = 7;
           UPDATE cost SET cost_event_id = '8.5' WHERE cost_id = 8;
           UPDATE cost SET cost_event_id = '-9' WHERE cost_id = 9""",
        {"field_cdmdatatype_cost_cost_event_id": (2, 40)},
    ),
    Defect(
        "isPrimaryKey",
        "UPDATE device_exposure SET device_exposure_id = 1 WHERE device_exposure_id <= 3",
        {"field_isprimarykey_device_exposure_device_exposure_id": (3, 40)},
    ),
    Defect(
        "isForeignKey",
        """UPDATE observation SET provider_id = NULL;
           UPDATE observation SET provider_id = 12345 WHERE observation_id <= 2;
           UPDATE observation SET provider_id = 1 WHERE observation_id = 3""",
        {"field_isforeignkey_observation_provider_id": (2, 40)},
    ),
    Defect(
        # a standard concept of the domain Procedure
        "fkDomain",
        "UPDATE device_exposure SET device_concept_id = 2000000110 WHERE device_exposure_id <= 4",
        {"field_fkdomain_device_exposure_device_concept_id": (4, 40)},
    ),
    Defect(
        # a drug, but no ingredient
        "fkClass",
        "UPDATE drug_era SET drug_concept_id = 2000000032 WHERE drug_era_id = 1",
        {"field_fkclass_drug_era_drug_concept_id": (1, 40)},
    ),
    Defect(
        # one that is not standard, one that is only for classification, one that is no longer valid, none at all
        "isStandardValidConcept",
        """UPDATE observation SET observation_concept_id = 2000000902 WHERE observation_id = 1;
           UPDATE observation SET observation_concept_id = 2000000903 WHERE observation_id = 2;
           UPDATE observation SET observation_concept_id = 2000000904 WHERE observation_id = 3;
           UPDATE observation SET observation_concept_id = 0 WHERE observation_id = 4""",
        {"field_isstandardvalidconcept_observation_observation_concept_id": (3, 40)},
    ),
    Defect(
        "measureValueCompleteness",
        "UPDATE location SET address_1 = if(location_id <= 10, NULL, 'here')",
        {"field_measurevaluecompleteness_location_address_1": (10, 40)},
    ),
    Defect(
        # three have a unit that nobody mapped; one has none at all
        "standardConceptRecordCompleteness",
        """UPDATE device_exposure SET unit_concept_id = 2000000150, unit_source_value = 'mg';
           UPDATE device_exposure SET unit_concept_id = NULL WHERE device_exposure_id <= 2;
           UPDATE device_exposure SET unit_concept_id = 0 WHERE device_exposure_id = 3;
           UPDATE device_exposure SET unit_concept_id = NULL, unit_source_value = NULL WHERE device_exposure_id = 4""",
        {"field_standardconceptrecordcompleteness_device_exposure_unit_concept_id": (3, 39)},
    ),
    Defect(
        "sourceConceptRecordCompleteness",
        """UPDATE drug_exposure SET drug_source_concept_id = if(drug_exposure_id <= 4, 0, 2000000030);
           UPDATE drug_exposure SET drug_source_concept_id = NULL WHERE drug_exposure_id = 40""",
        {"field_sourceconceptrecordcompleteness_drug_exposure_drug_source_concept_id": (4, 39)},
    ),
    Defect(
        # three values, none counts as one; two of them have no concept, in no more than 5 % of the rows
        "sourceValueCompleteness",
        """UPDATE drug_exposure SET drug_source_value = 'pill';
           UPDATE drug_exposure SET drug_source_value = 'tonic', drug_concept_id = 0 WHERE drug_exposure_id = 1;
           UPDATE drug_exposure SET drug_source_value = NULL, drug_concept_id = 0 WHERE drug_exposure_id = 2""",
        {"field_sourcevaluecompleteness_drug_exposure_drug_source_value": (2, 3)},
    ),
    Defect(
        "plausibleValueLow",
        """UPDATE device_exposure SET quantity = if(device_exposure_id = 1, 0, 1);
           UPDATE device_exposure SET quantity = NULL WHERE device_exposure_id = 40""",
        {"field_plausiblevaluelow_device_exposure_quantity": (1, 39)},
    ),
    Defect(
        "plausibleValueHigh",
        """UPDATE drug_exposure SET days_supply = if(drug_exposure_id <= 2, 366, 365);
           UPDATE drug_exposure SET days_supply = NULL WHERE drug_exposure_id = 40""",
        {"field_plausiblevaluehigh_drug_exposure_days_supply": (2, 39)},
    ),
    Defect(
        # of person 3 only the year of birth is known: DQD's older check takes 1 June, the newer one 1 January
        "plausibleTemporalAfter",
        """UPDATE person SET birth_datetime = NULL, year_of_birth = 2015, month_of_birth = NULL, day_of_birth = NULL
               WHERE person_id = 3;
           UPDATE device_exposure SET device_exposure_start_date = '2015-05-31' WHERE device_exposure_id = 3;
           UPDATE device_exposure SET device_exposure_start_date = '2015-06-01' WHERE device_exposure_id = 23""",
        {"field_plausibletemporalafter_device_exposure_device_exposure_start_date": (1, 40)},
    ),
    Defect(
        # persons 19 and 20, with nothing to compare the end with: born on 20 August 1959 and 21 September 1960
        "plausibleAfterBirth",
        """UPDATE device_exposure SET device_exposure_end_datetime = device_exposure_start_date + 1;
           UPDATE person SET birth_datetime = NULL WHERE person_id = 19;
           UPDATE device_exposure SET device_exposure_start_datetime = NULL, device_exposure_end_datetime =
               if(person_id = 19, TIMESTAMP '1959-08-19 23:00', TIMESTAMP '1960-09-21 00:00')
               WHERE device_exposure_id IN (19, 20)""",
        {"field_plausibleafterbirth_device_exposure_device_exposure_end_datetime": (1, 40)},
    ),
    Defect(
        # person 1 died on 2 January 2020; 60 days later is 2 March. Five persons have died, with two rows each
        "plausibleBeforeDeath",
        """UPDATE observation SET observation_date = '2020-03-02' WHERE observation_id = 1;
           UPDATE observation SET observation_date = '2020-03-03' WHERE observation_id = 21""",
        {"field_plausiblebeforedeath_observation_observation_date": (1, 10)},
    ),
    Defect(
        # what the newer check finds too, but of dates and not of rows
        "plausibleDuringLife",
        """UPDATE device_exposure SET device_exposure_start_datetime = device_exposure_start_date;
           UPDATE device_exposure SET device_exposure_start_datetime = NULL WHERE device_exposure_id = 21;
           UPDATE device_exposure SET device_exposure_end_datetime = NULL,
               device_exposure_start_datetime = '2020-03-03 00:00' WHERE device_exposure_id = 1""",
        {
            "field_plausibleduringlife_device_exposure_device_exposure_start_datetime": (1, 10),
            "field_plausiblebeforedeath_device_exposure_device_exposure_start_datetime": (1, 9),
        },
    ),
    Defect(
        "withinVisitDates",
        """UPDATE observation SET visit_occurrence_id = 1;
           UPDATE visit_detail SET visit_detail_start_date = '2017-03-10', visit_detail_start_datetime = NULL,
               visit_detail_end_date = '2017-03-12', visit_detail_end_datetime = NULL WHERE visit_occurrence_id = 1;
           UPDATE visit_occurrence SET visit_start_date = '2017-03-10', visit_end_date = '2017-03-12',
               visit_start_datetime = NULL, visit_end_datetime = NULL WHERE visit_occurrence_id = 1;
           UPDATE observation SET observation_date = '2017-03-19';
           UPDATE observation SET observation_date = '2017-03-20' WHERE observation_id <= 2;
           UPDATE observation SET observation_date = '2017-03-02' WHERE observation_id = 3;
           UPDATE observation SET observation_date = '2017-03-03' WHERE observation_id = 4;
           UPDATE observation SET visit_occurrence_id = NULL WHERE observation_id = 5""",
        {"field_withinvisitdates_observation_observation_date": (3, 39)},
    ),
    Defect(
        "plausibleStartBeforeEnd",
        "UPDATE dose_era SET dose_era_start_date = dose_era_end_date + (if(dose_era_id = 1, 1, 0))",
        {"field_plausiblestartbeforeend_dose_era_dose_era_start_date": (1, 40)},
    ),
    Defect(
        # person 2 is a woman
        "plausibleGender",
        f"UPDATE condition_occurrence SET person_id = 2 WHERE condition_concept_id = {MALE_CONDITION}",
        {f"concept_plausiblegender_condition_occurrence_condition_concept_id_{MALE_CONDITION}": (1, 1)},
    ),
    Defect(
        # two ancestors and a descendant of each, all of men
        "plausibleGenderUseDescendants",
        "UPDATE condition_occurrence SET person_id = 2 WHERE condition_concept_id = 2000000500",
        {
            "concept_plausiblegenderusedescendants_condition_occurrence_condition_concept_id_4090861,4025213": (1, 4),
        },
    ),
    Defect(
        # systolic blood pressure in mmHg; no unit is no wrong unit, and a unit without a concept is not judged
        "plausibleUnitConceptIds",
        """UPDATE measurement SET measurement_concept_id = 3004249, unit_concept_id = 8876, unit_source_value = 'mm'
               WHERE measurement_id <= 4;
           UPDATE measurement SET unit_concept_id = 2000000150 WHERE measurement_id = 1;
           UPDATE measurement SET unit_concept_id = NULL, unit_source_value = NULL WHERE measurement_id = 2;
           UPDATE measurement SET unit_concept_id = 0 WHERE measurement_id = 3""",
        {"concept_plausibleunitconceptids_measurement_measurement_concept_id_3004249": (1, 4)},
    ),
)
