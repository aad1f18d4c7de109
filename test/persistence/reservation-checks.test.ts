import { describe, expect, test } from 'vitest';
import type { LiveReservation } from '../../src/domain/reservation.ts';
import type { TransitionKind } from '../../src/domain/transition.ts';
import { NO_HASH, writeEventBody } from '../../src/persistence/event-body.ts';
import type { StoredAllocation } from '../../src/persistence/ledger/allocation-checks.ts';
import { DriftList } from '../../src/persistence/ledger/drift-list.ts';
import { checkAwaited } from '../../src/persistence/ledger/pick-checks.ts';
import { checkReservation } from '../../src/persistence/ledger/reservation-checks.ts';
import { aLine, anAllocation, aReservation } from '../support/arbitraries.ts';

type Told = readonly [TransitionKind, LiveReservation['lines']];

const held = aLine({ quantity: 2, allocations: [anAllocation({ reserved: 2 })] });
const replaced = { ...held, quantity: 0, allocations: [anAllocation({ reserved: 0, released: 2 })] };
const fresh = aLine({ lineNumber: 2, sku: 'B' });
const moved = {
  ...held,
  allocations: [anAllocation({ reserved: 0, released: 2 }), anAllocation({ warehouse: 'W2', reserved: 2 })],
};

function storedOf(lines: LiveReservation['lines']): StoredAllocation[] {
  return lines.flatMap(({ lineNumber, sku, allocations }) =>
    allocations.map((part) => {
      const quantity = part.reserved + part.fulfilled + part.released;
      return {
        ...part,
        missing: part.missing ?? 0,
        reservation_id: 'r-1',
        line_number: lineNumber,
        sku,
        quantity,
        held_units: 0,
        held: '',
        shipped_units: '',
      };
    }),
  );
}

/** What is said about the units of a reservation whose events told of these lines, one after the other. */
function saidOf(told: readonly Told[], stored: LiveReservation['lines']): string[] {
  const drifts = new DriftList();
  const events = told.map(([kind, lines], at) => {
    const header = { eventId: `e-${at + 1}`, kind, actor: '', createdAt: 0 };
    const rest = { actorType: '', channel: '', reason: '', traceId: '' };
    const body = Buffer.from(writeEventBody({ ...header, ...rest }, aReservation({ lines, version: at + 1 })));
    return { ...header, reservationId: 'r-1', version: at + 1, body, hash: NO_HASH };
  });
  checkReservation({ row: null, allocations: storedOf(stored), events, waiting: [], pick: null }, drifts);
  return drifts.found
    .filter((drift) => drift.kind === 'CONSERVATION' || drift.kind === 'ALLOCATION')
    .map((drift) => `${drift.kind} ${drift.detail}`);
}

describe('the lines of a reservation', () => {
  test.each<[string, Told[], LiveReservation['lines']]>([
    [
      'swapped',
      [
        ['reserved', [held]],
        ['changed', [replaced, fresh]],
      ],
      [replaced, fresh],
    ],
    [
      'left out by the change after',
      [
        ['reserved', [held]],
        ['changed', [replaced, fresh]],
        ['extended', [fresh]],
      ],
      [replaced, fresh],
    ],
    [
      'moved',
      [
        ['reserved', [held]],
        ['changed', [moved]],
      ],
      [moved],
    ],
  ])('are well when %s', (_, told, stored) => {
    expect(saidOf(told, stored)).toEqual([]);
  });

  test.each<[string, Told[], LiveReservation['lines'], string[]]>([
    [
      'left out while they hold units',
      [
        ['reserved', [held]],
        ['changed', [fresh]],
      ],
      [held, fresh],
      ['CONSERVATION line 1: units vanished'],
    ],
    [
      'still held after they were replaced',
      [
        ['reserved', [held]],
        ['changed', [replaced, fresh]],
        ['extended', [fresh]],
      ],
      [held, fresh],
      ['ALLOCATION line 1: reserved', 'ALLOCATION line 1: released'],
    ],
    [
      'grown by an event that takes nothing',
      [
        ['reserved', [held]],
        ['extended', [{ ...held, quantity: 3, allocations: [anAllocation({ reserved: 3 })] }]],
      ],
      [{ ...held, quantity: 3, allocations: [anAllocation({ reserved: 3 })] }],
      ['CONSERVATION line 1: units appeared'],
    ],
    [
      'holding something again though they ask for nothing',
      [
        ['reserved', [held]],
        ['changed', [{ ...replaced, allocations: held.allocations }, fresh]],
      ],
      [held, fresh],
      ['CONSERVATION line 1 has more units than were asked for'],
    ],
  ])('are not well when %s', (_, told, stored, expected) => {
    expect(saidOf(told, stored)).toEqual(expected);
  });
});

test('P26: a pick that was asked for is never awaited again', () => {
  const drifts = new DriftList();
  const states = [aReservation(), aReservation({ version: 2, pickAwaits: 'APPROVED' })] as const;
  const place = { trackingId: 't-1', eventId: 'e-2' };
  checkAwaited(states[1], states[0], place, drifts);
  checkAwaited(states[1], states[1], place, drifts);
  expect(drifts.found).toEqual([]);
  checkAwaited(states[0], states[1], place, drifts);
  expect(drifts.found).toMatchObject([
    { kind: 'PICK', detail: 'awaits APPROVED after a pick was asked for', ...place },
  ]);
});
