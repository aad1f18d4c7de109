import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SALE_CHANNEL } from '../../src/domain/stock-level.ts';
import { createStockReader } from '../../src/persistence/stock-reader.ts';
import type { Outcome } from '../../src/ports.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { ask, poolNumbers, sell } from '../support/pool-numbers.ts';
import { putDraft } from '../support/rules.ts';
import { CALL, CONTENT_HASH, madeReservation, type TestService } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('exchange-minimum', ['A', 'B'], 10);
  ({ one, two } = services);
});

afterEach(() => services.close());

describe('an exchange minimum', () => {
  const minimum = (units: number, maximum = 0) => ({ exchangePools: [{ sku: 'A', minimum: units, maximum }] });

  test('is what sales cannot take, over all warehouses, and exchanges can', async () => {
    await putDraft(one, 1, minimum(14));
    expect(await sell(two, 'A', 7)).toMatchObject({
      ok: false,
      refusal: { reason: 'NO_STOCK', metadata: { requested: '7', available: '6', held_by: 'exchange' } },
    });
    expect(await sell(two, 'A', 6)).toMatchObject({ ok: true });
    expect(await sell(two, 'A', 1)).toMatchObject({ ok: false });
    expect(await ask(two, 'A', 14)).toMatchObject({ ok: true });
    expect(await poolNumbers(one)).toMatchObject([
      { pool: 'A W1', minimum: 10, sold: 0 },
      { pool: 'A W2', minimum: 4, sold: 6 },
      {},
      {},
    ]);
  });

  test('is met by what exchanges hold, and lacks it again once they hold it no more', async () => {
    await putDraft(one, 1, minimum(14));
    const held = madeReservation(await ask(one, 'A', 9));
    const views = async () =>
      (await createStockReader(two.database.orm, two.database.pool).read(['A'], [])).map(
        ({ level }) => level.exchangeMinimum,
      );
    expect(await views()).toEqual([10, 4]);
    expect(await sell(two, 'A', 6)).toMatchObject({ ok: true });
    const target = { by: 'reservation' as const, id: held.reservationId };
    const key = { requestId: 'r', contentHash: CONTENT_HASH, etag: '', reason: 'MANUAL' as const, note: '' };
    expect(await releaseReservation(one, { ...key, target }, CALL)).toMatchObject({ ok: true });
    expect(await sell(two, 'A', 1)).toMatchObject({ ok: false, refusal: { metadata: { available: '0' } } });
  });

  test('holds for a sale that is swapped or transferred too', async () => {
    await putDraft(one, 1, { exchangePools: [{ sku: '', minimum: 14, maximum: 0 }] });
    const sale = madeReservation(await sell(one, 'A', 4));
    expect(sale.lines[0]?.allocations).toMatchObject([{ warehouse: 'W2', reserved: 4 }]);
    const target = { by: 'reservation' as const, id: sale.reservationId };
    const line = { orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0 };
    const swapTo = (requestId: string, sku: string, quantity: number): Promise<Outcome> =>
      swapReservation(
        two,
        { requestId, contentHash: CONTENT_HASH, etag: '', target, partial: false, lines: [{ ...line, sku, quantity }] },
        CALL,
      );
    expect(await swapTo('s-1', 'B', 7)).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK' } });
    expect(await swapTo('s-2', 'A', 7)).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK' } });
    expect(await swapTo('s-3', 'A', 6)).toMatchObject({ ok: true });
    const move = { requestId: 't', contentHash: CONTENT_HASH, etag: '', target, toWarehouse: 'W1', lines: [] };
    expect(await transferReservation(two, move, CALL)).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK' } });
  });

  test('is never eaten by sales that race exchanges in two processes, and none of it is left unused', async () => {
    await putDraft(one, 1, minimum(8));
    const asked = Array.from({ length: 60 }, (_, at) => {
      const service = at % 2 === 0 ? one : two;
      return at % 3 === 0 ? ask(service, 'A', 1) : sell(service, 'A', 1);
    });
    const made = (await Promise.all(asked)).filter((outcome) => outcome.ok).map(madeReservation);
    const sold = made.filter((reservation) => reservation.channel === SALE_CHANNEL).length;
    expect(made).toHaveLength(20);
    expect(sold).toBeLessThanOrEqual(12);
    expect((await poolNumbers(one)).reduce((sum, pool) => sum + pool.sold, 0)).toBe(sold);
  });

  test('and its maximum: exchanges hold no more of an item, over all processes; sales may', async () => {
    await putDraft(one, 1, minimum(2, 5));
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, at) => ask(at % 2 === 0 ? one : two, 'A', 1)));
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(5);
    const metadata = { limit: 'exchange_pools.maximum', sku: 'A', allowed: '5', asked: '6', rule_version: '2' };
    const refused = outcomes.filter((outcome) => !outcome.ok);
    for (const outcome of refused) expect(outcome).toMatchObject({ refusal: { reason: 'RULE_LIMIT', metadata } });
    expect(await sell(one, 'A', 15)).toMatchObject({ ok: true });
  });
});
