-- Timers, when each is due next, and what platforms told last of channels.
create table {timer} (
    community {text} not null,
    name {text} not null,
    messages {json} not null,
    interval_s {real} not null,
    cron {text} not null,
    zone {text} not null,
    shuffled {boolean} not null,
    lines_min {integer} not null,
    live_only {boolean} not null,
    quiet {text} not null,
    title {text} not null,
    category {text} not null,
    targets {json} not null,
    enabled {boolean} not null,
    primary key (community, name)
);

create table {run} (
    community {text} not null,
    name {text} not null,
    due_at {real} not null,
    position {integer} not null,
    primary key (community, name)
);
create index {index:run_by_time} on {run} (due_at);

create table {channel} (
    community {text} not null,
    entity {text} not null,
    live {boolean},
    title {text},
    category {text},
    told_at {real} not null,
    primary key (community, entity)
);
