import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  hashEvent,
  NO_HASH,
  readEventBody,
  reservationAfter,
  writeEventBody,
} from '../../src/persistence/event-body.ts';
import { aReservation, runs } from '../support/arbitraries.ts';

const HEADER = {
  eventId: 'e-1',
  kind: 'reserved',
  actor: 'tester',
  actorType: 'SERVICE',
  channel: 'web',
  reason: 'SIZE',
  createdAt: 1_700_000_000_123,
  traceId: '',
};

const anyHeader = fc.record({
  eventId: fc.uuid(),
  kind: fc.string(),
  actor: fc.string({ unit: 'binary' }),
  actorType: fc.string(),
  channel: fc.string({ unit: 'binary' }),
  reason: fc.string({ unit: 'binary' }),
  createdAt: fc.nat(),
  traceId: fc.oneof(fc.constant(aReservation().traceId), fc.string()),
});

test('a body says what was written, whatever the texts hold', () => {
  const anySeen = fc.array(fc.tuple(fc.string(), fc.string(), fc.nat(), fc.nat()), { maxLength: 3 });
  const anyAsked = fc.option(fc.record({ itemCondition: fc.string({ unit: 'binary' }), deliveredAt: fc.nat() }));
  const anyText = fc.string({ unit: 'binary' });
  const property = fc.property(anyHeader, anyText, anySeen, anyAsked, (header, orderId, seen, asked) => {
    const after = aReservation({ orderId });
    const { reservationId, version, ruleVersion } = after;
    const body = Buffer.from(writeEventBody(header, after, seen, asked)).toString();
    const traceId = header.traceId === '' ? after.traceId : header.traceId;
    const facts = { ...header, traceId, reservationId, version, ruleVersion, afterJson: JSON.stringify(after) };
    expect(readEventBody(body)).toEqual({ facts, after, seen, asked });
    expect(reservationAfter(body)).toEqual(after);
  });
  fc.assert(property, runs());
});

test('the hash is SHA-256 over the hash before and the bytes', () => {
  const body = Buffer.from(writeEventBody(HEADER, aReservation({ orderId: 'Größe' })));
  const previous = Buffer.alloc(32, 7);
  expect(hashEvent(previous, body)).toEqual(createHash('sha256').update(previous).update(body).digest());
});

test('an event of the first form is hashed as it was then', () => {
  const fields = ['e-1', 'r-1', 1, 'reserved', 'tester', 'SERVICE', 'web', 'SIZE', 1, 5, '', '{"lines":[]}'];
  const text = JSON.stringify([Buffer.from(NO_HASH).toString('hex'), ...fields]);
  const body = Buffer.from(JSON.stringify(fields));
  expect(hashEvent(NO_HASH, body)).toEqual(createHash('sha256').update(text).digest());
  expect(readEventBody(body.toString())?.facts).toMatchObject({ reservationId: 'r-1', reason: 'SIZE', createdAt: 5 });
  expect(readEventBody(body.toString())?.after).toEqual({ lines: [] });
});

test('changing any byte changes the hash', () => {
  const body = Buffer.from(writeEventBody(HEADER, aReservation()));
  const hash = hashEvent(NO_HASH, body);
  const property = fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
    const other = Buffer.from(body);
    other[at] = (other[at] ?? 0) ^ change;
    expect(hashEvent(NO_HASH, other)).not.toEqual(hash);
  });
  fc.assert(property, runs());
});

test.each(['', 'no JSON', '{}', '[]', 'null', '[2]', '[2,"e","k","a","t","c","r","later","",{}]', '["e"]', '["a",1]'])(
  'bytes that are no body are read as none: %s',
  (text) => {
    expect(readEventBody(text)).toBeNull();
    expect(() => reservationAfter(text)).toThrow(TypeError);
  },
);

test('a body that tells of no reservation is read with its header', () => {
  const text = JSON.stringify([2, 'e-1', 'reserved', 'tester', 'SERVICE', 'web', 'SIZE', 5, '', null]);
  expect(readEventBody(text)).toMatchObject({ after: null, facts: { eventId: 'e-1', afterJson: 'null' } });
});
