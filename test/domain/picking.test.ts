import { describe, expect, test } from 'vitest';
import { abortPick, confirmPick, type PickedLine, shortPick, startPick } from '../../src/domain/picking.ts';
import { isLive, type LiveReservation, type Reservation, type ResolvedState } from '../../src/domain/reservation.ts';
import type { Transition } from '../../src/domain/transition.ts';
import { aLine, anAllocation, aReservation, T0 } from '../support/arbitraries.ts';

/** Line 1: 3 of A at W1 and 2 at W2; line 2: 1 of B at W1. */
const fresh = aReservation({
  lines: [
    aLine({
      quantity: 5,
      allocations: [anAllocation({ reserved: 3 }), anAllocation({ warehouse: 'W2', reserved: 2 })],
    }),
    aLine({ lineNumber: 2, sku: 'B' }),
  ],
});

function picked(lineNumber: number, quantity: number, sku = ''): PickedLine {
  return { lineNumber, sku, quantity };
}

/** Kind and state with `picked/short` of each allocation; `unchanged`; or a refusal's reason. */
function shown(transition: Transition): string {
  if (transition.outcome === 'refused') return transition.refusal.reason;
  if (transition.outcome === 'unchanged') return 'unchanged';
  const parts = transition.next.lines.flatMap((line) => line.allocations).map((part) => `${part.picked}/${part.short}`);
  return `${transition.kind} ${transition.next.state} ${parts.join(' ')}`;
}

function live(transition: Transition): LiveReservation {
  if (transition.outcome !== 'changed' || !isLive(transition.next))
    throw new TypeError(`not live: ${shown(transition)}`);
  return transition.next;
}

const RESOLVED: ResolvedState[] = ['FULFILLED', 'RELEASED', 'EXPIRED'];

describe('a resolved reservation', () => {
  test.each(RESOLVED)('%s is too late for the warehouse', (state) => {
    const resolved = { ...fresh, state, resolvedAt: T0 + 1, releaseReason: 'EXPIRED' } as Reservation;
    const reports = [
      startPick(resolved, T0 + 2),
      abortPick(resolved, 'W1', T0 + 2),
      confirmPick(resolved, 'W1', [], T0 + 2),
      shortPick(resolved, 'W1', [picked(1, 1)], T0 + 2),
    ];
    for (const report of reports) {
      expect(report).toMatchObject({ refusal: { reason: 'TOO_LATE', metadata: { state } } });
    }
  });
});

describe('a pick', () => {
  test('is started once', () => {
    const started = startPick(fresh, T0 + 1);
    expect(shown(started)).toBe('preparing PREPARING 0/0 0/0 0/0');
    expect(live(started)).toMatchObject({ version: 2, warehouseConfirmedAt: T0 + 1 });
    expect(shown(startPick(live(started), T0 + 2))).toBe('unchanged');
  });

  test.each([
    ['all a warehouse holds', 'W1', [], 'preparing PREPARING 3/0 0/0 1/0'],
    ['one line', 'W1', [picked(1, 2)], 'preparing PREPARING 2/0 0/0 0/0'],
    ['one line in two parts', 'W1', [picked(1, 1), picked(1, 2)], 'preparing PREPARING 3/0 0/0 0/0'],
    ['a line by its SKU', 'W1', [picked(1, 1, 'A')], 'preparing PREPARING 1/0 0/0 0/0'],
    ['another SKU', 'W1', [picked(1, 1, 'B')], 'WRONG_UNIT'],
    ['more than is held there', 'W1', [picked(1, 4)], 'INVALID_FIELD'],
    ['more than is held there, summed', 'W1', [picked(1, 2), picked(1, 2)], 'INVALID_FIELD'],
    ['a line held elsewhere', 'W2', [picked(2, 1)], 'INVALID_FIELD'],
    ['an unknown line', 'W1', [picked(3, 1)], 'INVALID_FIELD'],
    ['nothing named, at a warehouse that holds nothing', 'W9', [], 'INVALID_FIELD'],
  ] as const)('of %s', (_, warehouse, lines, expected) => {
    expect(shown(confirmPick(fresh, warehouse, lines, T0 + 1))).toBe(expected);
  });

  test('is absolute, so that a late smaller number takes nothing back, and READY when all is picked', () => {
    const first = live(confirmPick(fresh, 'W1', [picked(1, 2)], T0 + 1));
    expect(shown(confirmPick(first, 'W1', [picked(1, 1)], T0 + 2))).toBe('unchanged');
    const more = confirmPick(first, 'W1', [], T0 + 2);
    expect(shown(more)).toBe('changed PREPARING 3/0 0/0 1/0');
    const all = confirmPick(live(more), 'W2', [], T0 + 3);
    expect(shown(all)).toBe('ready READY 3/0 2/0 1/0');
    expect(live(all).warehouseConfirmedAt).toBe(T0 + 1);
    expect(shown(confirmPick(live(all), 'W2', [], T0 + 4))).toBe('unchanged');
    expect(shown(startPick(live(all), T0 + 4))).toBe('unchanged');
  });
});

describe('a short pick', () => {
  test('marks the line and takes the units off hand, never more than is not picked', () => {
    const begun = live(confirmPick(fresh, 'W1', [picked(1, 2)], T0));
    const short = shortPick(begun, 'W1', [picked(1, 3)], T0 + 1);
    expect(shown(short)).toBe('short PREPARING 2/1 0/0 0/0');
    expect(short).toMatchObject({ pools: [{ sku: 'A', warehouse: 'W1', delta: { onHand: -1 } }] });
    expect(shown(shortPick(live(short), 'W1', [picked(1, 1)], T0 + 2))).toBe('unchanged');
  });

  test.each([
    ['another SKU', 'W1', [picked(1, 1, 'B')], 'WRONG_UNIT'],
    ['more than is held', 'W1', [picked(1, 4)], 'INVALID_FIELD'],
    ['a line held elsewhere', 'W2', [picked(2, 1)], 'INVALID_FIELD'],
    ['nothing', 'W1', [], 'unchanged'],
  ] as const)('of %s', (_, warehouse, lines, expected) => {
    expect(shown(shortPick(fresh, warehouse, lines, T0))).toBe(expected);
  });

  test('ends for units that are found after all', () => {
    const short = live(shortPick(fresh, 'W1', [picked(1, 2)], T0));
    expect(shown(confirmPick(short, 'W1', [picked(1, 2)], T0 + 1))).toBe('changed PREPARING 2/1 0/0 0/0');
  });
});

describe('an aborted pick', () => {
  test('is reserved again with nothing picked', () => {
    const begun = live(confirmPick(fresh, 'W1', [], T0));
    expect(shown(abortPick(begun, 'W1', T0 + 1))).toBe('changed RESERVED 0/0 0/0 0/0');
    expect(shown(abortPick(fresh, 'W1', T0 + 1))).toBe('unchanged');
  });

  test('leaves what another warehouse has picked', () => {
    const one = live(confirmPick(fresh, 'W1', [], T0));
    const all = live(confirmPick(one, 'W2', [], T0 + 1));
    expect(all.state).toBe('READY');
    expect(shown(abortPick(all, 'W2', T0 + 2))).toBe('preparing PREPARING 3/0 0/0 1/0');
    expect(shown(abortPick(one, 'W2', T0 + 2))).toBe('unchanged');
  });
});
