import { equals } from '@bufbuild/protobuf';
import type pg from 'pg';
import { AuditService } from '../../src/gen/earmark/v1/audit_service_pb.ts';
import { type Reservation, ReservationSchema } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import type { CallRecord, History } from './history.ts';
import type { RpcClient } from './rpc-client.ts';
import { isCounterSku, UNITS_OF } from './stock.ts';
import { expireAtOf, send } from './workload.ts';

const READ_DEADLINE_MS = 5_000;
const VERIFY_DEADLINE_MS = 30_000;
/** Checks that ask the service do so this many at a time. */
const ASKED_AT_ONCE = 32;
/** Bugs of the service that are shown, and how much of each. */
const BUGS_SHOWN_MAX = 5;
const BUG_CHARACTERS_MAX = 600;
/** Refusals the workload can meet by right: sold out, resolved or expired meanwhile, or a line that is all gone. */
const EXPECTED_REFUSAL = /^(FAILED_PRECONDITION|INVALID_ARGUMENT: line \d+ holds)/;

/** Every acknowledged reservation is there, with what was acknowledged. */
export async function findLost(client: RpcClient, history: History): Promise<string[]> {
  return await forEachCall(history.acknowledged('reserve'), async ({ reservation }) => {
    const target = { case: 'reservationId' as const, value: reservation.reservationId };
    const found = await client
      .call(ReservationService.method.getReservation, { target }, READ_DEADLINE_MS)
      .catch((error: unknown) => String(error));
    if (typeof found === 'string') return `${reservation.trackingId} is lost: ${found}`;
    const isSame = found.reservation !== undefined && content(found.reservation) === content(reservation);
    return isSame ? null : `${reservation.trackingId} differs from what was acknowledged`;
  });
}

/** What never changes about a reservation, as text. */
function content({ reservationId, trackingId, exchangeId, orderId, lines }: Reservation): string {
  const kept = lines.map(({ lineNumber, sku, quantity, orderLineId }) => [lineNumber, sku, quantity, orderLineId]);
  return JSON.stringify([reservationId, trackingId, exchangeId, orderId, kept]);
}

/** Every success is answered again as it was first given. */
export async function findForgotten(client: RpcClient, history: History): Promise<string[]> {
  const answered = history.calls.filter((call) => call.outcome === 'ok');
  return await forEachCall(answered, async (call) => {
    const again = await send(client, call).catch((error: unknown) => String(error));
    if (typeof again === 'string') return `${call.method} ${call.requestId} was acknowledged, and is now ${again}`;
    if (!again.replayed) return `${call.method} ${call.requestId} was done again`;
    const { reservation } = again;
    const isSame =
      reservation === undefined || call.reservation === null
        ? reservation === undefined && call.reservation === null
        : equals(ReservationSchema, reservation, call.reservation);
    return isSame ? null : `${call.method} ${call.requestId} is answered in another way than at first`;
  });
}

async function forEachCall<T extends CallRecord>(
  calls: readonly T[],
  check: (call: T) => Promise<string | null>,
): Promise<string[]> {
  const found: (string | null)[] = [];
  for (let at = 0; at < calls.length; at += ASKED_AT_ONCE) {
    found.push(...(await Promise.all(calls.slice(at, at + ASKED_AT_ONCE).map(check))));
  }
  return found.filter((one) => one !== null);
}

/** The service's own recomputation of its ledger. */
export async function findDrift(client: RpcClient): Promise<string[]> {
  const report = await client.call(AuditService.method.verifyLedger, {}, VERIFY_DEADLINE_MS);
  if (report.reservationsChecked === 0n || report.poolsChecked === 0n) return ['the ledger was not verified'];
  return report.drifts.map(({ kind, sku, warehouse, detail }) => `drift ${kind} of ${sku} in ${warehouse}: ${detail}`);
}

/** No reservation is there twice or without a caller, and no Fulfil took more than was asked for. */
export async function findDoubled(database: pg.Client, history: History): Promise<string[]> {
  const reserves = history.calls.filter((call) => call.method === 'reserve');
  const byExchange = new Map(reserves.map((call) => [String(call.request.exchangeId), call]));
  const stored = await database.query<{ exchange_id: string; reservations: number }>(
    'select exchange_id, count(*)::int as reservations from reservation group by 1',
  );
  const doubled = stored.rows.flatMap(({ exchange_id: id, reservations }) => {
    const call = byExchange.get(id);
    // A refused attempt after one without an answer: that one may still have taken effect, once.
    const isAllowed = call !== undefined && (call.outcome === 'ok' || call.unknown > 0);
    return isAllowed && reservations === 1 ? [] : [`${reservations} reservations of ${id}, ${call?.outcome}`];
  });
  return [...doubled, ...(await findDoubleFulfilments(database, history))];
}

