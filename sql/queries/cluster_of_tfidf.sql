-- Who is in Exxon's peer group if words are counted instead of latents?
from cluster_of('XOM', method := 'tfidf');
