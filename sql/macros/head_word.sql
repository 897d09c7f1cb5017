-- The last word of a phrase, its first six letters, without a plural's s: what another word may not repeat in a title.
create macro head_word(word) as left(regexp_replace(string_split(word, ' ')[-1], 's$', ''), 6);
