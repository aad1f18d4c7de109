import { RESERVATION_COLUMNS, type ReservationRow } from '../rows.ts';
import { millis, type Statement } from '../statements.ts';
import type { StoredAllocation } from './allocation-checks.ts';
import type { DriftList } from './drift-list.ts';
import { pickRows, type StoredPick } from './pick-checks.ts';
import { checkReservation, type StoredEvent, type StoredReservation } from './reservation-checks.ts';
import { type AuditRun, onSnapshot, type Query } from './snapshot.ts';
import { type StoredWaiting, waitlistRows } from './waitlist-checks.ts';

export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * Holds every reservation against its audit events, and these against the last checkpoint. Answers how many are too young
 * for it.
 * @param coveredUntil every event before this instant has to be covered; milliseconds since the Unix epoch
 */
export async function auditReservations(run: AuditRun, coveredUntil: number): Promise<number> {
  let uncovered = 0;
  const end = await onSnapshot(run, lastReservation);
  let after: string | null = FIRST_ID;
  while (after !== null) {
    const from: string = after;
    const chunk = await onSnapshot(run, (query) => readChunk(query, from, run.chunkSize));
    for (const stored of assemble(chunk)) checkReservation(stored, run.drifts);
    uncovered += checkCovered(chunk.events, coveredUntil, run.drifts);
    run.advance({ reservationsChecked: chunk.reservations.length, eventsChecked: chunk.events.length });
    // What began after the audit is left to the next one, or a busy service would never be done.
    after = chunk.last === null || chunk.last > end ? null : chunk.last;
  }
  return uncovered;
}

interface Chunk {
  /** Where the next chunk begins; null after the last. */
  readonly last: string | null;
  readonly reservations: readonly ReservationRow[];
  readonly allocations: readonly StoredAllocation[];
  readonly events: readonly CoveredEvent[];
  readonly waiting: readonly StoredWaiting[];
  readonly picks: readonly StoredPick[];
}

type CoveredEvent = StoredEvent & { readonly isCovered: boolean };

async function lastReservation(query: Query): Promise<string> {
  const [last] = await query<{ reservation_id: string }>({
    name: 'audit-last-reservation',
    text: 'select reservation_id from reservation order by reservation_id desc limit 1',
    values: [],
  });
  return last?.reservation_id ?? FIRST_ID;
}

async function readChunk(query: Query, from: string, chunkSize: number): Promise<Chunk> {
  const [bounds] = await query<{ reservation: string | null; event: string | null }>({
    name: 'audit-reservation-chunk',
    text: `select
        (select reservation_id from reservation where reservation_id > $1::uuid
          order by reservation_id offset $2::int limit 1) as reservation,
        (select reservation_id from audit_event where reservation_id > $1::uuid
          order by reservation_id offset $3::int limit 1) as event`,
    values: [from, chunkSize - 1, 4 * chunkSize - 1],
  });
  const last = [bounds?.reservation, bounds?.event].filter((id) => typeof id === 'string').sort()[0] ?? null;
  const range: [string, string] = [from, last ?? LAST_ID];
  const [reservations, allocations, events, waiting, picks] = await Promise.all([
    query<ReservationRow & Record<string, unknown>>(reservationRows(range)),
    query<StoredAllocation & Record<string, unknown>>(allocationRows(range)),
    query<CoveredEvent & Record<string, unknown>>(eventRows(range)),
    query<StoredWaiting & Record<string, unknown>>(waitlistRows(range)),
    query<StoredPick & Record<string, unknown>>(pickRows(range)),
  ]);
  return { last, reservations, allocations, events, waiting, picks };
}

function reservationRows(range: readonly string[]): Statement {
  return {
    name: 'audit-reservations',
    text: `select ${RESERVATION_COLUMNS} from reservation r
      where r.reservation_id > $1::uuid and r.reservation_id <= $2::uuid`,
    values: [...range],
  };
}

/** Units whose allocation is gone are joined in as an allocation that reserves nothing. */
function allocationRows(range: readonly string[]): Statement {
  return {
    name: 'audit-allocations',
    text: `with part as (
        select * from allocation where reservation_id > $1::uuid and reservation_id <= $2::uuid),
      unit as (
        select reservation_id, line_number, warehouse, sku, count(*) filter (where held)::int as held_units,
          string_agg(unit_id || ' ' || condition, ',' order by unit_id) filter (where held) as held,
          string_agg(unit_id, ',' order by unit_id) filter (where fulfilled) as shipped
        from allocated_unit where (held or fulfilled) and reservation_id > $1::uuid and reservation_id <= $2::uuid group by 1, 2, 3, 4)
      select reservation_id, line_number, warehouse, sku, coalesce(quantity, 0) as quantity,
        coalesce(reserved, 0) as reserved, coalesce(picked, 0) as picked, coalesce(short, 0) as short,
        coalesce(missing, 0) as missing, coalesce(fulfilled, 0) as fulfilled, coalesce(released, 0) as released,
        coalesce(held_units, 0) as held_units, coalesce(held, '') as held, coalesce(shipped, '') as shipped_units
      from part full join unit using (reservation_id, line_number, warehouse, sku)`,
    values: [...range],
  };
}

function eventRows(range: readonly string[]): Statement {
  return {
    name: 'audit-events',
    text: `select reservation_id as "reservationId", version, event_id as "eventId", kind, actor,
        ${millis('create_time')} as "createdAt", body, hash,
        exists (select 1 from audit_leaf l where l.reservation_id = e.reservation_id and l.version = e.version)
          as "isCovered"
      from audit_event e where reservation_id > $1::uuid and reservation_id <= $2::uuid
      order by reservation_id, version`,
    values: [...range],
  };
}

/** Answers how many events no checkpoint covers yet; those that one should cover are drifts. */
function checkCovered(events: readonly CoveredEvent[], coveredUntil: number, drifts: DriftList): number {
  const uncovered = events.filter((event) => !event.isCovered);
  const overdue = uncovered.filter((event) => event.createdAt < coveredUntil);
  for (const { eventId, reservationId, version } of overdue) {
    const detail = `event ${version} of reservation ${reservationId} is in no checkpoint`;
    drifts.add('UNCOVERED_EVENT', 1, 0, detail, { eventId });
  }
  return uncovered.length - overdue.length;
}

function assemble(chunk: Chunk): StoredReservation[] {
  const byId = new Map<
    string,
    {
      row: ReservationRow | null;
      allocations: StoredAllocation[];
      events: StoredEvent[];
      waiting: StoredWaiting[];
      pick: StoredPick | null;
    }
  >();
  const of = (id: string) => {
    const known = byId.get(id);
    if (known !== undefined) return known;
    const made = { row: null, allocations: [], events: [], waiting: [], pick: null };
    byId.set(id, made);
    return made;
  };
  for (const row of chunk.reservations) of(row.reservation_id).row = row;
  for (const allocation of chunk.allocations) of(allocation.reservation_id).allocations.push(allocation);
  for (const event of chunk.events) of(event.reservationId).events.push(event);
  for (const waiting of chunk.waiting) of(waiting.reservation_id).waiting.push(waiting);
  for (const pick of chunk.picks) of(pick.reservation_id).pick = pick;
  return [...byId.values()];
}
