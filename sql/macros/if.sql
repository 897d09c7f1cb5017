-- One of two values, for DuckDB before 2.0: there `if` is syntax for case, not the function that 2.0 stores in a view.
create macro if(condition, one, other) as case when condition then one else other end;
