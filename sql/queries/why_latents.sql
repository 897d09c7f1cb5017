-- Which latents are behind the similarity of Coca-Cola and PepsiCo, those that are no reason, too?
from why_latents('KO', 'PEP');
