import { describe, expect, test } from 'vitest';
import { promoteWaiting } from '../../src/domain/promotion.ts';
import type { Rules } from '../../src/domain/rules.ts';
import { SALE_CHANNEL } from '../../src/domain/stock-level.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import type { Ids, Outcome } from '../../src/ports.ts';
import { type ReserveInput, reserve } from '../../src/use-cases/reserve.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { A_CAUSE, aLevel, anItem, NO_FACTS } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, CALL, decidingOn, levelIn, saidBy } from '../support/deciding.ts';

const KEY = { requestId: 'q', contentHash: new Uint8Array() };

let made = 0;
const ids: Ids = {
  uuid: () => `id-${++made}`,
  randomBytes: (length) => new Uint8Array(length).fill(++made),
};

const lineOf = (sku: string, quantity: number) => ({
  sku,
  quantity,
  orderLineId: '',
  returnedSku: '',
  warehouse: '',
  purchasedQuantity: 0,
});

const ITEMS = [
  anItem('A', { equivalentSkus: ['A', 'unknown', 'B', 'C'], attributes: { size: '42' } }),
  anItem('B', { attributes: { size: '43' } }),
  anItem('C', { attributes: { size: '42' } }),
];

/** Units of A, B and C at W1; B and C are equivalents of A. */
function worldOf([a, b, c]: readonly [number, number, number], rules: Partial<Rules> = {}, items = ITEMS): WorkingSet {
  return aWorkingSet({
    ruleSet: aRuleSet(rules),
    items: new Map(items.map((item) => [item.sku, item])),
    pools: [aLevel({ sku: 'A', onHand: a }), aLevel({ sku: 'B', onHand: b }), aLevel({ sku: 'C', onHand: c })],
  });
}

async function ask(work: WorkingSet, more: Partial<ReserveInput> = {}): Promise<Outcome> {
  const input: ReserveInput = {
    ...KEY,
    exchangeId: 'x',
    returnCaseId: '',
    orderId: '',
    customerRef: '',
    channel: 'web',
    lines: [lineOf('A', 2)],
    facts: NO_FACTS,
    destination: { countryCode: '', postalCode: '' },
    partial: false,
    acceptSubstitutes: true,
    holdWindowMs: null,
    priority: 0,
    validateOnly: false,
    ...more,
  };
  const [outcome] = await reserve({ unitOfWork: decidingOn(work), ids }, [input], CALL);
  if (outcome === undefined) throw new TypeError('a request has its outcome');
  return outcome;
}

/** Lines as `sku units`, and what they were asked for as where it is another item. */
function linesOf(outcome: Outcome): string[] {
  if (!outcome.ok || outcome.answer.kind !== 'reservation') return [saidBy(outcome)];
  const { reservation } = outcome.answer;
  return (reservation?.lines ?? [])
    .filter((line) => line.quantity > 0)
    .map(({ sku, quantity, substitutedFor, waiting, allocations }) => {
      const held = allocations.reduce((sum, part) => sum + part.reserved, 0);
      const instead = substitutedFor === undefined ? '' : ` for ${substitutedFor}`;
      const waits = waiting === undefined ? '' : `, waits for ${waiting.units}`;
      return `${held} of ${quantity} ${sku}${instead}${waits}`;
    });
}

