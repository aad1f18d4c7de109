/**
 * The milestone without which no pick is asked for; what a warehouse has begun awaits none. What was reported of an exchange
 * is looked up by it, whatever reservation it had by then.
 */
export const PICK_AWAITS_SQL = `
alter table reservation add column pick_awaits text;
alter table reservation add constraint reservation_pick_awaits check (pick_awaits is null or (state not in ('PREPARING', 'READY')
  and pick_awaits in ('APPROVED', 'LABEL_CREATED', 'CARRIER_SCANNED', 'RETURN_RECEIVED', 'INSPECTION_PASSED',
    'INSPECTION_FAILED', 'COMPLETED', 'CANCELLED', 'CONVERTED_TO_REFUND')));
create index milestone_of_exchange on milestone (exchange_id, milestone);
`;
