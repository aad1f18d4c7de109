import { isLive, isWaiting, type Reservation } from '../../domain/reservation.ts';
import { entriesOf } from '../../domain/waitlist.ts';
import { millis, type Statement } from '../statements.ts';
import type { DriftList } from './drift-list.ts';

/** A line in the queue as stored. */
export interface StoredWaiting {
  readonly reservation_id: string;
  readonly line_number: number;
  readonly sku: string;
  readonly units: number;
  readonly warehouse: string;
  readonly priority: number;
  readonly since: number;
}

export function waitlistRows(range: readonly string[]): Statement {
  return {
    name: 'audit-waitlist',
    text: `select reservation_id, line_number, sku, units, warehouse, priority, ${millis('since_time')} as since
      from waitlist where reservation_id > $1::uuid and reservation_id <= $2::uuid
      order by reservation_id, line_number`,
    values: [...range],
  };
}

/** WAITLISTED is exactly a live reservation of which some line waits. */
export function checkWaiting(
  state: Reservation,
  place: { readonly trackingId: string; readonly eventId: string },
  drifts: DriftList,
): void {
  const isRight =
    isWaiting(state.lines) === (state.state === 'WAITLISTED') && (isLive(state) || !isWaiting(state.lines));
  if (isRight) return;
  drifts.add('WAITLIST', Number(isWaiting(state.lines)), Number(state.state === 'WAITLISTED'), `${state.state}`, place);
}

/** The queue holds what the last event says that the reservation waits for, and nothing else. */
export function checkQueue(
  stored: readonly StoredWaiting[],
  last: Reservation | null,
  trackingId: string,
  drifts: DriftList,
): void {
  const told = new Map((last === null ? [] : entriesOf(last)).map((entry) => [entry.lineNumber, entry]));
  for (const row of stored) {
    const entry = told.get(row.line_number);
    told.delete(row.line_number);
    const place = { trackingId, sku: row.sku };
    const line = `line ${row.line_number}`;
    if (entry === undefined)
      drifts.add('WAITLIST', 0, row.units, `${line}: it is in the queue and waits for nothing`, place);
    else if (entry.units !== row.units) drifts.add('WAITLIST', entry.units, row.units, `${line}: units`, place);
    else if (!isAt(row, entry)) drifts.add('WAITLIST', 1, 0, `${line}: it stands at another place in the queue`, place);
  }
  for (const { lineNumber, sku, units } of told.values()) {
    drifts.add('WAITLIST', units, 0, `line ${lineNumber}: it waits and is not in the queue`, { trackingId, sku });
  }
}

function isAt(row: StoredWaiting, entry: ReturnType<typeof entriesOf>[number]): boolean {
  return (
    row.sku === entry.sku &&
    row.warehouse === entry.warehouse &&
    row.priority === entry.priority &&
    row.since === entry.since
  );
}
