-- The n best passages of company_evidence, those first in which an expression of word_pattern finds a word.
--
-- What it finds is in [brackets].
create macro best_passages(passages, pattern, n) as list_transform(
    list_sort(
        list_transform(
            passages,
            lambda place: {
                'without': not coalesce(regexp_matches(fenced(place.passage), pattern), false),
                'rank': place.rank,
                'passage': place.passage
            }
        )
    )[:n],
    lambda place: marked(place.passage, pattern)
);
