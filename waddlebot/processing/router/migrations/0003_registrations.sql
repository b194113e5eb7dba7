-- Modules in other languages, which say by HTTP what they are and that they live. Times are the database's.
create table {registrations} (
    name {text} not null primary key,
    manifest {bytes} not null,
    registered_by {text} not null,
    registered_at {real} not null,
    heard_at {real} not null
);
