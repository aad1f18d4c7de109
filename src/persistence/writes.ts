import type { OrderLineUse } from '../domain/eligibility.ts';
import { isReplaced, type Reservation, type ReservationLine } from '../domain/reservation.ts';
import type { ExchangeState, RecordedTransition, WorkingSet } from '../domain/working-set.ts';
import type { Ids, Verdict, VerdictNotice } from '../ports.ts';
import { catalogStatements } from './catalog-writes.ts';
import { milestoneStatements } from './milestone-writes.ts';
import { notificationStatements } from './notification-writes.ts';
import { factStatements } from './request-facts.ts';
import {
  insertAllocations,
  insertAuditEvents,
  insertReservations,
  updateAllocations,
  updateReservations,
  type WrittenLines,
} from './reservation-writes.ts';
import { ruleStatements } from './rule-writes.ts';
import { shortageStatements } from './shortage-writes.ts';
import type { Statement } from './statements.ts';
import { movementStatements, orderLineStatements, poolStatements } from './stock-writes.ts';
import { unitStatements } from './unit-writes.ts';
import { waitlistStatements } from './waitlist-rows.ts';

/** A verdict to announce with the unit's commit. */
export interface NoticeRow {
  readonly notice: VerdictNotice;
  readonly verdict: Verdict;
  readonly traceparent: string;
}

/** What was read with the locks and is needed to write what was decided. */
export interface WriteContext {
  readonly work: WorkingSet;
  readonly ids: Ids;
  /** Last audit hash of each locked reservation. */
  readonly lastHashes: ReadonlyMap<string, Uint8Array>;
  /** Exchanges as the locks found or created them. */
  readonly exchanges: ReadonlyMap<string, ExchangeState & { readonly created: boolean }>;
  readonly createdOrderLines: readonly OrderLineUse[];
  readonly createdCustomers: readonly string[];
  readonly notices: readonly NoticeRow[];
}

/** All statements of a unit except those on request ids, from the same numbers that were decided on. */
export function writeStatements(context: WriteContext): Statement[] {
  const { work } = context;
  const finals = finalReservations(work.transitions);
  const created = finals.filter((change) => change.previous === null);
  const updated = finals.filter((change) => change.previous !== null);
  return [
    ...catalogStatements(work),
    ...ruleStatements(work),
    ...poolStatements(work),
    ...movementStatements(work, context.ids),
    ...exchangeStatements(context),
    ...orderLineStatements(work, context.createdOrderLines),
    ...customerStatements(context),
    // An exchange whose reservation is resolved here may get a new one in the same unit: the old one must end first.
    ...when(updated.length > 0, () => [updateReservations(updated.map(nextOf)), ...updateAllocations(updated)]),
    ...when(created.length > 0, () => [insertReservations(created.map(nextOf)), insertAllocations(created)]),
    ...unitStatements(work),
    ...when(work.transitions.length > 0, () => [insertAuditEvents(work, context.ids, context.lastHashes)]),
    ...waitlistStatements(finals),
    ...factStatements(work),
    ...milestoneStatements(work),
    ...notificationStatements(work, context.ids),
    ...shortageStatements(work, context.ids),
    ...outboxStatements(context),
  ];
}

function when(condition: boolean, make: () => Statement[]): Statement[] {
  return condition ? make() : [];
}

/**
 * Each reservation once, from its state before the unit to its state after. Lines that one change replaced and a later
 * one left out are written as the first of them left them.
 */
function finalReservations(
  transitions: readonly RecordedTransition[],
): (WrittenLines & { readonly next: Reservation })[] {
  const finals = new Map<
    string,
    { previous: Reservation | null; next: Reservation; lines: readonly ReservationLine[] }
  >();
  for (const { previous, next } of transitions) {
    const known = finals.get(next.reservationId);
    const left = known?.lines.filter(isReplaced) ?? [];
    const lines = left.length === 0 ? next.lines : [...left, ...next.lines];
    finals.set(next.reservationId, { previous: known === undefined ? previous : known.previous, next, lines });
  }
  return [...finals.values()].map((final) => ({
    ...final,
    reservationId: final.next.reservationId,
    priority: final.next.priority,
  }));
}

function nextOf({ next }: { readonly next: Reservation }): Reservation {
  return next;
}

/** Exchanges that got a reservation or were closed are kept; those only created to be locked are removed again. */
function exchangeStatements({ work, exchanges }: WriteContext): Statement[] {
  const changed = new Map(work.exchanges.changed().map((state) => [state.exchangeId, state]));
  const unused = [...exchanges.values()].filter((row) => row.created && !changed.has(row.exchangeId));
  const moved = [...changed.values()].filter((state) => {
    const before = exchanges.get(state.exchangeId);
    return before?.reservationId !== state.reservationId || before.closedBy !== state.closedBy;
  });
  return [
    ...when(unused.length > 0, () => [
      {
        name: 'delete-unused-exchanges',
        text: 'delete from exchange where exchange_id = any($1::text[])',
        values: [unused.map((row) => row.exchangeId)],
      },
    ]),
    ...when(moved.length > 0, () => [
      {
        name: 'update-exchanges',
        text: `update exchange e set reservation_id = w.reservation_id, closed_by = w.closed_by
          from unnest($1::text[], $2::uuid[], $3::text[]) as w (exchange_id, reservation_id, closed_by)
          where e.exchange_id = w.exchange_id`,
        values: [
          moved.map((state) => state.exchangeId),
          moved.map((state) => state.reservationId),
          moved.map((state) => state.closedBy),
        ],
      },
    ]),
  ];
}

/** Customers of whom nothing came to be live here are forgotten again. */
function customerStatements({ work, createdCustomers }: WriteContext): Statement[] {
  const served = new Set(work.transitions.map(({ next }) => next.customerRef));
  const unused = createdCustomers.filter((customerRef) => !served.has(customerRef));
  return when(unused.length > 0, () => [
    {
      name: 'delete-unused-customers',
      text: 'delete from customer where customer_ref = any($1::text[])',
      values: [unused],
    },
  ]);
}

/** One row per reservation transition, one per changed pool, one per verdict: the same commit as the change itself. */
function outboxStatements({ work, notices }: WriteContext): Statement[] {
  const unitTrace = work.transitions[0]?.cause.traceparent ?? work.movements[0]?.cause.traceparent ?? '';
  const rows = [
    ...work.transitions.map(({ next, cause }) => ({
      topic: 'reservation',
      key: next.reservationId,
      warehouse: '',
      version: next.version,
      body: null,
      traceparent: cause.traceparent,
    })),
    ...work.changedPools().map(({ after }) => ({
      topic: 'pool',
      key: after.sku,
      warehouse: after.warehouse,
      version: after.version,
      body: null,
      traceparent: unitTrace,
    })),
    ...notices.map(({ notice, verdict, traceparent }) => ({
      topic: 'verdict',
      key: notice.messageId,
      warehouse: '',
      version: 1,
      body: JSON.stringify({ notice, verdict }),
      traceparent,
    })),
  ];
  if (rows.length === 0) return [];
  return [
    {
      name: 'insert-outbox',
      text: `insert into outbox (topic, key, warehouse, version, body, traceparent)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::json[], $6::text[])`,
      values: [
        rows.map((row) => row.topic),
        rows.map((row) => row.key),
        rows.map((row) => row.warehouse),
        rows.map((row) => row.version),
        rows.map((row) => row.body),
        rows.map((row) => row.traceparent),
      ],
    },
  ];
}
