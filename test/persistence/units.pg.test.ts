import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import { fulfilReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock, countStock } from '../../src/use-cases/stock.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { applyWarehouseMessage, type PickEvent } from '../../src/use-cases/warehouse-message.ts';
import { byId, key, reasonOf, type SerialItems, serialItems, unitsIn, wanted } from '../support/serial-items.ts';
import { CALL, CONTENT_HASH, madeReservation, reserveOne } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

let both: TwoServices;
let items: SerialItems;

beforeAll(async () => {
  both = await openTwoServices('units', ['PLAIN'], 2);
  items = serialItems(both.one);
});

afterAll(async () => {
  await both.close();
});

async function tell(reservation: Reservation, event: PickEvent, unitIds: readonly string[]) {
  const lines = [{ lineNumber: 1, sku: '', quantity: unitIds.length, unitIds }];
  const facts = { wms: 'sim', messageId: randomUUID(), contentHash: CONTENT_HASH, warehouse: 'W1', trace: null };
  const message = { ...facts, occurredAt: Date.now(), event, trackingId: reservation.trackingId, lines, code: '' };
  const answer = await applyWarehouseMessage(both.one, message, AbortSignal.timeout(10_000));
  return 'verdict' in answer ? answer.verdict : answer.refusal;
}

test('R12: of 50 requests for one unit over two processes one wins, and the others are told who holds it', async () => {
  const sku = await items.serial(2);
  const asked = Array.from({ length: 50 }, (_, at) =>
    reserveOne(at % 2 === 0 ? both.one : both.two, wanted(sku, [`${sku}-2`])),
  );
  const outcomes = await Promise.all(asked);
  expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.ok) continue;
    expect(outcome.refusal).toMatchObject({
      reason: 'UNIT_HELD',
      metadata: { unit_id: `${sku}-2`, warehouse: 'W1', held_by: 'exchange' },
    });
  }
  expect(await items.stored(sku, 1)).toEqual(['W1', true, false, false]);
});

test('R12: requests that leave the choice never get the same unit, over two processes', async () => {
  const sku = await items.serial(20);
  const outcomes = await Promise.all(
    Array.from({ length: 30 }, (_, at) => reserveOne(at % 2 === 0 ? both.one : both.two, wanted(sku, []))),
  );
  const made = outcomes.filter((outcome) => outcome.ok).map(madeReservation);
  expect(new Set(made.flatMap(unitsIn)).size).toBe(20);
  expect(outcomes.filter((outcome) => !outcome.ok).map(reasonOf)).toEqual(Array.from({ length: 10 }, () => 'NO_STOCK'));
});

test('R14: a release gives the same units back to the pool they came from, and they can be had again', async () => {
  const sku = await items.serial(2, 'W2');
  await items.receive(sku, ['elsewhere'], 'W1');
  const first = await items.hold(sku, [`${sku}-2`]);
  expect(unitsIn(first)).toEqual([`W2 ${sku}-2`]);
  expect(reasonOf(await items.release(first))).toBe('ok');
  expect(await items.stored(sku, 2)).toEqual(['W2', true, false, false]);
  expect(unitsIn(await items.hold(sku, [`${sku}-2`]))).toEqual([`W2 ${sku}-2`]);
});

test('a unit that nobody has, that is elsewhere, or that is damaged is NO_STOCK', async () => {
  const sku = await items.serial(2);
  const damaged = { sku, warehouse: 'W1', delta: { unavailable: 1 }, unitIds: [`${sku}-1`] };
  expect(reasonOf(await adjustStock(both.one, { ...key(), reason: 'damaged', adjustments: [damaged] }, CALL))).toBe(
    'ok',
  );
  expect(reasonOf(await reserveOne(both.one, wanted(sku, [`${sku}-1`])))).toBe('NO_STOCK');
  expect(reasonOf(await reserveOne(both.one, wanted(sku, ['nobody'])))).toBe('NO_STOCK');
  const input = wanted(sku, [`${sku}-2`]);
  const elsewhere = { ...input, lines: input.lines.map((line) => ({ ...line, warehouse: 'W2' })) };
  expect(reasonOf(await reserveOne(both.one, elsewhere))).toBe('NO_STOCK');
  expect(unitsIn(await items.hold(sku))).toEqual([`W1 ${sku}-2`]);
});

