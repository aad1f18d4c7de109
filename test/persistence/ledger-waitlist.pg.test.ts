import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { openPlantedLedger, type PlantedLedger } from '../support/planted-ledger.ts';
import { madeReservation, reserveInput, reserveOne } from '../support/test-service.ts';

let ledger: PlantedLedger;
let waiting: Reservation;

beforeAll(async () => {
  ledger = await openPlantedLedger();
  const input = reserveInput([{ sku: 'A', quantity: 200 }], { waitlist: true });
  waiting = madeReservation(await reserveOne(ledger.service, input));
});

afterAll(() => ledger.close());

const drift = (more: object) => expect.objectContaining({ kind: 'WAITLIST', trackingId: waiting.trackingId, ...more });

describe('R19: the queue is held against what waits', () => {
  test('a ledger nobody touched has no drift', async () => {
    expect(await ledger.plant([])).toEqual([]);
  });

  test.each<[string, string, object]>([
    ['left out', 'delete from waitlist', { expected: 103, actual: 0, sku: 'A' }],
    ['too many units', 'update waitlist set units = units + 1', { expected: 103, actual: 104 }],
    ['ahead of its place', "update waitlist set since_time = since_time - interval '1 s'", { expected: 1, actual: 0 }],
    ['of another priority', 'update waitlist set priority = 9', { expected: 1, actual: 0 }],
    ['from another warehouse', "update waitlist set warehouse = 'W1'", { expected: 1, actual: 0 }],
    [
      'a line that waits for nothing',
      "insert into waitlist select reservation_id, 9, 'A', 1, '', 0, now() from waitlist",
      { expected: 0, actual: 1 },
    ],
  ])('%s', async (_, statement, more) => {
    const drifts = await ledger.plant([statement]);
    expect(drifts.filter(({ kind }) => kind === 'WAITLIST')).toEqual([drift(more)]);
  });

  test('of somebody resolved', async () => {
    const insert = "insert into waitlist values ($1, 1, 'A', 1, '', 0, now())";
    const drifts = await ledger.plant([insert], [ledger.made[2]?.reservationId]);
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'WAITLIST', trackingId: ledger.made[2]?.trackingId, expected: 0, actual: 1 }),
    );
  });

  test.each([
    [
      'WAITLISTED without a line that waits',
      "update reservation set version = version + 1, state = 'WAITLISTED' where state = 'RESERVED'",
    ],
    [
      'waiting without being WAITLISTED',
      "update reservation set version = version + 1, state = 'RESERVED' where state = 'WAITLISTED'",
    ],
    ['no units', 'update waitlist set units = 0'],
  ])('the database refuses %s', async (_, statement) => {
    await expect(ledger.service.database.pool.query(statement)).rejects.toMatchObject({ code: '23514' });
  });
});
