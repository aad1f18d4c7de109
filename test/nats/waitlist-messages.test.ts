import { expect, test } from 'vitest';
import { reservationMessages } from '../../adapters/nats/reservation-messages.ts';
import { promote } from '../../src/domain/promotion.ts';
import type { LiveReservation } from '../../src/domain/reservation.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { DAY_MS, T0 } from '../support/arbitraries.ts';
import { reservationOf, reservationRow } from '../support/outbox-rows.ts';
import { WINDOW_MS, waiting } from '../support/waiters.ts';

const CONTEXT = { wmsOf: () => 'sim', epoch: 1n, traceparent: '', refill: '' };

/** Holds what there is at BER, and waits for two more. */
function partly(): LiveReservation {
  const held = reservationOf('EM-1') as LiveReservation;
  const lines = held.lines.map((line) => ({ ...line, quantity: line.quantity + 2, waiting: waiting(2) }));
  return { ...held, state: 'WAITLISTED', expireAt: T0 + 30 * DAY_MS, lines };
}

function told(...row: Parameters<typeof reservationRow>) {
  const made = reservationRow(...row);
  if (made.topic !== 'reservation') throw new TypeError('the row of a reservation is about one');
  return reservationMessages(made, CONTEXT).map(({ subject, payload }) => ({
    subject,
    body: JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>,
  }));
}

test('R19: of what waits channels hear how much, and the warehouse what is held already, but no pick', () => {
  const [event, ...toSite] = told(partly(), 'waitlisted', null, '');
  expect(event).toMatchObject({
    subject: 'earmark.v1.event.waitlisted.EM-1',
    body: {
      state: 'RESERVATION_STATE_WAITLISTED',
      lines: [{ quantity: 4, reservedQuantity: 2, waitlistedQuantity: 2 }],
    },
  });
  expect(toSite.map(({ subject }) => subject)).toEqual(['earmark.v1.out.sim.reservation-requested.BER.EM-1']);
});

test('R19: once nothing waits the event is reserved, and each warehouse is asked to pick all it holds', () => {
  const before = partly();
  const [line] = before.lines;
  const placements = [{ lineNumber: line?.lineNumber ?? 0, sku: line?.sku ?? '', warehouse: 'VEN', quantity: 2 }];
  const promoted = promote(before, line?.lineNumber ?? 0, placements, FIRST_RULES, T0);
  if (promoted.outcome !== 'changed') throw new TypeError('not promoted');
  const [event, ...toSites] = told(promoted.next, promoted.kind, before, '');
  expect(event?.subject).toBe('earmark.v1.event.reserved.EM-1');
  expect(event?.body).toMatchObject({ expireTime: new Date(T0 + WINDOW_MS).toISOString().replace('.000', '') });
  expect(toSites.map(({ subject }) => subject)).toEqual([
    'earmark.v1.out.sim.reservation-changed.BER.EM-1',
    'earmark.v1.out.sim.pick-requested.BER.EM-1',
    'earmark.v1.out.sim.reservation-requested.VEN.EM-1',
    'earmark.v1.out.sim.pick-requested.VEN.EM-1',
  ]);
});
