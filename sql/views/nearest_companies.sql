-- The nearest companies by every method that keeps them: by stack those of stack_parts, by others those of neighbours.
create view nearest_companies as
select
    near.method,
    near.as_of,
    near.company_id,
    near.peer_id,
    near.rank,
    near.similarity
from neighbours as near
where near.method <> 'stack'
union all
select
    'stack' as method,
    part.as_of,
    part.company_id,
    part.neighbour_id as peer_id,
    part.rank,
    part.similarity
from stack_parts as part
where part.part = 'any_pair';
