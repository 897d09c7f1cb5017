-- The newest date at which peer groups were formed.
create view latest_as_of as
select max(formed.as_of) as as_of
from peer_clusters as formed;
