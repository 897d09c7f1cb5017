-- Who was most like Coca-Cola in December 2010, if words are counted instead of latents?
from peers('KO', n := 5, as_of := '2010-12', method := 'tfidf');