describe('R17: a request whose customer accepts substitutes', () => {
  test.each<[string, readonly [number, number, number], Partial<ReserveInput>, Partial<Rules>, string[]]>([
    ['holds what it asks for', [2, 9, 9], {}, {}, ['2 of 2 A']],
    ['holds the first equivalent that has it whole', [1, 1, 2], {}, {}, ['2 of 2 C for A']],
    ['holds nothing without consent', [1, 2, 2], { acceptSubstitutes: false }, {}, ['NO_STOCK']],
    ['holds nothing where the rules leave the step out', [1, 2, 2], {}, { ladder: ['OTHER_WAREHOUSE'] }, ['NO_STOCK']],
    [
      'holds only what its line is to be like',
      [1, 2, 2],
      { lines: [{ ...lineOf('A', 2), wantedAttributes: { size: '42' } }] },
      {},
      ['2 of 2 C for A'],
    ],
    ['takes an equivalent before it waits', [1, 2, 0], { waitlist: true }, {}, ['2 of 2 B for A']],
    ['waits where no equivalent is whole', [1, 1, 0], { waitlist: true }, {}, ['1 of 2 A, waits for 1']],
    [
      'waits first where the rules say so',
      [1, 2, 2],
      { waitlist: true },
      { ladder: ['OTHER_WAREHOUSE', 'WAITLIST', 'EQUIVALENT_SKU'] },
      ['1 of 2 A, waits for 1'],
    ],
    [
      'never waits where the rules say so',
      [1, 0, 0],
      { waitlist: true },
      { ladder: ['OTHER_WAREHOUSE'] },
      ['NO_STOCK'],
    ],
    ['takes an equivalent before a part', [1, 0, 2], { partial: true }, {}, ['2 of 2 C for A']],
    ['takes a part of its own where no equivalent is whole', [1, 1, 1], { partial: true }, {}, ['1 of 2 A']],
    [
      'holds no more of an equivalent than exchanges may',
      [0, 9, 9],
      {},
      { exchangePools: [{ sku: 'B', minimum: 0, maximum: 1 }] },
      ['2 of 2 C for A'],
    ],
    [
      'counts what it asks of the equivalent itself',
      [0, 9, 9],
      { lines: [lineOf('A', 2), lineOf('B', 2)] },
      { exchangePools: [{ sku: 'B', minimum: 0, maximum: 3 }] },
      ['2 of 2 C for A', '2 of 2 B'],
    ],
    [
      'holds of a sale what exchanges may not',
      [0, 9, 9],
      { channel: SALE_CHANNEL },
      { exchangePools: [{ sku: 'B', minimum: 0, maximum: 1 }] },
      ['2 of 2 B for A'],
    ],
  ])('%s', async (_, units, more, rules, lines) => {
    expect(linesOf(await ask(worldOf(units, rules), more))).toEqual(lines);
  });

  test('moves the counters of what it holds, and of nothing else', async () => {
    const work = worldOf([1, 2, 2]);
    await ask(work);
    expect(['A', 'B', 'C'].map((sku) => levelIn(work, sku).reserved)).toEqual([0, 2, 0]);
    expect(work.transitions[0]?.seen?.map(([sku, , available]) => [sku, available])).toEqual([
      ['A', 1],
      ['B', 2],
      ['C', 2],
    ]);
    expect(work.transitions[0]?.asked).toMatchObject({ acceptSubstitutes: true, lines: [{ substitutes: ['B', 'C'] }] });
  });

  test.each<[boolean, Rules['ladder']]>([
    [false, ['WAITLIST']],
    [true, ['OTHER_WAREHOUSE', 'WAITLIST']],
  ])('R19: is served by another warehouse later (%s) as the ladder %j says', async (isServed, ladder) => {
    const work = aWorkingSet({
      ruleSet: aRuleSet({ ladder }),
      pools: [aLevel({ onHand: 0 }), aLevel({ warehouse: 'W2', onHand: 1 })],
    });
    expect(linesOf(await ask(work, { waitlist: true }))).toEqual([
      isServed ? '1 of 2 A, waits for 1' : '0 of 2 A, waits for 2',
    ]);
    const before = levelIn(work, 'A', 'W2');
    work.move({ ...before, onHand: 9 }, 'RECEIVED', A_CAUSE);
    expect(promoteWaiting(work, A_CAUSE)).toBe(isServed);
    expect(levelIn(work, 'A', 'W2').reserved).toBe(isServed ? 2 : 0);
  });

  test('is never given a retired item', async () => {
    const items = ITEMS.map((item) => ({ ...item, retired: item.sku === 'B' }));
    expect(linesOf(await ask(worldOf([0, 9, 9], {}, items)))).toEqual(['2 of 2 C for A']);
  });

  test('swaps what it holds for an equivalent, its own units included', async () => {
    const work = worldOf([0, 2, 0]);
    await ask(work, { lines: [lineOf('B', 2)] });
    expect(linesOf(await ask(work, { replaceExisting: true }))).toEqual(['2 of 2 B for A']);
    const target = { by: 'exchange' as const, id: 'x' };
    const swap = { ...KEY, target, etag: '', partial: false, lines: [lineOf('A', 2)] };
    const refused = await swapReservation({ unitOfWork: decidingOn(work) }, swap, CALL);
    expect(refused).toMatchObject({ refusal: { reason: 'NO_STOCK', metadata: { sku: 'A' } } });
    const swapped = await swapReservation(
      { unitOfWork: decidingOn(work) },
      { ...swap, requestId: 'q2', acceptSubstitutes: true },
      CALL,
    );
    expect(linesOf(swapped)).toEqual(['2 of 2 B for A']);
    expect(levelIn(work, 'B').reserved).toBe(2);
  });
});

describe('R17: what is refused for want of stock', () => {
  const refusalOf = (outcome: Outcome) => (outcome.ok ? null : outcome.refusal);

  test('names what the customer might accept', async () => {
    const refused = refusalOf(await ask(worldOf([1, 2, 0]), { acceptSubstitutes: false }));
    expect(refused).toMatchObject({
      reason: 'NO_STOCK',
      metadata: { sku: 'A', requested: '2', alternatives: 'unknown, B, C' },
    });
  });

  test('names nothing where it was tried, or is never given', async () => {
    const tried = refusalOf(await ask(worldOf([1, 1, 1])));
    const never = refusalOf(await ask(worldOf([1, 2, 2], { ladder: ['WAITLIST'] }), { acceptSubstitutes: false }));
    for (const refused of [tried, never]) expect(refused?.metadata).not.toHaveProperty('alternatives');
  });

  test('suggests a refund where the ladder ends so, and not to a sale', async () => {
    const ladder: Rules['ladder'] = ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'SUGGEST_REFUND'];
    expect(refusalOf(await ask(worldOf([1, 1, 1], { ladder })))?.metadata.suggestion).toBe('REFUND');
    for (const refused of [
      await ask(worldOf([1, 1, 1])),
      await ask(worldOf([1, 1, 1], { ladder }), { channel: SALE_CHANNEL }),
    ]) {
      expect(refusalOf(refused)?.metadata).not.toHaveProperty('suggestion');
    }
  });
});
