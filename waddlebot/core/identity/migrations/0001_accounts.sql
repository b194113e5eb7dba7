-- Every account that was seen, by the names it goes by now. An account without a person is its own.
create table {account} (
    account {text} not null primary key,
    platform {text} not null,
    login {text} not null,
    name {text} not null,
    person {text},
    last_seen {real} not null
) {keyed};
create index {index:account_by_login} on {account} (platform, login);
create index {index:account_linked} on {account} (person) where person is not null;
