import { describe, expect, test } from 'vitest';
import { confirmPick, shortPick, startPick } from '../../src/domain/picking.ts';
import type { RequestedLine } from '../../src/domain/requested-line.ts';
import { isWaiting, type Reservation } from '../../src/domain/reservation.ts';
import { expire, fulfil, release } from '../../src/domain/resolution.ts';
import { swap } from '../../src/domain/swap.ts';
import { transfer } from '../../src/domain/transfer.ts';
import type { Transition } from '../../src/domain/transition.ts';
import { A_CAUSE, aLevel, aLine, anAllocation, aReservation, DAY_MS, T0 } from '../support/arbitraries.ts';
import { aWorkingSet } from '../support/deciding.ts';
import { aQueue, aWaiter, served, WINDOW_MS, waiting } from '../support/waiters.ts';

function nextOf(transition: Transition): Reservation {
  if (transition.outcome !== 'changed') throw new TypeError(`not changed: ${JSON.stringify(transition)}`);
  return transition.next;
}

const reasonOf = (transition: Transition) =>
  transition.outcome === 'refused' ? transition.refusal.reason : transition.outcome;

function asked(sku: string, quantity: number, more: Partial<RequestedLine> = {}): RequestedLine {
  return { sku, quantity, orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0, ...more };
}

/** Holds two of A at W1 and waits for one more. */
const partly = aReservation({
  state: 'WAITLISTED',
  lines: [aLine({ quantity: 3, allocations: [anAllocation({ reserved: 2 })], waiting: waiting(1) })],
});

describe('R19: what waits', () => {
  test('is given up by a release and by the clock', () => {
    for (const next of [nextOf(release(partly, 'CANCELLED', T0)), nextOf(expire(partly, partly.expireAt))]) {
      expect(isWaiting(next.lines)).toBe(false);
      expect(next.lines[0]).toMatchObject({ allocations: [{ reserved: 0, released: 2 }] });
    }
  });

  test('goes on waiting when what is held is fulfilled, and is given up when it is closed', () => {
    const kept = nextOf(fulfil(partly, [], false, T0));
    expect(kept).toMatchObject({
      state: 'WAITLISTED',
      lines: [{ allocations: [{ fulfilled: 2 }], waiting: { units: 1 } }],
    });
    const closed = nextOf(fulfil(partly, [{ lineNumber: 1, quantity: 1 }], true, T0));
    expect(closed).toMatchObject({ state: 'FULFILLED', lines: [{ allocations: [{ fulfilled: 1, released: 1 }] }] });
    expect(isWaiting(closed.lines)).toBe(false);
  });

  test('is not fulfilled while nothing is held', () => {
    expect(reasonOf(fulfil(aWaiter('none', 1), [], false, T0))).toBe('INVALID_FIELD');
  });

  test('is not picked: no pick was asked for', () => {
    const line = { lineNumber: 1, sku: 'A', quantity: 1 };
    for (const transition of [
      startPick(partly, T0),
      confirmPick(partly, 'W1', [], T0),
      shortPick(partly, 'W1', [line], T0),
    ]) {
      expect(reasonOf(transition)).toBe('NOT_ALLOWED');
    }
  });

  test('looks to the new warehouse where all of a pinned line moves', () => {
    const pinned = aWaiter('pinned', 1, {}, { warehouse: 'W1' });
    const work = aQueue([pinned], [aLevel({ onHand: 0 }), aLevel({ warehouse: 'W2', onHand: 1 })]);
    const moved = transfer(pinned, { toWarehouse: 'W2', lines: [] }, work);
    if (moved.outcome !== 'changed') throw new TypeError('not moved');
    work.record({ kind: moved.kind, previous: pinned, next: moved.next, cause: A_CAUSE }, moved.pools);
    expect(served(work)).toEqual(['pinned', 'pinned']);
  });
});

describe('R19: a swap', () => {
  const held = aReservation({ lines: [aLine({ quantity: 2, allocations: [anAllocation({ reserved: 2 })] })] });

  test('may queue for what there is not: the waiting has its own window', () => {
    const work = aWorkingSet({ reservations: [held], pools: [aLevel({ onHand: 2, reserved: 2 })] });
    const swapped = swap(held, { lines: [asked('A', 3), asked('B', 1)], partial: false, waitlist: true }, work);
    expect(swapped).toMatchObject({
      kind: 'waitlisted',
      next: {
        state: 'WAITLISTED',
        expireAt: T0 + 30 * DAY_MS,
        lines: [{ quantity: 0 }, { sku: 'A', waiting: { units: 1, since: T0 } }, { sku: 'B', waiting: { units: 1 } }],
      },
    });
  });

  test('ends the waiting where the new lines are there, and keeps the place in the queue of the same SKU', () => {
    const since = T0 - DAY_MS;
    const waits = aWaiter('waits', 2, {}, { since });
    const work = aQueue([waits], [aLevel({ onHand: 0 }), aLevel({ sku: 'B', onHand: 1 })]);
    const ended = nextOf(swap(waits, { lines: [asked('B', 1)], partial: false }, work));
    expect(ended).toMatchObject({ state: 'RESERVED', expireAt: T0 + WINDOW_MS });
    const more = { lines: [asked('A', 1), asked('C', 1)], partial: false, waitlist: true };
    const kept = nextOf(swap(waits, more, work));
    expect(kept).toMatchObject({ state: 'WAITLISTED', expireAt: waits.expireAt });
    expect(kept.lines.flatMap((line) => line.waiting ?? []).map((one) => one.since)).toEqual([since, T0]);
  });
});
