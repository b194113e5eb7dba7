-- Every account that was seen, by the names it goes by now. An account without a person is its own.
-- Without a rowid the key is the table: one B-tree less to write.
create table {account} (
    account {text} not null primary key,
    platform {text} not null,
    login {text} not null,
    name {text} not null,
    person {text},
    last_seen {real} not null
) without rowid;
create index {index:account_by_login} on {account} (platform, login);
create index {index:account_linked} on {account} (person) where person is not null;
