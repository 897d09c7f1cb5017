-- A text with a fence before and after each of its words, by which patterns find whole words in any alphabet.
--
-- DuckDB's expressions know word boundaries of ASCII only. Fences are control characters 1 and 2, which no text has.
create macro fenced(words) as
regexp_replace(words, '([\pL\pM\pN]+)', chr(1) || '\1' || chr(2), 'g');
