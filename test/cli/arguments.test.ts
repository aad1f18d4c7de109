import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import {
  parseAttribute,
  parseDuration,
  parseInstant,
  parseLine,
  parseLineQuantity,
  parseTarget,
  parseWhole,
} from '../../adapters/cli/arguments.ts';
import { UsageError } from '../../adapters/cli/failures.ts';
import { parseEnum, shortName, shortNames } from '../../adapters/cli/short-enum.ts';
import { makeTrackingId } from '../../src/domain/tracking-id.ts';
import { ReservationState, ReservationStateSchema } from '../../src/gen/earmark/v1/reservation_pb.ts';

test.each([
  ['SHOE-RED-42', { sku: 'SHOE-RED-42', quantity: 1 }],
  ['SHOE-RED-42:3', { sku: 'SHOE-RED-42', quantity: 3 }],
  ['A:B', { sku: 'A:B', quantity: 1 }],
  ['A:B:1000000', { sku: 'A:B', quantity: 1_000_000 }],
])('reads the line %s', (text, line) => {
  expect(parseLine(text)).toEqual(line);
});

test.each(['', ' ', 'A:0', 'A:1000001'])('refuses the line "%s"', (text) => {
  expect(() => parseLine(text)).toThrow(UsageError);
});

test('reads a part of a line', () => {
  expect(parseLineQuantity('2:7')).toEqual({ lineNumber: 2, quantity: 7 });
  for (const text of ['2', '2:0', 'a:1', '2:1:1']) expect(() => parseLineQuantity(text)).toThrow(UsageError);
});

test.each([
  ['14d', 1_209_600_000],
  ['12h', 43_200_000],
  ['30m', 1_800_000],
  ['3600s', 3_600_000],
])('reads the time %s', (text, ms) => {
  expect(durationMs(parseDuration(text))).toBe(ms);
});

test.each(['', '14', '0s', '1.5h', '-1d', '3651d', '1w'])('refuses the time "%s"', (text) => {
  expect(() => parseDuration(text)).toThrow(UsageError);
});

test('reads instants with their offset, and a date as midnight UTC', () => {
  expect(timestampMs(parseInstant('2026-12-31'))).toBe(Date.UTC(2026, 11, 31));
  expect(timestampMs(parseInstant('2026-12-31T18:00:00+01:00'))).toBe(Date.UTC(2026, 11, 31, 17));
  // Without an offset it would mean another instant on each machine.
  for (const text of ['2026-12-31T18:00', 'tomorrow', '2026-13-01'])
    expect(() => parseInstant(text)).toThrow(UsageError);
});

test('reads whole numbers within their bounds', () => {
  expect(parseWhole('500', 1, 500)).toBe(500);
  for (const text of ['0', '501', '1.5', '1e2', '']) expect(() => parseWhole(text, 1, 500)).toThrow(UsageError);
});

test('tells the three kinds of id apart and mends a carelessly typed tracking id', () => {
  const trackingId = makeTrackingId(new Uint8Array(10).fill(7));
  const typed = ` ${trackingId.toLowerCase().replaceAll('-', '')} `;
  expect(parseTarget(typed, undefined)).toEqual({ case: 'trackingId', value: trackingId });
  const reservationId = '01a208ac-5d8a-76cb-b5b4-ca817d70da21';
  expect(parseTarget(reservationId, undefined)).toEqual({ case: 'reservationId', value: reservationId });
  expect(parseTarget(undefined, 'EX-1')).toEqual({ case: 'exchangeId', value: 'EX-1' });
});

test('asks again where an id is mistyped, missing or given twice', () => {
  const trackingId = makeTrackingId(new Uint8Array(10).fill(7));
  const swapped = `${trackingId.slice(0, -1)}${trackingId.endsWith('A') ? 'B' : 'A'}`;
  expect(() => parseTarget(swapped, undefined)).toThrow(/mistyped/);
  expect(() => parseTarget(undefined, undefined)).toThrow(UsageError);
  expect(() => parseTarget(trackingId, 'EX-1')).toThrow(UsageError);
});

test('shows enum values short and reads both forms', () => {
  expect(shortName(ReservationStateSchema, ReservationState.RESERVED)).toBe('RESERVED');
  expect(shortName(ReservationStateSchema, 99)).toBe('99');
  expect(parseEnum(ReservationStateSchema, 'released')).toBe(ReservationState.RELEASED);
  expect(parseEnum(ReservationStateSchema, 'RESERVATION_STATE_EXPIRED')).toBe(ReservationState.EXPIRED);
  expect(() => parseEnum(ReservationStateSchema, 'UNSPECIFIED')).toThrow(UsageError);
  expect(shortNames(ReservationStateSchema)).not.toContain('UNSPECIFIED');
});

test('attributes are read as name and value', () => {
  expect(parseAttribute('size=43')).toEqual({ size: '43' });
  expect(parseAttribute(' note = a=b ')).toEqual({ note: 'a=b' });
  for (const text of ['size', '=43', ' =43']) expect(() => parseAttribute(text)).toThrow(UsageError);
});
