-- What did the pairs book come to, year by year, beside random pairs?
with books as (
    select 'sae' as method, * from backtest('sae', '2005-01', '2012-09')
    union all
    select 'random' as method, * from backtest('random', '2005-01', '2012-09')
)
select
    method,
    selection,
    year(date) as year,
    sum(net_return order by date) as net_return,
    avg(exposure order by date) as mean_exposure
from books
group by all
order by all;
