import { randomUUID } from 'node:crypto';
import type { Outcome } from '../../src/ports.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { saidBy } from '../support/deciding.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  type reserveInput,
  reserveOne,
  type TestService,
} from '../support/test-service.ts';

type Input = ReturnType<typeof reserveInput>;

/** A new request about an exchange. */
export function about(exchangeId: string) {
  const target = { by: 'exchange' as const, id: exchangeId };
  return { requestId: randomUUID(), contentHash: CONTENT_HASH, target, etag: '' };
}

export const release = (service: TestService, exchangeId: string) =>
  releaseReservation(service, { ...about(exchangeId), reason: 'CANCELLED', note: '' }, CALL);

export const fulfil = (service: TestService, exchangeId: string) =>
  fulfilReservation(service, { ...about(exchangeId), lines: [], close: false }, CALL);

/** A line of a request, bound to a warehouse where one is named. */
export function line(sku: string, quantity: number, warehouse = ''): Input['lines'][number] {
  return { sku, quantity, warehouse, orderLineId: '', returnedSku: '', purchasedQuantity: 0 };
}

/** Reserves, and answers the exchange. @throws TypeError where it is refused */
export async function held(service: TestService, input: Input): Promise<string> {
  madeReservation(await reserveOne(service, input));
  return input.exchangeId;
}

/** The state or the refusal of an answer; what is thrown is INTERNAL, as it would be for a caller. */
export async function heardOf(call: Promise<Outcome>): Promise<string> {
  try {
    return saidBy(await call);
  } catch (error) {
    return `INTERNAL ${String(error)}`;
  }
}

/** On hand and reserved units of the pools of a SKU, by warehouse. */
export async function countsOf(service: TestService, sku: string): Promise<number[][]> {
  const { rows } = await service.database.pool.query<{ on_hand: number; reserved: number }>(
    'select on_hand, reserved from stock_pool where sku = $1 order by warehouse',
    [sku],
  );
  return rows.map((row) => [row.on_hand, row.reserved]);
}

/** Reads one number. */
export async function numberOf(service: TestService, sql: string, values: readonly unknown[] = []): Promise<number> {
  const { rows } = await service.database.pool.query<{ count: string }>(sql, [...values]);
  return Number(rows[0]?.count);
}
