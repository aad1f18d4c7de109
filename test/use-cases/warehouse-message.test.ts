import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { release } from '../../src/domain/resolution.ts';
import { swap } from '../../src/domain/swap.ts';
import { transfer } from '../../src/domain/transfer.ts';
import type { Transition } from '../../src/domain/transition.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import { applyWarehouseMessage, type PickEvent, type WarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { A_CAUSE, aLevel, aLine, anAllocation, aReservation, runs, T0 } from '../support/arbitraries.ts';
import { aWorkingSet, decidingOn, levelIn, named } from '../support/deciding.ts';

const held = named(
  aReservation({ lines: [aLine({ quantity: 2, allocations: [anAllocation({ reserved: 2 })] })], expireAt: T0 + 1e9 }),
  '1',
);

type Lines = { lineNumber: number; sku: string; quantity: number }[];

function pick(
  event: PickEvent,
  more: { warehouse?: string; lines?: Lines; occurredAt?: number; trackingId?: string; wms?: string } = {},
) {
  const facts = {
    wms: 'wms-1',
    messageId: 'm',
    contentHash: new Uint8Array(),
    warehouse: 'W1',
    occurredAt: T0,
    trace: null,
  };
  return { ...facts, event, trackingId: 't-1', lines: [], code: '', ...more } satisfies WarehouseMessage;
}

function count(onHand: number, countedAt: number): WarehouseMessage {
  const counts = [
    {
      sku: 'A',
      warehouse: 'W1',
      onHand,
      unavailable: null,
      committed: null,
      expectedOnHand: null,
      countedAt,
      netOfReserved: false,
    },
  ];
  const facts = { wms: 'wms-1', messageId: 'm', contentHash: new Uint8Array(), warehouse: 'W1', trace: null };
  return { ...facts, event: 'inventory-counted', occurredAt: countedAt, counts };
}

async function tell(work: WorkingSet, message: WarehouseMessage): Promise<string> {
  const result = await applyWarehouseMessage({ unitOfWork: decidingOn(work) }, message, AbortSignal.timeout(1_000));
  if ('refusal' in result) return result.refusal.reason;
  return `${result.verdict.kind} ${result.verdict.reason}`.trim();
}

function workWith(reservation: Reservation, more: { onHand?: number; reserved?: number } = {}): WorkingSet {
  return aWorkingSet({ reservations: [reservation], pools: [aLevel({ reserved: 2, ...more })] });
}

describe('the verdict', () => {
  const line = (quantity: number, sku = '') => [{ lineNumber: 1, sku, quantity }];
  test.each([
    ['a start', pick('pick-started'), 'ACCEPTED'],
    ['a pick', pick('pick-confirmed'), 'ACCEPTED'],
    ['a shipment', pick('shipment-confirmed'), 'ACCEPTED'],
    ['a short pick', pick('pick-shorted', { lines: line(1) }), 'ACCEPTED'],
    ['an abort without a start', pick('pick-aborted'), 'IGNORED'],
    ['an unknown reservation', pick('pick-started', { trackingId: 't-9' }), 'REJECTED UNKNOWN_RESERVATION'],
    ['an unknown warehouse', pick('pick-started', { warehouse: 'W9' }), 'REJECTED UNKNOWN_WAREHOUSE'],
    ["another system's warehouse", pick('pick-started', { warehouse: 'W3' }), 'REJECTED NOT_ALLOWED'],
    ['a start where nothing is held', pick('pick-started', { warehouse: 'W2' }), 'REJECTED INVALID_FIELD'],
    ['a pick where nothing is held', pick('pick-confirmed', { warehouse: 'W2' }), 'REJECTED INVALID_FIELD'],
    ['a shipment where nothing is held', pick('shipment-confirmed', { warehouse: 'W2' }), 'REJECTED INVALID_FIELD'],
    ['another item', pick('shipment-confirmed', { lines: line(1, 'B') }), 'REJECTED WRONG_UNIT'],
    ['more than is held', pick('shipment-confirmed', { lines: line(3) }), 'REJECTED INVALID_FIELD'],
  ] as const)('on %s', async (_, message, expected) => {
    expect(await tell(workWith(held), message)).toBe(expected);
  });

  test('on a shipment of more than is on hand is a rejection that changes nothing', async () => {
    const work = workWith(held, { onHand: 1 });
    expect(await tell(work, pick('shipment-confirmed'))).toBe('REJECTED NO_STOCK');
    expect(levelIn(work)).toMatchObject({ onHand: 1, reserved: 2 });
  });

  test('on two lines of one item sums what leaves', async () => {
    const lines = [1, 2].map((lineNumber) => aLine({ lineNumber }));
    expect(await tell(workWith({ ...held, lines }, { onHand: 1 }), pick('shipment-confirmed'))).toBe(
      'REJECTED NO_STOCK',
    );
  });

  test('on units that a count has already taken away marks them short and leaves on hand at zero', async () => {
    const work = workWith(held, { onHand: 0 });
    expect(await tell(work, pick('pick-shorted', { lines: line(2) }))).toBe('ACCEPTED');
    expect(levelIn(work).onHand).toBe(0);
    expect(work.find({ by: 'tracking', id: 't-1' })?.lines[0]?.allocations[0]?.short).toBe(2);
  });

  test('on a shipment after release is too late, and yet on hand falls, once', async () => {
    const transition = release(held, 'CANCELLED', T0);
    if (transition.outcome !== 'changed') throw new TypeError('expected a release');
    const work = workWith(transition.next, { reserved: 0 });
    expect(await tell(work, pick('shipment-confirmed', { lines: line(2) }))).toBe('REJECTED TOO_LATE');
    expect(levelIn(work).onHand).toBe(8);
    expect(await tell(work, count(8, T0))).toBe('ACCEPTED');
    expect(await tell(work, pick('shipment-confirmed', { lines: line(2), occurredAt: T0 - 1 }))).toBe(
      'REJECTED TOO_LATE',
    );
    expect(levelIn(work).onHand).toBe(8);
  });
});

