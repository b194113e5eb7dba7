-- Two accounts that somebody proved to be theirs, the lesser first; people are what bonds hold together.
create table {bond} (
    community {text} not null,
    account {text} not null,
    other {text} not null,
    at {real} not null,
    primary key (community, account, other)
);
create index {index:bond_by_other} on {bond} (other);

-- Codes that were sent, kept for an hour, so that nobody is sent too many.
create table {request} (
    account {text} not null,
    digest {text} not null,
    target {text} not null,
    at {real} not null,
    tries_left {integer} not null,
    primary key (account, digest)
);
create index {index:request_by_target} on {request} (target);

-- No version wrote the table of persons; what it would say is a bond now.
insert into {bond} (community, account, other, at)
select
    'waddlebot-global', case when account < person then account else person end,
    case when account < person then person else account end, 0
from {link} where account <> person;
drop table {link};
