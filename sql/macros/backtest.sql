-- The daily book of a method between two months ('2005-01', '2012-09'), returns summed from the first day.
--
-- strategy: pairs, reversion or hedged; the books of pairs are two, by selection. equity is cash plus positions (USD).
create macro backtest(method, first, last, strategy := 'pairs') as table
select
    book.selection,
    book.date,
    book.gross_pnl,
    book.costs,
    book.exposure,
    book.net_return,
    book.equity,
    sum(book.net_return) over (partition by book.selection order by book.date) as cumulative_return
from backtest_returns as book
where
    book.method = method
    and book.strategy = strategy
    and strftime(book.date, '%Y-%m') between first and last
order by book.selection, book.date;
