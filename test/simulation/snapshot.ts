import type pg from 'pg';
import { canonOfModel, canonOfWaiting } from './model/canon.ts';
import { exchangedOf, type Model, type ModelWaiting, reservedIn } from './model/state.ts';
import { type RealIds, refKey, type World } from './world.ts';

interface Part {
  readonly warehouse: string;
  readonly reserved: number;
  readonly picked: number;
  readonly short: number;
  readonly missing: number;
  readonly fulfilled: number;
  readonly released: number;
}

interface Row extends RealIds {
  readonly exchangeId: string;
  readonly orderId: string;
  readonly state: string;
  readonly version: number;
  readonly expireAt: number;
  readonly resolvedAt: number | null;
  readonly releaseReason: string | null;
  readonly overdueFlagged: boolean;
  readonly pickAwaits: string | null;
  readonly due: boolean;
  readonly notices: readonly string[];
  readonly lines: readonly {
    readonly sku: string;
    readonly substitutedFor?: string;
    readonly quantity: number;
    readonly orderLineId: string;
    readonly lineNumber: number;
    readonly waiting?: ModelWaiting;
  }[];
  readonly parts: readonly (Part & { readonly lineNumber: number; readonly sku: string })[];
}

/** What the database holds, as the clock has it: what is past its deadline counts as freed. */
export interface Snapshot {
  readonly reservations: readonly Row[];
  readonly pools: readonly (readonly [string, number, number, number, number])[];
  readonly orderLines: readonly (readonly [string, number, number])[];
  /** Pool, units missing, the most there were, units left to settle, and the most that each line lacked. */
  readonly shortages: readonly (readonly [string, number, number, number, readonly number[]])[];
}

const READ = `select json_build_object(
  'reservations', (select coalesce(json_agg(json_build_object(
      'reservationId', r.reservation_id, 'trackingId', r.tracking_id, 'exchangeId', r.exchange_id, 'orderId', r.order_id,
      'state', r.state, 'version', r.version, 'overdueFlagged', r.overdue_flagged, 'pickAwaits', r.pick_awaits, 'releaseReason', r.release_reason,
      'expireAt', floor(extract(epoch from r.expire_time) * 1000), 'resolvedAt', floor(extract(epoch from r.resolve_time) * 1000),
      'due', r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= (select ledger_now()), 'lines', r.lines,
      'notices', (select coalesce(json_agg(n.kind order by n.kind collate "C"), '[]') from notification n
        where n.reservation_id = r.reservation_id),
      'parts', (select coalesce(json_agg(json_build_object('lineNumber', a.line_number, 'sku', a.sku, 'warehouse', a.warehouse,
          'reserved', a.reserved, 'picked', a.picked, 'short', a.short, 'missing', a.missing, 'fulfilled', a.fulfilled, 'released', a.released)
          order by a.line_number, a.warehouse collate "C"), '[]') from allocation a where a.reservation_id = r.reservation_id))
    order by r.reservation_id), '[]') from reservation r),
  'pools', (select coalesce(json_agg(json_build_array(sku || '@' || warehouse, on_hand, reserved, unavailable, committed)), '[]')
    from stock_pool),
  'shortages', (select coalesce(json_agg(json_build_array(s.sku || '@' || s.warehouse, s.quantity, s.most, s.unsettled,
      (select coalesce(json_agg(v.quantity order by v.quantity), '[]') from shortage_victim v
        where v.shortage_id = s.shortage_id)) order by s.shortage_id), '[]') from shortage s),
  'orderLines', (select coalesce(json_agg(json_build_array(order_id || '/' || order_line_id, purchased, exchanged)), '[]')
    from order_line)) as snapshot`;

export async function readSnapshot(client: pg.Client): Promise<Snapshot> {
  const result = await client.query<{ snapshot: Snapshot }>({ name: 'snapshot', text: READ });
  const snapshot = result.rows[0]?.snapshot;
  if (snapshot === undefined) throw new Error('no snapshot');
  return snapshot;
}

/**
 * Says where the database differs from the model; empty where it does not. Learns the ids of new reservations, which
 * are matched by their content.
 */
export function compareWithModel(snapshot: Snapshot, model: Model, world: Pick<World, 'known'>): string[] {
  return [
    ...differences('pools', poolsOf(snapshot), modelPools(model)),
    ...differences('shortages', snapshot.shortages.map(asText), modelShortages(model)),
    ...differences('order lines', orderLinesOf(snapshot), modelOrderLines(model)),
    ...compareReservations(snapshot, model, world.known),
  ];
}

function compareReservations(snapshot: Snapshot, model: Model, known: Map<string, RealIds>): string[] {
  const refOf = new Map([...known].map(([ref, ids]) => [ids.reservationId, ref]));
  const real = snapshot.reservations.map((row) => ({
    row,
    text: JSON.stringify([refOf.get(row.reservationId) ?? 'new', canonOfRow(row), noticesOf(row)]),
  }));
  const expected = model.reservations.map((one) => {
    const ref = refKey(one);
    return { ref, text: JSON.stringify([known.has(ref) ? ref : 'new', canonOfModel(one), one.notices]) };
  });
  const unmatched = [...expected];
  const learnt: [string, RealIds][] = [];
  const found: string[] = [];
  for (const { row, text } of real) {
    const at = unmatched.findIndex((one) => one.text === text);
    const [match] = at < 0 ? [] : unmatched.splice(at, 1);
    if (match === undefined) found.push(`database has ${text}`);
    else learnt.push([match.ref, { reservationId: row.reservationId, trackingId: row.trackingId }]);
  }
  found.push(...unmatched.map((one) => `model has ${one.text}`));
  if (found.length === 0) for (const [ref, ids] of learnt) known.set(ref, ids);
  return found;
}

