-- The method itself if its similarities are sums over latents, which those of sae and its views are; else an error.
create macro method_with_reasons(method) as if(
    method in ('sae', 'sae_passages', 'sae_tokens'),
    method,
    error(
        'method ' || coalesce(method, 'null')
        || ' has no reasons that add up to a similarity; sae, sae_passages and sae_tokens have'
    )
);
