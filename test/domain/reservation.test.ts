import { describe, expect, test } from 'vitest';
import {
  canExpire,
  fulfilledUnits,
  isDue,
  isLive,
  RESERVATION_STATES,
  type Reservation,
  reservedUnits,
  shortUnits,
  totalReserved,
  warehousesOf,
} from '../../src/domain/reservation.ts';
import { aLine, anAllocation, aReservation, DAY_MS, T0 } from '../support/arbitraries.ts';

const first = aLine({
  allocations: [
    anAllocation({ warehouse: 'W2', reserved: 3, short: 1, fulfilled: 4 }),
    anAllocation({ warehouse: 'W1', reserved: 2, short: 2, fulfilled: 0 }),
  ],
});
const second = aLine({ lineNumber: 2, allocations: [anAllocation({ warehouse: 'W2', reserved: 0, released: 1 })] });

test('units are summed over the warehouses of a line, and over lines', () => {
  expect([reservedUnits(first), fulfilledUnits(first), shortUnits(first)]).toEqual([5, 4, 3]);
  expect(totalReserved(aReservation({ lines: [first, second] }))).toBe(5);
});

test('warehouses are named once each, in line order, also where nothing is held any more', () => {
  expect(warehousesOf(aReservation({ lines: [first, second] }))).toEqual(['W2', 'W1']);
});

describe('a state', () => {
  const expiring = new Set(['WAITLISTED', 'RESERVED']);
  const resolved = new Set(['FULFILLED', 'RELEASED', 'EXPIRED']);

  test.each(RESERVATION_STATES)('%s is live, can expire and is due as published', (state) => {
    const resolvedAt = resolved.has(state) ? T0 : null;
    const reservation = { ...aReservation(), state, resolvedAt } as Reservation;
    expect(isLive(reservation)).toBe(!resolved.has(state));
    expect(canExpire(reservation)).toBe(expiring.has(state));
    expect(isDue(reservation, T0 + DAY_MS - 1)).toBe(false);
    expect(isDue(reservation, T0 + DAY_MS)).toBe(expiring.has(state));
  });
});
