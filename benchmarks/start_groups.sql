-- The least that a table's answers need: each cell with its count, exact sums and extremes. Values are decimals, whose
-- sums are exact; texts that are no numbers are suppressed or missing values.
CREATE TABLE groups AS
SELECT
    "Question", "LocationDesc", "StratificationCategory1", "Stratification1", "Data_Value_Type", "Data_Value_Unit",
    "YearStart", "YearEnd",
    count(*) AS rows_, count(x) AS values_, sum(x) AS total, sum(x * x) AS squares, min(x) AS least, max(x) AS most
FROM (
    SELECT *, TRY_CAST("Data_Value" AS DECIMAL(12, 4)) AS x
    FROM read_csv('$FILES', header = true, all_varchar = true)
)
GROUP BY ALL;
