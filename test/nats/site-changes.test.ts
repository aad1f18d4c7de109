import { describe, expect, it } from 'vitest';
import { pickIdAt, siteChanges } from '../../adapters/nats/site-changes.ts';
import type { Allocation, Reservation } from '../../src/domain/reservation.ts';
import { releasedOf, reservationOf } from '../support/outbox-rows.ts';

const held = reservationOf('EM-1', { quantity: 3 });

/** The reservation with other numbers in its only allocation. */
function withPart(reservation: Reservation, part: Partial<Allocation>, more: Partial<Reservation> = {}): Reservation {
  const lines = reservation.lines.map((line) => ({
    ...line,
    allocations: line.allocations.map((allocation) => ({ ...allocation, ...part })),
  }));
  return { ...reservation, lines, version: reservation.version + 1, ...more } as Reservation;
}

const eventsOf = (...args: Parameters<typeof siteChanges>) => siteChanges(...args).map(({ event }) => event);

describe('what a warehouse is told', () => {
  it('to hold and to pick what is reserved', () => {
    expect(siteChanges('reserved', null, held)).toEqual([
      { site: 'BER', event: 'reservation-requested', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
      { site: 'BER', event: 'pick-requested', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
    ]);
  });

  it('to hold, but not yet to pick, while some unit waits; and to pick once none does', () => {
    const waiting = { ...held, state: 'WAITLISTED' } as Reservation;
    expect(eventsOf('waitlisted', null, waiting)).toEqual(['reservation-requested']);
    const promoted = withPart(waiting, { reserved: 4 }, { state: 'RESERVED' });
    expect(eventsOf('reserved', waiting, promoted)).toEqual(['reservation-changed', 'pick-requested']);
  });

  it.each(['released', 'expired'] as const)('to give back and to stop picking what is %s', (kind) => {
    const changes = siteChanges(kind, held, releasedOf(held));
    expect(changes.map(({ event }) => event)).toEqual(['reservation-released', 'pick-cancelled']);
    expect(changes[0]?.lines).toEqual([{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }]);
  });

  it('a later deadline', () => {
    expect(eventsOf('extended', held, { ...held, expireAt: held.expireAt + 1 } as Reservation)).toEqual([
      'reservation-changed',
    ]);
  });

  it('nothing of what it said itself', () => {
    const preparing = { ...held, version: 2, state: 'PREPARING' } as Reservation;
    expect(eventsOf('preparing', held, preparing)).toEqual([]);
    expect(eventsOf('ready', preparing, withPart(preparing, { picked: 3 }, { state: 'READY' }))).toEqual([]);
    expect(eventsOf('short', preparing, withPart(preparing, { short: 1 }))).toEqual([]);
    expect(eventsOf('changed', preparing, withPart(preparing, { picked: 2 }))).toEqual([]);
    expect(eventsOf('changed', preparing, withPart(preparing, { reserved: 1, fulfilled: 2 }))).toEqual([]);
    expect(eventsOf('changed', preparing, withPart(preparing, { picked: 0 }, { state: 'RESERVED' }))).toEqual([]);
    const shipped = { state: 'FULFILLED', resolvedAt: 1 } as Partial<Reservation>;
    expect(eventsOf('fulfilled', preparing, withPart(preparing, { reserved: 0, fulfilled: 3 }, shipped))).toEqual([]);
  });

  it('what a fulfilment that closes gives back', () => {
    const closed = withPart(held, { reserved: 0, fulfilled: 2, released: 1 }, {
      state: 'FULFILLED',
      resolvedAt: 1,
    } as Partial<Reservation>);
    expect(siteChanges('fulfilled', held, closed)).toEqual([
      { site: 'BER', event: 'reservation-released', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 1 }] },
      { site: 'BER', event: 'pick-cancelled', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 1 }] },
    ]);
  });

  it('to pick the new lines and not the old ones where they were swapped', () => {
    const [old] = held.lines;
    if (old === undefined) throw new TypeError('a reservation has lines');
    const given = {
      ...old,
      quantity: 0,
      allocations: old.allocations.map((part) => ({ ...part, reserved: 0, released: 3 })),
    };
    const line = { ...old, lineNumber: 2, sku: 'SHOE-2', quantity: 1, allocations: [at('BER', 1)] };
    const swapped = { ...held, version: 2, lines: [given, line] } as Reservation;
    expect(siteChanges('changed', held, swapped)).toEqual([
      { site: 'BER', event: 'reservation-changed', lines: [{ lineNumber: 2, sku: 'SHOE-2', quantity: 1 }] },
      { site: 'BER', event: 'pick-cancelled', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
      { site: 'BER', event: 'pick-requested', lines: [{ lineNumber: 2, sku: 'SHOE-2', quantity: 1 }] },
    ]);
    expect(pickIdAt(swapped, 'BER')).not.toBe(pickIdAt(held, 'BER'));
    const later = { ...swapped, version: 3, lines: [line] } as Reservation;
    expect(eventsOf('changed', swapped, later)).toEqual([]);
    expect(pickIdAt(later, 'BER')).toBe(pickIdAt(swapped, 'BER'));
  });

  it('to hold and pick here, and no more there, what was moved', () => {
    const moved = withParts([at('BER', 0, 3), at('HAM', 3)]);
    expect(siteChanges('changed', held, moved)).toEqual([
      { site: 'BER', event: 'reservation-released', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
      { site: 'BER', event: 'pick-cancelled', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
      { site: 'HAM', event: 'reservation-requested', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
      { site: 'HAM', event: 'pick-requested', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
    ]);
  });

  it('to pick less where a part was moved, and again under another name what came back', () => {
    const part = withParts([at('BER', 1, 2), at('HAM', 2)]);
    expect(eventsOf('changed', held, part)).toEqual([
      'reservation-changed',
      'pick-cancelled',
      'pick-requested',
      'reservation-requested',
      'pick-requested',
    ]);
    const back = withParts([at('BER', 3, 2), at('HAM', 0, 2)]);
    expect(new Set([held, part, back].map((one) => pickIdAt(one, 'BER'))).size).toBe(3);
  });

  it('not to begin anew what a shipment has taken a part of', () => {
    const shipped = withPart(held, { reserved: 1, fulfilled: 2 });
    expect(eventsOf('changed', held, shipped)).toEqual([]);
    expect(pickIdAt(shipped, 'BER')).toBe(pickIdAt(held, 'BER'));
  });
});

function at(warehouse: string, reserved: number, released = 0): Allocation {
  return { warehouse, reserved, picked: 0, short: 0, fulfilled: 0, released };
}

function withParts(allocations: readonly Allocation[]): Reservation {
  return {
    ...held,
    version: held.version + 1,
    lines: held.lines.map((line) => ({ ...line, allocations })),
  } as Reservation;
}
