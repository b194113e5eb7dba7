-- Which host has begun what, so that another finishes what a dead one left. Nobody has begun what was here before.
alter table {inbox} add column partition {integer} not null default 0;
alter table {inbox} add column host {text} not null default '';
alter table {outbox} add column host {text} not null default '';

create table {subscriber} (
    name {text} not null primary key,
    seen_at {real} not null
);
