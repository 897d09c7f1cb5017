-- What are themes, words, codes and past returns worth, and how sure is that?
select
    weight.as_of,
    weight.term,
    weight.coefficient,
    weight.low,
    weight.high
from stack_coefficients as weight
where weight.with_history
order by weight.as_of, weight.coefficient desc;
