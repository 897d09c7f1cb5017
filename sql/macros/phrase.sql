-- The words around a stretch of a text, about four on each side.
create macro phrase(words, stretch_start, stretch_end) as trim(
    regexp_replace(
        regexp_extract(
            substr(words, greatest(stretch_start - 199, 1), least(stretch_start, 200)),
            '(?:[^\s\p{Z}]+[\s\p{Z}]+){0,3}[^\s\p{Z}]+[\s\p{Z}]*$'
        )
        || substr(words, stretch_start + 1, stretch_end - stretch_start)
        || regexp_extract(
            substr(words, stretch_end + 1, 200),
            '^[\s\p{Z}]*[^\s\p{Z}]+(?:[\s\p{Z}]+[^\s\p{Z}]+){0,3}'
        ),
        '[\s\p{Z}]+',
        ' ',
        'g'
    )
);
