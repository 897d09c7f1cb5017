-- Where files of the lake are: beside this DuckDB file, wherever the lake was copied to and whoever asks from where.
--
-- DuckDB has no function for the path of a database file, but its default temp_directory is that path with .tmp added.
-- That is another path where this file is attached to another database, was renamed, or where temp_directory is set;
-- the variable peerlens_lake then says where the lake is. Brackets keep a folder called `a[1]` from being a pattern.
create macro lake_files(names) as list_transform(
    names,
    lambda name: regexp_replace(
        case
            when getvariable('peerlens_lake') is not null then getvariable('peerlens_lake') || '/'
            when ends_with(current_setting('temp_directory'), 'peerlens.duckdb.tmp')
                then left(current_setting('temp_directory'), -length('peerlens.duckdb.tmp'))
            else error(
                'the tables lie in the folder that peerlens.duckdb was made in; '
                || 'say which: set variable peerlens_lake = ''/path/to/lake/profile'''
            )
        end || name,
        '([\[*?])',
        '[\1]',
        'g'
    )
);
