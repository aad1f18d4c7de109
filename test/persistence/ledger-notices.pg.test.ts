import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPlantedLedger, type PlantedLedger } from '../support/planted-ledger.ts';

let ledger: PlantedLedger;

beforeAll(async () => {
  ledger = await openPlantedLedger();
});

afterAll(() => ledger.close());

const id = (at: number): string => ledger.made[at]?.reservationId ?? '';
const tracking = (at: number): string => ledger.made[at]?.trackingId ?? '';

describe('a drift of notices or shortages is found and named', () => {
  test('NOTIFICATION: a release that nobody was told of', async () => {
    const drifts = await ledger.plant(["delete from notification where kind = 'RELEASED'"]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'NOTIFICATION', trackingId: tracking(2), expected: 1, actual: 0 }),
    ]);
  });

  test('NOTIFICATION: people were told of what did not happen, or of nothing that exists', async () => {
    const told = (
      reservation: string,
    ) => `insert into notification (notification_id, reservation_id, kind, facts, create_time)
      values (gen_random_uuid(), ${reservation}, 'EXPIRED', '{}', now())`;
    const drifts = await ledger.plant([told('$1::uuid'), told("'ffffffff-0000-7000-8000-000000000000'")], [id(0)]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'NOTIFICATION', trackingId: tracking(0), expected: 0, actual: 1 }),
      expect.objectContaining({ kind: 'NOTIFICATION', trackingId: '', expected: 0, actual: 1 }),
    ]);
  });

  test('SHORTAGE: a shortage whose record tells of less, and a line that lacks units of a pool that has all', async () => {
    const short = `update stock_pool set on_hand = 1, shortage = 2 where sku = 'A' and warehouse = 'W1'`;
    const moved = `update stock_movement set on_hand_delta = 1 where sku = 'A' and warehouse = 'W1'`;
    const record = `insert into shortage (shortage_id, sku, warehouse, quantity, most, unsettled, open_time)
      values (gen_random_uuid(), 'A', 'W1', 1, 1, 2, now())`;
    expect(await ledger.plant([short, moved, record])).toEqual([
      expect.objectContaining({ kind: 'SHORTAGE', detail: 'record', sku: 'A', expected: 2, actual: 1 }),
    ]);
    const lacking = 'update allocation set missing = 1 where reservation_id = $1';
    expect(await ledger.plant([lacking], [id(0)])).toEqual([
      expect.objectContaining({ kind: 'SHORTAGE', detail: 'missing of lines', expected: 0, actual: 1 }),
      expect.objectContaining({ kind: 'ALLOCATION', detail: 'line 1: missing', expected: 0, actual: 1 }),
    ]);
  });
});
