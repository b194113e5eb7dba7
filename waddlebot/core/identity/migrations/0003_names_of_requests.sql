-- A code is for an account under the name that was asked for. What was sent before fits no name, and is void.
alter table {request} add column login {text} not null default '';
