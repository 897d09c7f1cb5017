-- Passages of company_evidence with what an expression of word_pattern finds in [brackets], those that have it first.
create macro best_passages(passages, pattern) as list_transform(
    list_sort(
        list_transform(
            passages,
            lambda place: {
                'without': not coalesce(regexp_matches(fenced(place.passage), pattern), false),
                'rank': place.rank,
                'passage': place.passage
            }
        )
    ),
    lambda place: marked(place.passage, pattern)
);
