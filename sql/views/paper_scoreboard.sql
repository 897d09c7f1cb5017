-- [paper] MeanCorr of every method of the company-similarity paper: a mean over years, each on its own year's returns.
--
-- No evidence: texts are younger than these returns, and docs/paper.md says what else is wrong. `published` is what the
-- paper prints, from more data than a stand-in has; `pair_weighted` and `coverage` say what MeanCorr leaves out.
-- Means are in the order of years, so that the order of rows changes no digit.
create view paper_scoreboard as
with published (method, mean_corr) as (
    values
    ('c_cd', 0.359), ('g_cd_r', 0.385), ('sic4', 0.231), ('division', 0.187), ('sbert', 0.219), ('bert', 0.198)
)
select
    score.method,
    count(*) as years,
    min(score.year) as first_year,
    max(score.year) as last_year,
    avg(score.mean_corr order by score.year) as mean_corr,
    any_value(published.mean_corr)::double as published,
    avg(score.pair_weighted order by score.year) as pair_weighted,
    avg(score.all_pairs order by score.year) as all_pairs,
    avg(score.coverage order by score.year) as coverage,
    avg(score.largest_share order by score.year) as largest_share
from paper_scores as score
left join published on score.method = published.method
group by score.method
order by mean_corr desc nulls last, score.method;
