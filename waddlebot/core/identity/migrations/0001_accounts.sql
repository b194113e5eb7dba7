-- Every account by the names it goes by now, on each server it was seen on: one nick of IRC is somebody else on
-- each network. Not kept in the order of its key, which each entry of the index by login would have to repeat.
create table {account} (
    account {text} not null,
    server {text} not null,
    platform {text} not null,
    login {text} not null,
    name {text} not null,
    last_seen {real} not null,
    primary key (account, server)
);
create index {index:account_by_login} on {account} (login);

-- The person that a linked account belongs to. An account without a link is its own.
create table {link} (
    account {text} not null primary key,
    person {text} not null
);
create index {index:link_by_person} on {link} (person);
