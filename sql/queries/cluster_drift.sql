-- Whose peers changed in 2011?
from cluster_drift('2010-12', '2011-12');
