-- A number to be added up whose sum is the same in whatever order rows come: floats of several threads differ in it.
--
-- Eighteen digits behind the point; a sum of these is a decimal, too: cast it to double.
create macro exact(number) as number::decimal(38, 18);