test('units are named as often as they are counted, once, and only of items that have them', async () => {
  const sku = await items.serial(3);
  expect(reasonOf(await reserveOne(both.one, wanted(sku, [`${sku}-1`], 2)))).toBe('INVALID_FIELD');
  expect(reasonOf(await reserveOne(both.one, wanted('PLAIN', ['x'])))).toBe('INVALID_FIELD');
  const twice = wanted(sku, [`${sku}-1`]);
  const again = { ...twice, lines: [...twice.lines, ...twice.lines] };
  expect(reasonOf(await reserveOne(both.one, again))).toBe('INVALID_FIELD');
  expect(reasonOf(await reserveOne(both.one, wanted(sku, [], 1_001)))).toBe('TOO_LARGE');
  expect(reasonOf(await items.receive(sku, [`${sku}-1`]))).toBe('INVALID_FIELD');
  expect(reasonOf(await items.receive(sku, [`${sku}-8`], 'W1', 2))).toBe('INVALID_FIELD');
  expect(reasonOf(await items.receive(sku, [`${sku}-8`, `${sku}-8`]))).toBe('INVALID_FIELD');
  expect(reasonOf(await items.receive('PLAIN', ['x']))).toBe('INVALID_FIELD');
});

test('a part of the units is fulfilled by name, the rest stays held, and what has left may come in again', async () => {
  const sku = await items.serial(3);
  const made = await items.hold(sku, [], 2);
  const fulfil = (unitIds: readonly string[]) => {
    const lines = [{ lineNumber: 1, quantity: 1, unitIds }];
    return fulfilReservation(both.one, { ...key(), target: byId(made), lines, close: false }, CALL);
  };
  expect(reasonOf(await fulfil([`${sku}-3`]))).toBe('WRONG_UNIT');
  const left = madeReservation(await fulfil([`${sku}-2`]));
  expect(unitsIn(left)).toEqual([`W1 ${sku}-1`]);
  expect(left.lines[0]?.allocations[0]?.shipped).toEqual([`${sku}-2`]);
  expect(await items.stored(sku, 2)).toEqual(['W1', false, false, false]);
  expect(reasonOf(await reserveOne(both.one, wanted(sku, [`${sku}-2`])))).toBe('NO_STOCK');
  expect(reasonOf(await items.receive(sku, [`${sku}-2`], 'W2'))).toBe('ok');
  expect(unitsIn(await items.hold(sku, [`${sku}-2`]))).toEqual([`W2 ${sku}-2`]);
});

test('a picker who takes another unit is told WRONG_UNIT; the right ones are picked, missed and shipped by name', async () => {
  const sku = await items.serial(4);
  const made = await items.hold(sku, [], 3);
  expect(await tell(made, 'pick-confirmed', [`${sku}-4`])).toMatchObject({ kind: 'REJECTED', reason: 'WRONG_UNIT' });
  expect(await tell(made, 'pick-confirmed', [`${sku}-2`])).toMatchObject({ kind: 'ACCEPTED' });
  expect(await tell(made, 'pick-shorted', [`${sku}-1`])).toMatchObject({ kind: 'ACCEPTED' });
  expect(await items.stored(sku, 1)).toEqual(['W1', false, true, false]);
  expect(await tell(made, 'shipment-confirmed', [`${sku}-4`])).toMatchObject({ reason: 'WRONG_UNIT' });
  expect(await tell(made, 'shipment-confirmed', [`${sku}-2`])).toMatchObject({ kind: 'ACCEPTED' });
  const reader = createReservationReader(both.one.database.pool);
  const found = await reader.find(byId(made));
  expect(found?.lines[0]?.allocations[0]).toMatchObject({
    units: [
      { unitId: `${sku}-1`, condition: 'SHORT' },
      { unitId: `${sku}-3`, condition: 'HELD' },
    ],
    shipped: [`${sku}-2`],
  });
  expect(await tell(made, 'shipment-confirmed', [`${sku}-1`])).toMatchObject({ reason: 'NO_STOCK' });
});

