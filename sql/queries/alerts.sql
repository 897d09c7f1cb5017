-- What should somebody look at?
from alerts order by as_of desc, kind, method;
