-- All columns of all rows as they are in the file, for the rows behind a number.
COPY (FROM read_csv('$FILES', header = true, all_varchar = true)) TO '$FOLDER/rows.parquet' (FORMAT parquet, COMPRESSION zstd);
