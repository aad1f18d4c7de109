import { randomUUID } from 'node:crypto';
import type { Reservation } from '../../src/domain/reservation.ts';
import type { ReserveInput } from '../../src/use-cases/reserve.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { putItems, receiveStock } from '../../src/use-cases/stock.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from './test-service.ts';

/** Units of each SKU in each of its two warehouses. */
export const ON_HAND = 2;

/** A SKU of a test's own, with {@link ON_HAND} in W1 and in W2. */
export async function ownSku(service: TestService): Promise<string> {
  const sku = `sku-${randomUUID()}`;
  await stockUp(service, [sku], ON_HAND);
  return sku;
}

/** A known SKU that no warehouse has. */
export async function putItem(service: TestService, sku: string): Promise<void> {
  const item = {
    itemId: service.ids.uuid(),
    sku,
    name: sku,
    tracking: 'QUANTITY' as const,
    product: '',
    attributes: {},
  };
  const outcome = await putItems(service, { ...key(), items: [{ ...item, equivalentSkus: [], retired: false }] }, CALL);
  if (!outcome.ok) throw new Error(`the item was refused: ${outcome.refusal.message}`);
}

export async function reserved(
  service: TestService,
  sku: string,
  quantity: number,
  more: Partial<ReserveInput> = {},
): Promise<Reservation> {
  return madeReservation(await reserveOne(service, reserveInput([{ sku, quantity }], more)));
}

/** All there is of a SKU, held by one reservation. */
export const allOf = (service: TestService, sku: string) => reserved(service, sku, 2 * ON_HAND);

export const waiter = (service: TestService, sku: string, quantity = 1, more: Partial<ReserveInput> = {}) =>
  reserved(service, sku, quantity, { waitlist: true, ...more });

export function about({ reservationId }: Reservation) {
  const target = { by: 'reservation' as const, id: reservationId };
  return { requestId: randomUUID(), contentHash: CONTENT_HASH, target, etag: '' };
}

export const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH, reason: 'test' });

export const release = (service: TestService, held: Reservation) =>
  releaseReservation(service, { ...about(held), reason: 'CANCELLED', note: '' }, CALL);

export const receive = (service: TestService, sku: string, units: number, warehouse = 'W1') =>
  receiveStock(service, { ...key(), receipts: [{ sku, warehouse, delta: { onHand: units } }] }, CALL);

interface Row {
  readonly state: string;
  readonly version: number;
  readonly xid: string;
  readonly kind: string;
  readonly hours: number;
}

/** The reservation as stored, what its last event is, and how long it still has. */
export async function rowOf(service: TestService, { reservationId }: Reservation): Promise<Row> {
  const { rows } = await service.database.pool.query<Row>(
    `select r.state, r.version, r.xmin::text as xid, e.kind,
        round(extract(epoch from r.expire_time - ledger_now()) / 3600)::int as hours
      from reservation r join audit_event e using (reservation_id, version) where r.reservation_id = $1`,
    [reservationId],
  );
  return rows[0] as Row;
}

export async function stateOf(service: TestService, reservation: Reservation): Promise<string> {
  return (await rowOf(service, reservation)).state;
}

export function statesOf(service: TestService, reservations: readonly Reservation[]): Promise<string[]> {
  return Promise.all(reservations.map((reservation) => stateOf(service, reservation)));
}

export async function poolOf(service: TestService, sku: string, warehouse = 'W1') {
  const { rows } = await service.database.pool.query<{ on_hand: number; reserved: number; xid: string }>(
    'select on_hand, reserved, xmin::text as xid from stock_pool where sku = $1 and warehouse = $2',
    [sku, warehouse],
  );
  return rows[0];
}

/** What a line says beside its SKU and quantity, where it says nothing. */
export const PLAIN_LINE = { orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0 };

export const countOf = (sku: string, onHand: number) => ({
  sku,
  warehouse: 'W1',
  onHand,
  unavailable: null,
  committed: null,
  expectedOnHand: null,
  countedAt: null,
  netOfReserved: false,
});
