-- Changes to the four patients. After 'finds': the rows that the check must then list, and how many it then judges where that
-- changes. After 'allows': what only looks like a defect, and how many rows are judged.

-- criterion_fits_tumour finds 1:1 1:2 1:3
UPDATE dsp.tumour_type SET icd10_code = 'C71.0' WHERE subject_id = 'A';

-- criterion_fits_tumour finds 1:10 1:6 1:7 1:8
UPDATE dsp.tumour_type SET main_tumour_type = 'Glioma' WHERE subject_id = 'C';

-- criterion_fits_tumour finds 1:9
UPDATE dsp.tumour_type SET icd10_code = 'C83.3' WHERE subject_id = 'D';

-- criterion_fits_tumour finds 1:9
UPDATE dsp.tumour_type SET icd10_code = 'C900' WHERE subject_id = 'D';

-- criterion_fits_tumour finds 1:9
UPDATE dsp.tumour_type SET icd10_code = 'C92.0' WHERE subject_id = 'D';

-- criterion_fits_tumour finds 1:9
UPDATE dsp.tumour_assessment SET criterion = 'rano' WHERE _row = 9;

-- baseline_criterion_fits_tumour finds 1:2
UPDATE dsp.baseline_tumour_assessment SET criterion = 'irecist' WHERE subject_id = 'B';

-- criterion_used_by_trial finds 1:4
UPDATE dsp.tumour_assessment SET criterion = 'lugano' WHERE _row = 4;

-- criterion_as_at_baseline finds 1:9
UPDATE dsp.baseline_tumour_assessment SET criterion = 'rano' WHERE subject_id = 'D';

-- response_fits_criterion finds 1:6
UPDATE dsp.tumour_assessment SET response = 'SD' WHERE _row = 6;

-- baseline_sum_is_constant finds 1:2
UPDATE dsp.tumour_assessment SET baseline_sum = 51 WHERE _row = 2;

-- change_from_baseline_recomputed finds 1:1
UPDATE dsp.tumour_assessment SET change_from_baseline = 40 WHERE _row = 1;

-- change_from_nadir_recomputed finds 1:2
UPDATE dsp.tumour_assessment SET change_from_nadir = 9 WHERE _row = 2;

-- nadir_is_smallest_sum finds 1:3
UPDATE dsp.tumour_assessment SET nadir_sum = 50 WHERE _row = 3;

-- progression_shown finds 1:3
UPDATE dsp.tumour_assessment SET current_sum = 35, change_from_nadir = 16.7 WHERE _row = 3;

-- progression_shown finds 1:3
-- (33 % of 12 mm are 4 mm: too little)
UPDATE dsp.tumour_assessment SET baseline_sum = 20, nadir_sum = 12, current_sum = CASE _row WHEN 3 THEN 16 ELSE 12
END WHERE _row <= 3;

-- progression_not_missed finds 1:3 of 8
UPDATE dsp.tumour_assessment SET response = 'SD' WHERE _row = 3;

-- progression_not_missed finds 1:2
-- (under iRECIST new lesions are not asked about)
UPDATE dsp.tumour_assessment SET new_lesion = true WHERE _row IN (2, 6);

-- confirmed_progression_follows_unconfirmed finds 1:8
UPDATE dsp.tumour_assessment SET response = 'iSD' WHERE _row = 7;

-- partial_response_reached finds 1:2
-- (-28 %)
UPDATE dsp.tumour_assessment SET current_sum = 36 WHERE _row = 2;

-- partial_response_reached finds 1:5
-- (RANO: -40 %)
UPDATE dsp.tumour_assessment SET current_sum = 600 WHERE _row = 5;

-- partial_response_not_missed finds 1:6
UPDATE dsp.tumour_assessment SET current_sum = 20 WHERE _row = 6;

-- complete_response_without_residual finds 1:9
UPDATE dsp.tumour_assessment SET current_sum = 20 WHERE _row = 9;

-- complete_response_small_residual finds 1:9
UPDATE dsp.tumour_assessment SET current_sum = 19 WHERE _row = 9;

-- response_after_progression finds 1:2 of 6
UPDATE dsp.tumour_assessment SET response = 'PD' WHERE _row = 1;

-- baseline_before_treatment finds 1:1
UPDATE dsp.baseline_tumour_assessment SET date = '2022-01-11' WHERE subject_id = 'A';

-- baseline_is_recent finds 1:1
UPDATE dsp.baseline_tumour_assessment SET date = '2021-12-12' WHERE subject_id = 'A';

