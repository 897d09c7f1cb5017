-- The expression that finds any of these words or phrases in a fenced text; `refin*` is a prefix; null for none.
--
-- A phrase comes before its first word, so that it is found first. Only letters and digits of the words are kept, so
-- that none is read as an expression.
create macro word_pattern(words) as '(?i)' || nullif(
    array_to_string(
        list_sort(
            list_transform(
                list_distinct(words),
                lambda word: nullif(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(fenced(word), chr(2) || '\*', '[^' || chr(2) || ']*' || chr(2), 'g'),
                            chr(2) || '[^' || chr(1) || chr(2) || ']*' || chr(1),
                            chr(2) || '[^' || chr(1) || chr(2) || ']+' || chr(1),
                            'g'
                        ),
                        '^[^' || chr(1) || ']*|[^' || chr(2) || ']*$',
                        '',
                        'g'
                    ),
                    ''
                )
            ),
            'desc'
        ),
        '|'
    ),
    ''
);
