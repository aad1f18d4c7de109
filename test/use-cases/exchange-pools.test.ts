import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { availableUnits, SALE_CHANNEL, type StockLevel } from '../../src/domain/stock-level.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import type { Ids, Outcome } from '../../src/ports.ts';
import { type ReserveInput, reserve } from '../../src/use-cases/reserve.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { aLevel, NO_FACTS, runs } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, CALL, decidingOn, saidBy } from '../support/deciding.ts';

const KEY = { requestId: 'q', contentHash: new Uint8Array() };

let made = 0;
const ids: Ids = {
  uuid: () => `id-${++made}`,
  randomBytes: (length) => new Uint8Array(length).fill(++made),
};

const lineOf = (quantity: number, sku = 'A') => ({
  sku,
  quantity,
  orderLineId: '',
  returnedSku: '',
  warehouse: '',
  purchasedQuantity: 0,
});

async function ask(work: WorkingSet, exchangeId: string, quantity: number, more: Partial<ReserveInput> = {}) {
  const input: ReserveInput = {
    ...KEY,
    exchangeId,
    returnCaseId: '',
    orderId: '',
    customerRef: '',
    channel: 'web',
    lines: [lineOf(quantity)],
    facts: NO_FACTS,
    destination: { countryCode: '', postalCode: '' },
    partial: false,
    holdWindowMs: null,
    priority: 0,
    validateOnly: false,
    ...more,
  };
  const [outcome] = await reserve({ unitOfWork: decidingOn(work), ids }, [input], CALL);
  return outcome;
}

const byExchange = (id: string) => ({ by: 'exchange' as const, id });

function swapTo(work: WorkingSet, exchangeId: string, quantity: number): Promise<Outcome> {
  const lines = [lineOf(quantity)];
  const input = { ...KEY, target: byExchange(exchangeId), etag: '', partial: false, lines };
  return swapReservation({ unitOfWork: decidingOn(work) }, input, CALL);
}

function release(work: WorkingSet, exchangeId: string): Promise<Outcome> {
  const input = { ...KEY, target: byExchange(exchangeId), etag: '', reason: 'MANUAL' as const, note: '' };
  return releaseReservation({ unitOfWork: decidingOn(work) }, input, CALL);
}

const workWith = (minimum: number, maximum: number, pools: readonly StockLevel[] = [aLevel()]) =>
  aWorkingSet({
    pools: [...pools],
    ruleSet: aRuleSet({ exchangePools: [{ sku: 'A', minimum, maximum }] }),
    exchanges: ['x-1', 'x-2', 'x-3', 'x-4'].map((exchangeId) => ({ exchangeId, reservationId: null, closedBy: null })),
  });

describe('the maximum of an exchange pool', () => {
  test('bounds what exchanges hold together, and tells the limit and the item', async () => {
    const work = workWith(0, 5);
    expect(saidBy(await ask(work, 'x-1', 3))).toBe('RESERVED');
    const metadata = { limit: 'exchange_pools.maximum', allowed: '5', asked: '6', sku: 'A' };
    for (const partial of [false, true]) {
      expect(await ask(work, 'x-2', 3, { partial })).toMatchObject({ refusal: { reason: 'RULE_LIMIT', metadata } });
    }
    expect(saidBy(await ask(work, 'x-2', 2))).toBe('RESERVED');
    await release(work, 'x-1');
    expect(saidBy(await ask(work, 'x-3', 3))).toBe('RESERVED');
  });

  test('sums the lines of one item', async () => {
    const lines = [lineOf(3), lineOf(3)];
    expect(saidBy(await ask(workWith(0, 5), 'x-1', 0, { lines }))).toBe('RULE_LIMIT');
  });

  test('is none for sales', async () => {
    const work = workWith(0, 2);
    expect(saidBy(await ask(work, 'x-1', 9, { channel: SALE_CHANNEL }))).toBe('RESERVED');
    expect(saidBy(await ask(work, 'x-2', 1))).toBe('RESERVED');
  });

  test('lets a swap give units back, also where more is held than may be, and take no more', async () => {
    const work = workWith(0, 0);
    await ask(work, 'x-1', 6);
    const { rules, checks } = aRuleSet({ exchangePools: [{ sku: '', minimum: 0, maximum: 4 }] });
    const tighter = aWorkingSet({
      pools: [...work.pools.values()],
      ruleSet: { rules, checks },
      reservations: [work.exchange('x-1').latest ?? fail()],
    });
    expect(saidBy(await swapTo(tighter, 'x-1', 7))).toBe('RULE_LIMIT');
    expect(saidBy(await swapTo(tighter, 'x-1', 5))).toBe('RESERVED');
    expect(saidBy(await swapTo(tighter, 'x-1', 4))).toBe('RESERVED');
    expect(saidBy(await swapTo(tighter, 'x-1', 5))).toBe('RULE_LIMIT');
  });
});

test('whatever is reserved, swapped and released in whatever order, no sale eats what is kept for exchanges', async () => {
  const anyStep = fc.record({
    kind: fc.constantFrom('exchange', 'sale', 'sale', 'swap', 'release'),
    exchangeId: fc.constantFrom('x-1', 'x-2', 'x-3', 'x-4'),
    quantity: fc.integer({ min: 1, max: 8 }),
    partial: fc.boolean(),
  });
  const anyCounts = fc.record({
    onHand: fc.nat({ max: 12 }),
    committed: fc.nat({ max: 2 }),
    unavailable: fc.nat({ max: 2 }),
  });
  const property = fc.asyncProperty(
    fc.array(anyCounts, { minLength: 3, maxLength: 3 }),
    fc.nat({ max: 25 }),
    fc.array(anyStep, { maxLength: 12 }),
    async (counts, minimum, steps) => {
      const levels = counts.map((count, at) => aLevel({ ...count, warehouse: `W${at + 1}` }));
      const work = workWith(minimum, 0, levels);
      for (const { kind, exchangeId, quantity, partial } of steps) {
        const before = forExchanges(work);
        const isSale = work.exchange(exchangeId).latest?.channel === SALE_CHANNEL;
        if (kind === 'release') await release(work, exchangeId);
        else if (kind === 'swap') await swapTo(work, exchangeId, quantity);
        else if (kind === 'exchange') await ask(work, exchangeId, quantity, { partial });
        else await ask(work, exchangeId, quantity, { partial, channel: SALE_CHANNEL });
        const after = forExchanges(work);
        if (kind === 'sale' || isSale) expect(after).toBeGreaterThanOrEqual(Math.min(minimum, before));
        else expect(after).toBeGreaterThanOrEqual(before);
      }
    },
  );
  await fc.assert(property, runs(500));
});

/** Units that exchanges hold or could take. */
function forExchanges(work: WorkingSet): number {
  return [...work.pools.values()].reduce(
    (sum, level) => sum + level.reserved - level.saleReserved + availableUnits(level),
    0,
  );
}

function fail(): never {
  throw new TypeError('there is a reservation');
}
