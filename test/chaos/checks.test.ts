import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { ReservationSchema } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { findComplaints, findOversold } from './checks.ts';
import { type CallRecord, History } from './history.ts';
import { UNITS_OF } from './stock.ts';

const SKU = 'HOT.1';
const ALL = UNITS_OF.get(SKU) ?? 0;
const LATER = Date.now() + 3_600_000;

function reserveOf(history: History, id: string, quantity: number, expireAt = LATER): CallRecord {
  const record = history.invoke({ method: 'reserve', requestId: id, request: {}, reservationId: '' });
  const lines = [{ lineNumber: 1, sku: SKU, quantity }];
  const expireTime = timestampFromMs(expireAt);
  history.succeed(record, create(ReservationSchema, { reservationId: id, lines, expireTime }), false);
  return record;
}

test('all units promised is no oversale, and one more is', () => {
  const history = new History();
  reserveOf(history, 'all', ALL);
  expect(findOversold(history)).toEqual([]);
  reserveOf(history, 'one', 1);
  expect(findOversold(history)).toEqual([`${ALL + 1} units of ${SKU} were promised at once, of ${ALL}`]);
});

test('units that may have been given back, or whose deadline has passed, can be promised again', () => {
  const released = new History();
  reserveOf(released, 'all', ALL);
  released.invoke({ method: 'release', requestId: 'back', request: {}, reservationId: 'all' });
  reserveOf(released, 'again', ALL);
  expect(findOversold(released)).toEqual([]);
  const expired = new History();
  reserveOf(expired, 'all', ALL, Date.now() - 1);
  reserveOf(expired, 'again', ALL);
  expect(findOversold(expired)).toEqual([]);
});

test('an unknown reservation and a bug are complaints, sold out is none', () => {
  const history = new History();
  const call = (requestId: string) => history.invoke({ method: 'release', requestId, request: {}, reservationId: 'x' });
  history.refuse(call('sold-out'), 'FAILED_PRECONDITION: 1 of HOT.1 requested, 0 available');
  expect(findComplaints(history, '{"event":"nats"}\n')).toEqual([]);
  history.refuse(call('gone'), 'NOT_FOUND: there is no such reservation');
  const bug = '{"event":"bug","error":"x"}';
  expect(findComplaints(history, `${bug}\n`)).toEqual([
    'release gone was refused: NOT_FOUND: there is no such reservation',
    bug,
  ]);
});
