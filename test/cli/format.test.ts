import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { parseCheckpoint } from '../../adapters/cli/arguments.ts';
import { formatReport } from '../../adapters/cli/commands/audit.ts';
import { formatApplied } from '../../adapters/cli/commands/rules-apply.ts';
import { formatSimulation } from '../../adapters/cli/commands/rules-simulate.ts';
import { formatRefusal, toRefusal, UsageError } from '../../adapters/cli/failures.ts';
import { formatAvailability } from '../../adapters/cli/format-availability.ts';
import { formatReservation, formatReservations } from '../../adapters/cli/format-reservation.ts';
import { formatTable } from '../../adapters/cli/table.ts';
import { VerifyLedgerResponseSchema } from '../../src/gen/earmark/v1/audit_service_pb.ts';
import { AvailabilityFlag, AvailabilitySchema } from '../../src/gen/earmark/v1/availability_pb.ts';
import {
  Milestone,
  ReleaseReason,
  ReservationSchema,
  ReservationState,
} from '../../src/gen/earmark/v1/reservation_pb.ts';
import { WaitlistPlaceSchema } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { ApplyRulesResponseSchema, SimulateRulesResponseSchema } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';

const reservation = create(ReservationSchema, {
  trackingId: 'EM-4WR9-FRF6-MJHD-AW5J-D',
  state: ReservationState.RESERVED,
  exchangeId: 'EX-1',
  createTime: timestampFromMs(Date.UTC(2026, 10, 23, 13, 50, 43)),
  expireTime: timestampFromMs(Date.UTC(2026, 11, 7, 13, 50, 43)),
  lines: [
    { lineNumber: 1, sku: 'SHOE', quantity: 2, reservedQuantity: 2, allocations: [{ warehouse: 'B-1', quantity: 2 }] },
  ],
});

test('a reservation is told line by line, with what is known', () => {
  expect(formatReservation(reservation)).toBe(
    [
      'EM-4WR9-FRF6-MJHD-AW5J-D',
      '  state       RESERVED',
      '  exchange    EX-1',
      '  reserved at 2026-11-23 13:50:43 UTC',
      '  held until  2026-12-07 13:50:43 UTC',
      '  line 1      2 × SHOE · 2 held, 2 in B-1',
    ].join('\n'),
  );
});

test('serial units are told by name', () => {
  const allocations = [{ warehouse: 'B-1', quantity: 2, unitIds: ['IMEI-1', 'IMEI-2'] }];
  const line = { lineNumber: 1, sku: 'PHONE', quantity: 2, reservedQuantity: 2, allocations };
  const serial = create(ReservationSchema, { trackingId: 'EM-1', state: ReservationState.RESERVED, lines: [line] });
  expect(formatReservation(serial)).toMatch(/2 × PHONE · 2 held, 2 in B-1 \(IMEI-1 IMEI-2\)$/);
});

test('R19: what waits tells how long, and where it stands in line', () => {
  const waiting = {
    ...reservation,
    state: ReservationState.WAITLISTED,
    lines: reservation.lines.map((line) => ({ ...line, quantity: 5, waitlistedQuantity: 3 })),
  };
  const place = create(WaitlistPlaceSchema, { lineNumber: 1, sku: 'SHOE', quantity: 3, linesAhead: 2 });
  const text = formatReservation(waiting, [place]);
  expect(text).toMatch(/waits until 2026-12-07/);
  expect(text).toMatch(/5 × SHOE · 2 held, 3 waiting, number 3 in line, 2 in B-1$/);
});

test('P26: a pick that was not asked for tells what it awaits, while the reservation is live', () => {
  const awaiting = { ...reservation, pickAwaits: Milestone.RETURN_RECEIVED };
  expect(formatReservation(awaiting)).toMatch(/^ {2}pick {8}awaits RETURN_RECEIVED$/m);
  expect(formatReservation({ ...awaiting, state: ReservationState.EXPIRED })).not.toMatch(/awaits/);
});

test('a resolved reservation tells why and no deadline', () => {
  const released = { ...reservation, state: ReservationState.RELEASED, releaseReason: ReleaseReason.CANCELLED };
  expect(formatReservation(released)).toMatch(/state {7}RELEASED \(CANCELLED\)/);
  expect(formatReservation(released)).not.toMatch(/held until/);
  expect(formatReservations([released])).toMatch(/EX-1 {6}2 × SHOE {2}-$/m);
});

