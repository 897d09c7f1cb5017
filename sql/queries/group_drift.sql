-- How many groups of the latents stayed, were born and died at each date, and how much of them is the same?
select as_of, change, count(*) as groups, avg(jaccard) as mean_jaccard
from group_drift
where method = 'sae'
group by as_of, change
order by as_of, change;
