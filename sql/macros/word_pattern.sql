-- The expression that finds any of these words or phrases in a fenced text; `refin*` is a prefix; null for none.
--
-- Of a last word of four letters or more, singular and plural are one: `plural_too`.
-- A phrase comes before its first word, so that it is found first: the bracket behind that word sorts after the one of a
-- plural. Only letters and digits of the words are kept, so that none is read as an expression. `list_aggregate` of no
-- words is null: nullif would make DuckDB do all of it twice.
create macro word_pattern(words) as '(?i)' || list_aggregate(
    list_sort(
        list_distinct(list_filter(
            list_transform(
                list_distinct(words),
                lambda word: plural_too(regexp_replace(
                    regexp_replace(
                        regexp_replace(fenced(word), chr(2) || '\*', '[^' || chr(2) || ']*' || chr(2), 'g'),
                        chr(2) || '[^' || chr(1) || chr(2) || ']*' || chr(1),
                        '[' || chr(2) || '][^' || chr(1) || chr(2) || ']+' || chr(1),
                        'g'
                    ),
                    '^[^' || chr(1) || ']*|[^' || chr(2) || ']*$',
                    '',
                    'g'
                ))
            ),
            lambda expression: expression <> ''
        )),
        'desc'
    ),
    'string_agg',
    '|'
);
