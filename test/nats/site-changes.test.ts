import { describe, expect, it } from 'vitest';
import { siteChanges } from '../../adapters/nats/site-changes.ts';
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
});