-- assessed_after_start finds 1:1
UPDATE dsp.tumour_assessment SET date = '2022-01-09' WHERE _row = 1;

-- assessment_in_window finds 1:1
UPDATE dsp.tumour_assessment SET date = '2022-03-15' WHERE _row = 1;

-- assessed_at_week_of_disease_control finds 1:2
UPDATE dsp.tumour_assessment SET date = '2022-05-11' WHERE _row = 5;

-- assessed_at_week_of_disease_control finds 1:1
UPDATE dsp.tumour_assessment SET response = 'NE' WHERE _row = 2;

-- same_day_assessments_agree finds 1:10 1:6
UPDATE dsp.tumour_assessment SET response = 'PR' WHERE _row = 10;

-- progression_date_only_with_progression finds 1:4 of 2
UPDATE dsp.tumour_assessment SET progression_date = date WHERE _row = 4;

-- assessment_has_response finds 1:4
UPDATE dsp.tumour_assessment SET response = NULL WHERE _row = 4;

-- grade_is_1_to_5 finds 1:1 1:4
UPDATE dsp.adverse_event SET grade = NULL WHERE _row = 1;
UPDATE dsp.adverse_event SET grade = 6 WHERE _row = 4;

-- ctcae_version_is_the_trials finds 1:1
UPDATE dsp.adverse_event SET ctcae_version = '4.03' WHERE _row = 1;

-- ctcae_version_is_the_trials finds 1:1
UPDATE dsp.adverse_event SET ctcae_version = NULL WHERE _row = 1;

-- grade_5_is_death finds 1:3 of 2
UPDATE dsp.adverse_event SET grade = 5 WHERE _row = 3;

-- death_not_before_grade_5 finds 1:2
UPDATE dsp.death SET date = '2022-08-24' WHERE subject_id = 'A';

-- fatal_outcome_is_grade_5 finds 1:2
UPDATE dsp.adverse_event SET grade = 4 WHERE _row = 2;

-- grade_5_outcome_is_fatal finds 1:2
UPDATE dsp.adverse_event SET outcome = 'recovered' WHERE _row = 2;

-- grade_5_is_serious finds 1:2
UPDATE dsp.adverse_event SET serious = NULL WHERE _row = 2;

-- serious_event_has_grade finds 1:3
UPDATE dsp.adverse_event SET grade = NULL WHERE _row = 3;

-- serious_date_within_event finds 1:3
UPDATE dsp.adverse_event SET serious_date = '2022-03-21' WHERE _row = 3;

-- serious_date_within_event finds 1:3
UPDATE dsp.adverse_event SET serious_date = '2022-02-28' WHERE _row = 3;

-- event_ends_after_start finds 1:1
UPDATE dsp.adverse_event SET end_date = '2022-01-31' WHERE _row = 1;

-- event_after_consent finds 1:1
UPDATE dsp.adverse_event SET start_date = '2021-12-31' WHERE _row = 1;

-- relation_to_drug_given finds 1:4 of 3
UPDATE dsp.adverse_event_relation SET relation = 'unknown' WHERE _row = 4;

-- relation_to_drug_given finds 1:3
UPDATE dsp.treatment_cycle SET received = false WHERE _row = 6;

-- relation_to_drug_given finds 1:3
-- (a trial without cycles: the drug has to be allocated)
DELETE FROM dsp.treatment_cycle;
DELETE FROM dsp.study_drug WHERE drug = 'Z';

-- related_event_after_first_dose finds 1:1
UPDATE dsp.adverse_event SET start_date = '2022-01-09' WHERE _row = 1;

-- age_eligible finds 1:4
UPDATE dsp.age SET age = 17 WHERE subject_id = 'D';

-- ecog_eligible finds 1:3
UPDATE dsp.ecog SET grade = 3 WHERE _row = 3;

-- ecog_before_treatment finds 1:3
UPDATE dsp.ecog SET baseline = false WHERE _row = 3;

-- treatment_after_consent finds 1:2
UPDATE dsp.milestone SET date = '2022-01-12' WHERE subject_id = 'B';

-- treatment_after_allocation finds 1:2
UPDATE dsp.cohort_allocation SET allocation_date = '2022-01-12' WHERE subject_id = 'B';

-- treated_was_allocated finds 1:2
DELETE FROM dsp.cohort_allocation WHERE subject_id = 'B';

-- allocation_has_baseline finds 1:2
DELETE FROM dsp.baseline_tumour_assessment WHERE subject_id = 'B';

