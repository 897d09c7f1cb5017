-- The method itself if its similarities are sums over latents, which only sae's are; else an error.
create macro method_with_reasons(method) as if(
    method = 'sae',
    method,
    error('method ' || coalesce(method, 'null') || ' has no reasons that add up to a similarity; only sae has')
);