describe('a message about lines that were changed', () => {
  const other = { sku: 'B', quantity: 1, orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0 };

  /** Two units of A at W1 were swapped for one of B there, at T0. */
  function swappedWork(): WorkingSet {
    const work = aWorkingSet({ reservations: [held], pools: [aLevel({ reserved: 2 }), aLevel({ sku: 'B' })] });
    return recorded(work, swap(held, { lines: [other], partial: false }, work));
  }

  /** One of two units of A was moved from W1 to W2, at T0. */
  function transferredWork(): WorkingSet {
    const work = aWorkingSet({ reservations: [held], pools: [aLevel({ reserved: 2 }), aLevel({ warehouse: 'W2' })] });
    return recorded(work, transfer(held, { toWarehouse: 'W2', lines: [{ lineNumber: 1, quantity: 1 }] }, work));
  }

  function recorded(work: WorkingSet, transition: Transition): WorkingSet {
    if (transition.outcome !== 'changed') throw new TypeError('expected a change');
    const { kind, next, pools } = transition;
    work.record({ kind, previous: held, next, cause: A_CAUSE }, pools);
    return work;
  }

  const found = (work: WorkingSet) => work.find({ by: 'tracking', id: 't-1' });
  const ship = (lineNumber: number, sku: string, quantity: number, more: object = {}) =>
    pick('shipment-confirmed', { lines: [{ lineNumber, sku, quantity }], ...more });

  test('that a swap replaced moves on hand and is too late: the new line stays held', async () => {
    const work = swappedWork();
    expect(await tell(work, ship(1, 'A', 2))).toBe('REJECTED TOO_LATE');
    expect([levelIn(work), levelIn(work, 'B')]).toMatchObject([
      { onHand: 8, reserved: 0 },
      { onHand: 10, reserved: 1 },
    ]);
    expect(work.movements).toMatchObject([{ sku: 'A', kind: 'SHIPPED', onHandDelta: -2 }]);
    expect(found(work)).toMatchObject({ version: 2, state: 'RESERVED' });
  });

  test('that a swap replaced needs its SKU, and no more than is on hand', async () => {
    const work = swappedWork();
    expect(await tell(work, ship(1, '', 2))).toBe('REJECTED INVALID_FIELD');
    expect(await tell(work, ship(1, 'A', 11))).toBe('REJECTED NO_STOCK');
    expect(work.movements).toEqual([]);
  });

  test('that left with new ones consumes what is held and moves the rest, or nothing', async () => {
    const both = (quantity: number) => [
      { lineNumber: 1, sku: 'A', quantity },
      { lineNumber: 2, sku: 'B', quantity: 1 },
    ];
    const work = swappedWork();
    expect(await tell(work, pick('shipment-confirmed', { lines: both(11) }))).toBe('REJECTED NO_STOCK');
    expect([levelIn(work).onHand, levelIn(work, 'B').onHand]).toEqual([10, 10]);
    expect(await tell(work, pick('shipment-confirmed', { lines: both(2) }))).toBe('REJECTED TOO_LATE');
    expect([levelIn(work).onHand, levelIn(work, 'B').onHand]).toEqual([8, 9]);
    expect(found(work)?.state).toBe('FULFILLED');
  });

  test('that a transfer took away moves on hand where it left, beyond what is still held there', async () => {
    const work = transferredWork();
    expect(await tell(work, ship(1, 'A', 3))).toBe('REJECTED INVALID_FIELD');
    expect(await tell(work, ship(1, 'A', 2))).toBe('REJECTED TOO_LATE');
    expect([levelIn(work), levelIn(work, 'A', 'W2')]).toMatchObject([
      { onHand: 8, reserved: 0 },
      { onHand: 10, reserved: 1 },
    ]);
    const parts = found(work)?.lines[0]?.allocations.map(({ reserved, fulfilled }) => [reserved, fulfilled]);
    expect(parts).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  test('sums what left of one pool, held or not, against what is on hand', async () => {
    const work = transferredWork();
    expect(await tell(work, count(1, T0 - 1))).toBe('ACCEPTED');
    expect(await tell(work, ship(1, 'A', 2))).toBe('REJECTED NO_STOCK');
    expect(levelIn(work)).toMatchObject({ onHand: 1, reserved: 1 });
  });

  test.each([
    ['pick-started', 'REJECTED TOO_LATE'],
    ['pick-confirmed', 'REJECTED TOO_LATE'],
    ['shipment-confirmed', 'REJECTED INVALID_FIELD'],
    ['pick-aborted', 'IGNORED'],
  ] as const)('without lines and from before the change, means none of the new lines: %s', async (event, expected) => {
    for (const work of [swappedWork(), transferredWork()]) {
      const before = found(work);
      expect(await tell(work, pick(event, { occurredAt: T0 - 1 }))).toBe(expected);
      expect(found(work)).toBe(before);
      expect(work.movements).toEqual([]);
    }
  });

  test('without lines and from after the change, means the new lines', async () => {
    const work = swappedWork();
    expect(await tell(work, pick('pick-confirmed', { occurredAt: T0 }))).toBe('ACCEPTED');
    expect(await tell(work, pick('shipment-confirmed', { occurredAt: T0 }))).toBe('ACCEPTED');
    expect([levelIn(work).onHand, levelIn(work, 'B').onHand]).toEqual([10, 9]);
  });

  test('that were replaced moves on hand also after the new ones were fulfilled', async () => {
    const work = swappedWork();
    expect(await tell(work, pick('shipment-confirmed'))).toBe('ACCEPTED');
    expect(await tell(work, ship(2, 'B', 1))).toBe('IGNORED');
    expect(await tell(work, ship(1, 'A', 2))).toBe('REJECTED TOO_LATE');
    expect([levelIn(work).onHand, levelIn(work, 'B').onHand]).toEqual([8, 9]);
  });

  test('of which none was replaced is counted once: a second shipment of the first of several lines moves nothing', async () => {
    const lines = [1, 2].map((lineNumber) => aLine({ lineNumber, allocations: [anAllocation({ reserved: 1 })] }));
    const work = workWith(named(aReservation({ lines, expireAt: T0 + 1e9 }), '1'));
    expect(await tell(work, pick('shipment-confirmed'))).toBe('ACCEPTED');
    expect(await tell(work, ship(1, 'A', 1))).toBe('IGNORED');
    expect(levelIn(work)).toMatchObject({ onHand: 8, reserved: 0 });
  });

  test('does not begin a pick of other lines', async () => {
    const started = pick('pick-started', { lines: [{ lineNumber: 1, sku: 'A', quantity: 2 }] });
    expect(await tell(swappedWork(), started)).toBe('REJECTED INVALID_FIELD');
  });
});

describe('messages in any order', () => {
  interface Event {
    readonly ships: number;
    readonly order: number;
  }
  const anyEvents: fc.Arbitrary<Event[]> = fc.array(
    fc.record({ ships: fc.integer({ min: 0, max: 3 }), order: fc.nat() }),
    { minLength: 1, maxLength: 8 },
  );

  /** Shipments and true counts (those that ship nothing), one a second, as messages in the order they happened. */
  function messagesOf(events: readonly Event[], startsWith: number): WarehouseMessage[] {
    let onHand = startsWith;
    return events.map(({ ships }, at) => {
      const occurredAt = T0 - 100_000 + at * 1_000;
      if (ships === 0) return count(onHand, occurredAt);
      onHand -= ships;
      return pick('shipment-confirmed', { trackingId: `t-${at}`, occurredAt });
    });
  }

  async function endOf(events: readonly Event[], messages: readonly WarehouseMessage[]) {
    const reservations = events.flatMap(({ ships }, at) => {
      const lines = [aLine({ quantity: ships, allocations: [anAllocation({ reserved: ships })] })];
      return ships === 0 ? [] : [named({ ...held, lines }, `${at}`)];
    });
    const reserved = events.reduce((sum, { ships }) => sum + ships, 0);
    const work = aWorkingSet({ reservations, pools: [aLevel({ onHand: 30, reserved })] });
    for (const message of messages) await tell(work, message);
    const states = reservations.map(({ trackingId }) => work.find({ by: 'tracking', id: trackingId })?.state);
    return { level: levelIn(work), states, drift: 30 + work.movements.reduce((sum, one) => sum + one.onHandDelta, 0) };
  }

  test('end in the same state as in the order they happened', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvents, async (events) => {
        const messages = messagesOf(events, 30);
        const shuffled = messages
          .map((message, at) => ({ message, order: events[at]?.order ?? 0 }))
          .sort((a, b) => a.order - b.order)
          .map(({ message }) => message);
        const inOrder = await endOf(events, messages);
        const inAnyOrder = await endOf(events, shuffled);
        expect(inAnyOrder).toEqual(inOrder);
        // What is on hand is always explained by the movements.
        expect(inAnyOrder.drift).toBe(inAnyOrder.level.onHand);
        expect(inOrder.level.reserved).toBe(0);
      }),
      runs(),
    );
  });
});
