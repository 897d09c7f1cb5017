-- The text-based network of the newest as-of date, both ways round, in the layout of Hoberg and Phillips.
--
-- Macro network has it of every other similarity and date.
create view tnic as
select link.company1, link.company2, link.score
from peer_network as link
join latest_as_of as latest on link.as_of = latest.as_of
where link.method = 'tnic'
order by link.company1, link.score desc, link.company2;
