-- People who asked to be forgotten, until every module has done so.
create table {forgetting} (
    id {text} not null primary key,
    person {json} not null,
    due_at {real} not null,
    tries {integer} not null
);
