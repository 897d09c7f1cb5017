-- The sentence around a stretch of a text, at most some 300 characters on each side, where words are cut by `…`.
create macro sentence(words, stretch_start, stretch_end) as trim(
    regexp_replace(
        regexp_extract(
            if(stretch_start > 300, '… ', '. ') || regexp_replace(
                substr(words, greatest(stretch_start - 299, 1), least(stretch_start, 300)),
                if(stretch_start > 300, '^\S*\s', '^'),
                ''
            ),
            '(?s)(?:.*(?:[.!?;]\s+|\n\s*\n))?(.*)$',
            1
        )
        || substr(words, stretch_start + 1, stretch_end - stretch_start)
        || regexp_extract(
            regexp_replace(
                substr(words, stretch_end + 1, 300),
                if(length(words) > stretch_end + 300, '\s\S*$', '$'),
                if(length(words) > stretch_end + 300, ' …', '')
            ),
            '(?s)^(?:[^.!?;\n]|[.!?;]\S|\n[^\n])*[.!?;]?'
        ),
        '[\s\p{Z}]+',
        ' ',
        'g'
    )
);
