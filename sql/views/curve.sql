-- Mean correlation of returns after the as-of date over the most similar pairs, by the share of all pairs.
--
-- A method that compares has a row for each share; a classification also has the row `groups`, all pairs inside its
-- groups. Market-adjusted with its 95 % interval; `raw` beside it. Row `placebo`: random pairs.
create view curve as
select
    if(own.method = 'random', 'placebo', own.method) as method,
    own.horizon_months,
    if(own.score = 'groups', 'groups', 'pairs') as kind,
    own.share,
    own.value as correlation,
    own.low,
    own.high,
    raw.value as raw
from peer_intervals as own
left join peer_intervals as raw
    on own.method = raw.method and own.horizon_months = raw.horizon_months and raw.score = own.score || '_raw'
where (own.score = 'groups' or own.score like 'pairs\_%' escape '\') and own.score not like '%\_raw' escape '\'
order by own.horizon_months, own.method, own.share;