/** Items at the counter leave by Fulfil alone, one unit a call. */
async function findDoubleFulfilments(database: pg.Client, history: History): Promise<string[]> {
  const done = new Map<string, { sure: number; unsure: number }>();
  for (const call of history.calls) {
    if (call.method !== 'fulfil') continue;
    const count = done.get(call.reservationId) ?? { sure: 0, unsure: 0 };
    if (call.outcome === 'ok') count.sure += 1;
    else if (call.unknown > 0) count.unsure += 1;
    done.set(call.reservationId, count);
  }
  const { rows } = await database.query<{ reservation_id: string; sku: string; fulfilled: number }>(
    'select reservation_id, min(sku) as sku, sum(fulfilled)::int as fulfilled from allocation group by 1',
  );
  return rows
    .filter(({ sku }) => isCounterSku(sku))
    .flatMap(({ reservation_id: id, fulfilled }) => {
      const { sure, unsure } = done.get(id) ?? { sure: 0, unsure: 0 };
      // A Fulfil of what is fulfilled already is a success without effect.
      return fulfilled <= sure + unsure ? [] : [`${fulfilled} units of ${id} left, ${sure} were asked for`];
    });
}

/** Units that were surely held or gone at one time never exceed what there was. */
export function findOversold(history: History): string[] {
  const freedAt = new Map<string, number>();
  for (const call of history.calls) {
    if (call.method === 'release') freedAt.set(call.reservationId, call.invokedAt);
  }
  const changes = new Map<string, { at: number; units: number }[]>();
  for (const { reservation, answeredAt } of history.acknowledged('reserve')) {
    const freed = Math.min(freedAt.get(reservation.reservationId) ?? Number.POSITIVE_INFINITY, expireAtOf(reservation));
    const from = answeredAt ?? 0;
    if (freed <= from) continue;
    for (const { sku, quantity } of reservation.lines) {
      const known = changes.get(sku) ?? [];
      known.push({ at: from, units: quantity }, { at: freed, units: -quantity });
      changes.set(sku, known);
    }
  }
  return [...changes].flatMap(([sku, list]) => {
    const total = UNITS_OF.get(sku) ?? 0;
    let held = 0;
    for (const { units } of list.toSorted((a, b) => a.at - b.at || a.units - b.units)) {
      held += units;
      if (held > total) return [`${held} units of ${sku} were promised at once, of ${total}`];
    }
    return [];
  });
}

interface Counted {
  readonly sku: string;
  readonly held: number;
  readonly fulfilled: number;
  readonly late: number;
  readonly on_hand: number;
  readonly reserved: number;
}

/**
 * The same in the database: what is promised is never more than what was received, and every unit that is not on hand
 * was fulfilled, or shipped by the warehouse after its reservation had been resolved.
 */
export async function findMiscounted(database: pg.Client): Promise<string[]> {
  const { rows } = await database.query<Counted>(
    `select p.sku, p.on_hand, p.reserved, coalesce(a.held, 0)::int as held, coalesce(a.fulfilled, 0)::int as fulfilled,
       coalesce(m.late, 0)::int as late
     from (select sku, sum(on_hand)::int as on_hand, sum(reserved)::int as reserved from stock_pool group by 1) p
     left join (select sku, sum(reserved) as held, sum(fulfilled) as fulfilled from allocation group by 1) a using (sku)
     left join (select sku, -sum(on_hand_delta) as late from stock_movement
       where kind = 'SHIPPED' and reservation_id is null group by 1) m using (sku)`,
  );
  return rows.flatMap(({ sku, held, fulfilled, late, on_hand: onHand, reserved }) => {
    const total = UNITS_OF.get(sku) ?? 0;
    const isRight = held + fulfilled <= total && onHand + fulfilled + late === total && reserved === held;
    if (isRight) return [];
    return [`${sku}: ${held} held (counter ${reserved}), ${fulfilled} + ${late} left, ${onHand} on hand, of ${total}`];
  });
}

/** No reservation was freed by the clock before its deadline. */
export async function findEarlyExpiries(database: pg.Client): Promise<string[]> {
  const { rows } = await database.query<{ tracking_id: string }>(
    `select r.tracking_id from audit_event e join reservation r using (reservation_id)
     where e.kind = 'expired' and e.create_time < r.expire_time`,
  );
  return rows.map((row) => `${row.tracking_id} expired early`);
}

/** Refusals this workload cannot meet, and bugs the service itself has noticed. */
export function findComplaints(history: History, serviceLogs: string): string[] {
  const refused = history.calls.filter((call) => call.outcome === 'refused' && !EXPECTED_REFUSAL.test(call.failure));
  const bugs = serviceLogs.split('\n').filter((line) => line.includes('"event":"bug"'));
  return [
    ...refused.map((call) => `${call.method} ${call.requestId} was refused: ${call.failure}`),
    ...bugs.slice(0, BUGS_SHOWN_MAX).map((line) => line.slice(0, BUG_CHARACTERS_MAX)),
  ];
}
