-- Which groups of two or more were formed in December 2011?
from clusters('2011-12')
where size >= 2;
