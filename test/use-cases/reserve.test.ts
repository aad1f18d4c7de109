import { describe, expect, test } from 'vitest';
import { MissingRows } from '../../src/domain/missing-rows.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import type { Ids, UnitOfWork } from '../../src/ports.ts';
import { RESERVE_GROUP_LINES_MAX, RESERVE_GROUP_MAX, type ReserveInput, reserve } from '../../src/use-cases/reserve.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { aLevel, aReservation, DAY_MS, NO_FACTS, T0 } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, CALL, decidingOn, levelIn, poolsFor, saidBy } from '../support/deciding.ts';

const LINE = { sku: 'A', quantity: 1, orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0 };

function anInput(more: Partial<ReserveInput> = {}): ReserveInput {
  return {
    requestId: 'q',
    contentHash: new Uint8Array(),
    exchangeId: 'x-1',
    returnCaseId: '',
    orderId: 'o-1',
    customerRef: '',
    channel: 'web',
    lines: [LINE],
    facts: NO_FACTS,
    destination: { countryCode: '', postalCode: '' },
    partial: false,
    holdWindowMs: null,
    priority: 0,
    validateOnly: false,
    ...more,
  };
}

function countingIds(): Ids {
  let made = 0;
  return {
    uuid: () => `id-${++made}`,
    randomBytes: (length) => new Uint8Array(length).fill(++made),
  };
}

function ask(work: WorkingSet, ...inputs: ReserveInput[]) {
  return reserve({ unitOfWork: decidingOn(work), ids: countingIds() }, inputs, CALL);
}

const live = aReservation();
const fulfilled: Reservation = { ...live, state: 'FULFILLED', resolvedAt: T0, releaseReason: null };
const released: Reservation = { ...live, state: 'RELEASED', resolvedAt: T0, releaseReason: 'MANUAL' };

describe('refusals in their documented order', () => {
  // Every check fails at once; each row takes away the one that the row before it was refused by.
  const faults = {
    name: { lines: [{ ...LINE, sku: 'unknown', quantity: 2_000, orderLineId: 'ol', purchasedQuantity: 1 }] },
    facts: { facts: { ...NO_FACTS, deliveredAt: T0 - 91 * DAY_MS, reason: 'ABUSE' } },
    window: { holdWindowMs: 1 },
  };
  const known = { ...LINE, quantity: 2_000, orderLineId: 'ol', purchasedQuantity: 1 };
  test.each([
    ['UNKNOWN_SKU', [live], { ...faults.name, ...faults.facts, ...faults.window }],
    ['UNKNOWN_WAREHOUSE', [live], { ...faults.facts, ...faults.window, lines: [{ ...known, warehouse: 'W9' }] }],
    ['EXCHANGE_ALREADY_RESERVED', [live], { ...faults.facts, ...faults.window, lines: [known] }],
    ['ALREADY_FULFILLED', [fulfilled], { ...faults.facts, ...faults.window, lines: [known] }],
    ['NOT_ELIGIBLE', [released], { ...faults.facts, ...faults.window, lines: [known] }],
    ['RULE_LIMIT', [], { ...faults.window, lines: [known] }],
    ['ORDER_LINE_EXHAUSTED', [], { ...faults.window, lines: [{ ...known, quantity: 20 }] }],
    ['RULE_LIMIT', [], { ...faults.window, lines: [{ ...known, quantity: 20, purchasedQuantity: 20 }] }],
    ['NO_STOCK', [], { lines: [{ ...known, quantity: 20, purchasedQuantity: 20 }] }],
    ['RESERVED', [], { lines: [{ ...known, quantity: 10, purchasedQuantity: 20 }] }],
    ['RESERVED', [released], {}],
  ] as const)('%s', async (expected, reservations, more) => {
    const work = aWorkingSet({ reservations });
    const [outcome] = await ask(work, anInput(more));
    expect(saidBy(outcome)).toBe(expected);
    if (outcome?.ok === false) expect(work.changedPools()).toEqual([]);
  });

  test('a closed exchange is not eligible', async () => {
    const exchanges = [{ exchangeId: 'x-1', reservationId: null, closedBy: 'COMPLETED' }];
    const [outcome] = await ask(aWorkingSet({ exchanges }), anInput());
    expect(outcome).toMatchObject({ refusal: { reason: 'NOT_ELIGIBLE', metadata: { rule: 'exchange-closed' } } });
  });
});