function canonOfRow(row: Row) {
  const partsOf = (lineNumber: number) =>
    row.parts
      .filter((part) => part.lineNumber === lineNumber)
      .map((part) =>
        row.due
          ? [part.warehouse, 0, 0, 0, 0, part.fulfilled, part.released + part.reserved]
          : [part.warehouse, part.reserved, part.picked, part.short, part.missing, part.fulfilled, part.released],
      );
  return {
    exchangeId: row.exchangeId,
    orderId: row.orderId,
    state: row.due ? 'EXPIRED' : row.state,
    version: row.due ? row.version + 1 : row.version,
    expireAt: row.expireAt,
    resolvedAt: row.state === 'EXPIRED' ? null : row.resolvedAt,
    releaseReason: row.due ? 'EXPIRED' : row.releaseReason,
    overdueFlagged: row.overdueFlagged,
    pickAwaits: row.pickAwaits,
    lines: row.lines
      .filter((line) => line.quantity > 0)
      .map((line) => [
        line.lineNumber,
        line.sku,
        line.substitutedFor ?? '',
        line.quantity,
        line.orderLineId,
        row.due ? [] : canonOfWaiting(line.waiting),
        partsOf(line.lineNumber),
      ]),
  };
}

/** What is past its deadline is told of when it is swept. */
function noticesOf(row: Row): string[] {
  return row.due ? [...row.notices, 'EXPIRED'].sort() : [...row.notices];
}

function dueUnits(snapshot: Snapshot, isMine: (row: Row, part: Row['parts'][number]) => boolean): number {
  return snapshot.reservations
    .filter((row) => row.due)
    .flatMap((row) => row.parts.filter((part) => isMine(row, part)))
    .reduce((sum, part) => sum + part.reserved, 0);
}

/** Units of an order line that are waited for past the deadline. */
function dueWaiting(snapshot: Snapshot, key: string): number {
  return snapshot.reservations
    .filter((row) => row.due)
    .flatMap((row) => row.lines.filter((line) => `${row.orderId}/${line.orderLineId}` === key))
    .reduce((sum, line) => sum + (line.waiting?.units ?? 0), 0);
}

function poolsOf(snapshot: Snapshot): string[] {
  return snapshot.pools
    .map(([key, onHand, reserved, unavailable, committed]) => {
      const due = dueUnits(snapshot, (_, part) => `${part.sku}@${part.warehouse}` === key);
      return { key, counts: [onHand, reserved - due, unavailable, committed] };
    })
    .filter(({ counts }) => counts.some((count) => count !== 0))
    .map((pool) => JSON.stringify(pool));
}

function modelPools(model: Model): string[] {
  return [...model.pools]
    .map(([key, pool]) => ({
      key,
      counts: [pool.onHand, reservedIn(model, pool.sku, pool.warehouse), pool.unavailable, pool.committed],
    }))
    .filter(({ counts }) => counts.some((count) => count !== 0))
    .map((pool) => JSON.stringify(pool));
}

function modelShortages(model: Model): string[] {
  return model.shortages.map(({ key, quantity, most, victims }) =>
    asText([key, quantity, most, 0, Object.values(victims).sort((a, b) => a - b)]),
  );
}

function asText(shortage: Snapshot['shortages'][number]): string {
  return JSON.stringify(shortage);
}

function orderLinesOf(snapshot: Snapshot): string[] {
  return snapshot.orderLines
    .map(([key, purchased, exchanged]) => {
      const due = dueUnits(snapshot, (row, part) => {
        const line = row.lines.find((one) => one.lineNumber === part.lineNumber);
        return `${row.orderId}/${line?.orderLineId}` === key;
      });
      return [key, purchased, exchanged - due - dueWaiting(snapshot, key)];
    })
    .filter(([, purchased, exchanged]) => purchased !== 0 || exchanged !== 0)
    .map((line) => JSON.stringify(line));
}

function modelOrderLines(model: Model): string[] {
  const keys = new Set(model.purchased.keys());
  for (const reservation of model.reservations) {
    for (const line of reservation.lines) {
      if (line.orderLineId !== '') keys.add(`${reservation.orderId}/${line.orderLineId}`);
    }
  }
  return [...keys]
    .map((key) => {
      const [orderId = '', orderLineId = ''] = key.split('/');
      return [key, model.purchased.get(key) ?? 0, exchangedOf(model, orderId, orderLineId)];
    })
    .filter(([, purchased, exchanged]) => purchased !== 0 || exchanged !== 0)
    .map((line) => JSON.stringify(line));
}

function differences(what: string, real: readonly string[], expected: readonly string[]): string[] {
  const extra = real.filter((one) => !expected.includes(one)).map((one) => `${what}: database has ${one}`);
  const missing = expected.filter((one) => !real.includes(one)).map((one) => `${what}: model has ${one}`);
  return [...extra, ...missing];
}
