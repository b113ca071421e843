-- A claim writes each row anew beside the old one, and that is cheap (HOT) only while the page has room: with 60 percent filled there was room for
-- three of five, because a worker claims all tasks of a page at once. Rows that are there already stay where they are.
alter table tasks set (fillfactor = 45);
