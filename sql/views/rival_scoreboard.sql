-- Of the rivals that companies name, those among the nearest 2.05 % of all pairs by each method, at the newest date.
--
-- pairs: in which one company names the other in a passage about competition (`named_rivals`); such passages are
-- blanked out of texts before any method compares them. found counts parts of tied pairs, so it need not be whole; low
-- and high are Wilson's 95 % interval. Methods that read what cannot be masked are not here. Row `placebo`: random
-- peers.
create view rival_scoreboard as
select
    if(score.method = 'random', 'placebo', score.method) as method,
    score.as_of,
    score.pairs,
    score.found,
    score.share,
    score.low,
    score.high
from rival_scores as score
where score.as_of = (select max(other.as_of) from rival_scores as other)
order by score.share desc, score.method;
