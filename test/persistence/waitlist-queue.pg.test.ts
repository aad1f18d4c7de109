import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWaitlistReader } from '../../src/persistence/waitlist-reader.ts';
import { QUEUE_LOOKED_AT_MAX } from '../../src/persistence/waitlist-rows.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { promoteQueues } from '../../src/use-cases/promote-queues.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { countStock, putWarehouses } from '../../src/use-cases/stock.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { DAY_MS } from '../support/arbitraries.ts';
import { saidBy } from '../support/deciding.ts';
import { madeVersion, putDraft } from '../support/rules.ts';
import { CALL, madeReservation, reserveInput, reserveOne, type TestService } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';
import {
  about,
  allOf,
  countOf,
  key,
  ON_HAND,
  ownSku,
  PLAIN_LINE,
  receive,
  release,
  reserved,
  stateOf,
  statesOf,
  waiter,
} from '../support/waiting.ts';

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('queue', ['OTHER'], 1);
  ({ one, two } = services);
});

afterEach(() => services.close());

describe('R19: the queue', () => {
  test('is served in order, each freed unit once, and a newcomer gets only what nobody in it can use whole', async () => {
    const sku = await ownSku(one);
    await allOf(one, sku);
    const large = await waiter(one, sku, 3);
    const urgent = await waiter(one, sku, 1, { priority: 1 });
    const young = await waiter(one, sku, 1);
    await receive(one, sku, 1);
    expect(await statesOf(one, [large, urgent, young])).toEqual(['WAITLISTED', 'RESERVED', 'WAITLISTED']);
    expect(saidBy(await reserveOne(two, reserveInput([{ sku }])))).toBe('NO_STOCK');
    await receive(one, sku, 3);
    expect(await statesOf(one, [large, urgent, young])).toEqual(['RESERVED', 'RESERVED', 'WAITLISTED']);
    await release(two, large);
    expect(await stateOf(one, young)).toBe('RESERVED');
    await reserved(one, sku, 2);
    expect(saidBy(await reserveOne(two, reserveInput([{ sku }])))).toBe('NO_STOCK');
  });

  test('is never served while the pool is short', async () => {
    const sku = await ownSku(one);
    const holder = await reserved(one, sku, 2, { lines: [{ ...PLAIN_LINE, sku, quantity: 2, warehouse: 'W1' }] });
    const waits = await waiter(one, sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    await countStock(two, { ...key(), counts: [countOf(sku, 0)] }, CALL);
    await receive(two, sku, 2);
    expect(await stateOf(one, waits)).toBe('WAITLISTED');
    await countStock(two, { ...key(), counts: [countOf(sku, 1)] }, CALL);
    await release(two, holder);
    expect(await stateOf(one, waits)).toBe('RESERVED');
  });

  test('does not serve what has expired meanwhile', async () => {
    const sku = await ownSku(one);
    await allOf(one, sku);
    expect(madeVersion(await putDraft(one, 1, { waitlistWindowMs: 1 }))).toBe(2);
    const gone = await waiter(one, sku, 1, { priority: 9 });
    expect(madeVersion(await putDraft(one, 2, { waitlistWindowMs: 30 * DAY_MS }))).toBe(3);
    const here = await waiter(one, sku);
    await pause(10);
    await receive(two, sku, 1);
    expect(await stateOf(one, here)).toBe('RESERVED');
    await expireDue(two, [gone.reservationId], AbortSignal.timeout(5_000));
    expect(await statesOf(one, [gone, here])).toEqual(['EXPIRED', 'RESERVED']);
  });

  test('serves what a swap or replacement lets wait by the rules that made its reservation, whatever holds now', async () => {
    const sku = await ownSku(one);
    const swapped = await reserved(one, sku, 1);
    const replaced = await reserved(one, sku, 1);
    expect(madeVersion(await putDraft(one, 1, { waitlistWindowMs: 29 * DAY_MS }))).toBe(2);
    const lines = [{ ...PLAIN_LINE, sku, quantity: ON_HAND + 1, warehouse: 'W1' }];
    const swap = { ...about(swapped), lines, partial: false, waitlist: true };
    expect(await swapReservation(two, swap, CALL)).toMatchObject({ ok: true });
    const again = { ...reserveInput(lines), exchangeId: replaced.exchangeId, replaceExisting: true, waitlist: true };
    expect(await reserveOne(one, again)).toMatchObject({ ok: true });
    await receive(two, sku, 4 * ON_HAND);
    expect(await statesOf(one, [swapped, replaced])).toEqual(['RESERVED', 'RESERVED']);
  });

  test('longer than one unit looks at is served to its end by the units that follow', async () => {
    const sku = await ownSku(one);
    await allOf(one, sku);
    const count = QUEUE_LOOKED_AT_MAX + 20;
    const inputs = Array.from({ length: count }, () => reserveInput([{ sku }], { waitlist: true }));
    const waits = (await reserve(one, inputs, CALL)).map(madeReservation);
    await receive(two, sku, count);
    const served = (states: string[]) => states.filter((state) => state === 'RESERVED').length;
    expect(served(await statesOf(one, waits))).toBe(QUEUE_LOOKED_AT_MAX);
    expect(await promoteQueues(two, [sku], AbortSignal.timeout(5_000))).toBe(20);
    expect(served(await statesOf(one, waits))).toBe(count);
  });

  test('finds what comes within reach without moving, as in a warehouse that is switched on', async () => {
    const sku = await ownSku(one);
    await allOf(one, sku);
    const far = `far-${sku.slice(-12)}`;
    const warehouse = {
      code: far,
      name: far,
      timeZone: 'UTC',
      priority: 9,
      countryCode: 'DE',
      postalCode: '',
      wms: '',
    };
    const put = (enabled: boolean) => putWarehouses(one, { ...key(), warehouses: [{ ...warehouse, enabled }] }, CALL);
    await put(false);
    const [large, small] = [await waiter(one, sku, 9), await waiter(one, sku)];
    const reader = createWaitlistReader(one.database.pool);
    expect(await reader.servableSkus('', 1_000)).not.toContain(sku);
    await receive(two, sku, 1, far);
    expect(await stateOf(one, small)).toBe('WAITLISTED');
    await put(true);
    expect(await reader.servableSkus('', 1_000)).toContain(sku);
    expect(await reader.servableSkus(sku, 1_000)).not.toContain(sku);
    expect(await promoteQueues(two, [sku], AbortSignal.timeout(5_000))).toBe(1);
    expect(await statesOf(one, [large, small])).toEqual(['WAITLISTED', 'RESERVED']);
    expect(await reader.placesOf(large.reservationId)).toMatchObject([{ units: 9, linesAhead: 0, unitsAhead: 0 }]);
  });
});
