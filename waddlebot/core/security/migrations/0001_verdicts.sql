-- What moderators, and rules they set, hold against people; without the row it is taken back.
create table {verdict} (
    community {text} not null,
    id {text} not null,
    kind {text} not null,
    account {text} not null,
    login {text} not null,
    reason {text} not null,
    actor {text} not null,
    at {real} not null,
    until {real} not null,
    automatic {boolean} not null,
    primary key (community, id)
);
create index {index:verdict_by_account} on {verdict} (community, account);

-- Everything that was ever done about somebody, and by whom.
create table {log} (
    community {text} not null,
    number {integer} not null,
    kind {text} not null,
    account {text} not null,
    login {text} not null,
    actor {text} not null,
    reason {text} not null,
    at {real} not null,
    primary key (community, number)
);
create index {index:log_by_account} on {log} (community, account, number);
create index {index:log_by_time} on {log} (at);

-- Which accounts platforms were asked to keep out, so that they are asked to let them in again.
create table {enforced} (
    community {text} not null,
    id {text} not null,
    account {text} not null,
    kind {text} not null,
    login {text} not null,
    primary key (community, id, account)
);
