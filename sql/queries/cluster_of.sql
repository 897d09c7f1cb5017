-- Who is in Exxon's peer group?
from cluster_of('XOM');