test('numbers of a table stand right, and text from elsewhere cannot move the cursor', () => {
  const table = formatTable(
    [
      { title: 'SKU', align: 'left' },
      { title: 'UNITS', align: 'right' },
    ],
    [['A\u001b[2J', '7']],
  );
  expect(table).toBe('SKU    UNITS\nA?[2J      7');
});

test('a pool shows its flag in the short form', () => {
  const pool = create(AvailabilitySchema, { sku: 'A', warehouse: 'W', available: 3, flag: AvailabilityFlag.LOW });
  expect(formatAvailability([pool]).split('\n')[1]).toMatch(/^A {4}W +3 .*LOW$/);
});

test('a refusal tells reason and metadata', () => {
  const info = { domain: 'earmark.v1', reason: 'NO_STOCK', metadata: { sku: 'A', available: '0', warehouse: '' } };
  const error = new ConnectError('nothing left', Code.FailedPrecondition, undefined, [
    { desc: ErrorInfoSchema, value: info },
  ]);
  const refusal = toRefusal(error, 'http://x');
  expect(refusal).toEqual({ code: 9, reason: 'NO_STOCK', message: 'nothing left', metadata: info.metadata });
  expect(formatRefusal(refusal)).toBe('NO_STOCK: nothing left\n  available  0\n  sku        A\n');
});

test('what another program answers is told by its status', () => {
  expect(toRefusal(new ConnectError('who are you', Code.PermissionDenied), 'x')).toMatchObject({
    reason: 'PERMISSION_DENIED',
    message: 'who are you',
  });
});

test('each drift is one line, and zero drift is said', () => {
  const clean = create(VerifyLedgerResponseSchema, { poolsChecked: 3n });
  expect(formatReport(clean)).toMatch(/pools {9}3 checked\n.*\ncheckpoint {4}none yet\nzero drift$/);
  const drift = { sku: 'A', warehouse: 'W', kind: 'reserved', expected: 1n, actual: 2n };
  expect(formatReport({ ...clean, drifts: create(VerifyLedgerResponseSchema, { drifts: [drift] }).drifts })).toMatch(
    /drift reserved A W: expected 1, found 2\n1 drifts$/,
  );
});

test('the last checkpoint is shown in the form in which it can be asked for again', () => {
  const checkpoint = { size: 12n, root: new Uint8Array(32).fill(0xab) };
  const shown = formatReport(create(VerifyLedgerResponseSchema, { checkpoint, eventsUncovered: 2n }));
  const [, text = ''] = /^checkpoint {4}(\S+) · 2 events not yet covered$/m.exec(shown) ?? [];
  expect(parseCheckpoint(text)).toEqual({ size: 12n, root: Buffer.alloc(32, 0xab) });
  const root = 'ab'.repeat(32);
  for (const wrong of ['', '12', `0:${root}`, `12:${root.slice(2)}`, `-1:${root}`]) {
    expect(() => parseCheckpoint(wrong)).toThrow(UsageError);
  }
});

test('a simulation is told by its counts, the ones that matter, and by examples that draw nothing on the terminal', () => {
  const told = create(SimulateRulesResponseSchema, {
    casesChecked: 120n,
    accepted: 100n,
    refused: 20n,
    newlyRefused: 7n,
    examples: [
      { exchangeId: 'EX-\u001b[2J', differences: ['was accepted, would be refused as RULE_LIMIT', 'and so on'] },
    ],
  });
  const lines = formatSimulation(told).split('\n');
  expect(lines.slice(0, 5)).toEqual([
    '120 cases tried; nothing was changed',
    '  100  accepted',
    '   20  refused',
    '    7  accepted before, refused now',
    'for example',
  ]);
  expect(lines[5]).toContain('was accepted, would be refused as RULE_LIMIT; and so on');
  expect(lines[5]).not.toContain('\u001b');
});

test('what was applied is told with what was left as it is, twenty of them', () => {
  const left = Array.from({ length: 21 }, (_, at) => ({ trackingId: `EM-${at}`, reason: 'the warehouse has begun' }));
  const refusal = { reason: 'BEING_PICKED' };
  const told = create(ApplyRulesResponseSchema, {
    ruleVersion: 7n,
    reservationsChecked: 30n,
    left: left.map((one, at) => (at === 0 ? { ...one, refusal } : one)),
  });
  const lines = formatApplied(told, 9).split('\n');
  expect(lines.slice(0, 4)).toEqual([
    'version 7 applied: 9 of 30 reservations changed',
    'left as they are',
    '  EM-0: BEING_PICKED: the warehouse has begun',
    '  EM-1: the warehouse has begun',
  ]);
  expect(lines.slice(-2)).toEqual(['  EM-19: the warehouse has begun', '  and 1 more']);
});