-- biomarker_of_cohort_present finds 1:1
UPDATE dsp.biomarker SET gene_mutation = 'BRCA1 mutation', target_name = 'BRCA1' WHERE subject_id = 'A';

-- biomarker_of_cohort_present finds 1:4
DELETE FROM dsp.biomarker WHERE subject_id = 'D';

-- one_cohort_per_period finds 1:5 of 5
INSERT INTO dsp.cohort_allocation (_file, _row, trial, subject_id, cohort_name, allocation_date) VALUES (1, 5, 't',
'A', 'RET/Colon/Q', '2022-03-01');

-- one_cohort_per_period finds 1:1 1:5 of 5
INSERT INTO dsp.cohort_allocation (_file, _row, trial, subject_id, cohort_name, allocation_date) VALUES (1, 5, 't',
'A', 'RET/Colon/Q', '2022-01-05');

-- drug_was_allocated finds 1:6
DELETE FROM dsp.study_drug WHERE drug = 'Z';

-- no_dose_after_end_of_treatment finds 1:2 1:3
UPDATE dsp.end_of_treatment SET last_dose_date = '2022-03-01' WHERE subject_id = 'A';

-- no_dose_after_death finds 1:3
UPDATE dsp.death SET date = '2022-03-07' WHERE subject_id = 'A';

-- treatment_ends_after_start finds 1:1
UPDATE dsp.treatment SET end_date = start_date - 1 WHERE subject_id = 'A';

-- treatment_ends_after_start allows
UPDATE dsp.treatment SET end_date = start_date WHERE subject_id = 'A';

-- treatment_ends_by_death finds 1:1
UPDATE dsp.death SET date = '2022-07-31' WHERE subject_id = 'A';

-- cycles_do_not_overlap finds 1:2
UPDATE dsp.treatment_cycle SET end_date = '2022-02-08' WHERE _row = 1;

-- cycles_do_not_overlap finds 1:5
-- (entered twice)
UPDATE dsp.treatment_cycle SET start_date = '2022-01-11' WHERE _row = 5;

-- cycles_in_order finds 1:2
UPDATE dsp.treatment_cycle SET start_date = '2021-02-07' WHERE _row = 2;

-- cycle_numbers_without_gaps finds 1:3 1:8
UPDATE dsp.treatment_cycle SET cycle_number = 4 WHERE _row = 3;
UPDATE dsp.treatment_cycle SET cycle_number = 2 WHERE _row = 8;

-- dose_above_zero finds 1:1 1:5 of 5
UPDATE dsp.treatment_cycle SET dose = 0 WHERE _row = 1;
UPDATE dsp.treatment_cycle SET dose_delivered = -1 WHERE _row = 5;

-- death_reason_has_death finds 1:3
DELETE FROM dsp.death WHERE subject_id = 'D';

-- progression_reason_has_assessment finds 1:1
UPDATE dsp.tumour_assessment SET response = 'SD' WHERE _row = 3;

-- progression_dates_agree finds 1:1
UPDATE dsp.end_of_treatment SET progression_date = '2022-06-30' WHERE subject_id = 'A';

-- no_contact_after_death finds 1:1
UPDATE dsp.follow_up SET last_known_alive = '2022-09-02' WHERE _row = 1;

-- dead_has_date finds 1:3 of 2
UPDATE dsp.follow_up SET status = 'dead' WHERE _row = 3;

-- no_event_after_death finds 1:2 1:2 1:3 1:3
-- (an event, two assessments, a visit)
UPDATE dsp.death SET date = '2022-05-01' WHERE subject_id = 'A';

-- death_after_birth finds 1:1
UPDATE dsp.death SET date = '1960-05-04' WHERE subject_id = 'A';

-- death_after_birth finds 1:2
UPDATE dsp.death SET date = '1980-12-31' WHERE subject_id = 'D';

-- death_after_consent finds 1:2
UPDATE dsp.death SET date = '2022-01-03' WHERE subject_id = 'D';

-- death_after_treatment_start finds 1:2
UPDATE dsp.death SET date = '2022-01-12' WHERE subject_id = 'D';

-- answers_in_scale finds 1:1 1:2 1:3 1:4
UPDATE dsp.questionnaire_answer SET answer = answer + CASE _row WHEN 4 THEN 21 ELSE 1 END;

-- answers_in_scale finds 1:1
UPDATE dsp.questionnaire_answer SET item = '31' WHERE _row = 1;

