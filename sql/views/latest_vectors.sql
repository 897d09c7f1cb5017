-- The latents of every company at the newest as-of date, with their labels.
create view latest_vectors as
select vector.* exclude (as_of)
from labelled_vectors as vector
join latest_as_of as latest on vector.as_of = latest.as_of;