describe('a batch', () => {
  test('is decided in order, each against what the earlier ones left', async () => {
    const work = aWorkingSet({ pools: [aLevel({ onHand: 3 })] });
    const asks = [2, 2, 1, 1].map((quantity, at) => anInput({ exchangeId: `x-${at}`, lines: [{ ...LINE, quantity }] }));
    expect((await ask(work, ...asks)).map(saidBy)).toEqual(['RESERVED', 'NO_STOCK', 'RESERVED', 'NO_STOCK']);
    expect(levelIn(work).reserved).toBe(3);
  });

  test('sums what its requests take of one order line', async () => {
    const lines = [{ ...LINE, quantity: 2, orderLineId: 'ol', purchasedQuantity: 3 }];
    const work = aWorkingSet();
    const asks = [anInput({ exchangeId: 'x-1', lines }), anInput({ exchangeId: 'x-2', lines })];
    expect((await ask(work, ...asks)).map(saidBy)).toEqual(['RESERVED', 'ORDER_LINE_EXHAUSTED']);
  });

  test('is cut into groups of bounded commands and lines, in order', async () => {
    const sizes: [number, number][] = [];
    const unitOfWork: UnitOfWork = {
      submit: async (commands) => {
        sizes.push([commands.length, commands.reduce((sum, command) => sum + command.lineCount, 0)]);
        return commands.map(() => ({ ok: true, replayed: false, answer: { kind: 'swept', count: 0 } }));
      },
    };
    const inputs = Array.from({ length: 400 }, (_, at) => anInput({ lines: Array(at < 300 ? 1 : 30).fill(LINE) }));
    const outcomes = await reserve({ unitOfWork, ids: countingIds() }, inputs, CALL);
    expect(outcomes).toHaveLength(400);
    expect(sizes.reduce((sum, [commands]) => sum + commands, 0)).toBe(400);
    for (const [commands, lines] of sizes) {
      expect(commands).toBeLessThanOrEqual(RESERVE_GROUP_MAX);
      expect(lines).toBeLessThanOrEqual(RESERVE_GROUP_LINES_MAX);
    }
  });
});

describe('a reservation', () => {
  test('keeps the rule version, the deadline and what it holds', async () => {
    const work = aWorkingSet({ ruleSet: aRuleSet({ version: 7 }) });
    const [outcome] = await ask(work, anInput({ holdWindowMs: 5_000, lines: [{ ...LINE, quantity: 4 }] }));
    expect(outcome).toMatchObject({
      answer: { reservation: { version: 1, ruleVersion: 7, createdAt: T0, expireAt: T0 + 5_000, state: 'RESERVED' } },
    });
    expect(levelIn(work)).toMatchObject({ onHand: 10, reserved: 4 });
    expect(work.transitions).toMatchObject([
      { kind: 'reserved', previous: null, cause: { caller: { channel: 'web' } } },
    ]);
  });

  test('is only shown where it was to be validated', async () => {
    const work = aWorkingSet();
    expect((await ask(work, anInput({ validateOnly: true }))).map(saidBy)).toEqual(['RESERVED']);
    expect(work.transitions).toEqual([]);
    expect(work.changedPools()).toEqual([]);
  });

  test('is served by the warehouses of its channel alone, whatever the channel is called', async () => {
    const ruleSet = aRuleSet({ channelWarehouses: { store: ['W2'] } });
    const pools = [aLevel(), aLevel({ warehouse: 'W2', onHand: 1 })];
    const said = async (channel: string) => {
      const work = aWorkingSet({ ruleSet, pools });
      return [
        saidBy((await ask(work, anInput({ channel })))[0]),
        ...work.changedPools().map(({ after }) => after.warehouse),
      ];
    };
    expect(await said('store')).toEqual(['RESERVED', 'W2']);
    expect(await said('web')).toEqual(['RESERVED', 'W1']);
    expect(await said('constructor')).toEqual(['RESERVED', 'W1']);
  });
});

describe('the live reservations of a customer', () => {
  const limited = { ruleSet: aRuleSet({ maxLivePerCustomer: 2 }), liveCounts: new Map([['c', 1]]) };
  const of = (customerRef: string, at: number) => anInput({ customerRef, exchangeId: `x-${at}` });

  test('are counted over a batch', async () => {
    const outcomes = await ask(aWorkingSet(limited), of('c', 1), of('c', 2), of('', 3), of('', 4), of('', 5));
    expect(outcomes.map(saidBy)).toEqual(['RESERVED', 'RULE_LIMIT', 'RESERVED', 'RESERVED', 'RESERVED']);
    expect(outcomes[1]).toMatchObject({
      refusal: { metadata: { limit: 'max_live_per_customer', allowed: '2', asked: '3' } },
    });
  });

  test('that end make room, those past their deadline never took any', async () => {
    const held = { ...live, customerRef: 'c', expireAt: T0 + DAY_MS };
    const end = async (expireAt: number) => {
      const work = aWorkingSet({
        ...limited,
        liveCounts: new Map([['c', 2]]),
        reservations: [{ ...held, expireAt }],
        pools: poolsFor([held], 10),
      });
      const target = { by: 'reservation' as const, id: held.reservationId };
      const key = { requestId: 'r', contentHash: new Uint8Array(), etag: '', reason: 'MANUAL' as const, note: '' };
      if (expireAt > T0) await releaseReservation({ unitOfWork: decidingOn(work) }, { ...key, target }, CALL);
      else work.expireDue({ caller: CALL.caller, reason: '', traceId: '', traceparent: '' });
      return work.liveOf('c');
    };
    expect(await end(T0 + DAY_MS)).toBe(1);
    expect(await end(T0)).toBe(2);
  });

  test('are asked for where they are not known, and not at all without a limit', async () => {
    await expect(ask(aWorkingSet({ ruleSet: limited.ruleSet }), of('c', 1))).rejects.toThrow(MissingRows);
    expect((await ask(aWorkingSet(), of('c', 1))).map(saidBy)).toEqual(['RESERVED']);
  });
});