test('R9: a swap takes other units, its own among them, and a transfer takes those of the other warehouse', async () => {
  const sku = await items.serial(3);
  await items.receive(sku, ['there'], 'W2');
  const made = await items.hold(sku, [`${sku}-1`, `${sku}-2`]);
  const line = { orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0 };
  const lines = [{ sku, quantity: 2, ...line, unitIds: [`${sku}-2`, `${sku}-3`] }];
  const target = { ...key(), target: byId(made), etag: '' };
  const swapped = madeReservation(await swapReservation(both.one, { ...target, lines, partial: false }, CALL));
  expect(unitsIn(swapped)).toEqual([`W1 ${sku}-2`, `W1 ${sku}-3`]);
  expect(await items.stored(sku, 1)).toEqual(['W1', true, false, false]);
  const move = { ...key(), target: byId(made), etag: '', toWarehouse: 'W2', lines: [{ lineNumber: 2, quantity: 1 }] };
  const moved = madeReservation(await transferReservation(both.one, move, CALL));
  expect(unitsIn(moved)).toEqual([`W1 ${sku}-3`, 'W2 there']);
  expect(await items.stored(sku, 2)).toEqual(['W1', true, false, false]);
});

test('reservations are found by their units, and every event names them', async () => {
  const sku = await items.serial(1);
  const made = await items.hold(sku);
  await items.release(made);
  const again = await items.hold(sku);
  const reader = createReservationReader(both.one.database.pool);
  const no = { returnCaseId: '', exchangeId: '', orderId: '', customerRef: '', sku: '', warehouse: '', states: [] };
  const filter = { ...no, createdBefore: null, expiresBefore: null, onlyShort: false, unitId: `${sku}-1` };
  const page = await reader.list(filter, { size: 10, token: '' });
  expect(page.rows.map((row) => row.reservationId)).toEqual([again.reservationId, made.reservationId]);
  const result = await both.one.database.pool.query<{ body: string }>(
    "select convert_from(body, 'UTF8') as body from audit_event where reservation_id = $1 order by version",
    [made.reservationId],
  );
  expect(result.rows[0]?.body).toContain(`"units":[{"unitId":"${sku}-1","condition":"HELD"}]`);
});

test('the tracking of an item stays while it has stock, and units are not counted in this version', async () => {
  const sku = await items.serial(1);
  expect(reasonOf(await items.putTracking(sku, 'QUANTITY'))).toBe('INVALID_FIELD');
  const count = { sku, warehouse: 'W1', onHand: 1, unavailable: null, committed: null, expectedOnHand: null };
  const counts = [{ ...count, countedAt: null, netOfReserved: false }];
  expect(reasonOf(await countStock(both.one, { ...key(), reason: 'count', counts }, CALL))).toBe('UNSUPPORTED');
});

test('I3: the ledger is whole after all of it, and names a unit that is said to be held by nobody', async () => {
  const audit = async () => (await createLedgerAuditor(both.one.database.pool).verify()).drifts;
  expect(await audit()).toEqual([]);
  const sku = await items.serial(2);
  const flip = 'update stock_unit set allocated = not allocated where sku = $1 and unit_id = $2';
  await both.one.database.pool.query(flip, [sku, `${sku}-1`]);
  const drifts = await audit();
  expect(new Set(drifts.map((drift) => [drift.kind, drift.sku].join(' ')))).toEqual(new Set([`UNIT ${sku}`]));
  await both.one.database.pool.query(flip, [sku, `${sku}-1`]);
  expect(await audit()).toEqual([]);
});
