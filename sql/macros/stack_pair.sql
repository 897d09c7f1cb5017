-- What each part of stack adds to the similarity of two companies, and its coefficient; no row of other methods.
--
-- Parts are kept of the nearest `clusters.neighbours` companies of each: two that are not among each other's are an
-- error. company_a and company_b are ids, as_of is a date of `asked_as_of`.
create macro stack_pair(company_a, company_b, as_of, method) as table
with asked as (
    select company_a as company_a, company_b as company_b, as_of as as_of, method as method
),
kept as (
    select part.*
    from asked
    join stack_parts as part
        on asked.method = 'stack'
        and asked.as_of = part.as_of
        and (
            (asked.company_a = part.company_id and asked.company_b = part.neighbour_id)
            or (asked.company_b = part.company_id and asked.company_a = part.neighbour_id)
        )
    -- Both directions may be kept, with the same values.
    qualify row_number() over (partition by part.part order by part.company_id) = 1
)
select
    kept.part,
    kept.value,
    weight.coefficient
from asked
left join kept on true
left join stack_coefficients as weight
    on kept.as_of = weight.as_of and kept.with_history = weight.with_history and kept.part = weight.term
where
    asked.method = 'stack'
    and if(
        kept.part is null and asked.as_of is not null,
        error(
            'method stack keeps reasons of nearest companies only, and these two are not among each other''s; '
            || 'peers with method := ''stack'' lists them'
        ),
        kept.part is not null
    );
