-- A latent's part of the unit vector that a method compares; null where the method leaves its view out.
--
-- A similarity is the sum of products of these. sae takes both views, sae_passages and sae_tokens one each; stack
-- weighs the products of each view by its coefficient (pair_evidence).
create macro component(method, latent_view, weight, own_weight) as case
    when method = 'sae' then weight
    when method in ('stack', 'sae_' || latent_view) then own_weight
end;
