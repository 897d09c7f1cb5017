-- Returns with a flag, the largest first: what happened there? Whether they count is for the profile to say (returns.exclude).
select
    company.ticker,
    company.name,
    monthly_returns.month,
    monthly_returns.log_return,
    monthly_returns.flags,
    monthly_returns.used
from monthly_returns
join company_directory as company on monthly_returns.company_id = company.company_id
where len(monthly_returns.flags) > 0
order by abs(monthly_returns.log_return) desc, company.ticker
limit 20;
