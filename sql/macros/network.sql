-- The pairs that a method finds most alike at a date, both ways round: the layout of Hoberg and Phillips, with tickers.
--
-- As many as `clusters.pair_share` of the profile says. as_of: a month ('2011-12') or a date; the newest where it is
-- null. year is that of the date. Every similarity has a network, SIC codes and other classifications have none.
create macro network(method := 'tnic', as_of := null) as table
select
    year(link.as_of) as year,
    link.company1,
    link.company2,
    link.score,
    own.ticker as ticker1,
    peer.ticker as ticker2
from peer_network as link
join company_directory as own on link.company1 = own.company_id
join company_directory as peer on link.company2 = peer.company_id
where link.method = method_with_network(method) and link.as_of = asked_as_of(as_of)
order by link.company1, link.score desc, link.company2;
