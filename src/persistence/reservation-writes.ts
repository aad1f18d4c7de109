import { keptOf } from '../domain/asked-request.ts';
import { type Allocation, allocatedUnits, type Reservation, type ReservationLine } from '../domain/reservation.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { Ids } from '../ports.ts';
import { hashEvent, NO_HASH, writeEventBody } from './event-body.ts';
import { lineFactsJson } from './rows.ts';
import { instant, joinJson, jsonArray, type Statement, textArray } from './statements.ts';

export function insertReservations(created: readonly Reservation[]): Statement {
  const column = <T>(pick: (reservation: Reservation) => T) => created.map(pick);
  return {
    name: 'insert-reservations',
    text: `insert into reservation (reservation_id, tracking_id, version, state, exchange_id, return_case_id, order_id,
        customer_ref, channel, priority, lines, rule_version, create_time, expire_time, resolve_time, release_reason,
        trace_id, confirm_time, overdue_flagged, pick_awaits)
      select id, tracking_id, version, state, exchange_id, return_case_id, order_id, customer_ref, channel, priority,
        lines, rule_version, ${instant('created_at')}, ${instant('expire_at')}, ${instant('resolved_at')},
        release_reason, trace_id, ${instant('confirmed_at')}, overdue_flagged,
        pick_awaits
      from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::int[], ${jsonArray('$11')}, $12::bigint[], $13::float8[], $14::float8[], $15::float8[], $16::text[],
        $17::text[], $18::float8[], $19::bool[], $20::text[])
        as r (id, tracking_id, version, state, exchange_id, return_case_id, order_id, customer_ref, channel, priority,
          lines, rule_version, created_at, expire_at, resolved_at, release_reason, trace_id, confirmed_at, overdue_flagged,
          pick_awaits)`,
    values: [
      column((one) => one.reservationId),
      column((one) => one.trackingId),
      column((one) => one.version),
      column((one) => one.state),
      column((one) => one.exchangeId),
      column((one) => one.returnCaseId),
      column((one) => one.orderId),
      column((one) => one.customerRef),
      column((one) => one.channel),
      column((one) => one.priority),
      joinJson(column((one) => lineFactsJson(one.lines))),
      column((one) => one.ruleVersion),
      column((one) => one.createdAt),
      column((one) => one.expireAt),
      column((one) => one.resolvedAt),
      column((one) => one.releaseReason),
      column((one) => one.traceId),
      column((one) => one.warehouseConfirmedAt),
      column((one) => one.overdueFlagged),
      awaitedColumn(created),
    ],
  };
}

/** Shorter columns are filled with nulls: where no pick awaits anything, nothing is sent. */
function awaitedColumn(reservations: readonly Reservation[]): (string | null)[] {
  const isAnyAwaiting = reservations.some(({ pickAwaits }) => pickAwaits !== undefined);
  return isAnyAwaiting ? reservations.map(({ pickAwaits }) => pickAwaits ?? null) : [];
}

export function updateReservations(updated: readonly Reservation[]): Statement {
  const column = <T>(pick: (reservation: Reservation) => T) => updated.map(pick);
  return {
    name: 'update-reservations',
    text: `update reservation r set version = w.version, state = w.state, lines = w.lines, rule_version = w.rule_version,
        expire_time = ${instant('w.expire_at')}, resolve_time = ${instant('w.resolved_at')},
        release_reason = w.release_reason, confirm_time = ${instant('w.confirmed_at')}, overdue_flagged = w.overdue_flagged,
        warned_time = ${instant('w.warned_for')}, pick_awaits = w.pick_awaits
      from unnest($1::uuid[], $2::int[], $3::text[], ${jsonArray('$4')}, $5::float8[], $6::float8[], $7::text[], $8::float8[],
        $9::bool[], $10::bigint[], $11::float8[], $12::text[])
        as w (id, version, state, lines, expire_at, resolved_at, release_reason, confirmed_at, overdue_flagged, rule_version, warned_for,
          pick_awaits)
      where r.reservation_id = w.id`,
    values: [
      column((one) => one.reservationId),
      column((one) => one.version),
      column((one) => one.state),
      joinJson(column((one) => lineFactsJson(one.lines))),
      column((one) => one.expireAt),
      column((one) => one.resolvedAt),
      column((one) => one.releaseReason),
      column((one) => one.warehouseConfirmedAt),
      column((one) => one.overdueFlagged),
      column((one) => one.ruleVersion),
      column((one) => one.warnedFor ?? null),
      awaitedColumn(updated),
    ],
  };
}

/** The lines of one reservation whose allocations a unit writes, and the reservation as it was before the unit. */
export interface WrittenLines {
  readonly reservationId: string;
  readonly previous: Reservation | null;
  readonly priority: number;
  readonly lines: readonly ReservationLine[];
}

interface WrittenAllocation {
  readonly reservationId: string;
  readonly priority: number;
  readonly line: ReservationLine;
  readonly part: Allocation;
}

function allocationsOf({ reservationId, priority, lines }: WrittenLines): WrittenAllocation[] {
  return lines.flatMap((line) => line.allocations.map((part) => ({ reservationId, priority, line, part })));
}

