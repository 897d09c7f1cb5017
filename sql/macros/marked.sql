-- A passage on one line, with what an expression of word_pattern finds in [brackets].
create macro marked(passage, pattern) as case
    when pattern is null then trim(regexp_replace(passage, '[\s\p{Z}]+', ' ', 'g'))
    else regexp_replace(
        regexp_replace(
            fenced(trim(regexp_replace(passage, '[\s\p{Z}]+', ' ', 'g'))), pattern, '[\0]', 'g'
        ),
        '[' || chr(1) || chr(2) || ']',
        '',
        'g'
    )
end;
