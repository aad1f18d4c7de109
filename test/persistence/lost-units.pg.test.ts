import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { fulfilReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock } from '../../src/use-cases/stock.ts';
import {
  byId,
  conditionsIn,
  key,
  reasonOf,
  type SerialItems,
  serialItems,
  unitsIn,
  wanted,
} from '../support/serial-items.ts';
import { CALL, madeReservation, reserveOne } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

let both: TwoServices;
let items: SerialItems;

beforeAll(async () => {
  both = await openTwoServices('lost_units', ['PLAIN'], 2);
  items = serialItems(both.one);
});

afterAll(async () => {
  await both.close();
});

async function kinds(reservation: Reservation): Promise<string[]> {
  const result = await both.one.database.pool.query<{ kind: string }>(
    'select kind from audit_event where reservation_id = $1 order by version',
    [reservation.reservationId],
  );
  return result.rows.map((row) => row.kind);
}

/** Units missing by each open shortage of an item. */
async function openShortages(sku: string): Promise<number[]> {
  const result = await both.one.database.pool.query<{ quantity: number }>(
    'select quantity from shortage where sku = $1 and close_time is null',
    [sku],
  );
  return result.rows.map((row) => row.quantity);
}

test('R15: a free unit takes the place of a promised one that is damaged, and the warehouse is told of it', async () => {
  const sku = await items.serial(3);
  const made = await items.hold(sku, [`${sku}-2`]);
  await items.damage(sku, 2);
  const now = await items.read(made);
  expect(unitsIn(now)).toEqual([`W1 ${sku}-1`]);
  expect(now.lines[0]?.allocations[0]).toMatchObject({ reserved: 1, released: 1 });
  expect(await kinds(made)).toEqual(['reserved', 'changed']);
  expect(await items.stored(sku, 2)).toEqual(['W1', true, false, true]);
  expect(reasonOf(await reserveOne(both.one, wanted(sku, [], 2)))).toBe('NO_STOCK');
});

test('R15: where no unit is free the one who was promised it lacks it, until it is there again or another comes', async () => {
  const sku = await items.serial(2);
  const [first, second] = [await items.hold(sku, [`${sku}-1`]), await items.hold(sku, [`${sku}-2`])];
  await items.damage(sku, 1);
  expect(conditionsIn(await items.read(first))).toEqual([`${sku}-1 MISSING`]);
  expect(conditionsIn(await items.read(second))).toEqual([`${sku}-2 HELD`]);
  expect(await openShortages(sku)).toEqual([1]);
  expect(await kinds(first)).toEqual(['reserved', 'short']);
  await items.damage(sku, 1, -1);
  expect(conditionsIn(await items.read(first))).toEqual([`${sku}-1 HELD`]);
  await items.damage(sku, 1);
  expect(reasonOf(await items.receive(sku, [`${sku}-new`]))).toBe('ok');
  expect(conditionsIn(await items.read(first))).toEqual([`${sku}-new HELD`]);
  expect(await openShortages(sku)).toEqual([]);
});

test('a reservation that lacks other items keeps the names of its serial units', async () => {
  const sku = await items.serial(1);
  const input = wanted(sku, [`${sku}-1`]);
  const plain = { ...input.lines[0], sku: 'PLAIN', quantity: 1, orderLineId: '', warehouse: 'W1', unitIds: [] };
  const lines = [...input.lines, { ...plain, returnedSku: '', purchasedQuantity: 0 }];
  const made = madeReservation(await reserveOne(both.one, { ...input, lines }));
  const lost = { sku: 'PLAIN', warehouse: 'W1', delta: { onHand: -2 } };
  expect(reasonOf(await adjustStock(both.one, { ...key(), reason: 'lost', adjustments: [lost] }, CALL))).toBe('ok');
  const now = await items.read(made);
  expect(now.lines[1]?.allocations[0]?.missing).toBe(1);
  expect(conditionsIn(now)).toEqual([`${sku}-1 HELD`]);
  const report = await createLedgerAuditor(both.one.database.pool).verify();
  expect(report.drifts).toEqual([]);
});

test('what is there of a line leaves before what is missing, which leaves once it is on hand again', async () => {
  const sku = await items.serial(2);
  const made = await items.hold(sku, [], 2);
  await items.damage(sku, 1);
  const fulfil = () => {
    const lines = [{ lineNumber: 1, quantity: 1 }];
    return fulfilReservation(both.one, { ...key(), target: byId(made), lines, close: false }, CALL);
  };
  expect(conditionsIn(madeReservation(await fulfil()))).toEqual([`${sku}-1 MISSING`]);
  expect(reasonOf(await fulfil())).toBe('NO_STOCK');
  await items.damage(sku, 1, -1);
  expect(reasonOf(await fulfil())).toBe('ok');
});

test('R19: lines of serial items wait in turn and get exact units; exact units are not waited for', async () => {
  const sku = await items.serial(1);
  const first = await items.hold(sku);
  const waits = { ...wanted(sku, [], 2), waitlist: true };
  const waiting = madeReservation(await reserveOne(both.one, waits));
  expect([waiting.state, unitsIn(waiting)]).toEqual(['WAITLISTED', []]);
  expect(reasonOf(await reserveOne(both.one, { ...wanted(sku, [`${sku}-1`]), waitlist: true }))).toBe('UNIT_HELD');
  expect(reasonOf(await reserveOne(both.one, { ...wanted(sku, ['nobody']), waitlist: true }))).toBe('NO_STOCK');
  expect(reasonOf(await items.putTracking(sku, 'QUANTITY'))).toBe('INVALID_FIELD');
  expect(reasonOf(await items.release(first))).toBe('ok');
  expect((await items.read(waiting)).state).toBe('WAITLISTED');
  expect(reasonOf(await items.receive(sku, [`${sku}-2`]))).toBe('ok');
  const served = await items.read(waiting);
  expect([served.state, unitsIn(served)]).toEqual(['RESERVED', [`W1 ${sku}-1`, `W1 ${sku}-2`]]);
});

test('tracking does not change while somebody waits for an item that has no stock', async () => {
  const sku = await items.serial(0);
  expect(madeReservation(await reserveOne(both.one, { ...wanted(sku, []), waitlist: true })).state).toBe('WAITLISTED');
  expect(reasonOf(await items.putTracking(sku, 'QUANTITY'))).toBe('INVALID_FIELD');
});