function allocationValues(rows: readonly WrittenAllocation[]): unknown[] {
  return [
    rows.map((row) => row.reservationId),
    rows.map((row) => row.line.lineNumber),
    rows.map((row) => row.part.warehouse),
    rows.map((row) => row.line.sku),
    rows.map((row) => row.part.reserved),
    rows.map((row) => row.part.picked),
    rows.map((row) => row.part.short),
    rows.map((row) => row.part.fulfilled),
    rows.map((row) => row.part.released),
    rows.map((row) => row.part.missing ?? 0),
    rows.map((row) => row.priority),
  ];
}

const ALLOCATION_UNNEST = `unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[],
  $10::int[], $11::int[])
  as w (reservation_id, line_number, warehouse, sku, reserved, picked, short, fulfilled, released, missing, priority)`;

const INSERT_ALLOCATIONS = `insert into allocation as a (reservation_id, line_number, warehouse, sku, quantity, reserved, picked, short,
        fulfilled, released, missing, priority)
      select reservation_id, line_number, warehouse, sku, reserved + fulfilled + released, reserved, picked, short, fulfilled,
        released, missing, priority
      from ${ALLOCATION_UNNEST}`;

export function insertAllocations(created: readonly WrittenLines[]): Statement {
  return {
    name: 'insert-allocations',
    text: INSERT_ALLOCATIONS,
    values: allocationValues(created.flatMap(allocationsOf)),
  };
}

/** What got no more units keeps its quantity, which the table holds against the sum of what became of them. */
export function updateAllocations(updated: readonly WrittenLines[]): Statement[] {
  const kept: WrittenAllocation[] = [];
  const grown: WrittenAllocation[] = [];
  for (const written of updated) {
    for (const row of allocationsOf(written)) (hasGrown(written, row) ? grown : kept).push(row);
  }
  return [
    {
      name: 'update-allocations',
      text: `update allocation a set reserved = w.reserved, picked = w.picked, short = w.short, missing = w.missing,
        fulfilled = w.fulfilled, released = w.released
      from ${ALLOCATION_UNNEST}
      where a.reservation_id = w.reservation_id and a.line_number = w.line_number and a.warehouse = w.warehouse
        and (a.reserved, a.picked, a.short, a.missing, a.fulfilled, a.released)
          is distinct from (w.reserved, w.picked, w.short, w.missing, w.fulfilled, w.released)`,
      values: allocationValues(kept),
    },
    ...(grown.length === 0 ? [] : [growAllocations(grown)]),
  ];
}

/** Units that were taken from a pool by a later change than the first: of a new line, or at another warehouse. */
function growAllocations(grown: readonly WrittenAllocation[]): Statement {
  return {
    name: 'grow-allocations',
    text: `${INSERT_ALLOCATIONS}
      on conflict (reservation_id, line_number, warehouse) do update set quantity = excluded.quantity,
        reserved = excluded.reserved, picked = excluded.picked, short = excluded.short, missing = excluded.missing,
        fulfilled = excluded.fulfilled, released = excluded.released`,
    values: allocationValues(grown),
  };
}

function hasGrown({ previous }: WrittenLines, { line, part }: WrittenAllocation): boolean {
  const before = previous?.lines
    .find((known) => known.lineNumber === line.lineNumber)
    ?.allocations.find((known) => known.warehouse === part.warehouse);
  return before === undefined || allocatedUnits(part) > allocatedUnits(before);
}

/** The columns are what events are looked up by; everything else an event says is in its body. */
export function insertAuditEvents(work: WorkingSet, ids: Ids, lastHashes: ReadonlyMap<string, Uint8Array>): Statement {
  const hashes = new Map(lastHashes);
  const rows = work.transitions.map(({ kind, next, cause, seen, asked }) => {
    const header = {
      eventId: ids.uuid(),
      kind,
      actor: cause.caller.principal,
      actorType: cause.caller.actorType,
      channel: cause.caller.channel,
      reason: cause.reason,
      createdAt: work.now,
      traceId: cause.traceId === '' ? next.traceId : cause.traceId,
    };
    const { reservationId, version } = next;
    const body = writeEventBody(header, next, seen, asked === undefined ? null : keptOf(asked));
    const hash = hashEvent(hashes.get(reservationId) ?? NO_HASH, Buffer.from(body));
    hashes.set(reservationId, hash);
    return { ...header, reservationId, version, body, hash };
  });
  const column = <T>(pick: (row: (typeof rows)[number]) => T) => rows.map(pick);
  return {
    name: 'insert-audit-events',
    text: `insert into audit_event (reservation_id, version, event_id, kind, actor, create_time, body, hash)
      select reservation_id, version, event_id, kind, actor, ${instant('$8::float8')}, convert_to(body, 'UTF8'), hash
      from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], ${textArray('$6')}, $7::bytea[])
        as e (reservation_id, version, event_id, kind, actor, body, hash)`,
    values: [
      column((row) => row.reservationId),
      column((row) => row.version),
      column((row) => row.eventId),
      column((row) => row.kind),
      column((row) => row.actor),
      joinJson(column((row) => row.body)),
      column((row) => row.hash),
      work.now,
    ],
  };
}