-- scores_in_scale finds 1:1 1:2
UPDATE dsp.questionnaire_score SET score = 100.5, profile = '16111';

-- cdm_no_visit_after_death finds 51
UPDATE cdm.visit_occurrence SET visit_start_date = '2022-09-02';

-- cdm_no_condition_after_death finds 11
UPDATE cdm.condition_occurrence SET condition_start_date = '2022-09-02' WHERE condition_occurrence_id <= 12;

-- cdm_no_drug_after_death finds 21
UPDATE cdm.drug_exposure SET drug_exposure_start_date = '2022-09-02' WHERE drug_exposure_id = 21;

-- cdm_no_procedure_after_death finds 61
UPDATE cdm.procedure_occurrence SET procedure_date = '2022-09-02';

-- cdm_no_measurement_after_death finds 42
UPDATE cdm.death SET death_date = '2022-03-07';

-- cdm_no_observation_after_death finds 73
UPDATE cdm.death SET death_date = '2022-03-07';

-- cdm_grade_5_is_death finds 73
DELETE FROM cdm.death;

-- cdm_grade_5_is_death finds 74 of 2
UPDATE cdm.observation SET observation_concept_id = 4077563, value_as_concept_id = 765766 WHERE observation_id = 74;

-- cdm_grade_number_agrees finds 74
UPDATE cdm.observation SET value_as_number = 4 WHERE observation_id = 74;

-- cdm_event_after_consent finds 11 12
UPDATE cdm.condition_occurrence SET condition_start_date = '2021-12-31';

-- cdm_treatment_after_consent finds 21
UPDATE cdm.drug_exposure SET drug_exposure_start_date = '2021-12-31';

-- cdm_death_after_consent finds 1
UPDATE cdm.death SET death_date = '2021-12-31';

-- cdm_response_after_progression finds 41
UPDATE cdm.measurement SET measurement_date = '2022-09-01' WHERE measurement_id = 41;

-- cdm_ecog_in_scale finds 43
UPDATE cdm.measurement SET value_as_number = 6 WHERE measurement_id = 43;

-- cdm_qlq_c30_in_scale finds 44
UPDATE cdm.measurement SET value_as_number = 5 WHERE measurement_id = 44;

-- cdm_qlq_c30_global_in_scale finds 45
UPDATE cdm.measurement SET value_as_number = 1.5 WHERE measurement_id = 45;

-- cdm_eq5d_vas_in_scale finds 46
UPDATE cdm.measurement SET value_as_number = 101 WHERE measurement_id = 46;

-- cdm_age_eligible finds 2
UPDATE cdm.person SET year_of_birth = 2005 WHERE person_id = 2;

-- criterion_fits_tumour allows of 10
UPDATE dsp.tumour_assessment SET criterion = 'lugano' WHERE _row = 9;
UPDATE dsp.tumour_type SET icd10_code = 'C83.3' WHERE subject_id = 'D';

-- criterion_fits_tumour allows of 9
-- (no criteria are known for it)
UPDATE dsp.tumour_type SET icd10_code = 'C88.0' WHERE subject_id = 'D';

-- change_from_nadir_recomputed allows of 10
-- (the nadir may count the day itself)
UPDATE dsp.tumour_assessment SET nadir_sum = 30 WHERE _row = 1;

-- nadir_is_smallest_sum allows of 10
UPDATE dsp.tumour_assessment SET nadir_sum = 30 WHERE _row = 1;

-- nadir_is_smallest_sum allows of 8
-- (an earlier sum is not known: it may have been smaller)
UPDATE dsp.tumour_assessment SET current_sum = NULL, change_from_baseline = NULL WHERE _row = 1;

-- progression_shown allows of 2
UPDATE dsp.tumour_assessment SET new_lesion = true, current_sum = 20, change_from_nadir = -33 WHERE _row = 3;

-- progression_shown allows of 1
UPDATE dsp.tumour_assessment SET new_lesion = NULL, current_sum = 20, change_from_nadir = -33 WHERE _row = 3;

-- progression_shown allows of 2
-- (just 20 % and 6 mm)
UPDATE dsp.tumour_assessment SET current_sum = 36, change_from_nadir = 20 WHERE _row = 3;

-- progression_not_missed allows of 8
UPDATE dsp.tumour_assessment SET response = 'SD', current_sum = 35.9, change_from_nadir = 19.7 WHERE _row = 3;

