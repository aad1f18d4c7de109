import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { openPlantedLedger, type PlantedLedger } from '../support/planted-ledger.ts';
import { putDraft } from '../support/rules.ts';
import { madeReservation, reserveInput, reserveOne } from '../support/test-service.ts';

let ledger: PlantedLedger;
let awaiting: Reservation;
let asked: Reservation;

beforeAll(async () => {
  ledger = await openPlantedLedger();
  const { service } = ledger;
  await putDraft(service, 1, { pickOn: 'RETURN_RECEIVED' });
  awaiting = madeReservation(await reserveOne(service, reserveInput([{ sku: 'A' }])));
  await putDraft(service, 2, { pickOn: null });
  asked = madeReservation(await reserveOne(service, reserveInput([{ sku: 'A' }])));
});

afterAll(() => ledger.close());

const REPORT = `insert into milestone (exchange_id, reservation_id, milestone, occur_time, create_time, applied, actor,
  channel, reason, trace_id) values ($1, null, $2, now(), now(), false, 'a', '', '', '')`;

/** Drifts about picks, after a statement with these values. */
async function drifts(statement: string, ...values: unknown[]) {
  const found = await ledger.plant([statement], values);
  return found.map(({ kind, trackingId, expected, actual, detail }) => [kind, trackingId, expected, actual, detail]);
}

describe('P26: what picks await is held against the rules and what was reported', () => {
  test('a ledger nobody touched has no drift, nor one with other milestones of the exchange', async () => {
    expect(await ledger.plant([])).toEqual([]);
    expect(await drifts(REPORT, awaiting.exchangeId, 'APPROVED')).toEqual([]);
    expect(await drifts(REPORT, 'another', 'RETURN_RECEIVED')).toEqual([]);
  });

  test('a milestone that was reported, and no pick asked for', async () => {
    expect(await drifts(REPORT, awaiting.exchangeId, 'RETURN_RECEIVED')).toEqual([
      ['PICK', awaiting.trackingId, 1, 0, 'RETURN_RECEIVED was reported, and no pick was asked for'],
    ]);
  });

  test('a pick that awaits what its rules do not name', async () => {
    const body = `update rule_version set body = jsonb_set(body, '{pickOn}', $1::jsonb) where version = 2`;
    expect(await drifts(body, '"APPROVED"')).toEqual([
      ['PICK', awaiting.trackingId, 0, 1, 'its pick awaits RETURN_RECEIVED, which its rules do not name'],
    ]);
    expect(await drifts(body, 'null')).toEqual([
      ['PICK', awaiting.trackingId, 0, 1, 'its pick awaits RETURN_RECEIVED, which its rules do not name'],
    ]);
  });

  test('a pick that was asked for before the milestone its rules name', async () => {
    const body = `update rule_version set body = jsonb_set(body, '{pickOn}', '"APPROVED"') where version = $1`;
    expect(await drifts(body, asked.ruleVersion)).toEqual([
      ['PICK', asked.trackingId, 0, 1, 'a pick was asked for before APPROVED was reported'],
    ]);
  });

  test('a reservation that is not as its last event tells', async () => {
    const change = 'update reservation set pick_awaits = $2 where reservation_id = $1';
    expect(await drifts(change, awaiting.reservationId, null)).toEqual([
      ['STATE', awaiting.trackingId, 1, 1, 'not as in the last audit event: pick_awaits'],
    ]);
  });
});
