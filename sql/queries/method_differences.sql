-- Whose peers hedge better than those of TF-IDF, and by how much?
from method_differences
where other = 'tfidf' and score = 'hedge_median';
