import { isDeepStrictEqual } from 'node:util';
import {
  allocatedUnits,
  isReplaced,
  type Reservation,
  type ReservationLine,
  waitingUnits,
} from '../../domain/reservation.ts';
import { type EventFacts, hashEvent, NO_HASH, readEventBody } from '../event-body.ts';
import { lineFacts, lineFactsJson, type ReservationRow } from '../rows.ts';
import { checkAllocations, type StoredAllocation } from './allocation-checks.ts';
import type { DriftList } from './drift-list.ts';
import { checkAwaited, checkPick, type StoredPick } from './pick-checks.ts';
import { checkQueue, checkWaiting, type StoredWaiting } from './waitlist-checks.ts';

/** An audit event as stored: the columns it is looked up by, and the bytes that say everything. */
export interface StoredEvent extends Pick<EventFacts, StoredFact> {
  readonly body: Buffer;
  readonly hash: Uint8Array;
}

const STORED_FACTS = ['eventId', 'reservationId', 'version', 'kind', 'actor', 'createdAt'] as const;

type StoredFact = (typeof STORED_FACTS)[number];

/** Everything stored of one reservation, on one snapshot. */
export interface StoredReservation {
  readonly row: ReservationRow | null;
  readonly allocations: readonly StoredAllocation[];
  /** By version. */
  readonly events: readonly StoredEvent[];
  /** Its lines in the queue. */
  readonly waiting: readonly StoredWaiting[];
  /** Null where its pick awaits nothing by its rules or by itself, or where it is resolved. */
  readonly pick: StoredPick | null;
}

/** Holds a reservation against its audit events, and these against each other. */
export function checkReservation(stored: StoredReservation, drifts: DriftList): void {
  const bodies = stored.events.map(({ body }) => readEventBody(body.toString()));
  const states = bodies.map((body) => body?.after ?? null);
  const trackingId = stored.row?.tracking_id ?? states.find((state) => state !== null)?.trackingId ?? '';
  checkVersions(stored, trackingId, drifts);
  checkHashes(stored.events, trackingId, drifts);
  stored.events.forEach((event, at) => {
    checkColumns(event, bodies[at]?.facts ?? null, trackingId, drifts);
  });
  checkHistory(stored.events, states, trackingId, drifts);
  checkState(stored, states.at(-1) ?? null, trackingId, drifts);
  checkAllocations(stored, states, trackingId, drifts);
  checkQueue(stored.waiting, states.at(-1) ?? null, trackingId, drifts);
  if (stored.pick !== null) checkPick(stored.pick, states, trackingId, drifts);
}

function checkVersions({ row, events }: StoredReservation, trackingId: string, drifts: DriftList): void {
  let expected = 1;
  for (const { version, eventId } of events) {
    if (version !== expected) {
      drifts.add('VERSION_GAP', expected, version, 'the next audit event has another version', { trackingId, eventId });
    }
    expected = version + 1;
  }
  if (row !== null && row.version >= expected) {
    drifts.add('VERSION_GAP', row.version, expected - 1, 'the last audit event is missing', { trackingId });
  }
}

/** Hashes the stored bytes; what cannot be hashed, since the event before is gone, is named by its version already. */
function checkHashes(events: readonly StoredEvent[], trackingId: string, drifts: DriftList): void {
  events.forEach(({ eventId, version, body, hash }, at) => {
    const before = events[at - 1];
    const isAfterGap = version !== (before?.version ?? 0) + 1;
    if (isAfterGap || sameBytes(hashEvent(before?.hash ?? NO_HASH, body), hash)) return;
    const detail = 'the event is not what was hashed, or not after the event before it';
    drifts.add('HASH_CHAIN', 1, 0, detail, { trackingId, eventId });
  });
}

