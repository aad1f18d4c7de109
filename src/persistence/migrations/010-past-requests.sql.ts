/**
 * What a request said beside what its reservation tells, so that other rules can be tried on it. The first event of a
 * reservation keeps what cannot be a customer's; the rest lies here, where it can be erased and is after its time.
 */
export const PAST_REQUESTS_SQL = `
create table request_fact (
  reservation_id uuid primary key,
  attributes json not null,
  postal_code text not null,
  create_time timestamptz(3) not null
);
create index request_fact_time on request_fact using brin (create_time);
alter table refused_reserve add column asked json;
`;