-- confirmed_progression_follows_unconfirmed allows of 1
INSERT INTO dsp.tumour_assessment (_file, _row, trial, subject_id, assessment_id, criterion, date, response) VALUES
(1, 11, 't', 'C', 'U', 'irecist', '2022-05-20', 'iNE');

-- partial_response_reached allows of 3
-- (just 30 %)
UPDATE dsp.tumour_assessment SET current_sum = 35 WHERE _row = 2;

-- response_after_progression allows of 6
UPDATE dsp.tumour_assessment SET response = 'PD' WHERE _row = 1;
INSERT INTO dsp.cohort_allocation (_file, _row, trial, subject_id, cohort_name, allocation_date) VALUES (1, 5, 't',
'A', 'RET/Colon/Q', '2022-04-01');

-- response_after_progression allows of 6
UPDATE dsp.tumour_assessment SET response = 'iUPD', criterion = 'irecist' WHERE _row = 1;

-- baseline_before_treatment allows of 3
-- (the first day of treatment is not fully known)
UPDATE dsp.baseline_tumour_assessment SET date = '2022-01-11' WHERE subject_id = 'A';
INSERT INTO audit.written VALUES ('m', 'dsp.treatment_cycle', 1);
INSERT INTO audit.imputations VALUES ('m', 'start_date', 'x', 'form.csv', NULL, 1);

-- assessed_at_week_of_disease_control allows of 2
UPDATE dsp.tumour_assessment SET response = 'NE' WHERE _row = 2;
UPDATE dsp.end_of_treatment SET last_dose_date = '2022-05-09' WHERE subject_id = 'A';

-- same_day_assessments_agree allows of 2
UPDATE dsp.tumour_assessment SET response = 'iUPD' WHERE _row = 6;

-- event_after_consent allows of 3
UPDATE dsp.adverse_event SET start_date = '2021-12-01' WHERE _row = 1;
INSERT INTO audit.written VALUES ('m', 'dsp.adverse_event', 1);
INSERT INTO audit.imputations VALUES ('m', 'start_date', 'x', 'form.csv', NULL, 1);

-- related_event_after_first_dose allows of 1
UPDATE dsp.adverse_event SET start_date = '2022-01-01' WHERE _row = 1;
INSERT INTO audit.written VALUES ('m', 'dsp.adverse_event', 1);
INSERT INTO audit.imputations VALUES ('m', 'start_date', 'x', 'form.csv', NULL, 1);

-- biomarker_of_cohort_present allows of 4
UPDATE dsp.cohort_allocation SET cohort_name = 'Her-2 positive/X/Y' WHERE subject_id = 'B';

-- biomarker_of_cohort_present allows of 4
UPDATE dsp.cohort_allocation SET cohort_name = 'HER2MUT/X/Y' WHERE subject_id = 'B';

-- biomarker_of_cohort_present allows of 4
UPDATE dsp.cohort_allocation SET cohort_name = 'Colon, target' WHERE subject_id = 'A';

-- biomarker_of_cohort_present allows of 3
UPDATE dsp.cohort_allocation SET cohort_name = 'unclear/X/Y' WHERE subject_id = 'A';

-- one_cohort_per_period allows of 5
-- (the first treatment has ended)
INSERT INTO dsp.cohort_allocation (_file, _row, trial, subject_id, cohort_name, allocation_date) VALUES (1, 5, 't',
'A', 'RET/Colon/Q', '2022-08-01');

-- no_dose_after_end_of_treatment allows of 6
UPDATE dsp.end_of_treatment SET last_dose_date = '2022-02-20' WHERE subject_id = 'A';
INSERT INTO dsp.cohort_allocation (_file, _row, trial, subject_id, cohort_name, allocation_date) VALUES (1, 5, 't',
'A', 'RET/Colon/Q', '2022-03-01');
UPDATE dsp.treatment_cycle SET end_date = '2022-02-20' WHERE _row = 2;

-- cycles_do_not_overlap allows of 3
UPDATE dsp.treatment_cycle SET end_date = '2022-02-28' WHERE _row = 1;
INSERT INTO audit.written VALUES ('m', 'dsp.treatment_cycle', 1);
INSERT INTO audit.imputations VALUES ('m', 'end_date', 'x', 'form.csv', NULL, 1);

-- cdm_response_after_progression allows of 1
UPDATE cdm.measurement SET measurement_date = '2022-09-01' WHERE measurement_id = 41;
UPDATE cdm.observation SET observation_concept_id = 37208111, observation_date = '2022-08-20' WHERE observation_id =
71;