/** The columns are copies of what the bytes say, for looking events up. */
function checkColumns(event: StoredEvent, facts: EventFacts | null, trackingId: string, drifts: DriftList): void {
  const different = STORED_FACTS.filter((fact) => event[fact] !== facts?.[fact]);
  if (different.length === 0) return;
  const detail = `the columns are not what the bytes say: ${different.join(', ')}`;
  drifts.add('EVENT_COLUMN', 0, different.length, detail, { trackingId, eventId: event.eventId });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Nothing follows the end, and what left an allocation once never comes back to it. */
function checkHistory(
  events: readonly StoredEvent[],
  states: readonly (Reservation | null)[],
  trackingId: string,
  drifts: DriftList,
): void {
  states.forEach((state, at) => {
    const event = events[at];
    if (state === null || event === undefined) return;
    const place = { trackingId, eventId: event.eventId };
    if (state.version !== event.version) {
      drifts.add('VERSION_GAP', event.version, state.version, 'the event tells of another version', place);
    }
    checkUnits(state, place, drifts);
    checkWaiting(state, place, drifts);
    const before = states[at - 1];
    if (before === undefined || before === null) return;
    if (before.resolvedAt !== null) {
      drifts.add('TRANSITION', before.version, state.version, `${event.kind} after ${before.state}`, place);
    }
    checkGone(before, state, place, drifts);
    checkAwaited(before, state, place, drifts);
    if (!TAKING_KINDS.has(event.kind)) checkTaken(before, state, place, drifts);
  });
}

type Place = { readonly trackingId: string; readonly eventId: string };

/** A line never holds, held or waits for more than was asked for. */
function checkUnits(state: Reservation, place: Place, drifts: DriftList): void {
  for (const line of state.lines) {
    const live = line.allocations.reduce((sum, part) => sum + part.reserved + part.fulfilled, waitingUnits(line));
    if (live <= line.quantity) continue;
    const detail = `line ${line.lineNumber} has more units than were asked for`;
    drifts.add('CONSERVATION', line.quantity, live, detail, { ...place, sku: line.sku });
  }
}

/** Events after which a reservation may hold units it never held before. */
const TAKING_KINDS: ReadonlySet<string> = new Set(['reserved', 'waitlisted', 'changed']);

/** No unit appears in an allocation but by an event that takes it from a pool. */
function checkTaken(before: Reservation, after: Reservation, place: Place, drifts: DriftList): void {
  for (const line of after.lines) {
    const known = before.lines.find((other) => other.lineNumber === line.lineNumber);
    for (const part of line.allocations) {
      const had = known?.allocations.find((other) => other.warehouse === part.warehouse);
      const [expected, units] = [had === undefined ? 0 : allocatedUnits(had), allocatedUnits(part)];
      if (units <= expected) continue;
      const at = { ...place, sku: line.sku, warehouse: part.warehouse };
      drifts.add('CONSERVATION', expected, units, `line ${line.lineNumber}: units appeared`, at);
    }
  }
}

/** Only a line that a swap has replaced may be left out. */
function checkGone(before: Reservation, after: Reservation, place: Place, drifts: DriftList): void {
  for (const line of before.lines) {
    const next = after.lines.find((other) => other.lineNumber === line.lineNumber);
    if (next === undefined && isReplaced(line)) continue;
    for (const part of line.allocations) {
      const now = next?.allocations.find((other) => other.warehouse === part.warehouse);
      if (now === undefined) {
        const at = { ...place, sku: line.sku, warehouse: part.warehouse };
        drifts.add('CONSERVATION', allocatedUnits(part), 0, `line ${line.lineNumber}: units vanished`, at);
        continue;
      }
      for (const counter of ['fulfilled', 'released'] as const) {
        const units = now[counter];
        if (units >= part[counter]) continue;
        const at = { ...place, sku: line.sku, warehouse: part.warehouse };
        drifts.add('CONSERVATION', part[counter], units, `line ${line.lineNumber}: ${counter} fell`, at);
      }
    }
  }
}

function checkState(
  { row, events }: StoredReservation,
  last: Reservation | null,
  trackingId: string,
  drifts: DriftList,
): void {
  const event = events.at(-1);
  const eventId = event?.eventId ?? '';
  if (row === null || last === null) {
    const detail = row === null ? 'the reservation is missing' : 'no audit event tells of the reservation';
    drifts.add('STATE', event?.version ?? 0, row?.version ?? 0, detail, { trackingId, eventId });
    return;
  }
  const different = differingFields(row, last);
  if (different.length === 0) return;
  drifts.add('STATE', last.version, row.version, `not as in the last audit event: ${different.join(', ')}`, {
    trackingId,
    eventId,
  });
}

/** Names only: the values may be a customer's. */
function differingFields(row: ReservationRow, last: Reservation): string[] {
  const pairs: [string, unknown, unknown][] = [
    ['tracking_id', row.tracking_id, last.trackingId],
    ['version', row.version, last.version],
    ['state', row.state, last.state],
    ['exchange_id', row.exchange_id, last.exchangeId],
    ['return_case_id', row.return_case_id, last.returnCaseId],
    ['order_id', row.order_id, last.orderId],
    ['customer_ref', row.customer_ref, last.customerRef],
    ['channel', row.channel, last.channel],
    ['priority', row.priority, last.priority],
    ['rule_version', row.rule_version, last.ruleVersion],
    ['create_time', row.created_at, last.createdAt],
    ['expire_time', row.expire_at, last.expireAt],
    ['resolve_time', row.resolved_at, last.resolvedAt],
    ['release_reason', row.release_reason, last.releaseReason],
    ['trace_id', row.trace_id, last.traceId],
    ['confirm_time', row.confirmed_at, last.warehouseConfirmedAt],
    ['overdue_flagged', row.overdue_flagged, last.overdueFlagged],
    ['warned_time', row.warned_for, last.warnedFor ?? null],
    ['pick_awaits', row.pick_awaits, last.pickAwaits ?? null],
  ];
  const fields = pairs.filter(([, stored, told]) => stored !== told).map(([field]) => field);
  return sameLines(row.lines, last.lines) ? fields : [...fields, 'lines'];
}

/** Both texts come from the same writer and are nearly always equal; only then is parsing spared. */
function sameLines(stored: string, told: readonly ReservationLine[]): boolean {
  const text = lineFactsJson(told);
  return stored === text || isDeepStrictEqual(lineFacts(stored), lineFacts(text));
}
