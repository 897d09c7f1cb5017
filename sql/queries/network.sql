-- Which links has the network of latents that the network of words has not?
select latents.ticker1, latents.ticker2, latents.score
from network('sae', as_of := '2011-12') as latents
anti join network('tnic', as_of := '2011-12') as words using (company1, company2)
order by latents.score desc, latents.ticker1, latents.ticker2;
