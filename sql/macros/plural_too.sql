-- An expression of `word_pattern` that finds singular and plural of its last word, unless that is a prefix or short.
create macro plural_too(expression) as regexp_replace(
    regexp_replace(
        expression,
        '(' || chr(1) || '[^' || chr(1) || chr(2) || '*?]{2,}[^' || chr(1) || chr(2) || '*?sS])[sS]' || chr(2) || '$',
        '\1(?:e?s)?' || chr(2)
    ),
    '(' || chr(1) || '(?:[^' || chr(1) || chr(2) || '*?]{3,}[^' || chr(1) || chr(2) || '*?sS]|[^' || chr(1) || chr(2)
    || '*?]{2,}[sS][sS]))' || chr(2) || '$',
    '\1(?:e?s)?' || chr(2)
);
