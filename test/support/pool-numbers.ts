import { SALE_CHANNEL } from '../../src/domain/stock-level.ts';
import type { Outcome } from '../../src/ports.ts';
import type { ReserveInput } from '../../src/use-cases/reserve.ts';
import { reserveInput, reserveOne, type TestService } from './test-service.ts';

/** What a pool keeps and what sales hold of it, as it is stored. */
export interface PoolNumbers {
  /** SKU and warehouse. */
  readonly pool: string;
  readonly safety: number;
  readonly minimum: number;
  readonly sold: number;
  readonly version: number;
}

/** All pools in (SKU, warehouse) order. */
export async function poolNumbers(service: TestService): Promise<PoolNumbers[]> {
  const { rows } = await service.database.pool.query<PoolNumbers>(
    `select sku || ' ' || warehouse as pool, safety_stock as safety, exchange_minimum as minimum, sale_reserved as sold,
       version::int from stock_pool order by sku, warehouse`,
  );
  return rows;
}

/** Asks for units for an exchange of its own. */
export function ask(
  service: TestService,
  sku: string,
  quantity: number,
  more: Partial<ReserveInput> = {},
): Promise<Outcome> {
  return reserveOne(service, reserveInput([{ sku, quantity }], { customerRef: '', ...more }));
}

/** The same for a sale. */
export function sell(service: TestService, sku: string, quantity: number): Promise<Outcome> {
  return ask(service, sku, quantity, { channel: SALE_CHANNEL });
}
